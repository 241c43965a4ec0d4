// What a model comes to: its bytes as JSON, its memory, how deep it is nested, and whether the wire carries all of it.
// Walks what is not known yet: a part that stands where it stood is not looked into, a large part that has moved is known
// by what was found of it. Values are immutable, so what was found holds. Not here: what is too much (model-limits.ts).
import { below, describe, isCrowded, isInJson, kindOf, notInJson, WalkRefusal } from "@calla/shared";
import type { Kind, ValueOptions } from "@calla/shared";
import { difference, isContainer, ListIndex } from "./list-index.ts";
import { MEMORY } from "./model-part.ts";
import type { Part, Sums } from "./model-part.ts";

/** Smaller parts are walked again sooner than they would be found. */
const LARGE = 512;
/** Fields of a small object that are compared one by one. */
const FEW = 16;
/** The objects of longer lists are not kept (40 bytes each). */
const MOST_INDEXED = 100_000;
/** A model is walked so deep to be found too deep; the wire takes no more, whatever a serialiser's `maxDepth` is. */
const MOST_LEVELS = 512;
/** A bigint of more digits is carried by no format. */
const MOST_BIGINT = 10n ** 1_000n;

/** Adds and takes away values from the sums of a model. */
export class Measure implements Sums {
  bytes = 0;
  memory = 0;
  faults = 0;
  /** The levels of what was added last as a whole. */
  height = 0;
  readonly #domain: ValueOptions | undefined;
  /** What else the value domain has is a fault. */
  readonly #onlyJson: boolean;
  readonly #parts = new WeakMap<object, Part>();
  #mostLevels = MOST_LEVELS;
  /** A fault is counted; otherwise it ends the walk. */
  #tolerant = true;

  /** `domain`: what the serialiser carries; undefined: it has its own way with models, and everything counts as carried. */
  constructor(domain: ValueOptions | undefined) {
    this.#domain = domain;
    this.#onlyJson = domain?.onlyJson === true;
  }

  set({ bytes, memory, faults }: Sums): void {
    this.bytes = bytes;
    this.memory = memory;
    this.faults = faults;
  }

  /**
   * From one model to the next: what differs is taken away and added.
   *
   * @throws Refusal, where not `tolerant`: at the first value that the wire does not carry (`invalid-value`), or that is
   * nested in more than `mostLevels` (`too-deep`), with its path.
   */
  change(before: unknown, after: unknown, mostLevels: number, tolerant: boolean): void {
    this.#mostLevels = mostLevels;
    this.#tolerant = tolerant;
    this.#change(before, after, 0);
  }

  /** All of a model. @throws Refusal `too-deep`: more levels than any format carries, or a cycle. */
  whole(model: unknown): void {
    this.#mostLevels = MOST_LEVELS;
    this.#tolerant = true;
    this.set({ bytes: 0, memory: 0, faults: 0 });
    this.height = this.#add(model, 1, 0);
  }

