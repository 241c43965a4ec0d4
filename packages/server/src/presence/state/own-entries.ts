// The entries that this replica has made and what it ended lately: it alone may end them (PN3).
import { ChurnMap } from "./churn-map.ts";
import type { PresenceEntry } from "./entry.ts";

export class OwnEntries<Meta> {
  readonly #holders = new ChurnMap<string, Map<string, PresenceEntry<Meta>>>();
  /** Which clock a change ended, by the change's own clock; 0: none. The first is that of `#begin`. */
  #ended: number[] = [];
  #begin = 1;
  /** Who lags further is told with more words (PN9). */
  readonly #remembered: number;

  constructor(remembered: number) {
    this.#remembered = remembered;
  }

  at(topic: string, holder: string, key: string): PresenceEntry<Meta> | undefined {
    return this.#holders.get(holder)?.get(placeOf(topic, key));
  }

  of(holder: string): readonly PresenceEntry<Meta>[] {
    return Array.from(this.#holders.get(holder)?.values() ?? []);
  }

  holders(): Iterable<string> {
    return this.#holders.keys();
  }

  set(entry: PresenceEntry<Meta>): void {
    const place = placeOf(entry.topic, entry.key);
    const held = this.#holders.get(entry.holder);
    if (held === undefined) this.#holders.set(entry.holder, new Map([[place, entry]]));
    else held.set(place, entry);
  }

  delete({ topic, holder, key }: PresenceEntry<Meta>): void {
    const held = this.#holders.get(holder);
    if (held?.delete(placeOf(topic, key)) === true && held.size === 0) this.#holders.delete(holder);
  }

  /** The next clock has ended the entry of another one, or of none (0). */
  changed(ended: number): void {
    this.#ended.push(ended);
    if (this.#ended.length < 2 * this.#remembered) return;
    const forgotten = this.#ended.length - this.#remembered;
    this.#ended = this.#ended.slice(forgotten);
    this.#begin += forgotten;
  }

  /** Whether what the changes after a clock have ended is remembered. */
  remembers(clock: number): boolean {
    return clock + 1 >= this.#begin;
  }

  /** What the changes after one clock up to another have ended, sorted; both are remembered. */
  ended(after: number, upTo: number): readonly number[] {
    return this.#ended
      .slice(after + 1 - this.#begin, upTo + 1 - this.#begin)
      .filter((ended) => ended > 0)
      .toSorted((a, b) => a - b);
  }
}

/** Two texts as one that no other two give. */
const placeOf = (topic: string, key: string): string => `${topic.length}:${topic}${key}`;
