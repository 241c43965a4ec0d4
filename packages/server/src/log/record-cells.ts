// A record as tables hold it, whichever engine they are of.
import type { LogRecord } from "./log.ts";
import { plainName } from "./plain-name.ts";
import type { TextCodec } from "./text.ts";

export type Cell = string | number | null;

/** In the order of the columns, behind the target. @throws CallaError `invalid-value`, or whatever keeps it from being text. */
export function recordCells(
  { sequence, mark, version, at, author, mid, id, messages, model }: LogRecord,
  text: TextCodec,
): readonly Cell[] {
  return [
    sequence,
    mark,
    version,
    at,
    author === null ? null : plainName(author.clientId),
    author === null || author.userId === null ? null : plainName(author.userId),
    mid,
    plainName(id),
    text.messages.write(messages),
    model === undefined ? null : text.model.write(model.value),
  ];
}
