// Tokens that expire while a connection lives: the client is asked for another one in time, and what it gives is
// checked as at Hello. The connection stays; one that comes to no good end is closed.
import type { ClosingCode, SteadyClock } from "@calla/shared";
import type { Identified } from "../app/authenticate.ts";
import type { Conversation } from "./conversation.ts";
import type { RecentRightsChanges } from "../app/recent-rights-changes.ts";

/** The client is first asked when this share of the time is left, and no earlier than so many milliseconds before. */
const LEAD = { share: 0.2, most: 60_000 };
/** Milliseconds between two askings at least. */
const AGAIN = 1_000;

export interface TokenRefreshEffects {
  identify(conversation: Conversation, token: unknown): Identified | Promise<Identified>;
  /** The same user, known anew: its rights may be others. */
  renewed(conversation: Conversation): void;
  close(conversation: Conversation, code: ClosingCode, retryable: boolean): void;
  report(error: unknown): void;
}

export class TokenRefresh {
  readonly #clock: SteadyClock;
  readonly #recentChanges: RecentRightsChanges;
  readonly #effects: TokenRefreshEffects;

  constructor(clock: SteadyClock, recentChanges: RecentRightsChanges, effects: TokenRefreshEffects) {
    this.#clock = clock;
    this.#recentChanges = recentChanges;
    this.#effects = effects;
  }

  /**
   * Asks in time, and closes at the end. `expires` undefined: never. In wall time, as tokens have it; what is left of it is
   * counted from now on, whatever is made of the wall clock meanwhile.
   */
  watch(conversation: Conversation, expires: number | undefined): void {
    conversation.expiry?.();
    conversation.expiry = undefined;
    if (expires === undefined || conversation.phase !== "open") return;
    const left = expires - this.#clock.now();
    const end = this.#clock.monotonic() + left;
    this.#wait(conversation, end, Math.min(left * LEAD.share, LEAD.most));
  }

  #wait(conversation: Conversation, end: number, lead: number): void {
    const left = end - this.#clock.monotonic();
    if (left <= 0) return this.#effects.close(conversation, "token-expired", true);
    let next = left - lead;
    if (next <= 0) {
      conversation.send({ type: "Expiring", within: Math.ceil(left) });
      // A callback that failed, or a frame that was lost: asked again, until it is too late.
      next = Math.min(Math.max(left / 3, AGAIN), left);
      if ((conversation.phase as string) === "closed") return; // the socket broke at it
    }
    conversation.expiry = this.#clock.setTimeout(() => this.#wait(conversation, end, lead), next);
  }

  /** Another token. One is looked at at a time, and of those that come meanwhile only the newest. */
  async answer(conversation: Conversation, token: unknown): Promise<void> {
    const { refreshing } = conversation;
    if (refreshing !== undefined) {
      refreshing.next = { token };
      return;
    }
    const mine: NonNullable<Conversation["refreshing"]> = { next: { token } };
    conversation.refreshing = mine;
    while (mine.next !== undefined) {
      const asked = mine.next.token;
      mine.next = undefined;
      const since = this.#recentChanges.count;
      const found = await this.#effects.identify(conversation, asked);
      if (conversation.phase !== "open") return;
      const { clientId } = conversation;
      this.#take(conversation, found.ok ? this.#recentChanges.asNow(found, clientId, since) : found);
      if ((conversation.phase as string) !== "open") return;
    }
    conversation.refreshing = undefined;
  }

  #take(conversation: Conversation, found: Identified): void {
    if (!found.ok) {
      if (found.error !== undefined) this.#effects.report(found.error);
      // It cannot be told now: what is known counts until it expires.
      if (!found.retryable) this.#effects.close(conversation, found.code, false);
      return;
    }
    // Another user has another outbox, other models and other rights: another client (S41).
    if ((found.user?.id ?? null) !== conversation.userId)
      return this.#effects.close(conversation, "user-changed", false);
    conversation.user = found.user;
    this.watch(conversation, found.expires);
    this.#effects.renewed(conversation);
  }
}
