// What a ring brings along: the records it rings for, where they are few and small. Nothing depends on it but speed: whoever
// cannot use them reads the log.
import type { Cursor } from "@calla/shared";
import { weigh } from "../base/weight.ts";
import type { LogRecord } from "../log/log.ts";

/** What was appended, and behind which place. */
export interface RungRecords {
  readonly after: Cursor;
  readonly records: readonly LogRecord[];
}

/** More than that is read: every node that has the topic open gets a copy, used or not. */
const MOST = { records: 16, bytes: 4_096 };

/** Small enough to go along. `bytes`: about how much was stored, where the log has counted. */
export const isCarried = ({ after, records }: RungRecords, bytes?: number): boolean =>
  records.length <= MOST.records &&
  (bytes === undefined ? areLight(records) : bytes <= MOST.bytes) &&
  // A history's first place is every history's: only the log can tell one from the other.
  after.sequence > 0 &&
  records.every(({ model }) => model === undefined);

/** For a log that does not count: counted only until it is too much. */
function areLight(records: readonly LogRecord[]): boolean {
  let bytes = 0;
  return records.every(({ messages }) => (bytes += weigh(messages)) <= MOST.bytes);
}

/** As it came over a wire; undefined: it is nothing of the kind. */
export function rungRecords(after: unknown, records: unknown): RungRecords | undefined {
  if (!isObject(after) || !isInteger(after["sequence"]) || !isInteger(after["mark"])) return undefined;
  if (!Array.isArray(records) || records.length === 0 || !records.every(isRecord)) return undefined;
  return { after: { sequence: after["sequence"], mark: after["mark"] }, records };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);

function isRecord(value: unknown): value is LogRecord {
  if (!isObject(value) || "model" in value) return false;
  const { sequence, mark, version, at, author, mid, id, messages } = value;
  return (
    [sequence, mark, version, mid].every(isInteger) &&
    typeof at === "number" &&
    typeof id === "string" &&
    (author === null || isAuthor(author)) &&
    Array.isArray(messages) &&
    messages.every((message) => isObject(message) && typeof message["type"] === "string")
  );
}

const isAuthor = (value: unknown): boolean =>
  isObject(value) &&
  typeof value["clientId"] === "string" &&
  (value["userId"] === null || typeof value["userId"] === "string");
