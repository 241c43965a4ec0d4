// A log in memory: what a process remembers while it lives. It keeps what it is given by reference (records, rows and
// models are immutable values) and never forgets a target by itself. SPEC.md, section LG.
import type { Cursor, Random, TargetKey } from "@calla/shared";
import { systemRandom } from "./clock.ts";
import { tombstoneMark } from "./log.ts";
import type { Append, ClientRow, Head, LogRecord, LogSnapshot, LogStorage, ReadResult } from "./log.ts";

export interface MemoryLogOptions {
  /**
   * Records kept although a saved snapshot covers them, so that readers catch up by records. Default 1,000: more than
   * `maxCatchUp` are a snapshot anyway, and what is kept is what the garbage collector walks.
   */
  readonly retention?: number;
  /** Whether several servers of this process append to this log. Default false. */
  readonly shared?: boolean;
  readonly random?: Random;
}

/**
 * A log that lives as long as the process. Several servers may share one.
 *
 * @example
 * createServer({ wiring, serialiser, log: memoryLog() });
 */
export function memoryLog({
  retention = 1_000,
  shared = false,
  random = systemRandom,
}: MemoryLogOptions = {}): LogStorage {
  const targets = new Map<TargetKey, History>();
  let secret: Uint8Array | undefined;
  return {
    shared,
    async open(target) {
      return targets.get(target)?.asHead();
    },
    async append(batch) {
      return batch.map((append) => {
        const history = targets.get(append.target) ?? new History();
        if (!history.append(append)) return { status: "conflict" };
        targets.set(append.target, history);
        return { status: "appended" };
      });
    },
    async read(target, after, limit) {
      return (targets.get(target) ?? new History()).read(after, limit);
    },
    async client(target, clientId) {
      return targets.get(target)?.rows.get(clientId);
    },
    async saveSnapshot(target, snapshot) {
      targets.get(target)?.save(snapshot, retention);
    },
    async remove(target) {
      targets.get(target)?.remove();
    },
    async secret() {
      secret ??= new Uint8Array(Uint32Array.from({ length: 8 }, () => random.uint32()).buffer);
      return secret.slice();
    },
    // Other servers may still use it, and there is nothing to let go.
    async close() {},
  };
}

/** One target: its records from `base` (a sequence) on. `head` is the last record's place, or the tombstone's. */
class History {
  readonly rows = new Map<string, ClientRow>();
  #head: Cursor = { sequence: 0, mark: 0 };
  #base: Cursor = this.#head;
  #version = 0;
  #at = 0;
  #records: LogRecord[] = [];
  #snapshot: LogSnapshot | undefined;
  #removed = false;

  asHead(): Head {
    const { sequence, mark } = this.#head;
    return {
      sequence,
      mark,
      version: this.#version,
      at: this.#at,
      snapshot: this.#snapshot,
      removed: this.#removed,
    };
  }

  append({ expected, records, rows }: Append): boolean {
    if (expected.sequence !== this.#head.sequence || expected.mark !== this.#head.mark) return false;
    const last = records.at(-1);
    if (last?.sequence !== expected.sequence + records.length) {
      throw new RangeError("An append needs records, dense from the expected sequence.");
    }
    if (this.#removed) {
      const { sequence, mark, version, at, model } = records[0]!;
      if (model === undefined) return false;
      // Stored with the append: what was before is gone, so without it the target could not be opened.
      this.#snapshot = { sequence, mark, version, at, model: model.value };
    }
    for (const record of records) this.#records.push(record);
    for (const row of rows) this.rows.set(row.clientId, row);
    this.#head = last;
    this.#version = last.version;
    this.#at = last.at;
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

  /** Only a record that is still there can vouch for a snapshot: so none of before a removal comes back. */
  save(snapshot: LogSnapshot, retention: number): void {
    const { sequence, mark } = snapshot;
    if (sequence <= (this.#snapshot?.sequence ?? 0) || sequence <= this.#base.sequence) return;
    if (this.#markAt(sequence) !== mark) return;
    this.#snapshot = snapshot;
    this.#dropTo(sequence - retention);
  }

  remove(): void {
    if (this.#removed) return;
    const { sequence, mark } = this.#head;
    this.#head = this.#base = { sequence, mark: tombstoneMark(mark) };
    this.#records = [];
    this.#snapshot = undefined;
    this.#removed = true;
  }

  #dropTo(sequence: number): void {
    const count = sequence - this.#base.sequence;
    const last = this.#records[count - 1];
    if (last === undefined) return;
    this.#base = { sequence: last.sequence, mark: last.mark };
    this.#records.splice(0, count);
  }

  #markAt(sequence: number): number | undefined {
    if (sequence === 0) return 0;
    if (sequence === this.#base.sequence) return this.#base.mark;
    return this.#records[sequence - this.#base.sequence - 1]?.mark;
  }
}
