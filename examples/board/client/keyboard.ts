// Moving a card by keyboard: Enter or Space on its grip picks it up, arrow keys move it, Enter puts it down and Escape puts
// it back. Alt and an arrow key move it from anywhere on it. Each step is a message like any other.
import type { Card } from "../shared/wiring.ts";
import { columnNames } from "./column-names.ts";
import type { Move } from "./moving.ts";
import { nextTo, placeBeside, steps } from "./steps.ts";
import type { Place } from "./steps.ts";
import { announce } from "./toasts.ts";

/** `show`: that this card is picked up, or none. Returns the end of it. */
export function movableByKeyboard(
  area: HTMLElement,
  cards: () => readonly Card[],
  move: Move,
  show: (held: string | undefined) => void,
): () => void {
  /** What is picked up, and where it was then. */
  let held: (Place & { readonly id: string }) | undefined;

  const where = (id: string): string => {
    const card = cards().find((card) => card.id === id);
    if (!card) return "";
    const inColumn = cards().filter(({ column }) => column === card.column);
    return `${columnNames[card.column]}, ${inColumn.indexOf(card) + 1} of ${inColumn.length}`;
  };
  const step = (card: Card, key: string): void => {
    const place = placeBeside(cards(), card, key);
    if (!place) return;
    move(card.id, place.column, place.before);
    announce(where(card.id));
  };
  const putDown = (): void => {
    held = undefined;
    show(undefined);
  };
  const pickUp = (card: Card): void => {
    held = { id: card.id, column: card.column, before: nextTo(cards(), card) };
    show(card.id);
    announce("Picked up. Arrow keys move it, Enter puts it down, Escape puts it back.");
  };

  const press = (event: KeyboardEvent): void => {
    const target = event.target as Element;
    const id = target.closest<HTMLElement>(".card")?.dataset["id"];
    const card = cards().find((card) => card.id === id);
    if (!card || target.matches("textarea")) return;
    const { key, altKey } = event;
    const grip = target.closest(".grip");
    if (key in steps && (altKey || held?.id === id)) step(card, key);
    else if (grip && (key === "Enter" || key === " ")) {
      if (held?.id !== id) pickUp(card);
      else {
        putDown();
        announce(`Put down: ${where(card.id)}`);
      }
    } else if (held?.id === id && held && key === "Escape") {
      const { column, before } = held;
      putDown();
      move(card.id, column, before);
      announce(`Put back: ${where(card.id)}`);
    } else return;
    event.preventDefault();
  };
  const leave = ({ relatedTarget }: FocusEvent): void => {
    if (!held || !(relatedTarget instanceof Element)) return;
    const card = relatedTarget.closest(".grip")?.closest<HTMLElement>(".card");
    if (card?.dataset["id"] !== held.id) putDown();
  };
  // Before the list takes the arrow keys for its own.
  area.addEventListener("keydown", press, { capture: true });
  area.addEventListener("focusout", leave);
  return () => {
    area.removeEventListener("keydown", press, { capture: true });
    area.removeEventListener("focusout", leave);
  };
}
