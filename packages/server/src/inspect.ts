// What a server holds at this moment, counted when asked for; nothing is kept for it.
import { isSession } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import type { Hub } from "./hub/hub.ts";

/** Live counts of one server. Bytes are bytes. */
export interface Inspection {
  readonly ready: boolean;
  readonly connections: {
    readonly all: number;
    /** Without an answer to their Hello. */
    readonly pending: number;
    /** With so much unwritten that their updates are held back. */
    readonly slow: number;
    /** Bytes waiting to be written to all of them. */
    readonly unwritten: number;
  };
  /** Topics and sessions in memory. */
  readonly targets: {
    readonly open: number;
    /** With subscribers on this node. */
    readonly subscribed: number;
    /** Messages waiting for an append or under way. */
    readonly queued: number;
  };
  /** The topics with the most subscribers first, as many as were asked for. */
  readonly topics: readonly {
    readonly topic: TargetKey;
    readonly subscribers: number;
    /** Those of them who are held back. */
    readonly behind: number;
    readonly sequence: number;
    readonly queued: number;
  }[];
  readonly memory: { readonly heapUsed: number; readonly rss: number };
}

/** How much `server.inspect` lists. */
export interface InspectOptions {
  /** How many topics to list. Default 100. */
  readonly topics?: number;
}

export function inspect(hub: Hub, ready: boolean, { topics: most = 100 }: InspectOptions): Inspection {
  let unwritten = 0;
  for (const { connection } of hub.connections) unwritten += connection.bufferedAmount();
  let [open, subscribed, queued] = [0, 0, 0];
  const topics: Inspection["topics"][number][] = [];
  for (const { key, audience, engine } of hub.registry.all()) {
    const waiting = engine?.waiting ?? 0;
    open++;
    queued += waiting;
    if (audience.empty) continue;
    subscribed++;
    if (isSession(key)) continue;
    const behind = audience.behind.size;
    topics.push({
      topic: key,
      subscribers: audience.current.size + behind,
      behind,
      sequence: engine?.state.sequence ?? 0,
      queued: waiting,
    });
  }
  const { heapUsed, rss } = process.memoryUsage();
  return {
    ready,
    connections: {
      all: hub.connections.size,
      pending: hub.connectionQuota.pending,
      slow: hub.slowConsumers.size,
      unwritten,
    },
    targets: { open, subscribed, queued },
    topics: topics.toSorted((a, b) => b.subscribers - a.subscribers).slice(0, most),
    memory: { heapUsed, rss },
  };
}
