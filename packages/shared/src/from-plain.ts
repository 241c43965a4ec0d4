// How the value domain is read back from a tree (see to-plain.ts). The tree is a peer's: nothing is believed.
import { fromBase64 } from "./base64.ts";
import { fieldsBefore, setField } from "./kind.ts";
import { below, describe, Refusal, refused } from "./refusal.ts";
import { DEFAULT_MAX_DEPTH, hostileKey, isHostileKey, MAX_BIGINT_DIGITS } from "./values.ts";
import type { ValueOptions } from "./values.ts";

interface Tagged {
  readonly $: unknown;
  readonly v?: unknown;
}

/**
 * The value that `toPlain` made this tree of. Total: whatever tree a peer sent, it gives a value of the domain or one
 * of the errors below, and no prototype is ever touched. Returns the same reference for what needs no change.
 *
 * @throws CallaError `undecodable`: a tag that `toPlain` never writes. `hostile-key`: a field `__proto__` that is not
 * in a tag, or, if `hostileKeys` is "refuse", any hostile one. `too-deep`: nested in more than `maxDepth` levels.
 */
export function fromPlain(tree: unknown, options: ValueOptions = {}): unknown {
  try {
    return read(tree, 0, options);
  } catch (thrown) {
    throw refused(thrown, "undecodable");
  }
}

function read(tree: unknown, depth: number, options: ValueOptions): unknown {
  if (typeof tree !== "object" || tree === null) return tree;
  if (Array.isArray(tree)) return readItems(tree, deeper(depth, options), options);
  if (tree instanceof Uint8Array) return ownBytes(tree);
  if (Object.hasOwn(tree, "$")) return readTagged(tree as Tagged, depth, options);
  return readFields(tree as Record<string, unknown>, deeper(depth, options), options);
}

function deeper(depth: number, { maxDepth = DEFAULT_MAX_DEPTH }: ValueOptions): number {
  if (depth >= maxDepth) throw new Refusal("too-deep", `is nested in more than ${maxDepth} levels.`);
  return depth + 1;
}

function readItems(items: readonly unknown[], depth: number, options: ValueOptions): readonly unknown[] {
  let changed: unknown[] | undefined;
  let i = 0;
  try {
    for (; i < items.length; i++) {
      const item = items[i];
      const result = read(item, depth, options);
      if (changed === undefined && !Object.is(result, item)) changed = items.slice(0, i);
      changed?.push(result);
    }
  } catch (thrown) {
    throw below(i, thrown, "undecodable");
  }
  return changed ?? items;
}

function readFields(fields: Record<string, unknown>, depth: number, options: ValueOptions): unknown {
  let changed: Record<string, unknown> | undefined;
  let key = "";
  try {
    for (key of Object.keys(fields)) {
      checkKey(key, options);
      if (key === "__proto__") throw hostileKey(key, "hostile-key");
      const field = fields[key];
      const result = read(field, depth, options);
      if (changed === undefined && !Object.is(result, field)) changed = fieldsBefore(fields, key);
      if (changed !== undefined && result !== undefined) setField(changed, key, result);
    }
  } catch (thrown) {
    throw below(key, thrown, "undecodable");
  }
  return changed ?? fields;
}

function checkKey(key: string, { hostileKeys }: ValueOptions): void {
  if (hostileKeys === "refuse" && isHostileKey(key)) throw hostileKey(key, "hostile-key");
}

/** A decoder's bytes are a window into a frame, or into a pool that Node writes again; a value owns its bytes. */
const ownBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength && Object.getPrototypeOf(bytes) === Uint8Array.prototype
    ? bytes
    : new Uint8Array(bytes);

function readTagged(tagged: Tagged, depth: number, options: ValueOptions): unknown {
  const { $: tag } = tagged;
  const v = Object.hasOwn(tagged, "v") ? tagged.v : undefined;
  if (typeof tag !== "string" || Object.keys(tagged).length !== (v === undefined ? 1 : 2))
    throw malformed(tag);
  const scalar = SCALARS.get(tag);
  if (scalar !== undefined) return scalar(v, tag);
  const holder = HOLDERS.get(tag);
  if (holder === undefined) return readInstance(tag, v, deeper(depth, options), options);
  if (!Array.isArray(v)) throw malformed(tag);
  return holder(v, deeper(depth, options), options);
}

const SCALARS = new Map<string, (v: unknown, tag: string) => unknown>([
  ["undefined", (v, tag) => (v === undefined ? v : malformedValue(tag))],
  ["number", (v, tag) => (NUMBERS.has(v) ? Number(v) : malformedValue(tag))],
  ["bigint", (v, tag) => (isBigint(v) ? BigInt(v) : malformedValue(tag))],
  ["text", (v, tag) => (typeof v === "string" ? readText(v) : malformedValue(tag))],
  ["date", (v, tag) => (v === null ? new Date(Number.NaN) : isTime(v) ? new Date(v) : malformedValue(tag))],
  ["bytes", (v, tag) => (typeof v === "string" ? fromBase64(v) : undefined) ?? malformedValue(tag)],
]);

const HOLDERS = new Map<string, (v: readonly unknown[], depth: number, options: ValueOptions) => unknown>([
  ["set", (v, depth, options) => new Set(readItems(v, depth, options))],
  ["map", (v, depth, options) => new Map(readEntries(v, depth, options))],
  ["object", readObject],
]);

const NUMBERS = new Set<unknown>(["NaN", "Infinity", "-Infinity", "-0"]);
const isTime = (v: unknown): v is number => Number.isInteger(v) && Math.abs(v as number) <= 8.64e15;
const isBigint = (v: unknown): v is string => typeof v === "string" && BIGINT.test(v);
const BIGINT = new RegExp(`^(?:0|-?[1-9]\\d{0,${MAX_BIGINT_DIGITS - 1}})$`);

const malformed = (tag: unknown): Refusal =>
  new Refusal(
    "undecodable",
    `is no well-formed ${typeof tag === "string" ? JSON.stringify(tag.slice(0, 64)) : "tagged value"}.`,
  );
const malformedValue = (tag: string): never => {
  throw malformed(tag);
};

function readText(json: string): unknown {
  let text: unknown;
  try {
    text = JSON.parse(json);
  } catch {
    // Falls through to what is said of any text that is not one.
  }
  return typeof text === "string" ? text : malformedValue("text");
}

const readEntries = (
  entries: readonly unknown[],
  depth: number,
  options: ValueOptions,
): [unknown, unknown][] =>
  entries.map((entry, i) => {
    if (!Array.isArray(entry) || entry.length !== 2) throw below(i, malformed("entry"), "undecodable");
    try {
      const [key, item] = readItems(entry, depth, options);
      return [key, item];
    } catch (thrown) {
      throw below(i, thrown, "undecodable");
    }
  });

function readObject(entries: readonly unknown[], depth: number, options: ValueOptions): unknown {
  const fields: Record<string, unknown> = {};
  for (const [key, field] of readEntries(entries, depth, options)) {
    if (typeof key !== "string") throw malformed("object");
    checkKey(key, options);
    if (field !== undefined) setField(fields, key, field);
  }
  return fields;
}

function readInstance(tag: string, encoded: unknown, depth: number, options: ValueOptions): unknown {
  const defined = options.classes?.byName.get(tag);
  if (defined === undefined || encoded === undefined) throw malformed(tag);
  const argument = read(encoded, depth, options);
  try {
    return defined.decode(argument);
  } catch (thrown) {
    throw new Refusal("undecodable", `was refused by the class ${defined.name}: ${describe(thrown)}.`);
  }
}
