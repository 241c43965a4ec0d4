// Appends as the columns of one call: an array for each, which the function takes apart again (schema/appending.ts).
import type { Append, RowWrite } from "../../log/log.ts";
import { plainName } from "../../log/plain-name.ts";
import { recordCells } from "../../log/record-cells.ts";
import type { Cell } from "../../log/record-cells.ts";
import type { TextCodec } from "../../log/text.ts";
import type { PostgresValue } from "../driver/text.ts";
import { ROW } from "../schema/appending.ts";

/** Outcomes of so many characters may be in their client's own row: it is written anew until they are settled. */
const SHORT = 512;

/** One append, its values made text. */
export interface Written {
  readonly append: Append;
  /** The target as it is stored. */
  readonly name: string;
  readonly records: readonly (readonly Cell[])[];
  readonly rows: readonly (readonly Cell[])[];
  /** About how much is stored: its texts, and eight bytes for a number. */
  readonly bytes: number;
}

/** @throws CallaError `invalid-value`, or whatever keeps something in it from being text. */
export function written(append: Append, text: TextCodec): Written {
  const records = append.records.map((record) => recordCells(record, text));
  const rows = append.rows.map((row) => rowCells(row, text));
  const size = (cells: readonly (readonly Cell[])[]): number =>
    cells.flat().reduce<number>((sum, cell) => sum + (typeof cell === "string" ? cell.length : 8), 0);
  return { append, name: plainName(append.target), records, rows, bytes: size(records) + size(rows) };
}

function rowCells(row: RowWrite, text: TextCodec): readonly Cell[] {
  const { clientId, was, last, settled, outcomes, whole = false } = row;
  const own = outcomes.length === 0 ? "" : text.outcomes.write(outcomes);
  const base = [plainName(clientId), was, last, settled] as const;
  const replaces = whole || settled >= was;
  // Beside what is not settled yet they lie apart, or the client's row would be written whole again and again.
  if (replaces && (whole || own.length <= SHORT)) return [...base, own, ROW.whole, null, null];
  if (own === "") return [...base, own, ROW.same, null, null];
  return [...base, "", replaces ? ROW.other : ROW.more, outcomes.at(-1)!.mid, own];
}

/** How many columns a record and a client's row have. */
const RECORD = 10;
const CLIENT = 8;

/** The values of the call, behind the life; the last one is how many missed records a conflict brings at most. */
export function columnsOf(batch: readonly Written[], missed: number): PostgresValue[] {
  const heads = batch.map(({ append: { expected, records, at }, name }): readonly (Cell | boolean)[] => {
    const last = records.at(-1);
    const { sequence, mark } = last ?? expected;
    const whole = records[0]?.model !== undefined;
    return [
      name,
      expected.sequence,
      expected.mark,
      sequence,
      mark,
      last?.version ?? 0,
      last?.at ?? 0,
      at,
      whole,
    ];
  });
  const numbered = (of: "records" | "rows") =>
    batch.flatMap((one, i) => one[of].map((cells): readonly Cell[] => [i + 1, ...cells]));
  return [
    ...turned(heads, 9),
    ...turned(numbered("records"), RECORD + 1),
    ...turned(numbered("rows"), CLIENT + 1),
    missed,
  ];
}

const turned = <T>(rows: readonly (readonly T[])[], width: number): T[][] =>
  Array.from({ length: width }, (_, column) => rows.map((row) => row[column]!));
