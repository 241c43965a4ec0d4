// One target of the memory log: its records from a stored snapshot on, the newest snapshot, and where it stands.
import { isSession, ORIGIN } from "@calla/shared";
import type { Cursor, TargetKey } from "@calla/shared";
import { tombstoneMark } from "../log.ts";
import type { Append, Head, HistoryPage, ListedTarget, LogRecord, LogSnapshot, ReadResult } from "../log.ts";

/** Records from `base` (a sequence) on. `head` is the last record's place, or the tombstone's. */
export class History {
  #head: Cursor = ORIGIN;
  #base: Cursor = ORIGIN;
  #version = 0;
  #at = 0;
  #records: LogRecord[] = [];
  /**
   * By sequence: the one that the records continue from (none: the origin), at most one that they will continue from
   * next, and the newest. More are never needed: the second takes the first one's place once the records before it may
   * go, and the newest the second's.
   */
  #snapshots: LogSnapshot[] = [];
  #removed = false;
  /** When it was last written to, touched or removed. */
  #usedAt = 0;
  readonly #key: TargetKey;

  constructor(key: TargetKey) {
    this.#key = key;
  }

  asHead(): Head {
    const { sequence, mark } = this.#head;
    return {
      sequence,
      mark,
      version: this.#version,
      at: this.#at,
      snapshot: this.#snapshots.at(-1),
      removed: this.#removed,
    };
  }

  append({ expected, records }: Append): boolean {
    if (expected.sequence !== this.#head.sequence || expected.mark !== this.#head.mark) return false;
    if (records.length === 0) return true;
    const last = records.at(-1);
    if (last?.sequence !== expected.sequence + records.length) {
      throw new RangeError("An append's records are dense from the expected sequence.");
    }
    if (this.#removed) {
      const { sequence, mark, version, at, model } = records[0]!;
      if (model === undefined) return false;
      // Stored with the append: what was before is gone, so without it the target could not be opened.
      this.#snapshots = [{ sequence, mark, version, at, model: model.value }];
    }
    for (const record of records) this.#records.push(record);
    this.#head = last;
    this.#version = last.version;
    this.#at = this.#usedAt = last.at;
    this.#removed = false;
    return true;
  }

  read(after: Cursor, limit: number): ReadResult {
    const mark = this.#markAt(after.sequence);
    if (mark === undefined && after.sequence > 0 && after.sequence < this.#base.sequence)
      return { status: "compacted" };
    if (mark !== after.mark) return { status: "other-history" };
    if (after.sequence < this.#base.sequence) return { status: "compacted" };
    const from = after.sequence - this.#base.sequence;
    return { status: "records", records: this.#records.slice(from, from + limit) };
  }

  history(upTo: number, limit: number): HistoryPage {
    const from = this.#base.sequence;
    const end = Math.max(0, Math.min(upTo - from, this.#records.length));
    return { records: this.#records.slice(Math.max(0, end - limit), end), from };
  }

  snapshotAt(sequence: number): LogSnapshot | undefined {
    return this.#snapshots.findLast((snapshot) => snapshot.sequence <= sequence);
  }

  /** Only a record that is still there can vouch for a snapshot: so none of before a removal comes back. */
  save(snapshot: LogSnapshot, retention: number): number {
    const { sequence, mark } = snapshot;
    if (sequence <= (this.#snapshots.at(-1)?.sequence ?? 0) || sequence <= this.#base.sequence) return 0;
    if (this.#markAt(sequence) !== mark) return 0;
    const based = this.#snapshots[0]?.sequence === this.#base.sequence ? 1 : 0;
    // Of those that the records do not begin at, the first is the next to begin at; what was newest is in nobody's way.
    const kept = this.#snapshots.slice(0, based + 1);
    this.#snapshots = [...kept, snapshot];
    const next = this.#snapshots.findLast((one) => one.sequence <= sequence - retention);
    if (next === undefined || next.sequence <= this.#base.sequence) return 0;
    this.#snapshots = this.#snapshots.slice(this.#snapshots.indexOf(next));
    return this.#dropTo(next);
  }

  /** Leaves a tombstone, and says how many records went. */
  remove(at: number, unusedSince = Infinity): number | undefined {
    if (this.#removed || this.#usedAt >= unusedSince) return undefined;
    const { sequence, mark } = this.#head;
    const count = this.#records.length;
    this.#head = this.#base = { sequence, mark: tombstoneMark(mark) };
    this.#records = [];
    this.#snapshots = [];
    this.#removed = true;
    this.#usedAt = at;
    return count;
  }

  touch(at: number): void {
    if (at > this.#usedAt && !this.#removed) this.#usedAt = at;
  }

  asListed(): ListedTarget {
    const { sequence } = this.#head;
    return { target: this.#key, sequence, at: this.#at, used: this.#usedAt, removed: this.#removed };
  }

  isAt({ sequence, mark }: Cursor): boolean {
    return sequence === this.#head.sequence && mark === this.#head.mark;
  }

  /** What it is too old as, if it is. */
  outlived({ sessions, tombstones }: { readonly sessions: number; readonly tombstones: number }) {
    if (this.#removed) return this.#usedAt < tombstones ? "tombstone" : undefined;
    return isSession(this.#key) && this.#usedAt < sessions ? "session" : undefined;
  }

  /** Whether it holds this very record. */
  has({ sequence, mark }: LogRecord): boolean {
    return sequence > this.#base.sequence && this.#markAt(sequence) === mark;
  }
  get length(): number {
    return this.#records.length;
  }

  #dropTo({ sequence, mark }: Cursor): number {
    const count = sequence - this.#base.sequence;
    this.#base = { sequence, mark };
    this.#records.splice(0, count);
    return count;
  }

  #markAt(sequence: number): number | undefined {
    if (sequence === 0) return 0;
    if (sequence === this.#base.sequence) return this.#base.mark;
    return this.#records[sequence - this.#base.sequence - 1]?.mark;
  }
}
