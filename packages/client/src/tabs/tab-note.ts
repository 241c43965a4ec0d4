// What a tab remembers of itself over a reload: the interface.

/** What a tab remembers of itself over a reload. A duplicated tab begins with a copy. */
export interface TabMemory {
  /** What this tab noted last for a server; undefined: nothing. */
  read(server: string): TabNote | undefined;
  /** A page may be a client of several servers. */
  write(note: TabNote, server: string): void;
}
/** Which client a tab was, and whether its page said goodbye. */
export interface TabNote {
  readonly client: string;
  /** The page said goodbye: it is being reloaded, and what it holds will be free in a moment. */
  readonly left: boolean;
}
