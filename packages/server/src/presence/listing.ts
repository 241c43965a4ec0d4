// Whether those on a topic are told who is here, or only how many: a list of very many costs each who comes more than it is
// worth to him, and each who comes or goes costs all. Pure: how many there are and what time it is are passed in.

/** It lists again below such a share of the limit, so that it does not go to and fro about one member. */
const AGAIN_BELOW = 0.8;
/** Milliseconds from one change of kind to the next: each costs a whole list for all who hear it. */
const BETWEEN_CHANGES = 10_000;

/**
 * The kind of one topic's presence, as it was last looked at.
 *
 * @example
 * const listing = new Listing(1_000);
 * if (listing.look(tracker.count(topic), clock.monotonic())) tellAllOver(listing.counts);
 */
export class Listing {
  readonly #most: number;
  #counts = false;
  #changedAt = -Infinity;

  /** `most`: so many members are listed; `Infinity`: however many there are. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many are told, and not who. */
  get counts(): boolean {
    return this.#counts;
  }

  /** Decides anew; `now` is milliseconds of a clock that is never set back. True: the kind is another from now on. */
  look(members: number, now: number): boolean {
    if (!this.#wantsChange(members) || now < this.#changedAt + BETWEEN_CHANGES) return false;
    this.#counts = !this.#counts;
    this.#changedAt = now;
    return true;
  }

  /**
   * When to look again, in milliseconds from now, though nobody comes or goes: so many members want the other kind, and it
   * has changed too lately. undefined: the kind fits.
   */
  lookIn(members: number, now: number): number | undefined {
    return this.#wantsChange(members) ? Math.max(0, this.#changedAt + BETWEEN_CHANGES - now) : undefined;
  }

  #wantsChange(members: number): boolean {
    return this.#counts ? members < this.#most * AGAIN_BELOW : members > this.#most;
  }
}
