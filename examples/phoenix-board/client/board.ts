// The board as this page knows it: plain types of what crosses the wire, and what one can do to it. Each edit is a message
// for the server and a patch of what is shown until the server has decided; the page knows no rule of the board's.
import type { Patch } from "./json-patch.ts";
import type { Message } from "./synced-types.ts";

export const columns = ["todo", "doing", "done"] as const;
export const colours = ["red", "orange", "olive", "green", "teal", "blue", "violet", "pink"] as const;
export type Column = (typeof columns)[number];

export interface Person {
  readonly name: string;
  readonly colour: (typeof colours)[number];
}
export interface Card {
  readonly id: string;
  readonly column: Column;
  readonly text: string;
  readonly by: Person;
}
export interface Board {
  readonly title: string;
  readonly cards: readonly Card[];
}
/** What each page tells of itself while it is at a board. */
export interface Here extends Person {
  readonly card: string | null;
  readonly editing: boolean;
}

export interface Edit {
  readonly message: Message;
  readonly change: (board: Board) => Patch;
}

export const renamed = (title: string): Edit => ({
  message: { type: "boardRenamed", title },
  change: () => [{ op: "replace", path: "/title", value: title }],
});

export const added = (card: Card): Edit => ({
  message: { type: "cardAdded", ...card, before: null },
  change: () => [{ op: "add", path: "/cards/-", value: card }],
});

export const edited = (id: string, text: string, by: Person): Edit => ({
  message: { type: "cardEdited", id, text, by },
  change: at(id, (path) => [
    { op: "replace", path: `${path}/text`, value: text },
    { op: "replace", path: `${path}/by`, value: by },
  ]),
});

/** To this column, before that card there; null: behind the last. */
export const moved = (id: string, column: Column, before: string | null): Edit => ({
  message: { type: "cardMoved", id, column, before },
  change: at(id, (path, { cards }) => {
    const others = cards.filter((card) => card.id !== id);
    const place = others.findIndex((card) => card.id === before && card.column === column);
    const to = place < 0 ? others.length : place;
    return [
      { op: "replace", path: `${path}/column`, value: column },
      { op: "move", from: path, path: `/cards/${to}` },
    ];
  }),
});

export const deleted = (id: string): Edit => ({
  message: { type: "cardDeleted", id },
  change: at(id, (path) => [{ op: "remove", path }]),
});

/** Nothing is shown of what happens to a card that has gone meanwhile. */
const at =
  (id: string, patch: (path: string, board: Board) => Patch) =>
  (board: Board): Patch => {
    const place = board.cards.findIndex((card) => card.id === id);
    return place < 0 ? [] : patch(`/cards/${place}`, board);
  };
