// A client store in memory: for tests with several tabs, and as the inside of a file's store.
import { applyChange, nothingStored } from "../../storage/storage.ts";
import type { StoredDraft } from "../../storage/storage.ts";
import { evicted, HOUR, NOBODYS, taken } from "../client-store.ts";
import type { ClientStore, CommitPart } from "../client-store.ts";

/** One client as it is kept. */
export interface StoreRow {
  token: string;
  usedAt: number;
  readonly draft: StoredDraft;
}
export type StoreRows = Map<string, StoreRow>;

/** @throws CallaError `storage`: a part's client is another page's by now (`taken`), or gone (`evicted`). */
export function checkParts(rows: StoreRows, parts: readonly CommitPart[]): void {
  for (const { id, token, owner } of parts) {
    const row = rows.get(id);
    if (row ? row.token !== token : !owner) throw row ? taken() : evicted();
  }
}

/** What a commit does; refuses before it has changed anything. */
export function applyParts(rows: StoreRows, parts: readonly CommitPart[]): void {
  checkParts(rows, parts);
  for (const { id, token, at, owner, drops = [], changes } of parts) {
    const row = rows.get(id) ?? { token, usedAt: at, draft: nothingStored(owner ?? NOBODY) };
    rows.set(id, row);
    if (at - row.usedAt >= HOUR) row.usedAt = at;
    for (const change of changes) applyChange(row.draft, change);
    for (const dropped of drops) rows.delete(dropped);
  }
}
const NOBODY = { server: "", user: undefined };

const unsent = ({ entries }: StoredDraft): number =>
  [...entries.values()].filter(({ sequence }) => sequence === undefined).length;

/** What `empty` does; how many messages had no recorded outcome. */
export function emptyRows(
  rows: StoreRows,
  free: readonly string[],
  open: readonly string[],
  at: number,
): number {
  let count = 0;
  for (const { draft } of rows.values()) count += unsent(draft);
  const stubs = new Map([...open].map((id) => [id, ""]));
  for (const [id, { draft }] of rows) stubs.set(id, draft.server);
  rows.clear();
  for (const id of free) stubs.delete(id);
  for (const [id, server] of stubs)
    rows.set(id, { token: NOBODYS, usedAt: at, draft: nothingStored({ server, user: undefined }) });
  return count;
}

/**
 * Clients in memory, until the process ends.
 *
 * @example
 * const store = memoryClientStore();
 * const page = () => tabStorage({ store: () => store, locks: () => locks.page() });
 */
export function memoryClientStore(rows: StoreRows = new Map()): ClientStore {
  return {
    list: (server) =>
      Promise.resolve(
        [...rows]
          .filter(([, { draft }]) => server === undefined || draft.server === server)
          .map(([id, { usedAt, draft }]) => ({
            id,
            server: draft.server,
            user: draft.user,
            usedAt,
            waiting: unsent(draft),
          })),
      ),
    take(id, token, at) {
      const row = rows.get(id);
      if (!row) return Promise.resolve(undefined);
      row.token = token;
      row.usedAt = at ?? row.usedAt;
      const { draft } = row;
      return Promise.resolve({
        ...draft,
        entries: [...draft.entries.values()],
        targets: new Map(draft.targets),
        models: new Map(draft.models),
      });
    },
    commit: (parts) => Promise.resolve().then(() => applyParts(rows, parts)),
    remove: (id) => Promise.resolve(void rows.delete(id)),
    empty: (free, open, at) => Promise.resolve(emptyRows(rows, free, open, at)),
    close: () => Promise.resolve(),
  };
}
