// The durable history of targets, as engines see it. Memory, SQLite, Postgres … are adapters that pass one contract
// suite (`@calla/server/testing`). spec/logs.md has the rules.
import type { Cursor, Message, Rejection, Serialiser, TargetKey } from "@calla/shared";

/** Who dispatched: a client of a user, or null for the server itself. */
export interface Author {
  readonly clientId: string;
  readonly userId: string | null;
}

/** One accepted dispatch: one message or several with one fate, or (`model`) a whole model in their place. */
export interface LogRecord {
  readonly sequence: number;
  /** Chained hash over all that a fold reads; begun, and begun anew by a record with a model, with a random seed. */
  readonly mark: number;
  /** The slice version whose update functions fold it. */
  readonly version: number;
  /** Milliseconds; never less than the record's before it. */
  readonly at: number;
  readonly author: Author | null;
  /** The author's count; 0 if the server is the author. */
  readonly mid: number;
  readonly id: string;
  readonly messages: readonly Message[];
  /** Reset, migration, return after remove: the model after this record; `messages` is empty. */
  readonly model?: { readonly value: unknown };
}

/** What became of one mid. */
export type Outcome =
  | {
      readonly mid: number;
      readonly id: string;
      readonly sequence: number;
      /** What was taken in place of what was sent, where it was amended. */
      readonly messages?: readonly Message[];
    }
  | ({ readonly mid: number; readonly id: string } & Rejection);

/** What a target remembers of one client (or of one `key` of the server, as `#key`). */
export interface ClientRow {
  readonly clientId: string;
  /** The last mid with an outcome. */
  readonly last: number;
  /** The client has durably recorded its outcomes up to here; they are forgotten. */
  readonly settled: number;
  /** Above `settled`, by mid ascending. */
  readonly outcomes: readonly Outcome[];
}

/** A model at a place in its history. `at` is the last record's time. */
export interface LogSnapshot extends Cursor {
  readonly version: number;
  readonly at: number;
  readonly model: unknown;
}

/** What a log knows of a target when it is opened. Records after `snapshot` (all, without one) come by `read`. */
export interface Head extends Cursor {
  /** Version of the last record. */
  readonly version: number;
  /** Time of the last record: no later one is earlier, whatever has become of the records. */
  readonly at: number;
  readonly snapshot: LogSnapshot | undefined;
  /** A tombstone: model and records are gone. Its mark is `tombstoneMark` of the last record's. */
  readonly removed: boolean;
}

/**
 * The mark of a tombstone: another one than the last record's, at the same sequence. So a node that still holds the target
 * as it was finds out by the cursor alone: an append conflicts, a read is of another history.
 *
 * @example
 * await log.append([{ …, expected: { sequence, mark: tombstoneMark(mark) } }]);
 */
export const tombstoneMark = (mark: number): number => (mark + 1) >>> 0;

/** One target's part of a batch: records that continue its head, and the clients' rows with them, all or nothing. */
export interface Append {
  readonly target: TargetKey;
  /** The head this must continue from; anything else is a conflict. From a tombstone only a whole model continues. */
  readonly expected: Cursor;
  /** Dense from `expected.sequence + 1`. None: only rows are written, and the head stays as it is, also a tombstone. */
  readonly records: readonly LogRecord[];
  /** What rows become, in the same atom. */
  readonly rows: readonly RowWrite[];
  /** The time of this append: its rows' age. */
  readonly at: number;
}

/**
 * What is new of a client's row. Outcomes are written once, by the append that decided them; what is stored stays,
 * until `settled` reaches it.
 */
export interface RowWrite {
  readonly clientId: string;
  /** `last` of the row that it goes on from. Another one is a conflict: its client was answered by another node. */
  readonly was: number;
  readonly last: number;
  /** Outcomes up to here go, in the same atom. It never goes back: a lower one than is stored changes nothing. */
  readonly settled: number;
  /** Those decided since `was`, by mid ascending. */
  readonly outcomes: readonly Outcome[];
  /** They are all that are not settled: few and short, so that writing them again is less than keeping them apart. */
  readonly whole?: boolean;
}
/** What became of one `Append`. */
export type AppendResult =
  /** `bytes`: about how much was stored, where the log counts. What is small goes to other nodes with the ring. */
  | { readonly status: "appended"; readonly bytes?: number }
  /**
   * The head is another one, or a row is. Nothing was written. What was missed is found by `read` and `client`; a log that
   * has it at hand gives the first along, whole: what `read` after `expected` has, if that is at most `MOST_MISSED` records.
   */
  | { readonly status: "conflict"; readonly missed?: ReadResult }
  /** Of this target alone it cannot be said what was done: it is to be looked up. */
  | { readonly status: "unknown"; readonly error: unknown };

