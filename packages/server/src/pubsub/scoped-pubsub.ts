// Topics, events and who says them, one layer above an engine of fan-out (cluster/pubsub.ts): for an app's own messages
// between its nodes. What is listed and counted is of this node alone, for an engine does not know the others.
import { CallaError } from "@calla/shared";
import type { Random } from "@calla/shared";
import { systemRandom } from "../base/clock.ts";
import { contain, reporter } from "../base/contain.ts";
import { containedPubSub, localPubSub } from "../cluster/pubsub.ts";
import type { PubSub } from "../cluster/pubsub.ts";

/** What a subscriber hears. */
export interface PubSubMessage<Payload = unknown> {
  readonly topic: string;
  readonly event: string;
  readonly payload: Payload;
}

/**
 * What `scopedPubSub` takes; every option has a default.
 *
 * @example
 * scopedPubSub(pubsub, { scope: "jobs" });
 */
export interface ScopedPubSubOptions {
  /** Those of different scopes do not hear each other. Default: "default". */
  readonly scope?: string;
  /** Where this node's own name comes from. Default: cryptographic chance. */
  readonly random?: Random;
  /** A listener or the engine threw, or another node's message is none. Default: a line on the standard error output. */
  readonly onError?: (error: unknown) => void;
}

/** Messages on topics, to the subscribers of all nodes. Each is heard once, or never: an engine may lose it. */
export interface ScopedPubSub<Payload = unknown> {
  /**
   * Hears what is said on a topic from now on. Returns the undo.
   *
   * @param as Who subscribes, so that `broadcastFrom` leaves him out; several may be the same. Default: nobody.
   */
  subscribe(topic: string, listener: (message: PubSubMessage<Payload>) => unknown, as?: string): () => void;
  /** To all subscribers of a topic, on all nodes; those of this node have heard it when this returns. */
  broadcast(topic: string, event: string, payload: Payload): void;
  /** The same to all but those who subscribed as `from`, on whatever node. */
  broadcastFrom(from: string, topic: string, event: string, payload: Payload): void;
  /** To the subscribers of this node. */
  localBroadcast(topic: string, event: string, payload: Payload): void;
  /** The same to all but those who subscribed as `from`. */
  localBroadcastFrom(from: string, topic: string, event: string, payload: Payload): void;
  /** Who subscribed to a topic as somebody, on this node, each once. */
  subscribers(topic: string): readonly string[];
  /** How many subscriptions a topic has on this node. */
  subscriberCount(topic: string): number;
  /** The topics that have a subscription on this node. */
  topics(): readonly string[];
  /** Calls back where something may have been lost until now, as far as the engine knows. Returns the undo. */
  onGap(listener: () => void): () => void;
  /** Ends all subscriptions; nothing is said any more. The engine goes on. */
  stop(): void;
}

interface Said {
  readonly event: string;
  readonly payload: unknown;
  readonly from: string | undefined;
}

interface Topic {
  readonly subscriptions: Set<{ readonly as: string | undefined }>;
  readonly silence: () => void;
}

/**
 * Messages of an app's own on topics, between the nodes that an engine reaches.
 *
 * @example
 * const jobs = scopedPubSub<{ id: string }>(pubsub, { scope: "jobs" });
 * const stop = jobs.subscribe("done", ({ event, payload }) => console.log(event, payload.id));
 * jobs.broadcast("done", "rendered", { id: "7" });
 */
export function scopedPubSub<Payload = unknown>(
  pubsub: PubSub,
  { scope = "default", random = systemRandom, onError }: ScopedPubSubOptions = {},
): ScopedPubSub<Payload> {
  const report = reporter(onError);
  const engine = containedPubSub(pubsub, report);
  const node = `${random.uint32().toString(36)}${random.uint32().toString(36)}`;
  const topics = new Map<string, Topic>();
  // Has the order within one node (PS2).
  const here = localPubSub();
  const gaps = new Set<() => void>();
  let stopped = false;

  /** A scope cannot be taken for the beginning of another one's topic. */
  const channelOf = (topic: string): string => `pubsub:${scope.length}:${scope}:${topic}`;
  const say = (topic: string, said: Said): void => {
    if (!stopped && topics.has(topic)) here.publish(topic, said);
  };
  const tell = (topic: string, { event, payload, from }: Said): void => {
    if (stopped) return;
    say(topic, { event, payload, from });
    engine.publish(channelOf(topic), { node, event, payload, ...(from !== undefined && { from }) });
  };
  const hear = (topic: string, told: unknown): void => {
    const { node: by, event, payload, from } = (told ?? {}) as Readonly<Record<string, unknown>>;
    if (by === node) return;
    if (
      typeof by !== "string" ||
      typeof event !== "string" ||
      (from !== undefined && typeof from !== "string")
    )
      throw new CallaError("protocol", { channel: channelOf(topic) });
    say(topic, { event, payload, from });
  };

  return {
    subscribe(topic, listener, as) {
      if (stopped) return () => undefined;
      const known = topics.get(topic) ?? {
        subscriptions: new Set(),
        silence: engine.subscribe(channelOf(topic), (told) => hear(topic, told)),
      };
      topics.set(topic, known);
      const subscription = { as };
      known.subscriptions.add(subscription);
      const leave = here.subscribe(topic, (said) => {
        const { event, payload, from } = said as Said;
        if (from === undefined || from !== as)
          contain(report, () => listener({ topic, event, payload: payload as Payload }));
      });
      return () => {
        leave();
        if (!known.subscriptions.delete(subscription) || known.subscriptions.size > 0) return;
        topics.delete(topic);
        known.silence();
      };
    },
    broadcast: (topic, event, payload) => tell(topic, { event, payload, from: undefined }),
    broadcastFrom: (from, topic, event, payload) => tell(topic, { event, payload, from }),
    localBroadcast: (topic, event, payload) => say(topic, { event, payload, from: undefined }),
    localBroadcastFrom: (from, topic, event, payload) => say(topic, { event, payload, from }),
    subscribers(topic) {
      const names = new Set<string>();
      for (const { as } of topics.get(topic)?.subscriptions ?? []) if (as !== undefined) names.add(as);
      return Array.from(names);
    },
    subscriberCount: (topic) => topics.get(topic)?.subscriptions.size ?? 0,
    topics: () => Array.from(topics.keys()),
    onGap(listener) {
      const end = engine.onGap(listener);
      const leave = (): void => {
        if (gaps.delete(leave)) end();
      };
      gaps.add(leave);
      return leave;
    },
    stop() {
      stopped = true;
      void here.close?.();
      for (const { subscriptions, silence } of topics.values()) {
        subscriptions.clear();
        silence();
      }
      topics.clear();
      for (const leave of Array.from(gaps)) leave();
    },
  };
}
