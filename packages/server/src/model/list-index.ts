// Which objects a list holds, for lists that are put into another order: an object that only stands elsewhere is known
// by itself, and not looked into. Not here: what the others come to (model-measure.ts).

/** An object in the list. */
interface IndexEntry {
  /** How often it is there. */
  count: number;
  /** How many of these the newer list has not had yet, in the round. */
  left: number;
  round: number;
}

/**
 * The objects of a list, kept from one order of it to the next: to find one costs 10 to 20 ns, to make this anew for each
 * order five times that.
 */
export class ListIndex {
  /** Items that are no objects. */
  plain = 0;
  readonly #entries = new Map<object, IndexEntry>();
  #round = 0;

  constructor(list: readonly unknown[]) {
    for (const item of list) this.add(item);
  }

  add(item: unknown): void {
    if (!isContainer(item)) {
      this.plain++;
      return;
    }
    const known = this.#entries.get(item);
    if (known === undefined) this.#entries.set(item, { count: 1, left: 0, round: 0 });
    else known.count++;
  }

  take(item: unknown): void {
    if (!isContainer(item)) {
      this.plain--;
      return;
    }
    const known = this.#entries.get(item);
    if (known !== undefined && --known.count === 0) this.#entries.delete(item);
  }

  /** Begins to compare with another list. */
  begin(): void {
    this.#round++;
  }

  /** Whether the list has this one, as often as it was asked for since `begin`. */
  has(item: object): boolean {
    const known = this.#entries.get(item);
    if (known === undefined) return false;
    if (known.round !== this.#round) {
      known.round = this.#round;
      known.left = known.count;
    }
    return --known.left >= 0;
  }

  /** Those that were not asked for since `begin`, each as often as it is there. */
  missing(): object[] {
    const found: object[] = [];
    for (const [item, { count, left, round }] of this.#entries)
      for (let n = round === this.#round ? left : count; n > 0; n--) found.push(item);
    return found;
  }
}

export const isContainer = (value: unknown): value is object => typeof value === "object" && value !== null;

/** So many items in place of others, and a list is asked whether it is the same in another order. */
const STRANGE = 8;
/** So many items of a list are looked for in the other one, to tell another order from other items. */
const SAMPLES = 4;

/** What went from a list, and where in the newer one others came. */
interface Difference {
  readonly left: readonly unknown[];
  readonly added: readonly number[];
}

/** By walking both at once. undefined: the newer one seems to be in another order. */
// oxlint-disable-next-line complexity -- reason: one walk over both lists, without a call per item
export function difference(before: readonly unknown[], after: readonly unknown[]): Difference | undefined {
  let [i, j] = [0, 0];
  let [iEnd, jEnd] = [before.length, after.length];
  while (i < iEnd && j < jEnd && before[i] === after[j]) {
    i++;
    j++;
  }
  while (i < iEnd && j < jEnd && before[iEnd - 1] === after[jEnd - 1]) {
    iEnd--;
    jEnd--;
  }
  const gone: unknown[] = [];
  const come: number[] = [];
  let strange = 0;
  while (i < iEnd && j < jEnd) {
    if (before[i] === after[j]) {
      i++;
      j++;
      continue;
    }
    // A few that went, or came; otherwise one in place of another.
    let ahead = 1;
    while (ahead <= 4 && before[i + ahead] !== after[j] && before[i] !== after[j + ahead]) ahead++;
    const went = ahead <= 4 && i + ahead < iEnd && before[i + ahead] === after[j];
    const came = !went && ahead <= 4 && j + ahead < jEnd && before[i] === after[j + ahead];
    if (!went && !came && ++strange === STRANGE && seemsReordered(before, after, j)) return undefined;
    for (let n = came ? 0 : went ? ahead : 1; n > 0; n--) gone.push(before[i++]);
    for (let n = went ? 0 : came ? ahead : 1; n > 0; n--) come.push(j++);
  }
  while (i < iEnd) gone.push(before[i++]);
  while (j < jEnd) come.push(j++);
  return gone.length > STRANGE && come.length > STRANGE && strange < STRANGE
    ? unmoved(after, gone, come)
    : { left: gone, added: come };
}

/** Whether a list, from a place on, seems to hold items of another one. Only what it costs depends on it. */
function seemsReordered(before: readonly unknown[], after: readonly unknown[], from: number): boolean {
  for (let n = 0; n < SAMPLES; n++) {
    const item = after[from + Math.floor(((after.length - 1 - from) * n) / SAMPLES)];
    if (!isContainer(item) || before.includes(item)) return true;
  }
  return false;
}

/** Which of those that went and came are not the same in another place: by identity, each as often as it is there. */
function unmoved(after: readonly unknown[], gone: readonly unknown[], come: readonly number[]): Difference {
  const were = new Set(gone);
  // What stood there twice is rare: all of it is taken away and added again.
  if (were.size < gone.length) return { left: gone, added: come };
  const added = come.filter((j) => !were.delete(after[j]));
  return { left: [...were], added };
}
