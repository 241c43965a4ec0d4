// How much a patch may cost to compute: values that are looked at, counted as they are. What costs more than to look at a value
// counts for as many as it costs: measured on V8 of Node 20, one is about 50 ns.

/** More was looked at than the budget allows; `patchOf` makes a refusal of it. */
export class OverBudget extends Error {
  override readonly name = "OverBudget";
}

export class Budget {
  #looks = 0;
  readonly #names = new Map<object, readonly string[]>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get looks(): number {
    return this.#looks;
  }

  /** The names of an object's fields; those of a large one are listed once, for that takes a millisecond for 10,000. */
  namesOf(fields: object): readonly string[] {
    let names = this.#names.size === 0 ? undefined : this.#names.get(fields);
    if (names === undefined) {
      names = Object.keys(fields);
      this.look(names.length > LARGE ? 3 * names.length : names.length);
      if (names.length > LARGE) this.#names.set(fields, names);
    }
    return names;
  }

  /** @throws OverBudget */
  look(values: number): void {
    this.#looks += values;
    if (this.#looks > this.#most) throw new OverBudget();
  }

  /**
   * For a walk that goes down: no value of the wire is nested more deeply (64 levels of the value domain, each at most three
   * of the tree), and a cycle ends here.
   *
   * @throws OverBudget
   */
  descend(depth: number): void {
    if (depth > DEEPEST) throw new OverBudget();
  }
}
const DEEPEST = 512;

/** Items of a list that are compared by reference only: 5 to 8 ns each. */
export const stepLooks = (items: number): number => items >>> 3;
/** Reading a text: 6 ns a unit, where JSON escapes something in it. */
export const textLooks = (text: string): number => 1 + (text.length >>> 3);
/** An operation that is said: its pointers, their bytes, and whether the patch is still short enough. */
export const OPERATION_LOOKS = 20;
/** An item that is put into a Map, which grows. */
export const MAPPED_LOOKS = 8;
/** Fields; V8 keeps a larger object as a dictionary. */
const LARGE = 1_020;
