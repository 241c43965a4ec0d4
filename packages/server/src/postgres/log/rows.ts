// Rows as Postgres gives them, all text, and what they are.
import type { Author, ClientRow, Head, LogRecord, LogSnapshot, ReadResult } from "../../log/log.ts";
import { nameOfPlain } from "../../log/plain-name.ts";
import type { TextCodec } from "../../log/text.ts";
import type { PostgresRow } from "../driver/driver.ts";

/** A column that is never null. */
export const textIn = (row: PostgresRow, column: string): string => row[column] ?? "";
/** A column of numbers; each one that Calla stores is one of JavaScript's. */
export const numberIn = (row: PostgresRow, column: string): number => Number(row[column]);
export const isTrue = (row: PostgresRow, column: string): boolean => row[column] === "t";

/** Records of one author share it, as the engine's do: it is hashed once. */
export function recordsIn(text: TextCodec): (row: PostgresRow) => LogRecord {
  const authors = new Map<string, Author>();
  const authorOf = (client: string, user: string | null): Author => {
    const known = authors.get(client);
    const userId = user === null ? null : nameOfPlain(user);
    if (known !== undefined && known.userId === userId) return known;
    const author = { clientId: nameOfPlain(client), userId };
    authors.set(client, author);
    return author;
  };
  return (row) => {
    const { author = null, usr = null, model = null } = row;
    return {
      sequence: numberIn(row, "sequence"),
      mark: numberIn(row, "mark"),
      version: numberIn(row, "version"),
      at: numberIn(row, "at"),
      author: author === null ? null : authorOf(author, usr),
      mid: numberIn(row, "mid"),
      id: nameOfPlain(textIn(row, "id")),
      messages: text.messages.read(textIn(row, "messages")),
      ...(model === null ? {} : { model: { value: text.model.read(model) } }),
    };
  };
}

/** What `after` gives: a row with the status, then records. */
export function readResultOf(rows: readonly PostgresRow[], text: TextCodec): ReadResult {
  const [head, ...records] = rows;
  const status = head?.["status"];
  if (status === "compacted" || status === "other-history") return { status };
  return { status: "records", records: records.map(recordsIn(text)) };
}

export const snapshotOf = (row: PostgresRow, text: TextCodec, saved = ""): LogSnapshot => ({
  sequence: numberIn(row, `${saved}sequence`),
  mark: numberIn(row, `${saved}mark`),
  version: numberIn(row, `${saved}version`),
  at: numberIn(row, `${saved}at`),
  model: text.model.read(textIn(row, "model")),
});

export const headOf = (row: PostgresRow, text: TextCodec): Head => ({
  sequence: numberIn(row, "sequence"),
  mark: numberIn(row, "mark"),
  version: numberIn(row, "version"),
  at: numberIn(row, "at"),
  snapshot: row["saved_sequence"] === null ? undefined : snapshotOf(row, text, "saved_"),
  removed: isTrue(row, "removed"),
});

/** The client's own row, then those of outcomes that lie apart. */
export function clientRowOf(
  clientId: string,
  rows: readonly PostgresRow[],
  text: TextCodec,
): ClientRow | undefined {
  const [own] = rows;
  // Outcomes whose client has just expired are nobody's.
  if (own === undefined || own["last"] === null) return undefined;
  const settled = numberIn(own, "settled");
  const known = rows.flatMap((row) => {
    const part = textIn(row, "outcomes");
    return part === "" ? [] : text.outcomes.read(part);
  });
  return {
    clientId,
    last: numberIn(own, "last"),
    settled,
    outcomes: known.filter(({ mid }) => mid > settled),
  };
}