/** Records that a conflict brings along at most; where more were missed they are read. */
export const MOST_MISSED = 100;

/** What a conflict brings along, if a read of one record more than that has it all. */
export const wholeMissed = (read: ReadResult, most = MOST_MISSED): { readonly missed?: ReadResult } =>
  read.status === "records" && read.records.length > most ? {} : { missed: read };

/** What a log has after a cursor. */
export type ReadResult =
  /** Records after the cursor, in order, at most `limit`; none if the cursor is the head. */
  | { readonly status: "records"; readonly records: readonly LogRecord[] }
  /** Some records after the cursor are no longer there: begin from the snapshot (`open`). */
  | { readonly status: "compacted" }
  /** The log has no such place: another mark at that sequence, or fewer records. */
  | { readonly status: "other-history" };

/** Some of a target's past. */
export interface HistoryPage {
  /** By sequence ascending, dense; the last one is the newest at or below the sequence that was asked for. */
  readonly records: readonly LogRecord[];
  /** How far back the log reaches: the oldest record that it still has is the one after this sequence. */
  readonly from: number;
}

/** A place in the order of all that a log has taken. Only the log that gave it can compare it or go on from it. */
export type Position = string;

/** One thing that happened in a log. */
export type Change = { readonly position: Position; readonly target: TargetKey } & (
  | { readonly record: LogRecord }
  /** The target is gone, and all that it held: removed by the app, or a session or tombstone past its lifetime. */
  | { readonly gone: "removed" | "expired"; readonly sequence: number; readonly at: number }
);

/** What happened after a position. */
export interface Changes {
  readonly changes: readonly Change[];
  /** Go on from here: the last one's, or further where nothing that is kept lies between. */
  readonly position: Position;
}

/** A named consumer of everything a log takes: where it is, and which process reads in its name until when. */
export interface LogConsumer {
  readonly name: string;
  /** It has had everything up to here. */
  readonly position: Position;
  /** Who holds the lease. */
  readonly owner: string;
  /** Milliseconds: a claim at or after it is taken. When the consumer was last heard of, for `expire`. */
  readonly until: number;
}

/** A node's claim to be the one that runs a consumer, until a time (milliseconds). */
export interface Claim {
  readonly owner: string;
  /** Another's lease that ends then, or before, is over. The log compares the two and has no clock. */
  readonly now: number;
  readonly until: number;
  /** Where a consumer begins that the log does not know: with the oldest that it still has, or with what comes now. */
  readonly from: "beginning" | "now";
}
/** Whether the claim was granted: `held` by the claimant, or `taken` by another. */
export type ClaimResult =
  | { readonly status: "held"; readonly position: Position }
  /** By another owner, until then. */
  | { readonly status: "taken"; readonly until: number };

/** What is too old is what is older than these times (milliseconds). */
export interface Expiry {
  /** The time now: when what goes has gone. */
  readonly at: number;
  /** Sessions with no record and no `touch` since. */
  readonly sessions: number;
  /** Client rows that no append has written since. */
  readonly rows: number;
  /** Targets that were removed before. */
  readonly tombstones: number;
  /** Consumers whose lease has ended before. */
  readonly consumers: number;
  /** At most so many of each kind in this call. */
  readonly limit: number;
}
/** What went. Where any of them is as many as the limit, there may be more. */
export interface Expired {
  readonly sessions: readonly TargetKey[];
  readonly tombstones: readonly TargetKey[];
  readonly consumers: readonly string[];
  readonly rows: number;
}

/** One target that a log has, as `list` gives it. */
export interface ListedTarget {
  readonly target: TargetKey;
  /** Of the last record. */
  readonly sequence: number;
  /** Time of the last record. */
  readonly at: number;
  /** When it was last written to, touched or removed. */
  readonly used: number;
  /** A tombstone. */
  readonly removed: boolean;
}

/** Some of the targets that a log has. */
export interface TargetPage {
  readonly targets: readonly ListedTarget[];
  /** Go on from here; undefined: there are no more. Only the log that gave it can go on from it. */
  readonly next: string | undefined;
}

/**
 * Histories of targets. Every method may reject: then nothing is known about what was done.
 *
 * @example
 * createServer({ wiring, serialiser, log: memoryLog() });
 * // of your own: for (const { name, run } of logContract) test(name, () => run({ create: () => myLog() }));
 */
