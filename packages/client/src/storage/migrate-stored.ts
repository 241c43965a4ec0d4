// Migrates messages and models that an older page has stored. Part of storages that outlive a page, so that a client
// that stores nothing does not carry it. Not here: how a migration runs (shared migrate.ts).
import { migrateMessages, migrateModel } from "@calla/shared";
import type { Slice } from "@calla/shared";
import type { MigratedEntry, StoredEntry, StoredModel } from "./storage.ts";
import { rejectedBy } from "../base/rejected-error.ts";

/** What a storage gives as its `migrate`. */
export function migrateStored({ messages, version }: StoredEntry, slice: Slice | undefined): MigratedEntry {
  if (messages.length === 0 || slice === undefined || !("migrate" in slice) || version === slice.version)
    return { messages };
  const migrated = migrateMessages(slice, messages, version, "client");
  if (migrated.ok) return { messages: migrated.messages };
  const { code, details, error } = migrated;
  const dropped = rejectedBy(code, details);
  dropped.cause = error;
  return { messages: [], dropped };
}

/** A stored model; where it cannot be had in this version, as it is: its client drops it then (VE7). */
export function migrateStoredModel(stored: StoredModel, slice: Slice | undefined): StoredModel {
  const { version: from, model } = stored;
  if (slice === undefined || !("migrate" in slice) || from === slice.version) return stored;
  try {
    return { ...stored, version: slice.version, model: migrateModel(slice, model, from) };
  } catch {
    return stored;
  }
}
