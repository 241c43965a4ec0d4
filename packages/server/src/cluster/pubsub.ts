// Fan-out between nodes. Calla's sync side rings doorbells (node-messages.ts) and relays pushes through it.
import type { Serialiser } from "@calla/shared";
import { contain } from "../base/contain.ts";
import type { Report } from "../base/contain.ts";

/**
 * Fan-out between nodes: implement it over Redis, Postgres or what you have, and hold it to `pubSubContract` of
 * `@calla/server/testing`. A message may come late, twice or never, for nothing but speed depends on it: a node that is not
 * rung looks at the log every `maxStaleness`, and presence compares its clocks. Those that one node publishes on one
 * channel come in order.
 *
 * @example
 * const pubsub = {
 *   publish: (channel, payload) => void redis.publish(channel, JSON.stringify(payload)),
 *   subscribe: (channel, listener) => subscribed(channel, (text) => listener(JSON.parse(text))),
 * };
 */
export interface PubSub {
  /** Hands a payload to every listener of the channel, on all nodes, this one's too. */
  publish(channel: string, payload: unknown): void;
  /** Returns the undo, after which the listener hears nothing more. */
  subscribe(channel: string, listener: (payload: unknown) => void): () => void;
  /**
   * Calls back once the engine works again after a time in which messages may have been lost, say because its connection
   * was; returns the undo. Left out by an engine that does not know: what was lost is then found out later.
   */
  onGap?(listener: () => void): () => void;
  /**
   * Calls back when the engine cannot go on and will not mend by itself, say because its password was withdrawn; returns the
   * undo. A supervisor then makes another one. Left out by an engine that always goes on trying.
   */
  onFailure?(listener: (error: unknown) => void): () => void;
  /**
   * How payloads become plain values and back. A server says so before its first call, and an engine that sends text or
   * bytes keeps to it. Where nobody says: what JSON has by itself.
   */
  carryWith?(serialiser: Serialiser): void;
  /** Lets go of everything; nobody is called any more. The app closes what it has opened: no server does. */
  close?(): void | Promise<void>;
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
  const channels = new Map<string, Set<{ readonly listener: (payload: unknown) => void }>>();
  // What a listener publishes comes after what it hears, for all: else some would hear it before, and others behind.
  let waiting: { readonly channel: string; readonly payload: unknown }[] | undefined;
  return {
    publish(channel, payload) {
      if (waiting !== undefined) return void waiting.push({ channel, payload });
      waiting = [{ channel, payload }];
      const thrown: unknown[] = [];
      for (const { channel, payload } of waiting) {
        const all = channels.get(channel);
        // Those that listen now, as long as they do.
        for (const one of Array.from(all ?? []))
          try {
            if (all?.has(one) === true) one.listener(payload);
          } catch (error) {
            thrown.push(error);
          }
      }
      waiting = undefined;
      if (thrown.length > 0) throw thrown[0];
    },
    subscribe(channel, listener) {
      const set = channels.get(channel) ?? new Set();
      const subscription = { listener };
      channels.set(channel, set.add(subscription));
      return () => {
        if (set.delete(subscription) && set.size === 0 && channels.get(channel) === set)
          channels.delete(channel);
      };
    },
    onGap: () => () => undefined,
    close() {
      for (const set of channels.values()) set.clear();
      channels.clear();
    },
  };
}

/** As Calla's own parts have it. */
export type ContainedPubSub = Required<Omit<PubSub, "close" | "onFailure">>;

/** A pubsub whose failures are reported: rings may be lost, and a malformed payload does not crash a server. */
export function containedPubSub(pubsub: PubSub, report: Report): ContainedPubSub {
  // A node that cannot be rung looks now and then in any case (SV6).
  const listening = (subscribe: () => (() => void) | undefined): (() => void) => {
    let silence: (() => void) | undefined;
    contain(report, () => {
      silence = subscribe();
    });
    return () => contain(report, () => silence?.());
  };
  return {
    publish: (channel, payload) => contain(report, () => pubsub.publish(channel, payload)),
    subscribe: (channel, listener) =>
      listening(() => pubsub.subscribe(channel, (payload) => contain(report, () => listener(payload)))),
    onGap: (listener) => listening(() => pubsub.onGap?.(() => contain(report, listener))),
    carryWith: (serialiser) => pubsub.carryWith?.(serialiser),
  };
}
