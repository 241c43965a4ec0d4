// Rights that change while a connection lives. Dispatching asks the app every time; about subscriptions it is asked again
// when it says so, when a token was renewed, and now and then in any case (S16).
import { isSession } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { Inquiry } from "../app/inquiry.ts";
import type { Admitted } from "../app/intent.ts";
import type { Conversation, TargetSubscription } from "../connection/conversation.ts";
import type { ServerContext } from "../context/server-context.ts";
import type { AwaitedTopics } from "./awaited-topics.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { isTemporary, toldAs } from "./access.ts";
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
  /** When the app was last asked about all of a connection's subscriptions. */
  readonly #checkedAt = new WeakMap<Conversation, number>();
  /** Whoever was asked about then, or before, is to be asked about again. */
  #doubted = -Infinity;

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
   * Its rights have changed, to one topic or to all: asks again about what it has subscribed or may reach. An answer of
   * before does not count any more; where asking fails, its client has to subscribe again.
   */
  changed(conversation: Conversation, topic?: TargetKey): Promise<void> {
    this.#access.changed(conversation, topic);
    return this.#askAbout(conversation, topic, "subscribe");
  }

  /** The round: rights have not changed as far as anybody knows, so a question that is under way is not asked again. */
  recheck(conversation: Conversation): Promise<void> {
    this.#access.forget(conversation);
    return this.#askAbout(conversation, undefined, "recheck");
  }

  /** A subscription that is not admitted yet has a question of its own under way (subscriptions.ts). */
  async #askAbout(
    conversation: Conversation,
    topic: TargetKey | undefined,
    purpose: "subscribe" | "recheck",
  ): Promise<void> {
    if (topic === undefined) this.#checkedAt.set(conversation, this.#context.clock.monotonic());
    this.#awaitedTopics.askAnew(conversation, topic);
    const { subscriptions } = conversation;
    const asked = (topic === undefined ? [...subscriptions.keys()] : [topic]).filter(
      (key) => subscriptions.get(key)?.admitted === true && !isSession(key),
    );
    await Promise.all(asked.map((key) => this.#ask(conversation, key, subscriptions.get(key)!, purpose)));
  }

  #ask(
    conversation: Conversation,
    key: TargetKey,
    subscription: TargetSubscription,
    purpose: "subscribe" | "recheck",
  ): Promise<void> | undefined {
    const { inquiry } = subscription;
    // Asked about already: whoever asked judges the answer, which is of after the change by then.
    if (inquiry !== undefined) return new Promise((resolve) => inquiry.whenAnswered(() => resolve()));
    const named = this.#directory.named(key, conversation.clientId);
    const asked = typeof named === "string" ? named : this.#access.ask(conversation, key, named, purpose);
    if (!(asked instanceof Inquiry)) {
      this.#judge(conversation, key, subscription, asked, purpose === "recheck");
      return undefined;
    }
    subscription.inquiry = asked;
    return new Promise((resolve) =>
      asked.whenAnswered((answer) => {
        subscription.inquiry = undefined;
        this.#judge(conversation, key, subscription, answer, asked.lenient);
        resolve();
      }),
    );
  }

  #judge(
    conversation: Conversation,
    key: TargetKey,
    subscription: TargetSubscription,
    answer: Admitted,
    lenient: boolean,
  ): void {
    // A newer request goes by the answer itself; one that was withdrawn needs none.
    if (conversation.phase !== "open" || conversation.subscriptions.get(key) !== subscription) return;
    if (answer === true || (isTemporary(answer) && lenient)) return;
    refused(this.#context, conversation, key, toldAs(answer), {});
    this.#subscriptions.cut(conversation, key, toldAs(answer));
  }

  /** Other nodes may have told of changes that were not heard: the round begins anew with all that are here. */
  doubt(): void {
    this.#doubted = this.#context.clock.monotonic();
  }

  /** One tick of the round: those who were not asked about for `recheckAfter`, a share of them at a time. */
  tick(connections: ReadonlySet<Conversation>): void {
    const { clock, limits } = this.#context;
    const before = Math.max(clock.monotonic() - limits.recheckAfter, this.#doubted);
    let left = Math.ceil((2 * connections.size) / ROUND);
    for (const conversation of connections) {
      const { state } = conversation;
      if (state.phase !== "open" || (this.#checkedAt.get(conversation) ?? state.since) > before) continue;
      if (left-- === 0) return;
      this.recheck(conversation).catch(this.#context.report);
    }
  }
}
