// Undo: whatever is done to whatever board, its inverse brings the board back.
import { applyMessages } from "@calla/shared";
import fc from "fast-check";
import { expect, test } from "vitest";
import { inverseOf } from "../shared/inverse.ts";
import type { Board, BoardMessage } from "../shared/inverse.ts";
import { board, columns } from "../shared/wiring.ts";

const by = fc.constantFrom(
  { name: "Ann", colour: "violet" as const },
  { name: "Bo", colour: "green" as const },
);
const column = fc.constantFrom(...columns);
const id = fc.constantFrom("a", "b", "c", "d", "e");
const text = fc.constantFrom("one", "two", "three");
const before = fc.option(id);
const boards: fc.Arbitrary<Board> = fc.record({
  title: fc.constantFrom("", "Plans"),
  cards: fc.uniqueArray(fc.record({ id, column, text, by }), { selector: (card) => card.id, maxLength: 5 }),
});
const messages: fc.Arbitrary<BoardMessage> = fc.oneof(
  fc.record({ type: fc.constant("boardRenamed" as const), title: fc.constantFrom("", "Other") }),
  fc.record({ type: fc.constant("cardAdded" as const), id, column, text, by, before }),
  fc.record({ type: fc.constant("cardEdited" as const), id, text, by }),
  fc.record({ type: fc.constant("cardMoved" as const), id, column, before }),
  fc.record({ type: fc.constant("cardDeleted" as const), id }),
);

/** As people see it: the order of cards matters within a column. */
const seen = ({ title, cards }: Board) => ({
  title,
  columns: columns.map((column) => cards.filter((card) => card.column === column)),
});

function after(model: Board, message: BoardMessage): Board | undefined {
  const context = { at: 0, userId: null, visitor: "", messageId: "id" };
  const result = applyMessages(board, model, [message], context, { strict: false });
  return result.ok ? (result.model as Board) : undefined;
}

test("a message and its inverse leave the board as it was", () => {
  let undone = 0;
  fc.assert(
    fc.property(boards, messages, (model, message) => {
      const changed = after(model, message);
      if (changed === undefined) return; // refused: there is nothing to undo
      const inverse = inverseOf(model, message);
      if (inverse !== undefined) undone++;
      const back = inverse === undefined ? changed : after(changed, inverse)!;
      expect(seen(back)).toEqual(seen(model));
    }),
    { numRuns: 1_000 },
  );
  expect(undone).toBeGreaterThan(300);
});
