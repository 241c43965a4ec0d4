// What a frame asks goes to the part that does it; of a connection and of a packet alike. Not here: whether a frame may
// be said now (incoming.ts), whether somebody is let in (admission.ts).
import type { ClientFrame, ClientFrames, Subscription } from "@calla/shared";
import type { Conversation } from "../connection/conversation.ts";
import type { Herd } from "../connection/herd.ts";
import { newest, SubscribeRequests } from "../connection/incoming.ts";
import type { PollWord } from "../connection/incoming.ts";
import type { Intake } from "../connection/intake.ts";
import type { Limited, RateLimiter } from "../connection/rate-limiter.ts";
import type { Roster } from "../roster/roster.ts";
import type { ServerContext } from "../context/server-context.ts";
import { keyOf } from "../target/target-directory.ts";
import { endsWithAnswers } from "./admission.ts";
import type { Admission, Welcome } from "./admission.ts";
import type { AwaitedTopics } from "./awaited-topics.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { HubHooks } from "./hub-hooks.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { TokenRefresh } from "./token-refresh.ts";

export interface RouterParts {
  readonly context: ServerContext;
  readonly admission: Admission;
  readonly dispatcher: Dispatcher;
  readonly subscriptions: Subscriptions;
  readonly awaitedTopics: AwaitedTopics;
  readonly tokenRefresh: TokenRefresh;
  readonly rateLimiter: RateLimiter;
  readonly roster: Roster;
  readonly intake: Intake;
  readonly herd: Herd;
  readonly hooks: Pick<HubHooks, "connected">;
}

type Track = ClientFrames["Track"];

export class Router {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** `words`: what is said of presence in the packet of a Hello. */
  hear(conversation: Conversation, frame: ClientFrame, words: readonly PollWord[] = []): void {
    const { rateLimiter, herd, subscriptions, tokenRefresh, roster } = this.#parts;
    switch (frame.type) {
      case "Hello":
        return this.#hello(conversation, frame, words);
      case "TopicMessage":
        return void this.message(conversation, frame);
      case "Subscribe":
        return void this.#subscribe(conversation, frame);
      case "Resync":
        return this.#resync(conversation, frame.targets);
      case "Unsubscribe":
        if (rateLimiter.other(conversation, frame)) this.#unsubscribe(conversation, frame);
        return;
      case "Ping":
        if (!rateLimiter.other(conversation, frame)) return;
        herd.pong(conversation);
        if (frame.presence !== undefined) roster.ping(conversation, frame.presence);
        return subscriptions.ping(conversation, frame);
      case "Authenticate":
        if (!rateLimiter.other(conversation, frame)) return;
        return void tokenRefresh
          .answer(conversation, frame.token)
          .catch((error: unknown) => conversation.fail(error));
      case "Track":
        return roster.track(conversation, frame);
      case "ListMembers":
        return roster.listMembers(conversation, frame);
      default:
        frame satisfies never;
    }
  }

  /** Where it is not taken, its client got an answer; or `ignored`: an answer of before holds for this message, too. */
  message(conversation: Conversation, frame: ClientFrames["TopicMessage"]): Limited {
    const { rateLimiter, dispatcher } = this.#parts;
    if (conversation.leaving) {
      const { target, mid } = frame;
      conversation.send({ type: "Paused", target, from: mid, code: "draining", retryAfter: 1_000 });
      return "told";
    }
    const limited = rateLimiter.message(conversation, frame);
    if (limited === "taken") dispatcher.message(conversation, keyOf(conversation, frame.target), frame);
    return limited;
  }

  /** A packet whose client has no connection here says that it is gone. */
  farewell(packet: Conversation, frame: Track): void {
    this.#parts.roster.farewell(packet, frame);
  }

  #hello(conversation: Conversation, hello: ClientFrames["Hello"], words: readonly PollWord[]): void {
    void this.#parts.admission
      .admit(conversation, hello, (welcome) => this.#welcome(conversation, hello, words, welcome))
      ?.catch((error: unknown) => conversation.fail(error));
  }

  #welcome(
    conversation: Conversation,
    hello: ClientFrames["Hello"],
    words: readonly PollWord[],
    { connected, expires, fresh }: Welcome,
  ): void {
    const { context, herd, tokenRefresh, hooks, subscriptions, roster } = this.#parts;
    const { clientId, userId, speaker } = conversation;
    context.observe?.({ type: "connected", clientId, userId, fresh });
    if (conversation.phase !== "open") return; // who observes has ended it
    roster.opened(conversation);
    conversation.send(connected(herd.welcome(conversation)));
    tokenRefresh.watch(conversation, expires);
    if (conversation.phase !== "open") return; // the socket broke, or the token has expired already
    // A page that polls every few seconds does not connect each time: only its first poll counts as that.
    if (speaker === "page" || (speaker === "poll" && fresh)) hooks.connected(conversation, fresh);
    if (conversation.phase !== "open") return; // the app's hook has
    this.#resync(conversation, hello.targets, (answers) => {
      for (const word of words)
        if (word.type === "Track" && conversation.phase === "open") roster.track(conversation, word);
      if (!endsWithAnswers(conversation, hello)) return;
      void Promise.all(answers).then(() => {
        // Over its rate a page is not waited for: its client asks again.
        for (const word of words) if (word.type === "ListMembers") roster.listMembers(conversation, word);
        subscriptions.finish(conversation);
      });
    });
  }

  #subscribe(conversation: Conversation, asked: Subscription): Promise<void> | undefined {
    const { rateLimiter, subscriptions } = this.#parts;
    const retryAfter = rateLimiter.join(conversation, asked.target);
    if (retryAfter === 0) return subscriptions.subscribe(conversation, asked);
    subscriptions.putOff(conversation, asked, retryAfter);
    return undefined;
  }

  /** An unsubscribe overtaken by a newer subscribe is an old ref: it means nothing any more. */
  #unsubscribe(conversation: Conversation, { target, ref }: ClientFrames["Unsubscribe"]): void {
    const { subscriptions, awaitedTopics } = this.#parts;
    const key = keyOf(conversation, target);
    if ((conversation.subscriptions.get(key)?.ref ?? Infinity) <= ref) subscriptions.leave(conversation, key);
    if ((awaitedTopics.refOf(conversation, key) ?? Infinity) <= ref) awaitedTopics.forget(conversation, key);
  }

  /** `asked` is called once all were asked for, with the answers that have to be waited for. */
  #resync(
    conversation: Conversation,
    targets: readonly Subscription[],
    asked: (answers: readonly (Promise<void> | undefined)[]) => void = () => {},
  ): void {
    const subscribe = (one: Subscription): Promise<void> | undefined => this.#subscribe(conversation, one);
    if (targets.length > 1)
      return this.#parts.intake.first(conversation, new SubscribeRequests(newest(targets), subscribe, asked));
    asked(targets.map(subscribe)); // as most have it
  }
}
