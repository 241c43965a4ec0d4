// Texts that the server has not taken: they come back, each to the field of its column, and wait there for their turn, also
// across a reload. What somebody wrote is theirs until they throw it away.
import type { Column } from "../shared/wiring.ts";
import { columns } from "../shared/wiring.ts";
import { readTab, writeTab } from "./visited.ts";

export interface Returned {
  readonly column: Column;
  readonly text: string;
}

const keyOf = (board: string): string => `returned:${board}`;
const listeners = new Set<(board: string) => void>();

export function returned(board: string): readonly Returned[] {
  const list = readTab(keyOf(board));
  return Array.isArray(list)
    ? list.filter((one): one is Returned => typeof one?.text === "string" && columns.includes(one.column))
    : [];
}

export function giveBack(board: string, text: Returned): void {
  writeTab(keyOf(board), [...returned(board), text]);
  for (const listener of listeners) listener(board);
}

/** The next text of a column, which is then in its user's hands. */
export function takeReturned(board: string, column: Column): string | undefined {
  const list = returned(board);
  const next = list.find((one) => one.column === column);
  if (next)
    writeTab(
      keyOf(board),
      list.filter((one) => one !== next),
    );
  return next?.text;
}

/** Calls back when something has come back to the board. Returns the end of it. */
export function onReturned(board: string, listener: () => void): () => void {
  const heard = (to: string): void => {
    if (to === board) listener();
  };
  listeners.add(heard);
  return () => void listeners.delete(heard);
}
