// A key-value store in memory: for tests with several tabs, and as the inside of a file's store.
import type { KeyValueStore, StoreCommit } from "../key-value-store.ts";

/** What is there, in the order in which it came. */
export type StoredValues = Map<string, unknown>;

/** Whether what a commit expects is there. */
export const isAsExpected = (all: StoredValues, { expect }: StoreCommit): boolean =>
  [...expect].every(([key, texts]) => texts.includes(all.get(key) as string | undefined));

/** What a commit does. */
export function applyCommit(all: StoredValues, { clear, values }: Omit<StoreCommit, "expect">): void {
  for (const prefix of clear) for (const key of all.keys()) if (key.startsWith(prefix)) all.delete(key);
  for (const [key, value] of values) {
    if (value === undefined) all.delete(key);
    else all.set(key, value);
  }
}

/**
 * A store in memory, until the process ends.
 *
 * @example
 * const store = memoryStore();
 * const page = () => tabStorage({ store: () => store, locks: () => locks.page() });
 */
export function memoryStore(all: StoredValues = new Map()): KeyValueStore {
  const under = (prefix: string) => [...all].filter(([key]) => key.startsWith(prefix));
  return {
    read: (prefix) => Promise.resolve(new Map(under(prefix))),
    keys: (prefix) => Promise.resolve(under(prefix).map(([key]) => key)),
    commit(commit) {
      const goes = isAsExpected(all, commit);
      if (goes) applyCommit(all, commit);
      return Promise.resolve(goes);
    },
    close: () => Promise.resolve(),
  };
}
