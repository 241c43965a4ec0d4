// Changes of users that happen while a client is being authenticated: they are applied to the answer. Clients that are
// known already are handled at once (hub.ts).
import type { AnyUser } from "./handlers.ts";
import { matches } from "../identity/rights-change.ts";
import type { RightsChange } from "../identity/rights-change.ts";

/** So many are remembered. Whoever took longer than that is to come again. */
export const REMEMBERED = 256;

interface Known {
  readonly ok: true;
  readonly user: AnyUser | null;
}
interface Unknown {
  readonly ok: false;
  readonly code: "busy" | "unauthenticated";
  readonly retryable: boolean;
}

export class RecentRightsChanges {
  readonly #said: RightsChange[] = [];
  #count = 0;

  /** To be kept while somebody is being found out, and given back with what was found. */
  get count(): number {
    return this.#count;
  }

  /** Only what is said of the user itself: whoever is not known yet is asked about everything else later. */
  add(whose: RightsChange): void {
    if (whose.user === undefined) return;
    this.#count++;
    this.#said.push(whose);
    if (this.#said.length > REMEMBERED) this.#said.shift();
  }

  /** What was found, as it is now: the user given since, or nobody. */
  asNow<Found extends Known>(found: Found, clientId: string, since: number): Found | Unknown {
    const missed = this.#count - since;
    if (missed === 0) return found;
    if (missed > this.#said.length) return { ok: false, code: "busy", retryable: true };
    const userId = found.user?.id ?? null;
    let now = found;
    for (const whose of this.#said.slice(-missed)) {
      if (!matches(whose, { clientId, userId })) continue;
      if (whose.user === null) return { ok: false, code: "unauthenticated", retryable: false };
      if (whose.user?.id === userId) now = { ...now, user: whose.user };
    }
    return now;
  }
}
