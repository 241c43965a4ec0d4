// Who is listed: the entries of the replicas that are up, by topic and key. Adding and removing one costs the same
// however many are listed; a list is made anew by the first who asks for it after a change.
import { ChurnMap } from "./churn-map.ts";
import type { PresenceEntry } from "./entry.ts";

interface Topic<Meta> {
  /** Nearly every key has one entry, and needs no Set. */
  readonly keys: ChurnMap<string, PresenceEntry<Meta> | Set<PresenceEntry<Meta>>>;
  size: number;
  /** Of them, those with a key. */
  named: number;
  listed: ReadonlyMap<string, readonly PresenceEntry<Meta>[]> | undefined;
}

export class Members<Meta> {
  readonly #topics = new ChurnMap<string, Topic<Meta>>();

  add(entry: PresenceEntry<Meta>): void {
    let topic = this.#topics.get(entry.topic);
    if (topic === undefined)
      this.#topics.set(entry.topic, (topic = { keys: new ChurnMap(), size: 0, named: 0, listed: undefined }));
    topic.size++;
    if (entry.key !== "") topic.named++;
    topic.listed = undefined;
    const held = topic.keys.get(entry.key);
    if (held === undefined) topic.keys.set(entry.key, entry);
    else if (held instanceof Set) held.add(entry);
    else topic.keys.set(entry.key, new Set([held, entry]));
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
    topic.listed = undefined;
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
    if (topic.listed !== undefined) return topic.listed;
    const listed = new Map<string, readonly PresenceEntry<Meta>[]>();
    for (const [key, held] of topic.keys.entries()) if (key !== "") listed.set(key, inOrder(held));
    return (topic.listed = listed);
  }
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
