// What the state holds and what replicas tell each other, as values.
import type { ClockRange } from "./clock-set.ts";

/**
 * Somebody is here: a holder (one connection's channel, or any text) is on a topic under a key. Its tag, `replica` and
 * `clock`, is its own for ever: an entry that is changed is another entry with another tag. Never changed in place.
 */
export interface PresenceEntry<Meta = unknown> {
  readonly topic: string;
  /** What ends together; at most one entry of a replica has the same topic, holder and key. */
  readonly holder: string;
  /** Whose entry it is, say a user's id. "": nobody's in particular, who is counted and never listed. */
  readonly key: string;
  readonly meta: Meta;
  /** Which replica has made it; only that one ends it. */
  readonly replica: string;
  readonly clock: number;
  /** Which time it is that its holder comes: on a topic only what it holds by its highest is listed. Default: not counted. */
  readonly attempt?: number;
  /** The clock of the entry that this one took the place of. */
  readonly replaced?: number;
}

/** What a change came to: who is listed that was not before, and who no longer. An update is one of each. */
export interface EntryDiff<Meta = unknown> {
  readonly joins: readonly PresenceEntry<Meta>[];
  readonly leaves: readonly PresenceEntry<Meta>[];
}

/**
 * What is known of one replica, all of it or a part: of these clocks, those with an entry are alive and all others are
 * dead. Parts may be merged in any order and more than once.
 */
export interface PresencePart<Meta = unknown> {
  readonly replica: string;
  /** Sorted, apart. */
  readonly clocks: readonly ClockRange[];
  /** Sorted by clock; each clock is one of `clocks`. */
  readonly entries: readonly PresenceEntry<Meta>[];
}

/** What somebody knows, so that he is told the rest: each replica with its clocks. */
export type PresenceClocks = readonly (readonly [replica: string, clocks: readonly ClockRange[]])[];

/**
 * An entry's tag as one text, alike on all nodes.
 *
 * @example
 * const ref = tagOf(entry);
 */
export const tagOf = ({ replica, clock }: PresenceEntry): string => `${replica}.${clock.toString(36)}`;
