// A face: two letters of a name in its colour.
import type { Person } from "./board.ts";
import { h } from "./dom.ts";

export function avatar({ name, colour }: Person): HTMLElement {
  const words = name.trim().split(/\s+/).slice(0, 2);
  const letters = words.map((word) => [...word][0] ?? "").join("");
  const properties = { class: "avatar", "data-colour": colour, title: name, "aria-hidden": "true" };
  return h("span", properties, letters.toUpperCase());
}
