// How large a target's model is, about: as many bytes as its JSON would have in ASCII. A model is weighed when what was
// taken since the last time could have filled the limit; parts that an update left alone are not weighed again.

/** Whatever an update makes of a message: so many times its weight, and as much besides. */
const GROWTH = { times: 2, besides: 64 };
/** Between two weighings at least this share of the limit may be added: so near the limit not every message weighs. */
const LEAST = 1 / 64;

export class Scales {
  readonly #limit: number;
  readonly #known = new WeakMap<object, number>();
  /** When last weighed; undefined: never, or something else has changed the model since. */
  #weight: number | undefined;
  #added = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Something was taken that these scales have not seen. */
  forget(): void {
    this.#weight = undefined;
  }

  /** Whether a dispatch makes a model too large. One that makes it smaller never does. */
  refuses(before: unknown, after: unknown, messages: readonly unknown[]): boolean {
    if (this.#limit === Infinity) return false;
    // Not remembered: that would cost more than weighing them.
    for (const message of messages) this.#added += GROWTH.times * weigh(message) + GROWTH.besides;
    const room = Math.max(this.#limit - (this.#weight ?? Infinity), this.#limit * LEAST);
    if (this.#weight !== undefined && this.#weight <= this.#limit && this.#added <= room) return false;
    const weight = this.#weigh(after);
    this.#added = 0;
    if (weight > this.#limit) {
      const was = this.#weigh(before);
      if (weight >= was) {
        this.#weight = was;
        return true;
      }
    }
    this.#weight = weight;
    return false;
  }

  #weigh(model: unknown): number {
    return weigh(model, this.#known);
  }
}

/** About the bytes of a value as JSON. */
export function weigh(value: unknown, known?: WeakMap<object, number>): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value === "bigint") return 24;
  if (typeof value !== "object" || value === null) return 8;
  const before = known?.get(value);
  if (before !== undefined) return before;
  const weight = weighObject(value, known);
  known?.set(value, weight);
  return weight;
}

function weighObject(value: object, known: WeakMap<object, number> | undefined): number {
  if (value instanceof Uint8Array) return Math.ceil((value.length * 4) / 3) + 8;
  if (value instanceof Date) return 32;
  let weight = 2;
  if (value instanceof Map)
    for (const [key, item] of value) weight += weigh(key, known) + weigh(item, known) + 4;
  else if (Array.isArray(value) || value instanceof Set)
    for (const item of value as Iterable<unknown>) weight += weigh(item, known) + 1;
  else for (const [key, item] of Object.entries(value)) weight += key.length + weigh(item, known) + 4;
  return weight;
}
