// Entries of presence as Phoenix clients read them: `presence_state` and the two halves of `presence_diff`. Objects by key
// have no prototype, so that a key may be any text.
import type { PresenceEntry } from "../../presence/state/entry.ts";
import { tagOf } from "../../presence/state/entry.ts";
import type { PresenceFields, PresenceList, Tracked } from "../definition/presence-types.ts";
import { jsonText } from "../wire/json.ts";
import type { JsonObject } from "../wire/message.ts";
import { SharedEvent } from "../wire/shared-message.ts";

export const STATE = "presence_state";
export const DIFF = "presence_diff";
export const COUNT = "presence_count";

/** Entries by key, as `Tracker.list` has them. */
export type EntriesByKey = ReadonlyMap<string, readonly PresenceEntry[]>;

/** A meta as it is told. The refs are the server's: what an app of another node wrote there is dropped, too (CP9). */
function tracked(entry: PresenceEntry): Tracked {
  const { phx_ref: _, phx_ref_prev: __, ...meta } = isObject(entry.meta) ? entry.meta : {};
  const ref = { ...meta, phx_ref: tagOf(entry) };
  if (entry.replaced === undefined) return ref;
  return { ...ref, phx_ref_prev: tagOf({ ...entry, clock: entry.replaced }) };
}

/** Another node's app may have tracked something else. */
const isObject = (meta: unknown): meta is JsonObject =>
  typeof meta === "object" && meta !== null && !Array.isArray(meta);

/** Who is listed, with refs. */
export function listOf(entries: EntriesByKey): PresenceList {
  const list = new Map<string, readonly Tracked[]>();
  for (const [key, all] of entries) list.set(key, all.map(tracked));
  return list;
}

/** A key's entries are the same object in all lists until they change. */
const texts = new WeakMap<readonly PresenceEntry[], string>();
const keyText = (key: string, all: readonly PresenceEntry[]): string => {
  let text = texts.get(all);
  if (text === undefined)
    texts.set(all, (text = `${jsonText(key)}:${jsonText({ metas: all.map(tracked) })}`));
  return text;
};

/** A state as JSON. Of very many most were in the one before: they are written once, not for each who joins. */
export function stateOf(entries: EntriesByKey): SharedEvent {
  const keys: string[] = [];
  for (const [key, all] of entries) keys.push(keyText(key, all));
  return new SharedEvent(STATE, () => payloadOf(listOf(entries)), `{${keys.join(",")}}`);
}

/** By key, in the order in which they stand. Who has no key is left out (CP15). */
export function byKey(entries: Iterable<PresenceEntry>): EntriesByKey {
  const keys = new Map<string, PresenceEntry[]>();
  for (const entry of entries) {
    if (entry.key === "") continue;
    const all = keys.get(entry.key);
    if (all === undefined) keys.set(entry.key, [entry]);
    else all.push(entry);
  }
  return keys;
}

const NONE: PresenceFields = new Map();

/** A list as JSON. Metas stand above a field that is called so. */
export function payloadOf(list: PresenceList, fields: PresenceFields = NONE): JsonObject {
  const said = Object.create(null) as Record<string, JsonObject>;
  for (const [key, metas] of list) said[key] = { ...fields.get(key), metas };
  return said;
}

/** Of a diff: both halves are always there. */
export const diffPayload = (
  joins: PresenceList,
  leaves: PresenceList,
  fields: PresenceFields = NONE,
): JsonObject => ({ joins: payloadOf(joins, fields), leaves: payloadOf(leaves, fields) });
