// Where the focus is. It stays with a card that goes to another column, and goes to the next one where its card is deleted.
// (Within a column React keeps it.)
import { useLayoutEffect, useRef, useState } from "react";
import type { FocusEvent, RefObject } from "react";
import { nextTo } from "../../board/client/steps.ts";
import type { Card, Here } from "../../board/shared/wiring.ts";

/** `listeners`: for the element that has the cards. */
export function useFocus(area: RefObject<HTMLElement | null>, cards: readonly Card[]) {
  const [last, setLast] = useState<{
    readonly id: string;
    readonly part: string;
    readonly editing: boolean;
  }>();
  const before = useRef(cards);
  useLayoutEffect(() => {
    const former = before.current;
    const was = former.find((card) => card.id === last?.id);
    before.current = cards;
    // React tells of no blur where it takes an element out itself; then the focus is nowhere.
    if (!was || !last || (document.activeElement ?? document.body) !== document.body) return;
    const all = [...(area.current?.querySelectorAll<HTMLElement>(".card") ?? [])];
    const part = (id: string | null, name: string) =>
      all.find((card) => card.dataset["id"] === id)?.querySelector<HTMLElement>(name);
    const field = area.current?.querySelector<HTMLElement>(`[data-column="${was.column}"] .add input`);
    const next = part(last.id, last.part) ?? part(nextTo(former, was), ".text") ?? field;
    next?.focus({ preventScroll: true });
  });
  const at: Pick<Here, "card" | "editing"> = { card: last?.id ?? null, editing: last?.editing ?? false };
  const listeners = {
    onFocus({ target }: FocusEvent): void {
      const id = target.closest<HTMLElement>(".card")?.dataset["id"];
      const [part] = target.classList;
      setLast(
        id === undefined ? undefined : { id, part: `.${part}`, editing: target.tagName === "TEXTAREA" },
      );
    },
    onBlur: (): void => setLast(undefined),
  };
  return { at, listeners };
}
