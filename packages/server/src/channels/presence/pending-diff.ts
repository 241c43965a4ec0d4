// What has changed on a topic since its clients were last told. Who came and went meanwhile is no news, and who changed
// several times is one change: by tags, which no two entries share.
import type { EntryDiff, PresenceEntry } from "../../presence/state/entry.ts";
import { tagOf } from "../../presence/state/entry.ts";

export class PendingDiff {
  #joins = new Map<string, PresenceEntry>();
  #leaves = new Map<string, PresenceEntry>();

  add({ joins, leaves }: EntryDiff): void {
    // An entry that is in both is another one before and after.
    for (const entry of leaves) cancelOrSet(entry, this.#joins, this.#leaves);
    for (const entry of joins) cancelOrSet(entry, this.#leaves, this.#joins);
  }

  /** Gives all of it, and has nothing from then on. undefined: there is nothing. */
  take(): EntryDiff | undefined {
    if (this.#joins.size === 0 && this.#leaves.size === 0) return undefined;
    const diff = { joins: Array.from(this.#joins.values()), leaves: Array.from(this.#leaves.values()) };
    this.clear();
    return diff;
  }

  clear(): void {
    this.#joins = new Map();
    this.#leaves = new Map();
  }
}

function cancelOrSet(
  entry: PresenceEntry,
  opposite: Map<string, PresenceEntry>,
  own: Map<string, PresenceEntry>,
): void {
  const tag = tagOf(entry);
  if (!opposite.delete(tag)) own.set(tag, entry);
}
