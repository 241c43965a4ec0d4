// Fan-out between nodes. Calla's sync side rings doorbells (node-messages.ts) and relays pushes through it.
import { contain } from "../base/contain.ts";
import type { Report } from "../base/contain.ts";

/**
 * Fan-out between the nodes that share a log: implement it over Redis, Postgres or what you have. A message may come
 * late, twice or never, for nothing but speed depends on it: a node that is not rung looks at the log every
 * `maxStaleness`. Payloads are plain data that JSON carries, and the `user` that `reauthorise` was given.
 *
 * @example
 * const pubsub = {
 *   publish: (channel, payload) => void redis.publish(channel, JSON.stringify(payload)),
 *   subscribe: (channel, listener) => subscribed(channel, (text) => listener(JSON.parse(text))),
 * };
 */
export interface PubSub {
  /** Hands a payload to every listener of the channel, on all nodes. */
  publish(channel: string, payload: unknown): void;
  /** Returns the undo. The publisher itself need not hear its own. */
  subscribe(channel: string, listener: (payload: unknown) => void): () => void;
}

/**
 * Fan-out inside one process: for several servers of a test, over one `memoryLog({ shared: true })`.
 *
 * @example
 * const pubsub = localPubSub();
 * const nodes = [1, 2].map(() => createServer({ wiring, serialiser, log, pubsub }));
 */
export function localPubSub(): PubSub {
  // One object per subscription, so that the same function can subscribe twice and leave once.
  const listeners = new Map<string, Set<{ readonly listener: (payload: unknown) => void }>>();
  return {
    publish(channel, payload) {
      const all = listeners.get(channel);
      // Those that listen now, as long as they do.
      for (const one of Array.from(all ?? [])) if (all?.has(one) === true) one.listener(payload);
    },
    subscribe(channel, listener) {
      const set = listeners.get(channel) ?? new Set();
      const subscription = { listener };
      listeners.set(channel, set.add(subscription));
      return () => {
        if (set.delete(subscription) && set.size === 0) listeners.delete(channel);
      };
    },
  };
}

/** A pubsub whose failures are reported: rings may be lost, and a malformed payload does not crash a server. */
export const containedPubSub = (pubsub: PubSub, report: Report): PubSub => ({
  publish: (channel, payload) => contain(report, () => pubsub.publish(channel, payload)),
  subscribe(channel, listener) {
    // A node that cannot be rung looks now and then in any case (SV6).
    let silence = (): void => undefined;
    contain(report, () => {
      silence = pubsub.subscribe(channel, (payload) => contain(report, () => listener(payload)));
    });
    return () => contain(report, silence);
  },
});
