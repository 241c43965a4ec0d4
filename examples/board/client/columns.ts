// The three columns: which card is where. Elements are kept by card id and moved, never made anew, so that whoever
// edits, drags or has the focus on one is not disturbed by what others do.
import { columns, MAX_DOING } from "../shared/wiring.ts";
import type { Card, Column } from "../shared/wiring.ts";
import { cardView } from "./card.ts";
import type { CardActions, CardView } from "./card.ts";
import { columnNames } from "./column-names.ts";
import { h, icon } from "./dom.ts";
import { glide, placesIn } from "./glide.ts";
import type { AtCard } from "./people.ts";
import { roving } from "./roving.ts";

export interface ColumnActions extends CardActions {
  add(column: Column, text: string): void;
  /** The next text that has come back to the column. */
  returned(column: Column): string | undefined;
}

export interface ColumnsView {
  readonly element: HTMLElement;
  show(cards: readonly Card[], pending: ReadonlySet<string>): void;
  /** Who else is at which card; `me`: my key, for my other tabs. */
  showOthers(others: ReadonlyMap<string, readonly AtCard[]>, me: string): void;
  /** Which card is picked up, if any. */
  showHeld(id: string | undefined): void;
  /** Puts what has come back into fields that are free. */
  showReturned(): void;
}

export function columnsView(actions: ColumnActions): ColumnsView {
  const views = new Map<string, CardView>();
  const parts = columns.map((column) => {
    const list = h("ol", { class: "cards", "aria-labelledby": `column-${column}` });
    const count = h("span", { class: "count" });
    const { form, fill } = addForm(column, actions);
    const inside = roving(list, ".grip, button.text, .delete", "button.text");
    const heading = h("h2", { id: `column-${column}` }, columnNames[column]);
    const element = h(
      "section",
      { class: "column", "data-column": column, "aria-labelledby": `column-${column}` },
      h("div", { class: "column-head" }, heading, count),
      list,
      form,
    );
    return { column, list, count, element, inside, fill };
  });

  const area = h("div", { class: "columns" }, ...parts.map(({ element }) => element));
  return {
    element: area,
    show(cards, pending) {
      const focused = document.activeElement;
      const successor = successorOf(focused?.closest(".card"));
      const before = placesIn(area);
      const ids = new Set(cards.map(({ id }) => id));
      for (const [id, { element }] of views) {
        if (ids.has(id)) continue;
        element.remove();
        views.delete(id);
      }
      for (const { column, list, count } of parts) {
        const mine = cards.filter((card) => card.column === column);
        let next = list.firstElementChild;
        for (const card of mine) {
          const view = views.get(card.id) ?? cardView(card, actions);
          views.set(card.id, view);
          view.show(card, pending.has(card.id));
          if (view.element === next) next = next.nextElementSibling;
          else place(list, view.element, next);
        }
        showCount(count, column, mine.length);
      }
      const kept = focused?.isConnected ? focused : successor?.();
      if (kept instanceof HTMLElement) kept.focus({ preventScroll: true });
      for (const { inside } of parts) inside.refresh();
      glide(area, before);
    },
    showOthers(others, me) {
      for (const [id, view] of views) view.showOthers(others.get(id) ?? [], me);
    },
    showHeld(id) {
      for (const [card, view] of views) view.showHeld(card === id);
    },
    showReturned() {
      for (const { fill } of parts) fill();
    },
  };
}

function showCount(element: HTMLElement, column: Column, count: number): void {
  const [limit, inWords] = column === "doing" ? [` / ${MAX_DOING}`, ` of at most ${MAX_DOING}`] : ["", ""];
  element.textContent = `${count}${limit}`;
  element.setAttribute("aria-label", `${count}${inWords} cards`);
}

/** `fill`: puts what has come back into the field, if it is free. */
function addForm(column: Column, actions: ColumnActions): { readonly form: HTMLElement; fill(): void } {
  const input = h("input", {
    "aria-label": `New card in ${columnNames[column]}`,
    placeholder: "Add a card",
    maxlength: "300",
    enterkeyhint: "done",
    autocomplete: "off",
  });
  const fill = (): void => {
    if (input.value === "") input.value = actions.returned(column) ?? "";
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const text = input.value.trim();
    input.value = "";
    if (text !== "") actions.add(column, text);
    fill();
  };
  // Somebody has emptied it: there is room for the next.
  input.addEventListener("blur", fill);
  const label = `Add to ${columnNames[column]}`;
  const button = h("button", { "aria-label": label }, icon("plus"));
  return { form: h("form", { class: "add", onsubmit: submit }, input, button), fill };
}

/** Where the focus goes if this card is deleted: to the card after it, or to the field below the last. */
function successorOf(card: Element | null | undefined): (() => Element | null | undefined) | undefined {
  const next = card?.nextElementSibling;
  const column = card?.closest(".column");
  return column
    ? () => (next?.isConnected ? next.querySelector(".text") : column.querySelector(".add input"))
    : undefined;
}

/** `moveBefore`, where a browser has it, keeps an open editor open. */
function place(
  list: Element & { moveBefore?: (node: Node, before: Node | null) => void },
  card: Element,
  next: Element | null,
) {
  if (card.isConnected && list.moveBefore) list.moveBefore(card, next);
  else list.insertBefore(card, next);
}
