// Where the clients of all tabs are kept: the one interface that an author implements. IndexedDB, files and memory do. A
// store knows keys and values and nothing of clients (stored-clients.ts) or of which page may use which (tab-storage.ts).

/** A change of what is stored. */
export interface StoreCommit {
  /** Asked first. By key what must be there, or nothing of the commit is done: one of these texts; `undefined`: no value. */
  readonly expect: ReadonlyMap<string, readonly (string | undefined)[]>;
  /** Done next: everything goes whose key begins with one of these. */
  readonly clear: readonly string[];
  /** Done last: each value replaces what was there; `undefined`: it goes. */
  readonly values: ReadonlyMap<string, unknown>;
}

/**
 * Implement this to keep clients elsewhere, and give it to `tabStorage`; `keyValueStoreContract` of
 * `@calla/client/testing` checks yours. Keys are texts. Values are immutable and what the serialiser makes plain: JSON
 * can write them, unless none of the serialiser's formats is text.
 *
 * @example
 * const storage = tabStorage({ store: () => myStore, locks: webLocks });
 */
export interface KeyValueStore {
  /** Everything whose key begins with this, as the commits that were asked for before have left it. */
  read(prefix: string): Promise<ReadonlyMap<string, unknown>>;
  /** The keys of it. */
  keys(prefix: string): Promise<readonly string[]>;
  /**
   * All of it or nothing, in the order of the calls, durable when it resolves. False: what it expects is not there.
   *
   * @throws CallaError `storage` with `details.reason`: `quota` where it is full, or what else there is a reason for. Any
   * other error counts as a failure of the storage.
   */
  commit(commit: StoreCommit): Promise<boolean>;
  /** Frees what is open; what is stored stays. */
  close(): Promise<void>;
}
