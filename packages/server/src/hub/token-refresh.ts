// Tokens that expire while a connection lives: the client is asked for another one in time, and what it sends is
// checked as at Hello. The connection stays; without a good token it is closed.
import type { Cancel, SteadyClock } from "@calla/shared";
import type { Authenticator, Identified } from "../app/authenticate.ts";
import type { Identifications } from "../app/inquiry.ts";
import type { Conversation } from "../connection/conversation.ts";
import { refused } from "../connection/refusal.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { AccessRecheck } from "./access-recheck.ts";

/** The client is first asked when this share of the time is left, and no earlier than so many milliseconds before. */
const LEAD = { share: 0.2, most: 60_000 };
interface Unauthenticated {
  readonly code: "unauthenticated";
  readonly retryable: false;
}

/** Milliseconds between two requests at least. */
const AGAIN = 1_000;

export class TokenRefresh {
  readonly #context: ServerContext;
  readonly #clock: SteadyClock;
  readonly #authenticator: Authenticator;
  readonly #identifications: Identifications;
  readonly #accessRecheck: AccessRecheck;
  /** Each ends the wait for a token to expire. */
  readonly #expiries = new Map<Conversation, Cancel>();
  /** Whose newer token is being checked, and maybe another one waits. */
  readonly #renewals = new Map<Conversation, { next: { readonly token: unknown } | undefined }>();

  constructor(
    context: ServerContext,
    authenticator: Authenticator,
    identifications: Identifications,
    accessRecheck: AccessRecheck,
  ) {
    this.#context = context;
    this.#clock = context.clock;
    this.#authenticator = authenticator;
    this.#identifications = identifications;
    this.#accessRecheck = accessRecheck;
  }

  /**
   * Asks in time, and closes at the end. `expires` undefined: never. In wall time, as tokens have it; what is left of it is
   * counted from now on, whatever is made of the wall clock meanwhile.
   */
  watch(conversation: Conversation, expires: number | undefined): void {
    this.#unwatch(conversation);
    if (expires === undefined || conversation.phase !== "open") return;
    const left = expires - this.#clock.now();
    const end = this.#clock.monotonic() + left;
    this.#wait(conversation, end, Math.min(left * LEAD.share, LEAD.most));
  }

  #wait(conversation: Conversation, end: number, lead: number): void {
    const left = end - this.#clock.monotonic();
    if (left <= 0) return this.#close(conversation, "token-expired");
    let next = left - lead;
    if (next <= 0) {
      conversation.send({ type: "Expiring", within: Math.ceil(left) });
      // A callback that failed, or a frame that was lost: asked again, until it is too late.
      next = Math.min(Math.max(left / 3, AGAIN), left);
      if (conversation.is("closed")) return; // the socket broke at it
    }
    const wait = this.#clock.setTimeout(() => this.#wait(conversation, end, lead), next);
    this.#expiries.set(conversation, wait);
  }

  /** Another token. One is checked at a time, and of those that come meanwhile only the newest. */
  async answer(conversation: Conversation, token: unknown): Promise<void> {
    const other = this.#renewals.get(conversation);
    if (other !== undefined) {
      other.next = { token };
      return;
    }
    const mine: { next: { readonly token: unknown } | undefined } = { next: { token } };
    this.#renewals.set(conversation, mine);
    while (mine.next !== undefined) {
      const asked = mine.next.token;
      mine.next = undefined;
      const { clientId } = conversation;
      const identification = this.#identifications.begin(clientId);
      const found = await this.#authenticator.identify(conversation, asked);
      identification.end();
      if (!conversation.is("open")) return;
      this.#take(conversation, found.ok ? identification.asNow(found, clientId) : found);
      if (!conversation.is("open")) return;
    }
    this.#renewals.delete(conversation);
  }

  /** It is gone. */
  left(conversation: Conversation): void {
    this.#unwatch(conversation);
    this.#renewals.delete(conversation);
  }

  #unwatch(conversation: Conversation): void {
    this.#expiries.get(conversation)?.();
    this.#expiries.delete(conversation);
  }

  #take(conversation: Conversation, found: Identified): void {
    if (!found.ok) {
      if (found.error !== undefined) this.#context.report(found.error);
      // Where it cannot be checked now, what is known counts until it expires.
      if (found.code === "unauthenticated") this.#close(conversation, { code: found.code, retryable: false });
      return;
    }
    // Another user has another outbox, other models and other rights: another client (S41).
    if ((found.user?.id ?? null) !== conversation.userId) return this.#close(conversation, "user-changed");
    conversation.user = found.user;
    this.watch(conversation, found.expires);
    // The same user, known anew: its rights may be others.
    void this.#accessRecheck.changed(conversation).catch((error: unknown) => this.#context.report(error));
  }

  #close(conversation: Conversation, end: "token-expired" | "user-changed" | Unauthenticated): void {
    const code = typeof end === "string" ? end : end.code;
    refused(this.#context, conversation, undefined, code, {});
    conversation.end(end);
  }
}
