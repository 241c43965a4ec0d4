// Who may open a connection: room for its address, then the app's `connect` hook, in its time. It never rejects. Not here:
// what of the request's form is checked before (transports).
import { contain, isThenable } from "../../base/contain.ts";
import type { House } from "../../house/house.ts";
import type { ChannelLimits } from "./channels-limits.ts";
import type { Admission, Admitted, NotAdmitted, PhoenixRequest } from "./host.ts";

/** What the app's hook returns to let a connection in. */
export interface Accepted<Assigns> {
  readonly type: "accepted";
  readonly assigns: Assigns;
  readonly id: string | undefined;
}
/** What it returns to turn it away. */
export interface Denied {
  readonly type: "denied";
  readonly status: number;
  readonly body: string;
}

/** Who may connect, and what its channels know of it. */
export type Connect<Assigns extends object> = (
  request: PhoenixRequest & { readonly signal: AbortSignal },
) => Accepted<Assigns> | Denied | Promise<Accepted<Assigns> | Denied>;

/**
 * Lets a connection in. `assigns` are what each of its channels gets, `id` is what `channels.disconnect(id)` names it by.
 *
 * @example
 * connect: async ({ authToken }) => {
 *   const user = await verify(authToken);
 *   return user === undefined ? deny(401) : accept({ user }, `users:${user.id}`);
 * }
 */
export const accept = <Assigns extends object>(assigns: Assigns, id?: string): Accepted<Assigns> => ({
  type: "accepted",
  assigns,
  id,
});

/**
 * Turns a connection away, by an HTTP status from 400 to 599 and a text for who reads it. Clients try again later,
 * whatever the status is. LongPoll clients are told 403 for every status below 500, and no text.
 *
 * @example
 * connect: ({ params }) => (params["key"] === KEY ? accept({}) : deny(401, "wrong key"))
 */
export const deny = (status = 403, body = ""): Denied => ({ type: "denied", status, body });

const ANYBODY: Accepted<object> = accept({});

export class Admissions {
  readonly #house: House;
  readonly #limits: ChannelLimits;
  readonly #connect: Connect<object> | undefined;
  /** Hooks under way, by what addresses are counted as. */
  readonly #waiting = new Map<string, number>();

  constructor(house: House, limits: ChannelLimits, connect: Connect<object> | undefined) {
    this.#house = house;
    this.#limits = limits;
    this.#connect = connect;
  }

  admit(request: PhoenixRequest, peer: { readonly signal: AbortSignal }): Admission | Promise<Admission> {
    if (this.#connect === undefined) return decided(request, ANYBODY);
    const key = this.#house.addressOf(request) ?? "";
    const under = this.#waiting.get(key) ?? 0;
    const most = this.#limits.maxConnectsPerAddress;
    if (under >= most) {
      const why = `${most} requests of ${key === "" ? "no known address" : "one address"} wait for connect. Behind a proxy, name it in trustedProxies; or raise limits.maxConnectsPerAddress.`;
      return { ...refusal(429), why };
    }
    const abort = new AbortController();
    const gone = (): void => abort.abort();
    try {
      const answer = this.#connect({
        ...request,
        // Made when it is asked for: it costs more than all else of a connection that comes.
        get signal() {
          return abort.signal;
        },
      });
      if (!isThenable(answer)) return decided(request, answer);
      const { signal } = peer;
      signal.addEventListener("abort", gone, { once: true });
      this.#waiting.set(key, under + 1);
      return this.#inTime(request, Promise.resolve(answer), abort).finally(() => {
        signal.removeEventListener("abort", gone);
        const left = (this.#waiting.get(key) ?? 1) - 1;
        if (left > 0) this.#waiting.set(key, left);
        else this.#waiting.delete(key);
      });
    } catch (error) {
      return this.#failed(error);
    }
  }

  #inTime(request: PhoenixRequest, answer: Promise<unknown>, abort: AbortController): Promise<Admission> {
    const { clock } = this.#house;
    return new Promise((resolve) => {
      const cancel = clock.setTimeout(() => {
        abort.abort();
        const late = `connect has not answered within ${this.#limits.connectTimeout} ms; the client was told 503.`;
        contain(this.#house.report, () => this.#house.report(new Error(late)));
        resolve(refusal(503));
      }, this.#limits.connectTimeout);
      answer.then(
        (given) => {
          cancel();
          try {
            resolve(decided(request, given));
          } catch (error) {
            resolve(this.#failed(error));
          }
        },
        (error: unknown) => {
          cancel();
          resolve(this.#failed(error));
        },
      );
    });
  }

  #failed(error: unknown): NotAdmitted {
    this.#house.report(error);
    return refusal(500);
  }
}

const refusal = (status: number, body = ""): NotAdmitted => ({ accepted: false, status, body });

/** Throws for what is neither. */
function decided(request: PhoenixRequest, given: unknown): Admission {
  const answer = (given ?? { type: "nothing" }) as Accepted<object> | Denied | { readonly type: "nothing" };
  if (answer.type === "accepted")
    return { accepted: true, request, assigns: answer.assigns, id: answer.id } satisfies Admitted;
  if (
    answer.type === "denied" &&
    Number.isInteger(answer.status) &&
    answer.status >= 400 &&
    answer.status < 600 &&
    typeof answer.body === "string"
  )
    return refusal(answer.status, answer.body);
  throw new TypeError(
    "connect returns accept(assigns, id?) or deny(status?, body?), with a status from 400 to 599 and a text as body.",
  );
}
