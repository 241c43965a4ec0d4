// Moving a card: dragged by anything of it, or by arrow keys on its grip. Both end in one call: this card, to this column,
// before that card.
import { columns } from "./board.ts";
import type { Card, Column } from "./board.ts";

export type Move = (id: string, column: Column, before: string | null) => void;

export function movableByPointer(area: HTMLElement, move: Move): void {
  let dragged: HTMLElement | undefined;
  let over: Element | null | undefined;
  const mark = (next: Element | null | undefined): void => {
    over?.classList.remove("drop");
    over = next;
    over?.classList.add("drop");
  };
  area.addEventListener("dragstart", ({ target }) => {
    dragged = target instanceof HTMLElement ? target : undefined;
  });
  area.addEventListener("dragover", (event) => {
    const column = (event.target as Element).closest(".column");
    if (!dragged || !column) return mark(undefined);
    event.preventDefault();
    const below = [...column.querySelectorAll<HTMLElement>(".card")].find((card) => {
      const { top, height } = card.getBoundingClientRect();
      return card !== dragged && event.clientY < top + height / 2;
    });
    mark(below ?? column.querySelector(".cards"));
  });
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    const column = over?.closest<HTMLElement>(".column")?.dataset["column"];
    const before = over?.matches(".card") === true ? (over as HTMLElement).dataset["id"] : undefined;
    const id = dragged?.dataset["id"];
    if (id !== undefined && column !== undefined) move(id, column as Column, before ?? null);
  });
  area.addEventListener("dragend", () => {
    dragged = undefined;
    mark(undefined);
  });
}

/** Columns to the side, and which neighbour the card then comes before, counted from where it was. */
const steps: Readonly<Record<string, readonly [aside: number, down: number]>> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 2],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

export function movableByKeyboard(area: HTMLElement, cards: () => readonly Card[], move: Move): void {
  area.addEventListener("keydown", (event) => {
    const grip = (event.target as Element).closest<HTMLElement>(".grip");
    const id = grip?.closest<HTMLElement>(".card")?.dataset["id"];
    const card = cards().find((card) => card.id === id);
    const [aside, down] = steps[event.key] ?? [];
    if (!card || aside === undefined || down === undefined) return;
    event.preventDefault();
    const column = columns[columns.indexOf(card.column) + aside];
    const there = cards().filter((other) => other.column === column);
    const at =
      cards()
        .filter((other) => other.column === card.column)
        .indexOf(card) + down;
    if (!column || (aside === 0 && (at < 0 || at > there.length))) return;
    move(card.id, column, there[at]?.id ?? null);
  });
}
