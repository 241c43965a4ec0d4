// An ephemeral topic: its subscribers here and, where the slice keeps it, each author's latest message. No model, no
// sequence, no mids; what a slow or absent subscriber misses is gone.
import { authorTag } from "@calla/shared";
import type { EphemeralSlice, Message, TargetKey } from "@calla/shared";
import { tellPush } from "../cluster/node-messages.ts";
import type { RelayedPush } from "../cluster/node-messages.ts";
import { Audience } from "./audience.ts";
import type { Pushed } from "./audience.ts";
import type { Conversation, TargetSubscription } from "../connection/conversation.ts";
import type { SlowConsumers } from "../connection/slow-consumers.ts";
import type { ServerContext } from "../context/server-context.ts";

/** Brings a push of another node to an audience; what is none goes no further. */
export function pushRelayed(audience: Audience, { pushed, except }: RelayedPush): void {
  if (pushed.length === 3 && Array.isArray(pushed[2])) audience.push(pushed as unknown as Pushed, except);
}

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
    tellPush(this.#context, this.topic, { pushed });
  }
}
