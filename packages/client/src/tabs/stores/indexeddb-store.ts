// A key-value store in IndexedDB. One database for all servers, users and tabs of an origin, with one object store; every
// commit is one transaction, and the transactions of all tabs are in one order.
import { DEV } from "@calla/shared";
import type { Clock } from "@calla/shared";
import { storageFailure } from "../../storage/storage-failure.ts";
import type { KeyValueStore } from "../key-value-store.ts";

/**
 * Raised with every change of what is stored, from the first release on; `onupgradeneeded` then brings older stores along.
 * What was stored before the first release may not be readable.
 */
const SCHEMA = 1;
const ALL = "all";

export interface IndexedDbStoreOptions {
  readonly name: string;
  readonly durability: "strict" | "relaxed";
  /** Milliseconds for the database to open. */
  readonly openTimeout: number;
  readonly clock: Clock;
}

/** By name: what a new connection would change nothing about. It is the app's, the user's or another page's doing. */
const LASTING: ReadonlySet<unknown> = new Set([
  "CallaError",
  "QuotaExceededError",
  "VersionError",
  "SecurityError",
  "DataCloneError",
  "DataError",
]);

/** Up to what is like it with a greater last character. */
const startingWith = (prefix: string): IDBKeyRange => {
  const last = prefix.length - 1;
  return prefix === ""
    ? IDBKeyRange.lowerBound("")
    : IDBKeyRange.bound(
        prefix,
        prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1),
        false,
        true,
      );
};

const answer = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });

export async function indexedDbStore(options: IndexedDbStoreOptions): Promise<KeyValueStore> {
  let current: Promise<IDBDatabase> | undefined;

  const forget = (dead: typeof current): void => {
    if (current === dead) current = undefined;
  };
  function connection(): Promise<IDBDatabase> {
    const mine = (current ??= open(options, () => forget(mine)));
    return mine;
  }

  /**
   * The browser may close it (the site's data was cleared, a newer page came), or kill the process behind it without a
   * word (WebKit, in the background): the connection is dropped and the work done once more over a new one (TB12).
   * Whether the first time took nothing or all of it is not known then: a commit expects what it would leave, too (TB18).
   */
  async function run<T>(work: (database: IDBDatabase) => Promise<T>, again = false): Promise<T> {
    const mine = connection();
    let otherwise = unavailable;
    try {
      const database = await mine;
      otherwise = failed;
      return await work(database);
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

  /** Resolves when it is durable. What throws in between undoes all of it. */
  async function within<T>(
    database: IDBDatabase,
    mode: IDBTransactionMode,
    work: (all: IDBObjectStore) => Promise<T>,
  ): Promise<T> {
    const { durability } = options;
    const transaction = database.transaction(ALL, mode, { durability });
    const done = new Promise<void>((resolve, reject) => {
      transaction.addEventListener("complete", () => resolve());
      transaction.addEventListener("abort", () =>
        reject(transaction.error ?? new DOMException("", "AbortError")),
      );
    });
    done.catch(() => {});
    try {
      const result = await work(transaction.objectStore(ALL));
      await done;
      return result;
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It has aborted itself, and says why.
        await done;
      }
      throw error;
    }
  }

  await run(() => Promise.resolve());
  return {
    read: (prefix) =>
      run((database) =>
        within(database, "readonly", async (all) => {
          const range = startingWith(prefix);
          const [keys, values] = await Promise.all([
            answer(all.getAllKeys(range)),
            answer(all.getAll(range)),
          ]);
          return new Map(keys.map((key, i) => [key as string, values[i] as unknown]));
        }),
      ),
    keys: (prefix) =>
      run((database) =>
        within(database, "readonly", (all) => answer(all.getAllKeys(startingWith(prefix)))),
      ) as Promise<string[]>,
    commit: ({ expect, clear, values }) =>
      run((database) =>
        within(database, "readwrite", async (all) => {
          const there = await Promise.all(
            Array.from(expect, async ([key, texts]) =>
              texts.includes((await answer(all.get(key))) as string),
            ),
          );
          if (there.includes(false)) return false;
          // Without waiting for what gives no answer: what fails ends the transaction, which says so.
          for (const prefix of clear) all.delete(startingWith(prefix));
          for (const [key, value] of values) {
            if (value === undefined) all.delete(key);
            else all.put(value, key);
          }
          return true;
        }),
      ),
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
): Promise<IDBDatabase> {
  if (!present()) throw unavailable();
  let late = false;
  const opening = Promise.resolve().then(() => {
    const request = indexedDB.open(name, SCHEMA);
    request.addEventListener("upgradeneeded", () => request.result.createObjectStore(ALL));
    return answer(request);
  });
  let cancel: (() => void) | undefined;
  const timeout = new Promise<never>((_, reject) => {
    cancel = clock.setTimeout(() => {
      late = true;
      reject(
        storageFailure(
          "blocked",
          DEV && "The database did not open in time; an older page may still hold it.",
        ),
      );
    }, openTimeout);
  });
  opening.then(
    (database) => {
      // One that opens after all would block the next upgrade.
      if (late) database.close();
      // A newer page wants to change the stores: what this one stores from now on fails, and says so.
      database.addEventListener("versionchange", () => {
        database.close();
        closed();
      });
      database.addEventListener("close", closed);
    },
    () => {},
  );
  try {
    return await Promise.race([opening, timeout]);
  } finally {
    cancel?.();
  }
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
    DEV && "This browser gives no database here (private mode, settings): nothing is kept.",
    cause,
  );
const failed = (cause: unknown) => storageFailure("failed", DEV && "The database failed.", cause);

const nameOf = (error: unknown): unknown => (error as { name?: unknown } | null)?.name;

function failure(cause: unknown, otherwise: (error: unknown) => unknown) {
  const name = nameOf(cause);
  if (name === "CallaError") return cause;
  if (name === "QuotaExceededError") return storageFailure("quota", DEV && "The storage is full.", cause);
  if (name === "VersionError")
    return storageFailure(
      "newer",
      DEV && "A newer version of this page has changed the database; reload.",
      cause,
    );
  return otherwise(cause);
}
