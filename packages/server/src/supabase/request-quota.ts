// How much is asked over HTTP: requests under way, of all and of one address, and messages an address says.
import type { SteadyClock } from "@calla/shared";
import { TokenBucket } from "../base/token-bucket.ts";
import { CountByKey } from "../connection/connection-quota.ts";
import type { SupabaseLimits } from "./limits.ts";

/** Addresses whose rates are remembered; who has been quiet is forgotten first. */
const MOST_ADDRESSES = 10_000;

export class RequestQuota {
  readonly #limits: SupabaseLimits;
  readonly #clock: SteadyClock;
  readonly #bucket: TokenBucket;
  readonly #paid = new Map<string, number>();
  readonly #byAddress = new CountByKey();
  #underWay = 0;

  constructor(limits: SupabaseLimits, clock: SteadyClock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#bucket = new TokenBucket(limits.requestRate, limits.requestBurst);
  }

  /** A request of an address begins. Gives the limit that it is over, if there is one; otherwise `leave` must follow. */
  enter(address: string): keyof SupabaseLimits | undefined {
    if (this.#underWay >= this.#limits.maxRequests) return "maxRequests";
    if (this.#byAddress.add(address, 1) > this.#limits.maxRequestsPerAddress) {
      this.#byAddress.add(address, -1);
      return "maxRequestsPerAddress";
    }
    this.#underWay++;
    return undefined;
  }

  leave(address: string): void {
    this.#underWay--;
    this.#byAddress.add(address, -1);
  }

  /** It says so many messages. False: too many in too little time. */
  pays(address: string, count: number): boolean {
    const paid = this.#bucket.take(this.#paid.get(address) ?? 0, this.#clock.monotonic(), count);
    if (paid === undefined) return false;
    this.#paid.delete(address);
    this.#paid.set(address, paid);
    const [quiet] = this.#paid.keys();
    if (this.#paid.size > MOST_ADDRESSES && quiet !== undefined) this.#paid.delete(quiet);
    return true;
  }
}
