// A storage that lives as long as its page. A second client over the same storage stands for a reload in tests.
import { createLedger } from "./ledger.ts";
import { migrateStored } from "./migrate-stored.ts";
import { applyChange, nothingStored } from "./storage.ts";
import type { KeptModels, PageStorage, Storage, StoredDraft } from "./storage.ts";

/** What `memoryStorage` takes. */
export interface MemoryStorageOptions {
  /** Which confirmed models are stored, and when: `keepModels()`. By default none. */
  readonly models?: KeptModels | undefined;
}

/**
 * Keeps everything in memory. Without `models` no model is stored, so a settled entry leaves at once.
 *
 * @example
 * const storage = memoryStorage({ models: keepModels() });
 * const first = createClient({ wiring, serialiser, transport, storage });
 */
export const memoryStorage = (options: MemoryStorageOptions = {}): Storage => memoryPageStorage(options);

export function memoryPageStorage({ models }: MemoryStorageOptions = {}): PageStorage {
  /** The newest last. */
  let clients: StoredDraft[] = [];
  let current = nothingStored({ server: "", user: undefined });
  return {
    models: models as PageStorage["models"],
    migrate: migrateStored,
    ledger: createLedger,
    load(owner) {
      const found = clients.findLast(
        ({ server, user }) => server === owner.server && (owner.user === undefined || owner.user === user),
      );
      current = found ?? nothingStored(owner);
      return Promise.resolve(
        found && {
          ...found,
          entries: [...found.entries.values()],
          targets: new Map(found.targets),
          models: new Map(found.models),
        },
      );
    },
    commit(changes) {
      for (const change of changes) {
        if (change.type === "begin") {
          if (!change.keepFormer) clients = clients.filter((client) => client !== current);
          current = nothingStored({ server: current.server, user: change.user });
        } else if (change.type === "forget") {
          const { server, user } = current;
          clients = clients.filter((client) => client.server !== server || client.user !== user);
          current = nothingStored({ server, user });
          continue;
        } else {
          applyChange(current, change);
        }
        if (!clients.includes(current)) clients.push(current);
      }
      return Promise.resolve();
    },
    forgetEveryone() {
      const entries = clients.flatMap((client) => [...client.entries.values()]);
      clients = [];
      current = nothingStored({ server: current.server, user: current.user });
      return Promise.resolve(entries.filter(({ sequence }) => sequence === undefined).length);
    },
    close: () => Promise.resolve(),
  };
}
