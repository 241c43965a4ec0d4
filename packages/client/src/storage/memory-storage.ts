// A storage that lives as long as its page. A second client over the same storage stands for a reload in tests.
import { createLedger } from "./ledger.ts";
import { applyChange, nothingStored } from "./storage.ts";
import type { Storage, StoredDraft } from "./storage.ts";

/**
 * Keeps everything in memory. Without `models` no model is stored, so a settled entry leaves at once; without `migrate`
 * it cannot be handed to a page of another version.
 *
 * @example
 * const storage = memoryStorage({ models: keepModels(), migrate: migrateStored });
 * const first = createClient({ wiring, serialiser, transport, storage });
 */
export function memoryStorage({
  models,
  migrate,
}: Partial<Pick<Storage, "models" | "migrate">> = {}): Storage {
  /** The newest last. */
  let clients: StoredDraft[] = [];
  let current = nothingStored({ server: "", user: undefined });
  return {
    models,
    migrate,
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
