// Locks among the clients of one process: for tests with virtual tabs, and where no other process can be.
import type { Lock, Locks } from "./locks.ts";

/** Locks in memory, and the end of a page that held some. */
export interface MemoryLocks {
  /** The locks as one page sees them. */
  page(): Locks & {
    /** The page is gone: what it held is free, and it gets nothing more. */
    end(): void;
  };
}

/**
 * Locks for pages of one process.
 *
 * @example
 * const locks = memoryLocks();
 * const first = tabStorage({ store: () => store, locks: () => locks.page() });
 */
export function memoryLocks(): MemoryLocks {
  const all = new Map<string, { readonly lose: () => void }>();
  return {
    page() {
      const mine = new Map<string, { readonly lose: () => void }>();
      let alive = true;
      return {
        take(name, steal) {
          const other = all.get(name);
          if (!alive || (other && !steal)) return Promise.resolve(undefined);
          other?.lose();
          return Promise.resolve(take(name));
        },
        taken: () => Promise.resolve(new Set(all.keys())),
        end() {
          alive = false;
          for (const [name, held] of mine) if (all.get(name) === held) all.delete(name);
          mine.clear();
        },
      };

      function take(name: string): Lock {
        let lose!: () => void;
        const lost = new Promise<void>((resolve) => (lose = resolve));
        const held = { lose };
        all.set(name, held);
        mine.set(name, held);
        return {
          lost,
          release() {
            if (all.get(name) === held) all.delete(name);
            mine.delete(name);
          },
        };
      }
    },
  };
}
