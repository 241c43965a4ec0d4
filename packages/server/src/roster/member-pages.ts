// Members by pages, of a topic that only counts them: in the order of their tags, which is no other for whoever comes and goes
// meanwhile. The order is made once a second at most; who has gone since is left out, and who has come is in the next.
import type { SteadyClock, WireMember } from "@calla/shared";
import type { TagTable } from "./tag-table.ts";

export interface MemberPage {
  readonly members: readonly WireMember[];
  /** There are others behind the last one. */
  readonly more: boolean;
}

/** Milliseconds for which an order is used. */
const GOOD_FOR = 1_000;
/** So many members make one page at most. */
const MOST_IN_PAGE = 100;

export class MemberPages {
  readonly #members: TagTable;
  readonly #clock: SteadyClock;
  #order: { readonly tags: Uint32Array; readonly madeAt: number } | undefined;

  constructor(members: TagTable, clock: SteadyClock) {
    this.#members = members;
    this.#clock = clock;
  }

  /** Members behind a tag; 0: from the first. */
  page(after: number, most: number): MemberPage {
    const tags = this.#inOrder();
    const page: WireMember[] = [];
    const wanted = Math.min(Math.max(most, 1), MOST_IN_PAGE);
    let at = after === 0 ? 0 : firstAbove(tags, after);
    for (; at < tags.length && page.length < wanted; at++) {
      const tag = tags[at]!;
      const entry = this.#members.get(tag);
      if (entry !== undefined) page.push([tag, entry.key, entry.meta]);
    }
    return { members: page, more: at < tags.length };
  }

  #inOrder(): Uint32Array {
    const now = this.#clock.monotonic();
    if (this.#order === undefined || now >= this.#order.madeAt + GOOD_FOR)
      this.#order = { tags: Uint32Array.from(this.#members.tags()).toSorted(), madeAt: now };
    return this.#order.tags;
  }
}

/** The place of the first that is greater. */
function firstAbove(sorted: Uint32Array, value: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle]! > value) to = middle;
    else from = middle + 1;
  }
  return from;
}
