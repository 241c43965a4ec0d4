// A client store in IndexedDB. One database for all servers, users and tabs of an origin; every commit is one transaction, and
// the transactions of all tabs are in one order. Stores, by their keys:
//   clients [id]                      user, identity, the token of the page that holds it, when it was last used
//   entries [client, target, mid]     messages without an outcome, and those that an older model still needs ("marked")
//   targets [client, target]          settled, last
//   models  [client, target]          confirmed models
import { openDB } from "idb";
import type { DBSchema, IDBPDatabase, IDBPTransaction } from "idb";
import type { Clock, TargetKey } from "@calla/shared";
import { evicted, HOUR, NOBODYS, storageFailure, taken } from "../client-store.ts";
import type { ClientStore, CommitPart, ClientChange } from "../client-store.ts";
import type { StoredEntry, StoredIdentity, StoredModel, StoredTarget } from "../../storage/storage.ts";

/**
 * Raised with every change of the stores, from the first release on; `upgrade` then brings older ones along. What was
 * stored before the first release may not be readable.
 */
const SCHEMA = 1;

interface ClientRow {
  readonly id: string;
  readonly server: string;
  /** Undefined is left out, as structured clone and JSON would differ about it. */
  readonly user?: string | null;
  readonly identity?: StoredIdentity;
  readonly token: string;
  readonly usedAt: number;
}
interface Schema extends DBSchema {
  clients: { key: string; value: ClientRow; indexes: { server: string } };
  entries: {
    key: [string, string, number];
    value: { readonly client: string; readonly entry: StoredEntry };
    indexes: { marked: [string, string, number] };
  };
  targets: {
    key: [string, string];
    value: StoredTarget & { readonly client: string; readonly target: TargetKey };
  };
  models: {
    key: [string, string];
    value: { readonly client: string; readonly target: TargetKey; readonly model: StoredModel };
    indexes: { reached: [string, string, number] };
  };
}
type Store = "clients" | "entries" | "targets" | "models";
const STORES: readonly Store[] = ["clients", "entries", "targets", "models"];
type Writing = IDBPTransaction<Schema, Store[], "readwrite">;

export interface IndexedDbStoreOptions {
  readonly name: string;
  readonly durability: "strict" | "relaxed";
  /** Milliseconds for the database to open. */
  readonly openTimeout: number;
  readonly clock: Clock;
}

/** All that begins with these: arrays stand behind every text and number. */
const within = (...parts: readonly string[]): IDBKeyRange => IDBKeyRange.bound([...parts], [...parts, []]);

/** By name: what a new connection would change nothing about. It is the app's, the user's or another page's doing. */
const LASTING: ReadonlySet<unknown> = new Set([
  "CallaError",
  "QuotaExceededError",
  "VersionError",
  "SecurityError",
  "DataCloneError",
  "DataError",
]);

