// Which page holds what, among all tabs of a browser: the interface, and the names of locks. Not here: locks themselves
// (web-locks.ts in browsers, memory-locks.ts for tests and processes that share nothing).

/** A name that is a page's until it releases it, or until somebody takes it away. */
export interface Lock {
  /** Frees the name. Repeating it does nothing. */
  release(): void;
  /** Resolves when somebody has taken it away. */
  readonly lost: Promise<void>;
}

/** Implement this to keep tabs apart elsewhere. What a page had is free as soon as the page is gone, however it went. */
export interface Locks {
  /** Never waits: undefined if somebody has it. `steal` takes it from whoever has it. */
  take(name: string, steal?: "steal"): Promise<Lock | undefined>;
  /** Every name that any page has. */
  taken(): Promise<ReadonlySet<string>>;
}

/** Says that a client is a page's for as long as that lives. */
export const pageLock = (client: string): string => `calla page ${client}`;

/** Says that a client is the page's that sends what its own page left behind. A page that comes back takes it away (TB4). */
export const flushLock = (client: string): string => `calla flush ${client}`;
