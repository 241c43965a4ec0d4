// What this browser remembers: the boards it has seen, who its user said to be, and what a tab holds for its user.
import { colours } from "../shared/wiring.ts";
import type { Person } from "../shared/wiring.ts";

export interface Visited {
  readonly id: string;
  readonly title: string;
}

/** Storage may be full, forbidden or tampered with: then nothing is remembered. */
function read(storage: () => Storage, key: string): unknown {
  try {
    return JSON.parse(storage().getItem(key) ?? "null");
  } catch {
    return null;
  }
}
function write(storage: () => Storage, key: string, value: unknown): void {
  try {
    storage().setItem(key, JSON.stringify(value));
  } catch {
    // Not remembered.
  }
}
const browser = () => localStorage;
const tab = () => sessionStorage;

export function visited(): Visited[] {
  const list = read(browser, "boards");
  return Array.isArray(list) ? list.filter((entry): entry is Visited => typeof entry?.id === "string") : [];
}

export function visit(board: Visited): void {
  write(browser, "boards", [board, ...visited().filter(({ id }) => id !== board.id)].slice(0, 12));
}

/** Who this tab was before a reload, or who the user chose to be in any tab. */
export function remembered(): Person | undefined {
  const { name, colour } = (read(tab, "person") ?? read(browser, "person") ?? {}) as Partial<Person>;
  return typeof name === "string" && colour && colours.includes(colour) ? { name, colour } : undefined;
}

/** Whether the user chose name and colour; otherwise the server gave them. */
export const hasChosen = (): boolean => read(browser, "person") !== null;

/** What this tab keeps across a reload. */
export const readTab = (key: string): unknown => read(tab, key);
export const writeTab = (key: string, value: unknown): void => write(tab, key, value);

export function remember({ name, colour }: Person, chosen: "chosen" | "given"): void {
  write(tab, "person", { name, colour });
  if (chosen === "chosen") write(browser, "person", { name, colour });
}
