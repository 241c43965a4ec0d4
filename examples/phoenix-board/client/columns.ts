// The three columns. Elements are kept by card id and moved, never made anew, so that whoever edits or has the focus on one
// is not disturbed by what others do.
import { columns } from "./board.ts";
import type { Card, Column } from "./board.ts";
import { cardView } from "./card.ts";
import type { CardActions, CardView } from "./card.ts";
import { h, icon } from "./dom.ts";
import type { Somebody } from "./people.ts";

const columnNames: Record<Column, string> = { todo: "To do", doing: "Doing", done: "Done" };

export interface ColumnsView {
  readonly element: HTMLElement;
  show(cards: readonly Card[], pending: ReadonlySet<unknown>, others: readonly Somebody[]): void;
}
export interface ColumnActions extends CardActions {
  add(column: Column, text: string): void;
}

export function columnsView(actions: ColumnActions): ColumnsView {
  const views = new Map<string, CardView>();
  const parts = columns.map((column) => {
    const list = h("ol", { class: "cards", "aria-labelledby": `column-${column}` });
    const count = h("span", { class: "count" });
    const heading = h("h2", { id: `column-${column}` }, columnNames[column]);
    const element = h(
      "section",
      { class: "column", "data-column": column, "aria-labelledby": `column-${column}` },
      h("div", { class: "column-head" }, heading, count),
      list,
      addForm(column, actions),
    );
    return { column, list, count, element };
  });
  return {
    element: h("div", { class: "columns" }, ...parts.map(({ element }) => element)),
    show(cards, pending, others) {
      const focused = document.activeElement;
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
          const here = others.filter((one) => one.card === card.id);
          view.show(card, pending.has(card.id), here);
          if (view.element === next) next = next.nextElementSibling;
          else list.insertBefore(view.element, next);
        }
        count.textContent = String(mine.length);
      }
      if (focused instanceof HTMLElement && focused.isConnected && focused !== document.activeElement)
        focused.focus({ preventScroll: true });
    },
  };
}

function addForm(column: Column, actions: ColumnActions): HTMLElement {
  const name = columnNames[column];
  const input = h("input", {
    "aria-label": `New card in ${name}`,
    placeholder: "Add a card",
    maxlength: "300",
    autocomplete: "off",
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const text = input.value.trim();
    if (text !== "") actions.add(column, text);
    input.value = "";
  };
  const button = h("button", { "aria-label": `Add to ${name}` }, icon("plus"));
  return h("form", { class: "add", onsubmit: submit }, input, button);
}
