// New ids, and a name for who has none yet. `crypto.randomUUID` would do for ids, but browsers have it on secure pages only.
const manners = ["Brisk", "Calm", "Clever", "Eager", "Gentle", "Jolly", "Kind", "Lucky", "Patient", "Quick"];
const animals = ["Badger", "Crane", "Finch", "Fox", "Heron", "Ibex", "Lynx", "Otter", "Robin", "Wren"];

const random = (count: number): Uint32Array => crypto.getRandomValues(new Uint32Array(count));

export const newId = (): string =>
  [...random(4)].map((number) => number.toString(36).padStart(7, "0")).join("");

export function newName(): string {
  const [manner = 0, animal = 0] = random(2);
  return `${manners[manner % manners.length]} ${animals[animal % animals.length]}`;
}

/** Two letters for a name. */
export const initials = (name: string): string =>
  name
    .trim()
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();

/** One of eight colours for an author, always the same. */
export function hueOf(author: string): string {
  let sum = 0;
  for (const letter of author) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return String(sum % 8);
}
