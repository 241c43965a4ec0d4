// Rights that change while a connection lives. Dispatching asks every time; what is followed is asked about again when
// the app says so, when a token was renewed, and now and then in any case (S16).
import { isSession } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { Check } from "../app/app-checks.ts";
import type { Conversation, PendingRecheck, FollowedTarget } from "../connection/conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { AwaitedTopics } from "./awaited-topics.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { passes, toldAs } from "./access.ts";
import type { Access } from "./access.ts";
import type { TargetDirectory } from "../target/target-directory.ts";
import { refused } from "../connection/refusal.ts";

/** A tick of the round is this part of `recheckAfter`; in one at most that part of all connections, twice, is asked. */
export const ROUND = 16;

export class AccessRecheck {
  readonly #context: ServerContext;
  readonly #directory: TargetDirectory;
  readonly #access: Access;
  readonly #subscriptions: Subscriptions;
  readonly #awaitedTopics: AwaitedTopics;

  constructor(
    context: ServerContext,
    directory: TargetDirectory,
    access: Access,
    subscriptions: Subscriptions,
    awaitedTopics: AwaitedTopics,
  ) {
    this.#context = context;
    this.#directory = directory;
    this.#access = access;
    this.#subscriptions = subscriptions;
    this.#awaitedTopics = awaitedTopics;
  }

  /**
   * Asks anew about everything it follows or may reach. `lenient`: where asking fails it goes on for now; otherwise it
   * has to ask again.
   */
  async recheck(conversation: Conversation, { lenient }: { readonly lenient: boolean }): Promise<void> {
    conversation.rights++;
    conversation.checkedAt = this.#context.clock.monotonic();
    this.#access.forget(conversation); // what waits there is asked about again (S43)
    for (const { check } of conversation.follows.values()) check?.withdraw();
    this.#awaitedTopics.askAnew(conversation);
    // What is asked about for the first time is still its own wish's question (subscriptions.ts).
    const asked = [...conversation.follows].filter(
      ([key, { admitted }]) => admitted !== false && !isSession(key),
    );
    await Promise.all(
      asked.map(([key, follow]) => {
        const { admitted } = follow;
        // What must not go on unanswered stays so, though the round asks about it meanwhile.
        const strict = !lenient || (typeof admitted === "object" && !admitted.lenient);
        const doubt = { lenient: !strict };
        follow.admitted = doubt;
        return this.#ask(conversation, key, follow, doubt);
      }),
    );
  }

  async #ask(
    conversation: Conversation,
    key: TargetKey,
    follow: FollowedTarget,
    doubt: PendingRecheck,
  ): Promise<void> {
    const named = this.#directory.named(key, conversation.clientId);
    const answer =
      typeof named === "string" ? named : this.#access.admit(conversation, key, named, "subscribe");
    if (answer instanceof Check) follow.check = answer;
    const allowed = answer instanceof Check ? await answer.answer : answer;
    if (follow.check === answer) follow.check = undefined;
    // Asked about again meanwhile, by another check or a newer wish: that one counts.
    if (follow.admitted !== doubt || conversation.follows.get(key) !== follow) return;
    if (allowed === true || (passes(allowed) && doubt.lenient)) {
      follow.admitted = true;
      return;
    }
    refused(this.#context, conversation, key, toldAs(allowed), {});
    this.#subscriptions.cut(conversation, key, toldAs(allowed), passes(allowed));
  }

  /** One tick of the round: those who were not asked about for `recheckAfter`, a share of them at a time. */
  tick(connections: ReadonlySet<Conversation>): void {
    const before = this.#context.clock.monotonic() - this.#context.limits.recheckAfter;
    let left = Math.ceil((2 * connections.size) / ROUND);
    for (const conversation of connections) {
      if (conversation.phase !== "open" || conversation.checkedAt > before) continue;
      if (left-- === 0) return;
      this.recheck(conversation, { lenient: true }).catch(this.#context.report);
    }
  }
}
