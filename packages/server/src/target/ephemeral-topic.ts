// An ephemeral topic: its subscribers here and, where the slice keeps it, each author's latest message. No model, no
// sequence, no mids; what a slow or absent subscriber misses is gone.
import { authorTag } from "@calla/shared";
import type { EphemeralSlice, Message, TargetKey } from "@calla/shared";
import { Audience } from "./audience.ts";
import type { Pushed } from "./audience.ts";
import type { Conversation, TargetSubscription } from "../connection/conversation.ts";
import type { SlowConsumers } from "../connection/slow-consumers.ts";
import type { ServerContext } from "../context/server-context.ts";

/** The pubsub channel of a topic's pushes. */
const pushChannel = (topic: TargetKey): string => `pushed:${topic}`;

/** A push on its way to other nodes. `except`: the client in whose name it is, wherever it is connected. */
interface Relayed {
  readonly node: string;
  readonly pushed: Pushed;
  readonly except: string | undefined;
}

/** Tells other nodes of a push. */
export function relay(context: ServerContext, topic: TargetKey, pushed: Pushed, except?: string): void {
  const relayed: Relayed = { node: context.node, pushed, except };
  context.pubsub.publish(pushChannel(topic), relayed);
}

/** Brings the pushes of other nodes to an audience; returns the undo. */
export const hearRelayed = (context: ServerContext, topic: TargetKey, audience: Audience): (() => void) =>
  context.pubsub.subscribe(pushChannel(topic), (payload) => {
    const { node, pushed, except } = payload as Relayed;
    if (node === context.node || !Array.isArray(pushed)) return;
    if (pushed.length === 3 && Array.isArray(pushed[2])) audience.push(pushed, except);
  });

export class EphemeralTopic {
  readonly topic: TargetKey;
  readonly slice: EphemeralSlice;
  readonly params: readonly string[];
  readonly audience: Audience;
  readonly openedFor = undefined;
  readonly lastUsed: number;
  /** Closed: who comes for it gets another one. */
  closed = false;
  readonly #context: ServerContext;
  /** Of local authors; each node keeps its own. */
  #latest = new Map<string, Pushed>();

  constructor(
    context: ServerContext,
    slowConsumers: SlowConsumers,
    topic: TargetKey,
    slice: EphemeralSlice,
    params: readonly string[],
  ) {
    this.#context = context;
    this.topic = topic;
    this.slice = slice;
    this.params = params;
    this.lastUsed = context.clock.monotonic();
    this.audience = new Audience(topic, context.clock, slowConsumers, slice.keep === "latest");
  }

  join(conversation: Conversation, subscription: TargetSubscription): void {
    subscription.live = true;
    conversation.send({
      type: "Settled",
      target: this.topic,
      ref: subscription.ref,
      sequence: 0,
      next: 1,
      outcomes: [],
      resync: "current",
      reason: "ephemeral",
    });
    if (this.#latest.size > 0)
      conversation.send({ type: "Push", target: this.topic, pushes: [...this.#latest.values()] });
    this.audience.current.add(conversation);
  }

  leave(conversation: Conversation): void {
    this.audience.remove(conversation);
    if (this.#latest.delete(conversation.clientId))
      this.#say([authorTag(conversation.clientId, this.topic), conversation.userId, []]);
  }

  /** A client's messages. They have been admitted. */
  dispatch({ clientId, userId }: Conversation, messages: readonly Message[]): void {
    const tag = authorTag(clientId, this.topic);
    if (this.slice.keep === "latest") this.#latest.set(clientId, [tag, userId, messages.slice(-1)]);
    this.#say([tag, userId, messages]);
  }

  #say(pushed: Pushed): void {
    this.audience.push(pushed);
    relay(this.#context, this.topic, pushed);
  }
}