export interface LogStorage {
  /** Whether other processes may append too. */
  readonly shared: boolean;
  /**
   * How messages, models and details become plain values and back. A server says so before its first call, and a log
   * that stores text or bytes keeps to it. Where nobody says: the value domain without classes.
   */
  carryWith?(serialiser: Serialiser): void;
  /**
   * Calls back when what is read may be of another history than what was read before, in every target: the storage was
   * replaced while it was open. Returns the undo.
   */
  onReplaced?(listener: () => void): () => void;
  /** The target's head, or undefined if it never existed (or has expired). */
  open(target: TargetKey): Promise<Head | undefined>;
  /**
   * Atomic and durable per target once resolved; results in the order of the batch. Compares head and rows (a row that is
   * not there is like any), then appends; a row's new outcomes come after those stored. What brings a removed target back begins with a record that holds a whole
   * model; that is its stored snapshot from then on.
   */
  append(batch: readonly Append[]): Promise<readonly AppendResult[]>;
  /** The records after a cursor, in order, at most `limit` of them (`ReadResult`). */
  read(target: TargetKey, after: Cursor, limit: number): Promise<ReadResult>;
  /**
   * Of targets and the places where somebody holds them (the origin for one that he takes never to have been), those whose
   * head is at another place: at least all of these, and maybe more. Left out by a log that cannot tell in one go; then
   * each target is read.
   */
  moved?(places: readonly (readonly [target: TargetKey, at: Cursor])[]): Promise<readonly TargetKey[]>;
  /** What the target remembers of a client; undefined: nothing. */
  client(target: TargetKey, clientId: string): Promise<ClientRow | undefined>;
  /**
   * Ignored unless newer than the stored one and of this history. Only then may older records go, up to a stored
   * snapshot that stays: so every record that is kept can be folded to.
   */
  saveSnapshot(target: TargetKey, snapshot: LogSnapshot): Promise<void>;
  /**
   * In one atomic step: model and records go, a tombstone stays (sequence, version, time, client rows). `at`: now.
   * `unusedSince`: only if it was neither written nor touched at or after that time. False: nothing was done.
   */
  remove(target: TargetKey, at: number, unusedSince?: number): Promise<boolean>;

  /**
   * Targets whose names begin with a prefix, sessions and tombstones too, at most `limit` of them (fewer where there are
   * no more). What is there from the first page to the last is given once; what comes or goes meanwhile, at most once.
   */
  list(prefix: string, from: string | undefined, limit: number): Promise<TargetPage>;
  /** Bytes stored, where the log can tell. */
  bytes?(): Promise<number>;

  /** The newest records at or below a sequence, at most `limit` of them. */
  history(target: TargetKey, upTo: number, limit: number): Promise<HistoryPage>;
  /** The newest stored snapshot at or below a sequence. */
  snapshotAt(target: TargetKey, sequence: number): Promise<LogSnapshot | undefined>;

  /**
   * What happened after a position, in one order of all targets, at most `limit` of it. Nothing ever appears behind a
   * position that was given out. What has been compacted is left out; what a consumer has not had is not compacted.
   * `wanted`: what is of other targets may be left out too, and then need not be readable.
   */
  changes(after: Position, limit: number, wanted?: (target: TargetKey) => boolean): Promise<Changes>;
  /** Takes the lease on a consumer or renews one's own; the first claim of a name makes the consumer. */
  claimConsumer(name: string, claim: Claim): Promise<ClaimResult>;
  /**
   * Moves a consumer on, never back, and its lease to `until`. False, and nothing is done, if there is no such consumer or
   * the owner is another one.
   */
  advanceConsumer(
    name: string,
    to: { readonly owner: string; readonly position: Position; readonly until: number },
  ): Promise<boolean>;
  /** Forgets a consumer: nothing is kept for it any more. */
  dropConsumer(name: string): Promise<void>;
  /** Every consumer that the log knows. */
  consumers(): Promise<readonly LogConsumer[]>;

  /** These targets are in use: they are as if written at `at`, never earlier than before. Of what never was, or is removed: nothing. */
  touch(targets: readonly TargetKey[], at: number): Promise<void>;
  /**
   * Discards what is too old: sessions and tombstones as if they had never been (their client rows go by their own age),
   * client rows, consumers. A row's age is that of the append that wrote it.
   */
  expire(expiry: Expiry): Promise<Expired>;

  /**
   * A name of this log by chance, which a copy of it has too and no other log. A log that finds another one in its place
   * while it is in use, or an empty one, rejects all calls rather than go on with it.
   */
  identity?(): Promise<string>;
  /** A secret kept by embedded durable logs, made at first use; undefined where nodes must be given one. */
  secret(): Promise<Uint8Array | undefined>;
  /** Ends what is under way and frees what is open; what was appended stays. */
  close(): Promise<void>;
}
