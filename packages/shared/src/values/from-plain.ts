// How the value domain is read back from a tree (see to-plain.ts). The tree is a peer's: nothing in it is trusted, and
// anything that throws on the way refuses it.
import { DEV } from "#dev/switch";
import { evenly } from "#guards/crowding";
import { fromBase64 } from "./base64.ts";
import { isBytes, isObject } from "./kind.ts";
import { mayBeIndex } from "./sparse-fields.ts";
import { BIGINT } from "./values.ts";
import type { ValueOptions } from "./values.ts";
import { below, hostile, isHostile, WalkRefusal } from "./refusal.ts";
import { deeper, emptyFor, mapFields, mapItems, setField, startWalk } from "./walk.ts";
import type { WalkFields, WalkStep, Walk } from "./walk.ts";

/**
 * The value that `toPlain` made this tree of. Total: whatever tree a peer sent, it gives a value of the domain or one
 * of the errors below, and no prototype is ever touched. Returns the same reference for what needs no change.
 *
 * @throws CallaError `undecodable`: a tag that `toPlain` never writes. `hostile-key`: a field `__proto__` that is not
 * in a tag, or, if `hostileKeys` is "refuse", any hostile one. `too-deep`: nested in more than `maxDepth` levels.
 */
export const fromPlain = (tree: unknown, options: ValueOptions = {}): unknown =>
  startWalk(tree, read, options);

export const read: WalkStep = (tree, depth, walk) => {
  if (!isObject(tree)) return tree;
  // A decoder's bytes are a window into a frame, or into a pool that Node writes again; a value owns its bytes.
  if (isBytes(tree)) return walk.bytes.copy(tree);
  if (Array.isArray(tree)) return mapItems(tree, read, deeper(depth, walk), walk);
  if (Object.hasOwn(tree, "$")) return readTagged(tree as Tagged, depth, walk);
  const keys = Object.keys(tree);
  for (const key of keys)
    if (key === "__proto__" || (walk.refuses && isHostile(key))) throw below(key, hostile(key));
  return mapFields(tree as WalkFields, keys, read, deeper(depth, walk), walk);
};

interface Tagged {
  readonly $: unknown;
  readonly v?: unknown;
}

function readTagged(tagged: Tagged, depth: number, walk: Walk): unknown {
  const { $: tag } = tagged;
  const v = Object.hasOwn(tagged, "v") ? tagged.v : undefined;
  if (typeof tag !== "string" || Object.keys(tagged).length !== (v === undefined ? 1 : 2)) throw malformed();
  const text = typeof v === "string" ? v : "?"; // which none of the following takes
  switch (tag) {
    case "undefined":
      if (v === undefined) return v;
      break;
    case "number":
      if (["NaN", "Infinity", "-Infinity", "-0"].includes(text)) return Number(text);
      break;
    case "bigint":
      if (BIGINT.test(text)) return BigInt(text);
      break;
    case "text": {
      // Whatever else is JSON is not looked at: there may be much of it.
      if (text.startsWith('"')) return JSON.parse(text);
      break;
    }
    case "bytes":
      return fromBase64(text, (size) => walk.bytes.make(size));
    case "date": {
      const date = new Date(typeof v === "number" ? v : Number.NaN);
      if (v === null || date.getTime() === v) return date;
      break;
    }
    case "set":
      if (Array.isArray(v)) return new Set(evenly(mapItems(v, read, deeper(depth, walk), walk)));
      break;
    case "map": {
      const entries = readEntries(v, deeper(depth, walk), walk);
      evenly(entries.map(([key]) => key));
      return new Map(entries);
    }
    case "object":
      return readObject(v, deeper(depth, walk), walk);
    default: {
      const defined = walk.classes?.byName.get(tag);
      if (defined !== undefined && v !== undefined) {
        return defined.decode(read(v, deeper(depth, walk), walk));
      }
    }
  }
  throw malformed();
}

const malformed = (): WalkRefusal => new WalkRefusal(DEV && "is no well-formed tagged value.");

type Entries = readonly (readonly [unknown, unknown])[];

function readEntries(entries: unknown, depth: number, walk: Walk): Entries {
  if (!Array.isArray(entries)) throw malformed();
  return mapItems(entries, readEntry, depth, walk) as Entries;
}

const readEntry: WalkStep = (entry, depth, walk) => {
  if (!Array.isArray(entry) || entry.length !== 2) throw malformed();
  return mapItems(entry, read, depth, walk);
};

function readObject(tree: unknown, depth: number, walk: Walk): unknown {
  const entries = readEntries(tree, depth, walk) as readonly (readonly [unknown, unknown])[];
  const far = entries.find(([key]) => typeof key === "string" && mayBeIndex(key));
  const fields = emptyFor(far?.[0] as string | undefined);
  for (const [key, field] of entries) {
    if (typeof key !== "string") throw malformed();
    if (walk.refuses && isHostile(key)) throw below(key, hostile(key));
    if (field !== undefined) setField(fields, key, field);
  }
  return fields;
}
