// Undo, by messages like any other: what takes another message back, made of the board as it was before it. So it is
// decided by the server, sent, kept and merged with what others did since, and nothing else is special about it.
import type { ClientMessageOf, ModelOf } from "@calla/shared";
import type { board } from "./wiring.ts";

export type BoardMessage = ClientMessageOf<typeof board>;
export type Board = ModelOf<typeof board>;

/** The message that undoes one on this board, or undefined where it changes nothing. */
export function inverseOf({ title, cards }: Board, message: BoardMessage): BoardMessage | undefined {
  if (message.type === "boardRenamed") return { type: "boardRenamed", title };
  const { id } = message;
  const card = cards.find((card) => card.id === id);
  if (message.type === "cardAdded") return card ? undefined : { type: "cardDeleted", id };
  if (!card) return undefined;
  switch (message.type) {
    case "cardEdited":
      return { type: "cardEdited", id, text: card.text, by: card.by };
    case "cardMoved":
      return { type: "cardMoved", id, column: card.column, before: neighbour(cards, id) };
    case "cardDeleted":
      return { type: "cardAdded", ...card, before: neighbour(cards, id) };
  }
}

/** The card after this one in its column. */
function neighbour(cards: Board["cards"], id: string): string | null {
  const column = cards.find((card) => card.id === id)?.column;
  const inColumn = cards.filter((card) => card.column === column);
  return inColumn[inColumn.findIndex((card) => card.id === id) + 1]?.id ?? null;
}
