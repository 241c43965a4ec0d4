// Which page holds what, among all tabs of a browser: the interface, and the names of locks. Not here: locks themselves
// (web-locks.ts in browsers, memory-locks.ts for tests and processes that share nothing).

/** A name that is held until it is released, or until somebody takes it away. */
export interface Lock {
  /** Frees the name. Repeating it does nothing. */
  release(): void;
  /** Resolves when somebody has taken it away. */
  readonly lost: Promise<void>;
}

/** Implement this to keep tabs apart elsewhere. What a page held is free as soon as the page is gone, however it went. */
export interface Locks {
  /** Never waits: undefined if somebody has it. `steal` takes it from its holder. */
  take(name: string, steal?: "steal"): Promise<Lock | undefined>;
  /** Every name that is held by any page. */
  held(): Promise<ReadonlySet<string>>;
}

/** Holds a client for as long as its page lives. */
export const pageLock = (client: string): string => `${PAGE}${client}`;
const PAGE = "calla page ";

/** The client of a page that lives, where the name is that of its lock. */
export const clientOfPage = (name: string): string | undefined =>
  name.startsWith(PAGE) ? name.slice(PAGE.length) : undefined;

/** Holds a client for the page that sends what its own page left behind. A page that comes back takes it away (TB4). */
export const flushLock = (client: string): string => `calla flush ${client}`;
