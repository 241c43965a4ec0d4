// Who is on one topic, by the tag that stands for its client on the wire. A tag is a hash: where two clients have one, or one
// client is on two nodes at once, the last who came is shown, and the other one when that one goes.
import { authorTag } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { ChurnMap } from "../presence/state/churn-map.ts";
import type { PresenceEntry } from "../presence/state/entry.ts";

export class TagTable {
  readonly #target: TargetKey;
  readonly #entries = new ChurnMap<number, PresenceEntry | PresenceEntry[]>();

  constructor(target: TargetKey) {
    this.#target = target;
  }

  get size(): number {
    return this.#entries.size;
  }
  tagOf({ holder }: PresenceEntry): number {
    return authorTag(holder, this.#target);
  }
  /** Who is shown by a tag. */
  get(tag: number): PresenceEntry | undefined {
    const found = this.#entries.get(tag);
    return Array.isArray(found) ? found.at(-1) : found;
  }
  tags(): Iterable<number> {
    return this.#entries.keys();
  }

  add(tag: number, entry: PresenceEntry): void {
    const found = this.#entries.get(tag);
    if (found === undefined) this.#entries.set(tag, entry);
    else if (Array.isArray(found)) found.push(entry);
    else this.#entries.set(tag, [found, entry]);
  }

  delete(tag: number, entry: PresenceEntry): void {
    const found = this.#entries.get(tag);
    if (!Array.isArray(found)) {
      if (found !== undefined && isSame(found, entry)) this.#entries.delete(tag);
      return;
    }
    const left = found.filter((one) => !isSame(one, entry));
    this.#entries.set(tag, left.length === 1 ? left[0]! : left);
  }
}

const isSame = (one: PresenceEntry, other: PresenceEntry): boolean =>
  one.replica === other.replica && one.clock === other.clock;