  /** Returns the levels of what is there now; at least those that are new. */
  #change(before: unknown, after: unknown, depth: number): number {
    if (isContainer(before) && isContainer(after)) {
      const former = this.#parts.get(before);
      const kind = kindOf(after);
      if (kind === kindOf(before) && !this.#parts.has(after)) {
        if (former === undefined) {
          const height =
            kind === "object" ? this.#small(before as Fields, after as Fields, depth) : undefined;
          if (height !== undefined) return height;
        } else {
          const { bytes, memory, faults } = this;
          this.#checkDepth(depth);
          const inside = this.#inside(kind, before, after, depth + 1, former);
          if (inside !== undefined) {
            const { row, index } = former;
            const height = Math.max(former.height, inside + 1);
            this.#parts.set(after, {
              bytes: former.bytes + this.bytes - bytes,
              memory: former.memory + this.memory - memory,
              faults: former.faults + this.faults - faults,
              height,
              exact: false,
              row,
              index,
            });
            former.index = undefined;
            return height;
          }
        }
      }
    }
    this.#add(before, -1, depth);
    return this.#add(after, 1, depth);
  }

  /**
   * Two objects that are not known as parts, with the same few fields: what is the same in both is not looked at, for it
   * stands as deep as it stood. undefined: they are others.
   */
  #small(before: Fields, after: Fields, depth: number): number | undefined {
    const names = Object.keys(after);
    const stood = Object.keys(before);
    if (names.length !== stood.length || names.length > FEW) return undefined;
    for (let i = 0; i < names.length; i++) if (names[i] !== stood[i]) return undefined;
    this.#checkDepth(depth);
    let height = 0;
    let name = "";
    try {
      for (name of names) {
        const was = before[name];
        const value = after[name];
        if (was !== value) height = Math.max(height, this.#change(was, value, depth + 1));
      }
    } catch (thrown) {
      throw below(name, thrown);
    }
    return height + 1;
  }

  /** Returns the most levels of what is new inside; undefined: these are not compared. */
  #inside(kind: Kind, before: object, after: object, depth: number, former: Part): number | undefined {
    switch (kind) {
      case "object":
        return this.#fields(before as Fields, after as Fields, depth, former);
      case "array":
        return this.#items(before as readonly unknown[], after as readonly unknown[], depth, former);
      case "map":
        return this.#entries(before as Entries, after as Entries, depth);
      case "set":
        return this.#members(before as Members, after as Members, depth);
      default:
        return undefined;
    }
  }

  #fields(before: Fields, after: Fields, depth: number, former: Part): number {
    const names = Object.keys(after);
    const row = former.row?.of === before ? former.row : undefined;
    const stood = row?.names ?? Object.keys(before);
    const values = row?.values ?? stood.map((one) => before[one]);
    let others: unknown[] | undefined; // the values, where these are not the same fields in the same order
    // Half changed it describes no model.
    if (row !== undefined) row.of = undefined;
    let height = 0;
    let same = names.length === stood.length;
    let at = 0; // in what stood there: names come in one order, but for those that went and came
    let name = "";
    try {
      for (let i = 0; i < names.length; i++) {
        name = names[i]!;
        while (at < stood.length && stood[at] !== name && !Object.hasOwn(after, stood[at]!)) {
          this.#field(stood[at]!, values[at], -1, depth);
          at++;
          same = false;
        }
        const value = after[name];
        if (stood[at] === name) {
          const was = values[at];
          if (was !== value) height = Math.max(height, this.#change(was, value, depth));
          if (same) values[at] = value;
          at++;
        } else {
          same = false;
          const was = before[name];
          height = Math.max(
            height,
            Object.hasOwn(before, name)
              ? this.#change(was, value, depth)
              : this.#field(name, value, 1, depth),
          );
        }
        if (!same) (others ??= values.slice(0, i)).push(value);
      }
      for (; at < stood.length; at++)
        if (!Object.hasOwn(after, stood[at]!)) this.#field(stood[at]!, values[at], -1, depth);
    } catch (thrown) {
      throw below(name, thrown);
    }
    former.row = same ? { of: after, names: stood, values } : { of: after, names, values: others ?? [] };
    return height;
  }

  #items(before: readonly unknown[], after: readonly unknown[], depth: number, former: Part): number {
    const differs = difference(before, after);
    if (differs === undefined) return this.#reordered(before, after, depth, former);
    const { left, added } = differs;
    return this.#replaced(before, left, after, added, depth, former, former.index);
  }

  /** Objects are known wherever they stand; others are soon counted. */
  #reordered(before: readonly unknown[], after: readonly unknown[], depth: number, former: Part): number {
    const index = former.index ?? new ListIndex(before);
    former.index = undefined; // half changed it describes no model
    if (index.plain > 0) for (const item of before) if (!isContainer(item)) this.#item(item, -1, depth);
    const added: number[] = [];
    const objects = before.length - index.plain;
    index.begin();
    index.plain = 0;
    for (let j = 0; j < after.length; j++) {
      const item = after[j];
      if (!isContainer(item)) {
        index.plain++;
        try {
          this.#item(item, 1, depth);
        } catch (thrown) {
          throw below(j, thrown);
        }
      } else if (!index.has(item)) added.push(j);
    }
    const left = after.length - index.plain - added.length < objects ? index.missing() : [];
    return this.#replaced(before, left, after, added, depth, former, index);
  }

  /** Takes away and adds; `index` is the former list's objects, and becomes the newer one's. */
  #replaced(
    before: readonly unknown[],
    left: readonly unknown[],
    after: readonly unknown[],
    added: readonly number[],
    depth: number,
    former: Part,
    index: ListIndex | undefined,
  ): number {
    former.index = undefined;
    this.bytes += after.length - before.length;
    this.memory += MEMORY.slot * (after.length - before.length);
    let height = 0;
    for (let n = 0; n < Math.max(left.length, added.length); n++) {
      const to = added[n];
      if (to === undefined) {
        this.#item(left[n], -1, depth);
        continue;
      }
      try {
        height = Math.max(height, this.#exchanged(left, n, after[to], depth));
      } catch (thrown) {
        throw below(to, thrown);
      }
    }
    if (index === undefined || after.length > MOST_INDEXED) return height;
    for (const item of left) index.take(item);
    for (const to of added) index.add(after[to]);
    former.index = index;
    return height;
  }

  /** What left at `n`, if anything did, for what has come. */
  #exchanged(left: readonly unknown[], n: number, value: unknown, depth: number): number {
    if (n < left.length) {
      if (isContainer(left[n]) && isContainer(value)) return this.#change(left[n], value, depth);
      this.#item(left[n], -1, depth);
    }
    return this.#item(value, 1, depth);
  }

  #entries(before: Entries, after: Entries, depth: number): number {
    let height = 0;
    let known = 0;
    let at = 0;
    try {
      const others = before.entries();
      let other = others.next();
      for (const [key, value] of after) {
        // In step as long as they stand in one order, but for those that have gone.
        while (other.done !== true && other.value[0] !== key && !after.has(other.value[0]))
          other = others.next();
        if (other.done !== true && other.value[0] === key) {
          if (other.value[1] !== value) height = Math.max(height, this.#change(other.value[1], value, depth));
          known++;
          other = others.next();
        } else if (before.has(key)) {
          const was = before.get(key);
          if (was !== value) height = Math.max(height, this.#change(was, value, depth));
          known++;
        } else height = Math.max(height, this.#entry(key, value, 1, depth));
        at++;
      }
      if (known < before.size)
        for (const [key, value] of before) if (!after.has(key)) this.#entry(key, value, -1, depth);
    } catch (thrown) {
      throw below(at, thrown);
    }
    if (known < Math.max(before.size, after.size)) this.#spread(after.keys(), after.size);
    return height;
  }

  #members(before: Members, after: Members, depth: number): number {
    let height = 0;
    let known = 0;
    let at = 0;
    try {
      for (const member of after) {
        if (before.has(member)) known++;
        else height = Math.max(height, this.#member(member, 1, depth));
        at++;
      }
      if (known < before.size)
        for (const member of before) if (!after.has(member)) this.#member(member, -1, depth);
    } catch (thrown) {
      throw below(at, thrown);
    }
    if (known < Math.max(before.size, after.size)) this.#spread(after, after.size);
    return height;
  }

  /**
   * Numbers that crowd (CO26, TE25) nobody decodes, whether they came in one message or one by one; so few when they are found
   * that building the Set cost nothing yet. Those that went are looked at too: of many others they were no crowd.
   */
  #spread(members: Iterable<unknown>, size: number): void {
    if (this.#domain !== undefined && isCrowded(members, size))
      this.#fault("has numbers that an engine would take seconds to tell apart: use texts.", 1);
  }

  /** Adds a value (`sign` 1) or takes it away (-1). Returns its levels. */
  #add(value: unknown, sign: number, depth: number): number {
    switch (typeof value) {
      case "string":
        this.#count(value.length + 2, MEMORY.text + value.length, sign);
        return 0;
      case "number":
        if (this.#onlyJson && !isInJson(value)) return this.#fault(notInJson(value), sign);
        this.#count(Number.isFinite(value) ? 8 : 32, MEMORY.number, sign);
        return 0;
      case "boolean":
        this.#count(8, MEMORY.slot, sign);
        return 0;
      case "undefined":
        this.#count(18, MEMORY.slot, sign);
        return 0;
      case "bigint":
        return this.#bigint(value, sign);
      case "object":
        if (value !== null) return this.#object(value, sign, depth);
        this.#count(8, MEMORY.slot, sign);
        return 0;
      default:
        return this.#fault(`is a ${typeof value}; messages and models are data.`, sign);
    }
  }

  #count(bytes: number, memory: number, sign: number): void {
    this.bytes += sign * bytes;
    this.memory += sign * memory;
  }

  #bigint(value: bigint, sign: number): number {
    if (this.#onlyJson) return this.#fault(notInJson(value), sign);
    if (value >= MOST_BIGINT || value <= -MOST_BIGINT)
      return this.#fault("is a bigint of more than 1000 digits; send it as a Uint8Array.", sign);
    const digits = value > -1_000_000n && value < 1_000_000n ? 7 : String(value).length;
    this.#count(26 + digits, MEMORY.text + digits / 2, sign);
    return 0;
  }

  #fault(problem: string, sign: number): number {
    if (this.#domain === undefined) {
      this.#count(8, MEMORY.object, sign);
      return 0;
    }
    if (sign > 0 && !this.#tolerant) throw new WalkRefusal(problem, "invalid-value");
    this.faults += sign;
    return 0;
  }

  #checkDepth(depth: number): void {
    if (depth < this.#mostLevels) return;
    throw new WalkRefusal(`is nested in more than ${this.#mostLevels} levels or holds itself.`, "too-deep");
  }

  #object(value: object, sign: number, depth: number): number {
    const found = this.#parts.get(value);
    // Where it might be too deep by what is known of it, it is looked into.
    if (found !== undefined && (sign < 0 || this.#fits(found, depth))) {
      this.#count(found.bytes, found.memory, sign);
      this.faults += sign * found.faults;
      return found.height;
    }
    const kind = kindOf(value);
    if (this.#onlyJson && !isInJson(value)) return this.#fault(notInJson(value), sign);
    if (kind === "date") {
      this.#count(32, MEMORY.date, sign);
      return 0;
    }
    if (kind === "bytes") {
      const { length } = value as Uint8Array;
      this.#count(Math.ceil((length * 4) / 3) + 8, MEMORY.members + length, sign);
      return 0;
    }
    if (sign > 0) this.#checkDepth(depth);
    const { bytes, memory, faults } = this;
    const height = 1 + this.#contents(kind, value, sign, depth + 1);
    const part: Part = {
      bytes: sign * (this.bytes - bytes),
      memory: sign * (this.memory - memory),
      faults: sign * (this.faults - faults),
      height,
      exact: true,
      row: undefined,
      index: undefined,
    };
    if (part.bytes >= LARGE) this.#parts.set(value, part);
    return height;
  }

  #fits(part: Part, depth: number): boolean {
    if (!this.#tolerant && part.faults > 0) return false;
    return depth + part.height <= this.#mostLevels && (part.exact || !this.#tolerant);
  }

  /** Returns the most levels inside. */
  #contents(kind: Kind, value: object, sign: number, depth: number): number {
    let height = 0;
    let place: string | number = 0;
    try {
      switch (kind) {
        case "object": {
          this.#count(2, MEMORY.object, sign);
          for (place of Object.keys(value))
            height = Math.max(height, this.#field(place, (value as Fields)[place], sign, depth));
          return height;
        }
        case "array": {
          const items = value as readonly unknown[];
          this.#count(2 + items.length, MEMORY.array + MEMORY.slot * items.length, sign);
          for (; place < items.length; place++)
            height = Math.max(height, this.#item(items[place], sign, depth));
          return height;
        }
        case "map":
          this.#count(22, MEMORY.members, sign);
          for (const [key, item] of value as Entries) {
            height = Math.max(height, this.#entry(key, item, sign, depth));
            place = (place as number) + 1;
          }
          break;
        case "set":
          this.#count(22, MEMORY.members, sign);
          for (const member of value as Members) {
            height = Math.max(height, this.#member(member, sign, depth));
            place = (place as number) + 1;
          }
          break;
        default:
          return this.#instance(value, sign, depth);
      }
    } catch (thrown) {
      throw kind === "instance" ? thrown : below(place, thrown);
    }
    // What is taken away has no faults: it was weighed before.
    if (sign > 0) this.#spread((value as Entries | Members).keys(), (value as Entries | Members).size);
    return height;
  }

  /** An item of an array; a field that is undefined is left out instead. */
  #item(value: unknown, sign: number, depth: number): number {
    if (this.#onlyJson && value === undefined) return this.#fault(notInJson(value), sign);
    return this.#add(value, sign, depth);
  }

  #field(name: string, value: unknown, sign: number, depth: number): number {
    this.#count(name.length + 4, MEMORY.field + name.length, sign);
    if (this.#onlyJson && name === "__proto__")
      this.#fault("is named __proto__, which no frame of JSON may have.", sign);
    return this.#add(value, sign, depth);
  }

  #entry(key: unknown, value: unknown, sign: number, depth: number): number {
    this.#count(4, MEMORY.entry, sign);
    return Math.max(this.#add(key, sign, depth), this.#add(value, sign, depth));
  }

  #member(member: unknown, sign: number, depth: number): number {
    this.#count(1, MEMORY.entry, sign);
    return this.#add(member, sign, depth);
  }

  #instance(instance: object, sign: number, depth: number): number {
    this.#count(22, MEMORY.object, sign);
    if (this.#domain === undefined) {
      let height = 0;
      for (const [name, field] of Object.entries(instance))
        height = Math.max(height, this.#field(name, field, sign, depth));
      return height;
    }
    const type: unknown = Object.getPrototypeOf(instance);
    const defined = this.#domain.classes?.byPrototype.get(type as object);
    if (defined === undefined) {
      const { constructor } = instance as { constructor?: { name?: unknown } };
      const name = String(constructor?.name);
      return this.#fault(
        `is an instance of ${name}, of which the wire knows nothing; register its class.`,
        sign,
      );
    }
    let encoded: unknown;
    try {
      encoded = defined.encode(instance);
    } catch (thrown) {
      return this.#fault(`threw when it was read: ${describe(thrown)}.`, sign);
    }
    return this.#add(encoded, sign, depth);
  }
}

type Fields = Readonly<Record<string, unknown>>;
type Entries = ReadonlyMap<unknown, unknown>;
type Members = ReadonlySet<unknown>;
