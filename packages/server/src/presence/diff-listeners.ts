// Tells what changed, topic by topic, to all who want to know, in one order for all: what a listener changes is told
// behind what it hears (PN22).
import { contain } from "../base/contain.ts";
import type { Report } from "../base/contain.ts";
import type { EntryDiff, PresenceEntry } from "./state/entry.ts";

/** Who came to a topic and who went. An update is one of each, of the same holder and key. */
export interface PresenceDiff<Meta = unknown> {
  readonly topic: string;
  readonly joins: readonly PresenceEntry<Meta>[];
  readonly leaves: readonly PresenceEntry<Meta>[];
}

export class DiffListeners<Meta> {
  /** By the number of the first diff that each is told. */
  readonly #listeners = new Map<
    object,
    { readonly from: number; hears(diff: PresenceDiff<Meta>): unknown }
  >();
  readonly #report: Report;
  /** What is to be told as one. */
  #gathered: EntryDiff<Meta>[] | undefined;
  #waiting: { readonly number: number; readonly diff: PresenceDiff<Meta> }[] | undefined;
  #number = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  add(hears: (diff: PresenceDiff<Meta>) => unknown): () => void {
    const listener = {};
    // What has been listed already when it comes is not news for it.
    this.#listeners.set(listener, { from: this.#number, hears });
    return () => void this.#listeners.delete(listener);
  }

  clear(): void {
    this.#listeners.clear();
  }

  tell(diff: EntryDiff<Meta>): void {
    if (this.#gathered !== undefined) return void this.#gathered.push(diff);
    for (const one of byTopic(diff)) this.#tell(one);
  }

  /** What happens within is told behind it, as one; nothing of what came and went. */
  together(run: () => void): void {
    if (this.#gathered !== undefined) return run();
    const gathered: EntryDiff<Meta>[] = [];
    this.#gathered = gathered;
    try {
      run();
    } finally {
      this.#gathered = undefined;
      if (gathered.length > 0) this.tell(gathered.length === 1 ? gathered[0]! : netOf(gathered));
    }
  }

  /** Nobody is told of what happens within. */
  silently(run: () => void): void {
    const before = this.#gathered;
    this.#gathered = [];
    try {
      run();
    } finally {
      this.#gathered = before;
    }
  }

  #tell(diff: PresenceDiff<Meta>): void {
    const number = this.#number++;
    if (this.#waiting !== undefined) return void this.#waiting.push({ number, diff });
    this.#waiting = [{ number, diff }];
    // It grows meanwhile.
    for (const { number, diff } of this.#waiting)
      for (const [listener, { from, hears }] of Array.from(this.#listeners))
        if (number >= from && this.#listeners.has(listener)) contain(this.#report, () => hears(diff));
    this.#waiting = undefined;
  }
}

function netOf<Meta>(diffs: readonly EntryDiff<Meta>[]): EntryDiff<Meta> {
  const net = new Map<PresenceEntry<Meta>, number>();
  for (const { joins, leaves } of diffs) {
    for (const entry of joins) net.set(entry, (net.get(entry) ?? 0) + 1);
    for (const entry of leaves) net.set(entry, (net.get(entry) ?? 0) - 1);
  }
  const of = (sign: number) => Array.from(net).flatMap(([entry, count]) => (count === sign ? [entry] : []));
  return { joins: of(1), leaves: of(-1) };
}

/** Entries with a name, by topic; nothing of a topic where there are none. */
function byTopic<Meta>({ joins, leaves }: EntryDiff<Meta>): readonly PresenceDiff<Meta>[] {
  const topics = new Map<
    string,
    { topic: string; joins: PresenceEntry<Meta>[]; leaves: PresenceEntry<Meta>[] }
  >();
  const at = (topic: string) => {
    let diff = topics.get(topic);
    if (diff === undefined) topics.set(topic, (diff = { topic, joins: [], leaves: [] }));
    return diff;
  };
  for (const entry of joins) if (entry.key !== "") at(entry.topic).joins.push(entry);
  for (const entry of leaves) if (entry.key !== "") at(entry.topic).leaves.push(entry);
  return Array.from(topics.values());
}
