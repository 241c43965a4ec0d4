// A first name and colour for a visitor: the same in all tabs, and each time they come.
import { hashString } from "@calla/shared";
import { colours } from "../shared/wiring.ts";
import type { Person } from "../shared/wiring.ts";

const manners = ["Brisk", "Calm", "Clever", "Eager", "Gentle", "Jolly", "Kind", "Lucky", "Patient", "Quick"];
const animals = [
  "Badger",
  "Crane",
  "Finch",
  "Fox",
  "Heron",
  "Ibex",
  "Lynx",
  "Otter",
  "Robin",
  "Seal",
  "Wren",
];

export function nameFor(userId: string): Person {
  const number = hashString(userId) >>> 0;
  const pick = <T>(list: readonly T[], step: number): T => list[Math.floor(number / step) % list.length] as T;
  return { name: `${pick(manners, 1)} ${pick(animals, 10)}`, colour: pick(colours, 110) };
}
