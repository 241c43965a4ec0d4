import type { Here } from "../shared/wiring.ts";

/** The card that has the focus, and whether its text is being edited. */
export function cardInUse(): Pick<Here, "card" | "editing"> {
  const focused = document.activeElement;
  const card = focused?.closest<HTMLElement>(".card")?.dataset["id"] ?? null;
  return { card, editing: card !== null && focused?.tagName === "TEXTAREA" };
}
