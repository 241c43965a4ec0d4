// createTracker: a tracker by itself, for apps whose members are not connections of Calla.
import { CallaError } from "@calla/shared";
import type { Clock, Random } from "@calla/shared";
import { steady, systemClock, systemRandom } from "../base/clock.ts";
import { reporter } from "../base/contain.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import { localPubSub } from "../cluster/pubsub.ts";
import { Tracker } from "./tracker.ts";

/**
 * What `createTracker` takes; every option has a default.
 *
 * @example
 * createTracker({ pubsub, name: process.env.HOSTNAME });
 */
export interface TrackerOptions {
  /** Reaches the other nodes. Default: this node is the only one. */
  readonly pubsub?: PubSub;
  /** Trackers of different scopes do not hear each other. Default: "default". */
  readonly scope?: string;
  /**
   * This node's own name, the same when it begins again, so that its members of before are gone at once and not when they
   * have been silent. No two nodes may have one name. Default: none.
   */
  readonly name?: string;
  /** Milliseconds after which the members of a node that has said nothing are gone, 1,000 to 600,000. Default: 15,000. */
  readonly silence?: number;
  /**
   * The widest spread, in milliseconds, over which this node has told its clients to return: where it is killed, its
   * members stay that long, if that is more than `silence`; at most ten minutes. What it throws is reported once. Default: 0.
   */
  readonly spread?: () => number;
  /** So many other nodes are listened to; more are reported. Default: 1,000. */
  readonly maxNodes?: number;
  /** So many members of other nodes are listed; more are reported. Default: 1,000,000. */
  readonly maxEntries?: number;
  /** Where time comes from. Default: the machine's. */
  readonly clock?: Clock;
  /** Where names of replicas come from. Default: cryptographic chance. */
  readonly random?: Random;
  /** A listener or the pubsub threw, or another node is not understood. Default: a line on the standard error output. */
  readonly onError?: (error: unknown) => void;
  /**
   * Something of its own threw, so that its lists are not to be trusted: call `restart`, or tell who supervises it. Default:
   * `onError` hears it, and it goes on.
   */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Lists who is here, the same on all nodes. A meta is a value that the pubsub can carry, and is not changed once it is
 * tracked.
 *
 * @throws CallaError `wiring`: `silence` is not between a second and ten minutes.
 * @example
 * const tracker = createTracker<{ name: string }>({ pubsub });
 * tracker.track("room:1", socket.id, user.id, { name: user.name });
 * for (const [key, entries] of tracker.list("room:1")) console.log(key, entries.length);
 */
export function createTracker<Meta = unknown>(options: TrackerOptions = {}): Tracker<Meta> {
  const { silence = 15_000, clock = systemClock, random = systemRandom } = options;
  if (!(silence >= 1_000 && silence <= 600_000))
    throw new CallaError(
      "wiring",
      { silence },
      `createTracker({ silence: ${silence} }): write milliseconds, from 1,000 to 600,000.`,
    );
  return new Tracker<Meta>({
    pubsub: options.pubsub ?? localPubSub(),
    clock: steady(clock),
    random,
    report: reporter(options.onError),
    scope: options.scope ?? "default",
    name: options.name,
    silence,
    // Ten words may be lost in a row.
    period: Math.floor(silence / 10),
    spread: options.spread ?? (() => 0),
    maxNodes: options.maxNodes ?? 1_000,
    maxEntries: options.maxEntries ?? 1_000_000,
    failed: options.onFailure,
  });
}
