// Which items of a list were which before. What both ends have in common goes first. Of the rest those that stay are found by
// Myers' algorithm where little has changed (common-items.ts), otherwise by matching all by identity, as P. Heckel does it, "A
// technique for isolating differences between files", CACM 21 (1978) 264–268, and a longest run of them in order.
import { MAPPED_LOOKS, stepLooks } from "./budget.ts";
import type { Budget } from "./budget.ts";
import { commonItems } from "./common-items.ts";
import { digest, equal, isObject } from "./identity.ts";
import type { IdOf } from "./identity.ts";
import { longestIncreasing } from "./longest-increasing.ts";

export type Items = readonly unknown[];

export interface Matched {
  /** So many items at the head are matched one by one. Behind them lies what follows here, up to an equal tail. */
  readonly head: number;
  /** How many items lie there before. */
  readonly before: number;
  /** Of each that lies there after: its place there before, or -1. */
  readonly sources: Int32Array;
  /** 1: it stays, and others move about it. */
  readonly stays: Uint8Array;
  /** Places (before, after) in the whole lists of matched items that may differ inside, by the second. */
  readonly edits: readonly (readonly [number, number])[];
}

/** @throws OverBudget */
export function matchItems(before: Items, after: Items, idOf: IdOf, budget: Budget): Matched {
  const edits: (readonly [number, number])[] = [];
  const alike = (i: number, j: number): boolean => {
    const [a, b] = [before[i], after[j]];
    if (Object.is(a, b)) return true;
    budget.look(1);
    if (!isObject(a) || !isObject(b)) return false;
    const [id, other] = [idOf(a), idOf(b)];
    if (id === undefined && other === undefined) return equal(a, b, budget);
    if (id !== other) return false;
    edits.push([i, j]);
    return true;
  };
  let head = 0;
  let [end, afterEnd] = [before.length, after.length];
  while (head < end && head < afterEnd && alike(head, head)) head++;
  budget.look(stepLooks(head));
  while (end > head && afterEnd > head && alike(end - 1, afterEnd - 1)) {
    end--;
    afterEnd--;
  }
  budget.look(stepLooks(before.length - end));
  const middle = new Middle(before.slice(head, end), after.slice(head, afterEnd), idOf, budget);
  middle.match();
  const { sources, stays } = middle;
  for (let j = 0; j < sources.length; j++) {
    const i = sources[j]!;
    if (i >= 0 && !Object.is(before[head + i], after[head + j])) edits.push([head + i, head + j]);
  }
  return { head, before: end - head, sources, stays, edits: edits.toSorted(([, a], [, b]) => a - b) };
}

/** What lies between the equal ends. */
class Middle {
  readonly sources: Int32Array;
  stays: Uint8Array;
  readonly #before: Items;
  readonly #after: Items;
  readonly #idOf: IdOf;
  readonly #budget: Budget;
  /** 1: what stood there before is matched. */
  readonly #taken: Uint8Array;
  #matched = 0;
  readonly #keysBefore: unknown[] = [];
  readonly #keysAfter: unknown[] = [];

  constructor(before: Items, after: Items, idOf: IdOf, budget: Budget) {
    [this.#before, this.#after, this.#idOf, this.#budget] = [before, after, idOf, budget];
    this.sources = new Int32Array(after.length).fill(-1);
    this.stays = new Uint8Array(after.length);
    this.#taken = new Uint8Array(before.length);
  }

  match(): void {
    const [before, after] = [this.#before, this.#after];
    if (before.length === 0 || after.length === 0) return;
    const common = commonItems(before.length, after.length, (i, j) => this.#same(i, j), this.#budget);
    for (const [i, j] of common ?? []) {
      this.#take(i, j);
      this.stays[j] = 1;
    }
    this.#matchBy(
      (i) => before[i],
      (j) => after[j],
    );
    this.#matchBy(
      (i) => this.#key(before, i, this.#keysBefore),
      (j) => this.#key(after, j, this.#keysAfter),
    );
    if (common === undefined) this.stays = longestIncreasing(this.sources);
    this.#pairRest();
  }

  #same(i: number, j: number): boolean {
    if (Object.is(this.#before[i], this.#after[j])) return true;
    const key = this.#key(this.#before, i, this.#keysBefore);
    return key !== undefined && key === this.#key(this.#after, j, this.#keysAfter);
  }

  /**
   * An item's id, or else a hash of what it is, below zero; undefined: it has no parts. An id that is such a number may be
   * taken for a hash: as with two that have one hash, the patch gets longer.
   */
  #key(items: Items, at: number, known: unknown[]): unknown {
    const item = items[at];
    if (!isObject(item)) return undefined;
    return (known[at] ??= this.#idOf(item) ?? -1 - digest(item, this.#budget));
  }

  #take(i: number, j: number): void {
    this.sources[j] = i;
    this.#taken[i] = 1;
    this.#matched++;
  }

  /** Of those with one key the first goes with the first. */
  #matchBy(keyBefore: (i: number) => unknown, keyAfter: (j: number) => unknown): void {
    const [before, after] = [this.#before, this.#after];
    if (this.#matched === before.length || this.#matched === after.length) return;
    const first = new Map<unknown, number>();
    const next = new Int32Array(before.length);
    this.#budget.look(stepLooks(before.length + after.length));
    for (let i = before.length - 1; i >= 0; i--) {
      if (this.#taken[i] === 1) continue;
      const its = keyBefore(i);
      if (its === undefined) continue;
      next[i] = first.get(its) ?? -1;
      first.set(its, i);
      this.#budget.look(MAPPED_LOOKS);
    }
    if (first.size === 0) return;
    for (let j = 0; j < after.length; j++) {
      if (this.sources[j]! >= 0) continue;
      const its = keyAfter(j);
      const i = its === undefined ? undefined : first.get(its);
      if (i === undefined || i < 0) continue;
      this.#take(i, j);
      first.set(its, next[i]!);
    }
  }

  /** What is left between two that stay, before and after, goes together: it was changed where it stood. */
  #pairRest(): void {
    const { sources, stays } = this;
    let [from, free] = [0, 0];
    for (let j = 0; j <= sources.length; j++) {
      if (j < sources.length && stays[j] === 0) continue;
      const end = j < sources.length ? sources[j]! : this.#before.length;
      for (let k = from; k < j; k++) {
        if (sources[k]! >= 0) continue;
        while (free < end && this.#taken[free] === 1) free++;
        if (free >= end) break;
        this.#take(free, k);
        stays[k] = 1;
      }
      [from, free] = [j + 1, end + 1];
    }
  }
}
