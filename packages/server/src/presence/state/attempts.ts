// A holder that comes again somewhere else comes with a higher attempt: on a topic, only what it holds by its highest one is
// listed, and the rest is as if it had gone. So who reconnects to another node is never listed twice, however late his
// earlier node notices. Entries without an attempt are not looked at.
import { ChurnMap } from "./churn-map.ts";
import type { PresenceEntry } from "./entry.ts";

export class Attempts<Meta> {
  readonly #holders = new ChurnMap<string, Set<PresenceEntry<Meta>>>();

  /** The attempt by which a holder is listed on a topic. */
  of(topic: string, holder: string): number | undefined {
    const all = this.#holders.get(placeOf({ topic, holder }));
    return all === undefined ? undefined : highestOf(all);
  }

  /** An entry comes. Gives what is listed instead of what. */
  add(entry: PresenceEntry<Meta>): ListingChange<Meta> {
    const place = placeOf(entry);
    const all = this.#holders.get(place);
    if (all === undefined) {
      this.#holders.set(place, new Set([entry]));
      return { listed: [entry], unlisted: [] };
    }
    const highest = highestOf(all);
    all.add(entry);
    const attempt = entry.attempt!;
    if (attempt < highest) return NO_CHANGE;
    return { listed: [entry], unlisted: attempt === highest ? [] : by(all, highest) };
  }

  /** An entry goes. */
  delete(entry: PresenceEntry<Meta>): ListingChange<Meta> {
    const place = placeOf(entry);
    const all = this.#holders.get(place);
    if (all === undefined) return NO_CHANGE;
    const highest = highestOf(all);
    if (!all.delete(entry)) return NO_CHANGE;
    if (all.size === 0) this.#holders.delete(place);
    if (entry.attempt! < highest) return NO_CHANGE;
    const next = highestOf(all);
    return { listed: next < highest ? by(all, next) : [], unlisted: [entry] };
  }
}

export interface ListingChange<Meta> {
  readonly listed: readonly PresenceEntry<Meta>[];
  readonly unlisted: readonly PresenceEntry<Meta>[];
}
const NO_CHANGE: ListingChange<never> = { listed: [], unlisted: [] };

/** Of a few entries: nearly always one. */
const highestOf = (all: Iterable<PresenceEntry>): number => {
  let highest = -1;
  for (const { attempt = 0 } of all) highest = Math.max(highest, attempt);
  return highest;
};
const by = <Meta>(all: Iterable<PresenceEntry<Meta>>, attempt: number): readonly PresenceEntry<Meta>[] =>
  Array.from(all).filter((entry) => entry.attempt === attempt);
const placeOf = ({ topic, holder }: { readonly topic: string; readonly holder: string }): string =>
  `${topic.length}:${topic}${holder}`;
