// What stands in a room from top to bottom: days, the mark of what is new, lines in groups, and what is not sent yet.
import type { Line } from "../shared/chat.ts";
import type { Unsent } from "./outbox.ts";

export interface LineEntry {
  readonly kind: "line";
  readonly key: string;
  readonly author: string;
  readonly name: string;
  readonly text: string;
  readonly at: number;
  readonly own: boolean;
  readonly state: "said" | "sending" | "waiting" | "failed";
  readonly failed: string | undefined;
  /** Of its group: lines of one author, soon after each other. */
  readonly first: boolean;
  readonly last: boolean;
}
export type Entry =
  | LineEntry
  | { readonly kind: "day"; readonly key: string; readonly at: number }
  | { readonly kind: "new"; readonly key: string };

export interface TimelineOf {
  readonly lines: readonly Line[];
  readonly unsent: readonly Unsent[];
  readonly me: { readonly author: string; readonly name: string };
  readonly joined: boolean;
  /** The mark of what is new stands behind this number; undefined: nowhere. */
  readonly newAfter: number | undefined;
}

/** Milliseconds: later than this a line begins a group of its own. */
const GROUP = 5 * 60_000;

type Row = Omit<LineEntry, "kind" | "first" | "last"> & { readonly n: number };

export function timeline({ lines, unsent, me, joined, newAfter }: TimelineOf): Entry[] {
  const rows: readonly Row[] = [
    ...lines.map(({ id, ...line }): Row => ({
      ...line,
      key: `${line.author}:${id}`,
      own: line.author === me.author,
      state: "said",
      failed: undefined,
    })),
    ...unsent.map(({ id, text, at, failed }): Row => ({
      ...me,
      n: Infinity,
      key: `${me.author}:${id}`,
      text,
      at,
      own: true,
      state: failed !== undefined ? "failed" : joined ? "sending" : "waiting",
      failed,
    })),
  ];
  const marked = newAfter === undefined ? -1 : rows.findIndex(({ n, own }) => n > newAfter && !own);
  return rows.flatMap((row, index): Entry[] => {
    const { n: _, ...line } = row;
    const before = rows[index - 1];
    const after = rows[index + 1];
    const newDay = !before || dayOf(before.at) !== dayOf(row.at);
    return [
      ...(newDay ? [{ kind: "day", key: `day ${dayOf(row.at)}`, at: row.at } as const] : []),
      ...(index === marked ? [{ kind: "new", key: "new" } as const] : []),
      {
        ...line,
        kind: "line",
        first: newDay || index === marked || !together(before, row),
        last: !after || index + 1 === marked || !together(row, after),
      },
    ];
  });
}

/** Local days, as text. */
const dayOf = (at: number): string => new Date(at).toDateString();

function together(one: Row, next: Row): boolean {
  return (
    one.author === next.author &&
    one.name === next.name &&
    dayOf(one.at) === dayOf(next.at) &&
    next.at - one.at < GROUP
  );
}
