// How many there are, of a topic whose members are only counted: when all who hear it are told. Pure: the number and the
// time are passed in.

/** Milliseconds between two counts that all are told. */
const EVERY = 1_000;
/** In place of a number: not all were told the same. */
const MIXED = -1;

/**
 * The number that all were told last.
 *
 * @example
 * if (told.due(count, clock.monotonic())) tellAll(count);
 */
export class ToldCount {
  #told: { readonly count: number; readonly at: number } | undefined;

  /** Whether all are to be told now: then they count as told. `now` is milliseconds of a clock that is never set back. */
  due(count: number, now: number): boolean {
    if (this.#told !== undefined && this.dueIn(count, now) !== 0) return false;
    this.#told = { count, at: now };
    return true;
  }

  /**
   * One who came was told by itself, maybe another number than the others: all are told again, also where it is soon theirs
   * again, or nobody would ever tell that one.
   */
  toldOne(count: number): void {
    if (this.#told !== undefined && this.#told.count !== count)
      this.#told = { count: MIXED, at: this.#told.at };
  }

  /** In how many milliseconds all are to be told this number. undefined: never, for they know it. */
  dueIn(count: number, now: number): number | undefined {
    if (this.#told === undefined) return 0;
    return this.#told.count === count ? undefined : Math.max(0, this.#told.at + EVERY - now);
  }

  /** Nobody is told numbers any more; whoever is next hears at once. */
  forget(): void {
    this.#told = undefined;
  }
}
