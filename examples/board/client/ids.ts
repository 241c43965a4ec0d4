// New ids of boards, cards and browsers. `crypto.randomUUID` would do, but browsers have it on secure pages only, and a board is
// soon shown to somebody over plain HTTP in the same room.
const manners = [
  "amber",
  "brave",
  "calm",
  "daring",
  "early",
  "fair",
  "gentle",
  "happy",
  "jolly",
  "keen",
  "lively",
  "merry",
];
const things = [
  "anchor",
  "badger",
  "comet",
  "dune",
  "ember",
  "fjord",
  "grove",
  "harbour",
  "island",
  "lantern",
  "otter",
  "reef",
];

/** Readable, and a secret of sorts: whoever guesses a board's id is in. */
export function newBoardId(): string {
  const random = crypto.getRandomValues(new Uint32Array(3));
  const pick = (list: readonly string[], i: number) => list[(random[i] ?? 0) % list.length];
  return `${pick(manners, 0)}-${pick(things, 1)}-${(random[2] ?? 0).toString(36).padStart(7, "0").slice(-5)}`;
}

/** "brave-otter-x4k2p" as a title: "Brave otter". */
export function titleOf(id: string): string {
  const words = id.split("-").slice(0, 2).join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Nobody guesses it. */
export const newId = (): string =>
  [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36).padStart(7, "0")).join("");
