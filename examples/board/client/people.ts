// Who is here, as the page shows it: each user once, however many tabs they have, and who is at which card.
import type { Here, Person } from "../shared/wiring.ts";

/** Two letters for a name. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  return words
    .slice(0, 2)
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();
}

/** One tab of somebody's, as presence lists it. */
export interface Tab {
  /** The same for all tabs of a user. */
  readonly key: string;
  readonly meta: Here;
}
export interface Somebody extends Person {
  readonly key: string;
  readonly tabs: number;
}
export interface AtCard extends Person {
  readonly key: string;
  readonly editing: boolean;
}

/** Each user once, in the order of the list. A name is that of the tab listed last. */
export function usersOf(tabs: readonly Tab[]): Somebody[] {
  const users = new Map<string, Somebody>();
  for (const { key, meta } of tabs) {
    const { name, colour } = meta;
    users.set(key, { key, name, colour, tabs: (users.get(key)?.tabs ?? 0) + 1 });
  }
  return [...users.values()];
}

/** Who is at each card. Who edits it in one of their tabs edits it. */
export function cardsOf(tabs: readonly Tab[]): Map<string, AtCard[]> {
  const cards = new Map<string, AtCard[]>();
  for (const { key, meta } of tabs) {
    const { card, name, colour, editing } = meta;
    if (card === null) continue;
    const there = cards.get(card) ?? [];
    const before = there.find((one) => one.key === key);
    const at = { key, name, colour, editing: editing || (before?.editing ?? false) };
    cards.set(card, [...there.filter((one) => one !== before), at]);
  }
  return cards;
}

/** "Bo edits this card", or who is at it if nobody does. `me`: my key, for my other tabs. */
export function sentenceOf(there: readonly AtCard[], me: string): string {
  const editing = there.filter((one) => one.editing);
  const names = (editing.length > 0 ? editing : there).map(({ key, name }) => (key === me ? "You" : name));
  const first = names[0];
  if (first === undefined) return "";
  const one = names.length === 1 && first !== "You";
  const who = listed(names);
  if (editing.length > 0) return `${who} ${one ? "edits" : "edit"} this card${alsoHere(names)}`;
  return `${who} ${one ? "is" : "are"} at this card${alsoHere(names)}`;
}

const alsoHere = (names: readonly string[]): string =>
  names.length === 1 && names[0] === "You" ? " in another tab" : "";

function listed(names: readonly string[]): string {
  if (names.length > 3) return `${names[0]}, ${names[1]} and ${names.length - 2} others`;
  const [last, ...before] = names.toReversed();
  return before.length === 0 ? `${last}` : `${before.toReversed().join(", ")} and ${last}`;
}
