// Stored messages of an older page in this page's version. It comes with a storage that outlives its page, and not with
// the client: one that stores nothing does not carry it. Not here: what migrating is (shared migrate.ts).
import { migrateMessages } from "@calla/shared";
import type { Slice } from "@calla/shared";
import type { MigratedEntry, StoredEntry } from "./storage.ts";
import { RejectedError } from "./write.ts";

/**
 * What a storage gives as its `migrate`.
 *
 * @example
 * const storage: Storage = { migrate: migrateStored, load, commit, close };
 */
export function migrateStored({ message, version }: StoredEntry, slice: Slice | undefined): MigratedEntry {
  if (message === null || slice === undefined || !("migrate" in slice) || version === slice.version)
    return { message };
  const old: readonly unknown[] = Array.isArray(message) ? message : [message];
  const migrated = migrateMessages(slice, old, version, "client");
  if (migrated.ok) return { message: old === message ? migrated.messages : migrated.messages[0] };
  const { code, details, error } = migrated;
  const dropped = new RejectedError({ from: "calla", code, details });
  dropped.cause = error;
  return { message: null, dropped };
}
