// Moving a card by pointer: anywhere on it, or by its grip on touch screens. It ends in one call, as by keyboard: this card,
// to this column, before that card.
import type { Column } from "../shared/wiring.ts";

export type Move = (id: string, column: Column, before: string | null) => void;

const THRESHOLD = 5;
const EDGE = 48;

interface Place {
  readonly column: HTMLElement;
  readonly next: HTMLElement | undefined;
}

/** Returns the end of it. */
export function movableByPointer(area: HTMLElement, move: Move): () => void {
  const press = (down: PointerEvent): void => {
    const target = down.target as Element;
    const card = target.closest<HTMLElement>(".card");
    if (!card || down.button !== 0 || target.closest("textarea, .delete")) return;
    // A finger on a card scrolls the page.
    if (down.pointerType === "touch" && !target.closest(".grip")) return;
    const box = card.getBoundingClientRect();
    const over = new AbortController();
    let ghost: HTMLElement | undefined;
    let place: Place | undefined;

    const lift = (): HTMLElement => {
      area.setPointerCapture(down.pointerId); // The click that follows is not the card's.
      const clone = card.cloneNode(true) as HTMLElement;
      clone.classList.add("ghost");
      clone.setAttribute("aria-hidden", "true");
      clone.style.width = `${box.width}px`;
      document.body.append(clone);
      card.classList.add("lifted");
      return clone;
    };
    const drag = ({ clientX: x, clientY: y }: PointerEvent): void => {
      if (!ghost && Math.hypot(x - down.clientX, y - down.clientY) < THRESHOLD) return;
      ghost ??= lift();
      ghost.style.translate = `${box.left + x - down.clientX}px ${box.top + y - down.clientY}px`;
      if (y < EDGE + (document.querySelector("header")?.offsetHeight ?? 0)) scrollBy(0, -16);
      if (y > innerHeight - EDGE) scrollBy(0, 16);
      mark(place, false);
      place = placeAt(x, y, card);
      mark(place, true);
    };
    const finish = (keep: boolean): void => {
      over.abort();
      ghost?.remove();
      card.classList.remove("lifted");
      mark(place, false);
      const { id } = card.dataset;
      if (!keep || !place || !id || isThere(card, place)) return;
      move(id, place.column.dataset["column"] as Column, place.next?.dataset["id"] ?? null);
    };
    const { signal } = over;
    document.addEventListener("pointermove", drag, { signal });
    document.addEventListener("pointerup", () => finish(true), { signal });
    document.addEventListener("pointercancel", () => finish(false), { signal });
    document.addEventListener("keydown", ({ key }) => key === "Escape" && finish(false), { signal });
  };
  area.addEventListener("pointerdown", press);
  return () => area.removeEventListener("pointerdown", press);
}

/** The column under the pointer, and the card there that would come after the dragged one. */
function placeAt(x: number, y: number, dragged: HTMLElement): Place | undefined {
  const column = document.elementFromPoint(x, y)?.closest<HTMLElement>(".column");
  if (!column) return undefined;
  const next = [...column.querySelectorAll<HTMLElement>(".card")].find((card) => {
    const { top, height } = card.getBoundingClientRect();
    return card !== dragged && y < top + height / 2;
  });
  return { column, next };
}

const isThere = (card: HTMLElement, { column, next }: Place): boolean =>
  card.closest(".column") === column && (card.nextElementSibling ?? undefined) === next;

function mark(place: Place | undefined, on: boolean): void {
  (place?.next ?? place?.column.querySelector(".cards"))?.classList.toggle("drop", on);
}
