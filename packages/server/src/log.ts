// The durable history of targets, as engines see it. Memory, SQLite, Postgres … are adapters that pass one contract
// suite (`@calla/server/testing`). SPEC.md, section LG, has the rules.
import type { Cursor, Message, TargetKey } from "@calla/shared";

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
      /** What was taken in place of what was sent, where it was amended: one message, or several. */
      readonly message?: unknown;
    }
  | {
      readonly mid: number;
      readonly id: string;
      readonly from: "app" | "calla";
      readonly code: string;
      readonly details: unknown;
    };

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
 * The mark of a tombstone: another one than the last record's, at the same sequence. So whoever still holds the target
 * as it was finds out by the cursor alone: an append conflicts, a read is of another history.
 */
export const tombstoneMark = (mark: number): number => (mark + 1) >>> 0;

export interface Append {
  readonly target: TargetKey;
  /** The head this must continue from; anything else is a conflict. From a tombstone only a whole model continues. */
  readonly expected: Cursor;
  /** Dense from `expected.sequence + 1`. At least one. */
  readonly records: readonly LogRecord[];
  /** Rows to replace, in the same atom. */
  readonly rows: readonly ClientRow[];
}
export type AppendResult =
  | { readonly status: "appended" }
  /** The head is another one. What was missed is found by `read`. Nothing was written. */
  | { readonly status: "conflict" };

export type ReadResult =
  /** Records after the cursor, in order, at most `limit`; none if the cursor is the head. */
  | { readonly status: "records"; readonly records: readonly LogRecord[] }
  /** Some records after the cursor are no longer there: begin from the snapshot (`open`). */
  | { readonly status: "compacted" }
  /** The log has no such place: another mark at that sequence, or fewer records. */
  | { readonly status: "other-history" };

/** Histories of targets. Every method may reject: then nothing is known about what was done. */
export interface LogStorage {
  /** Whether other processes may append too. Then a refusal waits until the head is known not to have moved. */
  readonly shared: boolean;
  /** The target's head, or undefined if it never existed. */
  open(target: TargetKey): Promise<Head | undefined>;
  /**
   * Atomic and durable per target once resolved; results in the order of the batch. Compares, then appends. What brings
   * a removed target back begins with a record that holds a whole model; that is its stored snapshot from then on.
   */
  append(batch: readonly Append[]): Promise<readonly AppendResult[]>;
  read(target: TargetKey, after: Cursor, limit: number): Promise<ReadResult>;
  client(target: TargetKey, clientId: string): Promise<ClientRow | undefined>;
  /** Ignored unless newer than the stored one and of this history; only then may older records go. */
  saveSnapshot(target: TargetKey, snapshot: LogSnapshot): Promise<void>;
  /** In one atomic step: model and records go, a tombstone stays (sequence, version, time, client rows). */
  remove(target: TargetKey): Promise<void>;
  /** A secret kept by embedded durable logs, made at first use; undefined where nodes must be given one. */
  secret(): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}
