// How many fresh identities an address is given: each may have a session and rows in the log, and nothing else makes them
// cost anything. Whoever shows a good one is no newcomer. Not here: what an identity is (signed-identity.ts).
import { TokenBucket } from "../base/token-bucket.ts";

export interface IdentityQuotaOptions {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Fresh identities of one address, a second and at once. */
  readonly rate: number;
  readonly burst: number;
  /** Addresses that are remembered; those over it share one account. */
  readonly most?: number;
}

const MOST_ADDRESSES = 20_000;
/** Remembered addresses that are looked at for each newcomer: more than one, so that they become fewer. */
const LOOKED_AT = 2;

export class IdentityQuota {
  readonly #now: () => number;
  readonly #rate: TokenBucket;
  readonly #most: number;
  /** When what each has taken will have been paid for; the longest unseen first. */
  readonly #paid = new Map<string, number>();
  /** Of all that there was no room for. */
  #others = 0;

  constructor({ now, rate, burst, most = MOST_ADDRESSES }: IdentityQuotaOptions) {
    this.#now = now;
    this.#rate = new TokenBucket(rate, burst);
    this.#most = most;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#paid.size;
  }

  /** 0: it may have one. Otherwise: not now, but in so many milliseconds. Without an address: whoever is on this machine. */
  arrived(address: string | undefined): number {
    if (address === undefined) return 0;
    const now = this.#now();
    this.#forgetRested(now);
    const known = this.#paid.get(address);
    const isOther = known === undefined && this.#paid.size >= this.#most;
    const paid = known ?? (isOther ? this.#others : 0);
    const next = this.#rate.take(paid, now);
    if (next === undefined) return Math.max(1, this.#rate.wait(paid, now));
    if (isOther) this.#others = next;
    else this.#paid.set(address, next);
    return 0;
  }

  /** Only of those who owe nothing any more: nobody has a fresh burst for having been forgotten. */
  #forgetRested(now: number): void {
    let looked = 0;
    for (const [address, paid] of this.#paid) {
      if (looked++ === LOOKED_AT) return;
      this.#paid.delete(address);
      if (!this.#rate.rested(paid, now)) this.#paid.set(address, paid);
    }
  }
}
