// What the checks of the log contract share: plain assertions and makers of valid appends.
import { inspect, isDeepStrictEqual } from "node:util";
import type { Cursor, TargetKey } from "@calla/shared";
import { tombstoneMark } from "../../log/log.ts";
import type { Append, ClientRow, Head, LogRecord, LogSnapshot, LogStorage } from "../../log/log.ts";

/** How the contract gets logs to check. */
export interface LogMaker {
  /** A fresh, empty log. */
  create(): LogStorage | Promise<LogStorage>;
  /** The same stored data again, after `log.close()`, as after a restart. Absent: checks of durability are skipped. */
  reopen?(log: LogStorage): LogStorage | Promise<LogStorage>;
}

/** One rule of the contract; `name` begins with its id. */
export interface LogCheck {
  readonly name: string;
  /** Rejects with what is wrong. */
  run(logs: LogMaker): Promise<void>;
}

export const ORIGIN: Cursor = { sequence: 0, mark: 0 };

export function equal(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const show = (value: unknown): string =>
    inspect(value, { depth: 8, maxStringLength: 200, maxArrayLength: 20 });
  throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** A mark as good as any. Some are above 2^31, as real ones are. */
export const markOf = (sequence: number, salt = 0): number =>
  ((sequence + salt * 7_919) * 2_654_435_769 + 1) >>> 0;

export const at = (sequence: number, salt = 0): Cursor =>
  sequence === 0 ? ORIGIN : { sequence, mark: markOf(sequence, salt) };

/** Where a removed target stands that was `sequence` records long. */
export const tombstone = (sequence: number): Cursor => ({ sequence, mark: tombstoneMark(markOf(sequence)) });

/** Long after every record. */
export const REMOVED_AT = 1_950_000_000_000;

export const timeOf = (sequence: number): number => 1_900_000_000_000 + sequence;

export const record = (sequence: number, more: Partial<LogRecord> = {}): LogRecord => ({
  sequence,
  mark: markOf(sequence),
  version: 1,
  at: timeOf(sequence),
  author: { clientId: "ann", userId: "u1" },
  mid: sequence,
  id: `id-${sequence}`,
  messages: [{ type: "added", n: sequence }],
  ...more,
});

/** `count` records after `from`. */
export const recordsAfter = (from: number, count: number, more: Partial<LogRecord> = {}): LogRecord[] =>
  Array.from({ length: count }, (_, i) => record(from + i + 1, more));

/** A client's row, and what an append writes of it. */
export const row = (clientId: string, last: number, more: Partial<ClientRow> = {}): ClientRow => ({
  clientId,
  last,
  settled: Math.max(0, last - 1),
  outcomes: [{ mid: last, id: `id-${last}`, sequence: last }],
  ...more,
});

export const appendOf = (
  target: TargetKey,
  from: number,
  count: number,
  {
    rows = [],
    was = 0,
    expected = at(from),
    ...more
  }: { rows?: readonly ClientRow[]; was?: number; expected?: Cursor } & Partial<LogRecord> = {},
): Append => ({
  target,
  expected,
  records: recordsAfter(from, count, more),
  rows: rows.map((one) => ({ was, ...one })),
  at: more.at ?? timeOf(from + count),
});

/** Appends `count` records to what is `from` records long, and insists. */
export async function fill(log: LogStorage, target: TargetKey, from: number, count: number): Promise<void> {
  equal(await statuses(log, [appendOf(target, from, count)]), [{ status: "appended" }], "append");
}

export const snapshot = (sequence: number, more: Partial<LogSnapshot> = {}): LogSnapshot => ({
  ...at(sequence),
  version: 1,
  at: timeOf(sequence),
  model: { sum: sequence },
  ...more,
});

/** The head of a target that is `sequence` records long, and nothing else happened to it. */
export const headOf = (sequence: number, more: Partial<Head> = {}): Head => ({
  ...at(sequence),
  version: 1,
  at: timeOf(sequence),
  snapshot: undefined,
  removed: false,
  ...more,
});

/** An append that brings a removed target back: a whole model, and `more` records after it. */
export const revival = (target: TargetKey, from: number, more = 0, salt = 1): Append => {
  const whole = { author: null, mid: 0, messages: [], model: { value: { sum: from + 1 } } };
  const first = record(from + 1, { ...whole, mark: markOf(from + 1, salt) });
  return {
    target,
    expected: tombstone(from),
    records: [first, ...recordsAfter(from + 1, more)],
    rows: [],
    at: timeOf(from + 1 + more),
  };
};

export const placeOf = (head: Cursor | undefined): Cursor | undefined =>
  head === undefined ? undefined : { sequence: head.sequence, mark: head.mark };

/** Insists that reading after the cursor gives exactly these sequences. */
export async function reads(
  log: LogStorage,
  target: TargetKey,
  after: Cursor,
  expected: number[],
  limit = 1_000,
): Promise<void> {
  const result = await log.read(target, after, limit);
  const got = result.status === "records" ? result.records.map((one) => one.sequence) : result.status;
  equal(got, expected, `read after ${after.sequence}, at most ${limit}`);
}

export async function refuses(
  log: LogStorage,
  target: TargetKey,
  after: Cursor,
  status: "compacted" | "other-history",
): Promise<void> {
  equal(
    (await log.read(target, after, 10)).status,
    status,
    `read after ${after.sequence} with mark ${after.mark}`,
  );
}

/** What became of a batch, without what a log may tell besides. */
export const statuses = async (log: LogStorage, batch: readonly Append[]): Promise<{ status: string }[]> =>
  (await log.append(batch)).map(({ status }) => ({ status }));

/** The one member of a batch of one. */
export const status = async (log: LogStorage, append: Append): Promise<string | undefined> =>
  (await log.append([append]))[0]?.status;

export const check = (name: string, run: LogCheck["run"]): LogCheck => ({ name, run });

/** What a removal changes in a head. */
export const gone = (sequence: number): Partial<Head> => ({ ...tombstone(sequence), removed: true });
