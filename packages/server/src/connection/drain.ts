// A server that is to be replaced sends its clients elsewhere, a share of them at a time, so that neither the other nodes
// nor its successor meet all of them at once. Not here: waiting for appends and storing snapshots (server.ts, stop).
import type { Clock } from "@calla/shared";
import type { Conversation } from "./conversation.ts";

/** What `server.drain` takes: how long clients take to leave, and to come back elsewhere. */
export interface DrainOptions {
  /** Milliseconds over which clients are sent away. Default 10,000. */
  readonly over?: number;
  /** Milliseconds within which each of them comes back, at random. Default 10,000. */
  readonly reconnectWithin?: number;
  /** Milliseconds to wait at the end for a log that does not answer; then it is reported. Default 5,000. */
  readonly within?: number;
}

/** Milliseconds between two shares. A client that is to leave has one to hear its outcomes in. */
export const SHARE_EVERY = 100;
export const DRAIN = { over: 10_000, reconnectWithin: 10_000 } as const;

export interface Draining {
  readonly clock: Clock;
  readonly connections: ReadonlySet<Conversation>;
  /** Milliseconds within which each that is ended comes back. */
  readonly reconnectWithin: number;
  /** Asked of the server, which lies above: is it stopped meanwhile? Then nothing more is spread. */
  readonly stopped: () => boolean;
}

/** Resolves when nobody is connected any more. */
export async function sendAway(
  { clock, connections, reconnectWithin, stopped }: Draining,
  over: number,
): Promise<void> {
  const shares = Math.max(1, Math.floor(over / SHARE_EVERY));
  const share = Math.max(1, Math.ceil(connections.size / shares));
  let leaving: Conversation[] = [];
  while (connections.size > 0 && !stopped()) {
    for (const conversation of leaving) conversation.end("draining", reconnectWithin);
    leaving = [];
    for (const conversation of connections) {
      if (leaving.length === share) break;
      // From here on its client is asked to send its messages again, to whichever node it reaches then.
      conversation.leaving = true;
      leaving.push(conversation);
    }
    if (leaving.length > 0) await new Promise<void>((resolve) => void clock.setTimeout(resolve, SHARE_EVERY));
  }
}