export async function indexedDbClientStore(options: IndexedDbStoreOptions): Promise<ClientStore> {
  let current: Promise<IDBPDatabase<Schema>> | undefined;

  const forget = (dead: typeof current): void => {
    if (current === dead) current = undefined;
  };
  function connection(): Promise<IDBPDatabase<Schema>> {
    const mine = (current ??= open(options, () => forget(mine)));
    return mine;
  }

  /**
   * The browser may close it (the site's data was cleared, a newer page came), or kill the process behind it without a
   * word (WebKit, in the background): the connection is dropped and the work done once more over a new one (TB11).
   * Whether the first time took nothing or all of it is not known then, so work must come to the same when done twice.
   */
  async function run<T>(
    work: (database: IDBPDatabase<Schema>, again: boolean) => Promise<T>,
    again = false,
  ): Promise<T> {
    const mine = connection();
    let otherwise = unavailable;
    try {
      const database = await mine;
      otherwise = failed;
      return await work(database, again);
    } catch (cause) {
      const lasts = LASTING.has(nameOf(cause));
      if (!lasts || otherwise === unavailable) forget(mine);
      if (!lasts)
        void mine.then(
          (dead) => dead.close(),
          () => {},
        );
      if (lasts || again) throw failure(cause, otherwise);
      return run(work, true);
    }
  }
  const writing = (db: IDBPDatabase<Schema>, work: (transaction: Writing) => Promise<void>) => {
    const { durability } = options;
    const transaction = db.transaction([...STORES], "readwrite", { durability });
    return settled(transaction, work);
  };

  await run(() => Promise.resolve());
  return {
    list: (server) =>
      run(async (db) => {
        const transaction = db.transaction(["clients", "entries"]);
        // The callers wait for its requests, which fail with it.
        transaction.done.catch(() => {});
        const entries = transaction.objectStore("entries");
        const clients = transaction.objectStore("clients");
        const rows = await (server === undefined ? clients.getAll() : clients.index("server").getAll(server));
        return Promise.all(
          rows.map(async ({ id, server: of, user, usedAt }) => {
            const [all, marked] = await Promise.all([
              entries.count(within(id)),
              entries.index("marked").count(within(id)),
            ]);
            return { id, server: of, user, usedAt, waiting: all - marked };
          }),
        );
      }),
    take: (id, token, at) =>
      run(async (db) => {
        let found: Awaited<ReturnType<typeof read>> | undefined;
        await writing(db, async (transaction) => {
          const clients = transaction.objectStore("clients");
          const row = await clients.get(id);
          if (!row) return;
          await clients.put({ ...row, token, usedAt: at ?? row.usedAt });
          found = await read(transaction, row);
        });
        return found;
      }),
    commit: (parts) =>
      run((db, again) => {
        const dropped = again ? parts.flatMap(({ drops = [] }) => drops) : [];
        return writing(db, async (transaction) => {
          for (const part of parts) await commitPart(transaction, part, dropped);
        });
      }),
    remove: (id) => run((db) => writing(db, (transaction) => removeClient(transaction, id))),
    empty(free, open, at) {
      let count = 0;
      return run(async (db) => {
        await writing(db, async (transaction) => {
          const entries = transaction.objectStore("entries");
          const clients = transaction.objectStore("clients");
          const [all, marked, rows] = await Promise.all([
            entries.count(),
            entries.index("marked").count(),
            clients.getAll(),
          ]);
          count = Math.max(count, all - marked);
          const stubs = new Map(open.map((id) => [id, ""]));
          for (const { id, server } of rows) stubs.set(id, server);
          for (const id of free) stubs.delete(id);
          await Promise.all(STORES.map((name) => transaction.objectStore(name).clear()));
          const puts = [...stubs].map(([id, server]) =>
            clients.put({ id, server, token: NOBODYS, usedAt: at }),
          );
          await Promise.all(puts);
        });
        return count;
      });
    },
    async close() {
      const last = current;
      current = undefined;
      await last?.then((database) => database.close()).catch(() => {});
    },
  };
}

async function open(
  { name, openTimeout, clock }: IndexedDbStoreOptions,
  closed: () => void,
): Promise<IDBPDatabase<Schema>> {
  if (!present()) throw unavailable();
  let late = false;
  const opening = Promise.resolve().then(() =>
    openDB<Schema>(name, SCHEMA, {
      // Each case falls through to the next: whatever is there becomes what this page knows.
      upgrade(database, version) {
        if (version < 1) {
          database.createObjectStore("clients", { keyPath: "id" }).createIndex("server", "server");
          database
            .createObjectStore("entries", { keyPath: ["client", "entry.target", "entry.mid"] })
            // Only marked entries have a sequence, so only they are in it.
            .createIndex("marked", ["client", "entry.target", "entry.sequence"]);
          database.createObjectStore("targets", { keyPath: ["client", "target"] });
          database
            .createObjectStore("models", { keyPath: ["client", "target"] })
            // How far a model is, without reading it.
            .createIndex("reached", ["client", "target", "model.sequence"]);
        }
      },
      // A newer page wants to change the stores: what this one stores from now on fails, and says so.
      blocking(_current, _blocked, event) {
        (event.target as IDBDatabase).close();
        closed();
      },
      terminated: closed,
    }),
  );
  let cancel: (() => void) | undefined;
  const timeout = new Promise<never>((_, reject) => {
    cancel = clock.setTimeout(() => {
      late = true;
      reject(
        storageFailure("blocked", "The database did not open in time; an older page may still hold it."),
      );
    }, openTimeout);
  });
  // One that opens after all would block the next upgrade.
  opening.then(
    (database) => late && database.close(),
    () => {},
  );
  try {
    return await Promise.race([opening, timeout]);
  } finally {
    cancel?.();
  }
}

/** Waits until it is durable. What throws in between undoes all of it. */
async function settled(transaction: Writing, work: (transaction: Writing) => Promise<void>): Promise<void> {
  const done = transaction.done;
  done.catch(() => {});
  try {
    await work(transaction);
  } catch (error) {
    try {
      transaction.abort();
    } catch {
      // It has aborted itself, and says why.
      await done;
    }
    throw error;
  }
  await done;
}

