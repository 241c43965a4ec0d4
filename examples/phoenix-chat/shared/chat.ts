// What page and server say to each other, and the rooms there are. Plain types: the page has no Calla in it.

export const rooms = [
  { id: "lobby", name: "Lobby", about: "Whoever comes in, comes in here." },
  { id: "garden", name: "Garden", about: "What grows, what does not, and why." },
  { id: "kitchen", name: "Kitchen", about: "What is for lunch, and who cooks it." },
  { id: "library", name: "Library", about: "What we read, and what we gave up on page 40." },
  { id: "workshop", name: "Workshop", about: "Things that are broken, and things that are not yet." },
] as const;
export type RoomId = (typeof rooms)[number]["id"];

export const isRoom = (id: string): id is RoomId => rooms.some((room) => room.id === id);

/** Characters. */
export const MAX_TEXT = 1_000;
export const MAX_NAME = 24;

/** What somebody has said in a room. */
export type Line = {
  /** Counts the lines of its room, from 1. */
  readonly n: number;
  /** Its author's page made it: said again with the same id, it is the same line. */
  readonly id: string;
  /** Names a browser, whatever name its user takes. */
  readonly author: string;
  readonly name: string;
  readonly text: string;
  /** Milliseconds, by the server's clock. */
  readonly at: number;
};

/** The last line that a page has: number and id, so that another history is not taken for this one. */
export type Cursor = { readonly n: number; readonly id: string };

/** Some lines of a room in a row. */
export type Page = {
  readonly lines: readonly Line[];
  /** Whether older ones than these can be had. */
  readonly earlier: boolean;
  /** Whether they go on where the cursor was. If not, what the page has is to be dropped. */
  readonly continues: boolean;
};

/** What a page joins a room with, and hears. */
export type Joining = {
  readonly after: Cursor | null;
  /** Whether it shows the room: a page is in all rooms, to hear what is said there, and looks at one. */
  readonly here: boolean;
};
export type Welcome = Page & { readonly you: string };

/** What a page asks for: lines after its last, where it misses some, or before its first. */
export type Wanted = { readonly after: Cursor } | { readonly before: number };

/** What the others are told of somebody who looks at a room. */
export type Looking = { readonly name: string };

export type Typing = { readonly author: string; readonly name: string; readonly typing: boolean };

/** What the server says in a room unasked. */
export type Heard = {
  readonly line: Line;
  /** What was said while the page was joining. */
  readonly missed: Page;
  readonly typing: Typing;
};
