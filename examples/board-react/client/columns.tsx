// The three columns: which card is where. A card that changes its column is another element then, so what is open, picked up
// or in focus is known here, by the card's id.
import { usePending } from "@calla/react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Actions } from "../../board/client/actions.ts";
import { client } from "../../board/client/client.ts";
import { columnNames } from "../../board/client/column-names.ts";
import { shareCursors } from "../../board/client/cursors.ts";
import { glide } from "../../board/client/glide.ts";
import type { Places } from "../../board/client/glide.ts";
import { movableByKeyboard } from "../../board/client/keyboard.ts";
import { movableByPointer } from "../../board/client/moving.ts";
import { board, columns, MAX_DOING } from "../../board/shared/wiring.ts";
import type { Card, Column } from "../../board/shared/wiring.ts";
import { CardItem } from "./card.tsx";
import { useFocus } from "./focus.ts";
import { NewCard } from "./new-card.tsx";
import { useBeingAt } from "./people.ts";
import { useRoving } from "./roving.ts";

interface ColumnsProps {
  readonly id: string;
  readonly cards: readonly Card[];
  readonly actions: Actions;
}

export function Columns({ id, cards, actions }: ColumnsProps) {
  const area = useRef<HTMLDivElement>(null);
  const unsaved = usePending(board, [id]).flatMap(({ messages }) => messages);
  const [edited, setEdited] = useState<{ readonly id: string; readonly text: string }>();
  const [held, setHeld] = useState<string>();
  const { at, listeners } = useFocus(area, cards);
  useBeingAt(id, at);

  useEffect(() => {
    const { move } = actions;
    const { current } = area;
    if (!current) return;
    const stops = [
      movableByPointer(current, move),
      // By what the topic shows at once, which may not be rendered yet.
      movableByKeyboard(current, () => client.topic(board, id).state.model?.cards ?? [], move, setHeld),
      // Too many changes to render the board for each: they are drawn beside React.
      shareCursors(id, current),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [id, actions]);
  const places = useRef<Places>(new Map());
  useLayoutEffect(() => {
    if (area.current) places.current = glide(area.current, places.current);
  });

  const close = (keep: boolean): void => {
    setEdited(undefined);
    const text = edited?.text.trim() ?? "";
    const was = cards.find((card) => card.id === edited?.id)?.text;
    if (keep && edited && text !== "" && text !== was) actions.edit(edited.id, text);
  };
  // Somebody has deleted the card that is being edited: the server refuses it, and the text comes back.
  useEffect(() => {
    if (edited && !cards.some((card) => card.id === edited.id)) close(true);
  });

  const cardsOf = (column: Column) => cards.filter((card) => card.column === column);
  const item = (card: Card) => (
    <CardItem
      key={card.id}
      board={id}
      card={card}
      unsaved={unsaved.some((message) => "id" in message && message.id === card.id)}
      held={held === card.id}
      draft={edited?.id === card.id ? edited.text : undefined}
      write={(text) => setEdited({ id: card.id, text })}
      close={close}
      remove={() => actions.remove(card.id)}
    />
  );
  return (
    <>
      <p id="how-to-move" className="unseen">
        Arrow keys go from card to card, and within a card. Enter here picks the card up: arrow keys move it
        then, Enter puts it down. Alt and an arrow key move it from anywhere on it; Delete deletes it.
      </p>
      <div className="columns" ref={area} {...listeners}>
        {columns.map((column) => (
          <section key={column} className="column" data-column={column} aria-labelledby={`column-${column}`}>
            <div className="column-head">
              <h2 id={`column-${column}`}>{columnNames[column]}</h2>
              <Count column={column} count={cardsOf(column).length} />
            </div>
            <List column={column}>{cardsOf(column).map(item)}</List>
            <NewCard board={id} column={column} add={(text) => actions.add(column, text)} />
          </section>
        ))}
      </div>
    </>
  );
}

function List({ column, children }: { readonly column: Column; readonly children: React.ReactNode }) {
  const list = useRef<HTMLOListElement>(null);
  useRoving(list, ".grip, button.text, .delete", "button.text");
  return (
    <ol className="cards" aria-labelledby={`column-${column}`} ref={list}>
      {children}
    </ol>
  );
}

function Count({ column, count }: { readonly column: Column; readonly count: number }) {
  const [limit, inWords] = column === "doing" ? [` / ${MAX_DOING}`, ` of at most ${MAX_DOING}`] : ["", ""];
  return <span className="count" aria-label={`${count}${inWords} cards`}>{`${count}${limit}`}</span>;
}