async function read(transaction: Writing, { id, server, user, identity }: ClientRow) {
  const [entries, targets, models] = await Promise.all([
    transaction.objectStore("entries").getAll(within(id)),
    transaction.objectStore("targets").getAll(within(id)),
    transaction.objectStore("models").getAll(within(id)),
  ]);
  return {
    server,
    user,
    ...(identity ? { identity } : {}),
    entries: entries.map(({ entry }) => entry),
    targets: new Map(targets.map(({ target, settled, last }) => [target, { settled, last }])),
    models: new Map(models.map(({ target, model }) => [target, model])),
  };
}

/** `dropped`: what is not there because the same commit, done before, has dropped it. */
async function commitPart(transaction: Writing, part: CommitPart, dropped: readonly string[]): Promise<void> {
  const { id, token, at, owner, drops = [], changes } = part;
  const clients = transaction.objectStore("clients");
  const found = await clients.get(id);
  if (!found && dropped.includes(id)) return;
  if (found ? found.token !== token : !owner) throw found ? taken() : evicted();
  let row: ClientRow = found ?? {
    id,
    server: owner!.server,
    ...(owner!.user === undefined ? {} : { user: owner!.user }),
    token,
    usedAt: at,
  };
  const identity = changes.findLast((change) => change.type === "identity")?.identity;
  if (identity) row = { ...row, identity, user: identity.userId };
  if (at - row.usedAt >= HOUR) row = { ...row, usedAt: at };
  if (row !== found) await clients.put(row);
  // In the order of the changes, but without waiting for what gives no answer.
  const wrote: Promise<unknown>[] = [];
  for (const change of changes) {
    const writes = await apply(transaction, id, change);
    // A write that fails ends the transaction, which is reported; its own rejection must not be an unhandled one.
    for (const write of writes) write.catch(() => {});
    wrote.push(...writes);
  }
  for (const dropped of drops) await removeClient(transaction, dropped);
  await Promise.all(wrote);
}

/** As `applyChange` says it. */
async function apply(
  transaction: Writing,
  client: string,
  change: ClientChange,
): Promise<readonly Promise<unknown>[]> {
  const entries = transaction.objectStore("entries");
  const models = transaction.objectStore("models");
  switch (change.type) {
    case "identity":
      return [];
    case "entry":
      return [entries.put({ client, entry: change.entry })];
    case "outcome": {
      const { target, mid, sequence } = change;
      const key: [string, string, number] = [client, target, mid];
      const model = sequence > 0 && (await models.index("reached").openKeyCursor(within(client, target)));
      const found = model && model.key[2] < sequence && (await entries.get(key));
      return [found ? entries.put({ client, entry: { ...found.entry, sequence } }) : entries.delete(key)];
    }
    case "target": {
      const { target, settled, last } = change;
      return [transaction.objectStore("targets").put({ client, target, settled, last })];
    }
    case "model":
    case "drop-model": {
      const { target } = change;
      const reached = change.type === "model" ? change.model.sequence : Infinity;
      const marked = await entries
        .index("marked")
        .getAllKeys(IDBKeyRange.bound([client, target], [client, target, reached]));
      return [
        change.type === "model"
          ? models.put({ client, target, model: change.model })
          : models.delete([client, target]),
        ...marked.map((key) => entries.delete(key)),
      ];
    }
  }
}

async function removeClient(transaction: Writing, id: string): Promise<void> {
  await Promise.all([
    transaction.objectStore("clients").delete(id),
    transaction.objectStore("entries").delete(within(id)),
    transaction.objectStore("targets").delete(within(id)),
    transaction.objectStore("models").delete(within(id)),
  ]);
}

/** Where it is forbidden, looking at it may throw. */
function present(): boolean {
  try {
    return Boolean(globalThis.indexedDB);
  } catch {
    return false;
  }
}

const unavailable = (cause?: unknown) =>
  storageFailure(
    "unavailable",
    "This browser gives no database here (private mode, settings): nothing is kept.",
    cause,
  );
const failed = (cause: unknown) => storageFailure("failed", "The database failed.", cause);

const nameOf = (error: unknown): unknown => (error as { name?: unknown } | null)?.name;

function failure(cause: unknown, otherwise: (error: unknown) => unknown) {
  const name = nameOf(cause);
  if (name === "CallaError") return cause;
  if (name === "QuotaExceededError") return storageFailure("quota", "The storage is full.", cause);
  if (name === "VersionError")
    return storageFailure("newer", "A newer version of this page has changed the database; reload.", cause);
  return otherwise(cause);
}
