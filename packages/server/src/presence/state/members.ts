// Who is listed: the entries of the replicas that are up, by topic and key. Adding and removing one costs the same
// however many are listed; a list is made anew by the first who asks for it after a change, of the one before where most of
// it is as it was.
import { ChurnMap } from "./churn-map.ts";
import type { PresenceEntry } from "./entry.ts";

interface Topic<Meta> {
  /** Nearly every key has one entry, and needs no Set. */
  readonly keys: ChurnMap<string, PresenceEntry<Meta> | Set<PresenceEntry<Meta>>>;
  size: number;
  /** Of them, those with a key. */
  named: number;
  listed: ReadonlyMap<string, readonly PresenceEntry<Meta>[]> | undefined;
  /** The keys that have changed since that was made. */
  readonly stale: Set<string>;
}

export class Members<Meta> {
  readonly #topics = new ChurnMap<string, Topic<Meta>>();

  add(entry: PresenceEntry<Meta>): void {
    let topic = this.#topics.get(entry.topic);
    if (topic === undefined) this.#topics.set(entry.topic, (topic = newTopic()));
    topic.size++;
    if (entry.key !== "") topic.named++;
    const held = topic.keys.get(entry.key);
    if (held === undefined) topic.keys.set(entry.key, entry);
    else if (held instanceof Set) held.add(entry);
    else topic.keys.set(entry.key, new Set([held, entry]));
    changes(topic, entry.key);
  }

  delete(entry: PresenceEntry<Meta>): void {
    const topic = this.#topics.get(entry.topic);
    const held = topic?.keys.get(entry.key);
    if (topic === undefined || held === undefined) return;
    if (held instanceof Set) {
      if (!held.delete(entry)) return;
      if (held.size === 0) topic.keys.delete(entry.key);
    } else if (held === entry) topic.keys.delete(entry.key);
    else return;
    changes(topic, entry.key);
    topic.size--;
    if (entry.key !== "") topic.named--;
    if (topic.size === 0) this.#topics.delete(entry.topic);
  }

  topics(): Iterable<string> {
    return this.#topics.keys();
  }

  count(topic: string): number {
    return this.#topics.get(topic)?.size ?? 0;
  }

  /** How many entries `list` has. */
  listed(topic: string): number {
    return this.#topics.get(topic)?.named ?? 0;
  }

  byKey(topic: string, key: string): readonly PresenceEntry<Meta>[] {
    const held = this.#topics.get(topic)?.keys.get(key);
    return held === undefined ? [] : inOrder(held);
  }

  list(name: string): ReadonlyMap<string, readonly PresenceEntry<Meta>[]> {
    const topic = this.#topics.get(name);
    if (topic === undefined) return new Map();
    const { listed: before, keys, stale } = topic;
    if (before !== undefined && stale.size === 0) return before;
    const listed = new Map(before);
    if (before === undefined) {
      for (const [key, held] of keys.entries()) if (key !== "") listed.set(key, inOrder(held));
    } else
      for (const key of stale) {
        const held = keys.get(key);
        if (held === undefined) listed.delete(key);
        else listed.set(key, inOrder(held));
      }
    stale.clear();
    return (topic.listed = listed);
  }
}

const newTopic = <Meta>(): Topic<Meta> => ({
  keys: new ChurnMap(),
  size: 0,
  named: 0,
  listed: undefined,
  stale: new Set(),
});

/** Who is not listed changes no list. Where nobody asks for one while many come and go, it is no longer kept. */
function changes<Meta>(topic: Topic<Meta>, key: string): void {
  if (topic.listed === undefined || key === "") return;
  topic.stale.add(key);
  if (topic.stale.size <= topic.keys.size / 2 + 16) return;
  topic.listed = undefined;
  topic.stale.clear();
}

/** By tag, so that all nodes list the entries of a key in one order. */
const inOrder = <Meta>(
  held: PresenceEntry<Meta> | Set<PresenceEntry<Meta>>,
): readonly PresenceEntry<Meta>[] =>
  held instanceof Set
    ? Array.from(held).toSorted((a, b) =>
        a.replica === b.replica ? a.clock - b.clock : a.replica < b.replica ? -1 : 1,
      )
    : [held];
