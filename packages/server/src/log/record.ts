// Records: the mark that chains them, what folding one does, and how they stand in an update frame.
import {
  applyMessages,
  authorTag,
  combine,
  hashString,
  hashValue,
  isSession,
  OWN_SESSION,
  restOfTag,
  visitorName,
} from "@calla/shared";
import type { ContextValues, Cursor, ModelSlice, Random, TargetKey, Update, WireRecord } from "@calla/shared";
import type { Author, LogRecord } from "./log.ts";

/** The mark after a record: a hash over all that a fold reads, chained to the mark before it (TE8). */
export function chainMark(previous: number, record: Omit<LogRecord, "mark">): number {
  let mark = combine(previous, record.version);
  mark = combine(mark, hashValue(record.at));
  mark = combine(mark, record.author === null ? 0 : hashOf(record.author));
  mark = hashString(record.id, mark);
  return hashValue(record.model === undefined ? record.messages : record.model.value, mark);
}

/** A record that holds a whole model, with a fresh seed: return after remove, migration, what could not be folded. */
export function wholeModel(
  place: Pick<LogRecord, "sequence" | "version" | "at" | "id">,
  model: unknown,
  random: Random,
): LogRecord {
  const record = { ...place, author: null, mid: 0, messages: [], model: { value: model } };
  return { ...record, mark: chainMark(random.uint32(), record) };
}

/** A connection's records share their author, so it is hashed once. */
const hashes = new WeakMap<Author, number>();
function hashOf(author: Author): number {
  let hash = hashes.get(author);
  if (hash === undefined) hashes.set(author, (hash = hashValue([author.clientId, author.userId])));
  return hash;
}

/** What an update may read of a record, or of what is to be one. */
export function contextOf(
  target: TargetKey,
  author: Author | null,
  at: number,
  messageId: string,
): ContextValues {
  if (author === null) return { at, userId: null, visitor: "", messageId };
  return { at, userId: author.userId, visitor: namesOf(author, wireOf(target)).visitor, messageId };
}

/** What the wire calls an author in a target, and ids do. */
interface Names {
  readonly target: TargetKey;
  readonly tag: number;
  readonly rest: number;
  readonly visitor: string;
}
/** Hashed once for a connection's records to one target, which come in a row. */
const names = new WeakMap<Author, Names>();
function namesOf(author: Author, target: TargetKey): Names {
  let known = names.get(author);
  if (known?.target !== target) {
    const { clientId, userId } = author;
    const tag = authorTag(clientId, target);
    const rest = userId === null ? restOfTag(clientId, target) : 0;
    known = { target, tag, rest, visitor: userId === null ? visitorName(tag, rest) : "" };
    names.set(author, known);
  }
  return known;
}

/** A target's name on the wire: everybody's session is "@". */
export const wireOf = (key: TargetKey): TargetKey => (isSession(key) ? OWN_SESSION : key);

/** The model after a record. A record was applied once already, so a throw here is a bug of the app or a changed slice. */
export function foldRecord(
  slice: ModelSlice,
  target: TargetKey,
  model: unknown,
  record: LogRecord,
): { model: unknown; error?: unknown } {
  if (record.model !== undefined) return { model: record.model.value };
  const result = applyMessages(
    slice,
    model,
    record.messages,
    contextOf(target, record.author, record.at, record.id),
    { strict: false },
  );
  if (result.ok) return { model: result.model };
  return {
    model,
    error: result.kind === "threw" ? result.error : new Error(`record rejected: ${result.code}`),
  };
}

/** Records as the wire has them: authors named once, times as differences. Holds nothing personal. */
export function toUpdate(target: TargetKey, after: Cursor, records: readonly LogRecord[]): Update {
  const named = wireOf(target);
  const at = records[0]?.at ?? 0;
  const authors: [number, string | null, number][] = [];
  const indexes = new Map<string, number>();
  const wire: WireRecord[] = Array.from({ length: records.length });
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!;
    let index = -1;
    if (record.author !== null) {
      const { clientId, userId } = record.author;
      const known = indexes.get(clientId);
      index = known ?? authors.length;
      if (known === undefined) {
        indexes.set(clientId, index);
        const { tag, rest } = namesOf(record.author, named);
        authors.push([tag, userId, rest]);
      }
    }
    wire[i] = [record.at - at, index, record.mid, record.id, record.messages];
  }
  return {
    after: after.sequence,
    from: after.mark,
    at,
    authors,
    records: wire,
    mark: records.at(-1)?.mark ?? after.mark,
  };
}
