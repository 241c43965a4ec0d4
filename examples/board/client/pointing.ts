// Where a pointer is on a board: in a column, so that it is right on narrow and wide screens alike.
import type { MessageOf } from "@calla/shared";
import type { Column, cursors } from "../shared/wiring.ts";

export type At = MessageOf<typeof cursors>["at"];

export function pointedAt({ clientX, clientY }: PointerEvent): At {
  const column = document.elementFromPoint(clientX, clientY)?.closest<HTMLElement>(".column");
  if (!column) return null;
  const { left, top, width } = column.getBoundingClientRect();
  return {
    column: column.dataset["column"] as Column,
    x: (clientX - left) / width,
    y: Math.round(clientY - top),
  };
}

/** Moves a cursor over `area` there, or hides it. */
export function pointTo(at: At, cursor: HTMLElement, area: HTMLElement): void {
  const column = at && area.querySelector<HTMLElement>(`[data-column="${at.column}"]`);
  cursor.hidden = !column;
  if (!column) return;
  const x = column.offsetLeft + at.x * column.offsetWidth;
  const y = column.offsetTop + Math.min(at.y, column.offsetHeight);
  cursor.style.translate = `${x}px ${y}px`;
}
