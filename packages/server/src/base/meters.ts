// What each address has used up of the byte rate over the requests of one line: a socket, or an HTTP/2 session. A proxy
// brings everybody's requests over a few lines, so a line alone does not show which visitor takes too much. Not here:
// what happens then (byte-limits.ts).

/** How much of its byte rate something has used up: the time at which all that was read will have been paid for. */
export interface Meter {
  paid: number;
}

/** One that is shared, and remembered until it is at rest and nobody draws on it. */
export interface SharedMeter extends Meter {
  readonly key: string;
  /** Requests under way that draw on it. */
  holders: number;
}

/**
 * So many are remembered. Each is in use or not at rest, so at the default rate it takes some 20 GB a second to have more:
 * then those that come share one.
 */
const MOST = 20_000;
/** Known ones that are looked at for each one that comes: more than one, so that they become fewer. */
const LOOKED_AT = 4;

export class Meters {
  readonly #now: () => number;
  readonly #most: number;
  readonly #lines = new WeakMap<object, number>();
  #last = 0;
  /** The longest unseen first. */
  readonly #known = new Map<string, SharedMeter>();
  readonly #crowd: SharedMeter = { key: "", paid: 0, holders: 0 };

  constructor(now: () => number, most: number = MOST) {
    this.#now = now;
    this.#most = most;
  }

  get size(): number {
    return this.#known.size;
  }

  /** For a request, until `release`. */
  hold(line: object, address: string | undefined): SharedMeter {
    const key = `${this.#lineOf(line)} ${address ?? ""}`;
    const meter = this.#known.get(key) ?? this.#fresh(key);
    meter.holders++;
    return meter;
  }

  release(meter: SharedMeter): void {
    meter.holders--;
    if (this.#idle(meter)) this.#known.delete(meter.key);
  }

  #lineOf(line: object): number {
    const known = this.#lines.get(line) ?? ++this.#last;
    this.#lines.set(line, known);
    return known;
  }

  #fresh(key: string): SharedMeter {
    let looked = 0;
    for (const one of this.#known.values()) {
      if (looked++ === LOOKED_AT) break;
      this.#known.delete(one.key);
      if (!this.#idle(one)) this.#known.set(one.key, one);
    }
    if (this.#known.size >= this.#most) return this.#crowd;
    const meter: SharedMeter = { key, paid: 0, holders: 0 };
    this.#known.set(key, meter);
    return meter;
  }

  #idle({ paid, holders }: SharedMeter): boolean {
    return holders === 0 && paid <= this.#now();
  }
}
