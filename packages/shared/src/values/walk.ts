// What the walks over values share: how they go down and what they keep. The walks themselves are to-plain.ts and
// from-plain.ts; where they stopped, refusal.ts says.
import { OwnBytes } from "#guards/own-bytes";
import type { ClassTable } from "./classes.ts";
import { below, refusalError, tooDeep } from "./refusal.ts";
import type { RefusalCode } from "./refusal.ts";
import { mayBeIndex, useTable } from "./sparse-fields.ts";
import { DEFAULT_MAX_DEPTH } from "./values.ts";
import type { ValueOptions } from "./values.ts";

export interface PlainOptions extends ValueOptions {
  /** What becomes of a Uint8Array: "native" for a format that has bytes (by default), "base64" for one that has not. */
  readonly bytes?: "native" | "base64";
}

/** One walk's options, complete. */
export interface Walk {
  readonly classes: ClassTable | undefined;
  readonly maxDepth: number;
  readonly refuses: boolean;
  readonly base64: boolean;
  /** Nothing keeps its reference, and no field is overlooked. */
  readonly copies: boolean;
  /** Where the bytes are kept that it makes. */
  readonly bytes: OwnBytes;
}

/** What becomes of one value. */
export type WalkStep = (value: unknown, depth: number, walk: Walk) => unknown;

/** Takes the step at the top. A refusal becomes a CallaError: of its own code, unless there is only one `code`. */
export function startWalk(
  value: unknown,
  step: WalkStep,
  { classes, maxDepth = DEFAULT_MAX_DEPTH, hostileKeys, bytes }: PlainOptions,
  code?: RefusalCode,
  copies = false,
): unknown {
  try {
    return step(value, 0, {
      classes,
      maxDepth,
      refuses: hostileKeys === "refuse",
      base64: bytes === "base64",
      copies,
      bytes: new OwnBytes(),
    });
  } catch (thrown) {
    throw refusalError(thrown, code);
  }
}

/** One level down, if there is one. */
export function deeper(depth: number, { maxDepth }: Walk): number {
  if (depth < maxDepth) return depth + 1;
  throw tooDeep(maxDepth);
}

/** The items after the step: the same array where none has changed. */
export function mapItems(
  items: readonly unknown[],
  step: WalkStep,
  depth: number,
  walk: Walk,
): readonly unknown[] {
  let changed = walk.copies ? copyOf(items) : undefined;
  let i = 0;
  try {
    for (; i < items.length; i++) {
      const item = items[i];
      const result = step(item, depth, walk);
      if (!Object.is(result, item)) (changed ??= copyOf(items))[i] = result;
    }
  } catch (thrown) {
    throw below(i, thrown);
  }
  return changed ?? items;
}

/** Also of an array of another realm. */
const copyOf = (items: readonly unknown[]): unknown[] => Array.prototype.slice.call(items) as unknown[];

/** The fields after the step, without the undefined ones: the same object where none has changed. */
export function mapFields(
  fields: WalkFields,
  keys: readonly string[],
  step: WalkStep,
  depth: number,
  walk: Walk,
): WalkFields {
  let changed = walk.copies ? emptyFor(keys[0]) : undefined;
  let key = "";
  try {
    for (key of keys) {
      const field = fields[key];
      const result = field === undefined ? field : step(field, depth, walk);
      if (result === undefined || !Object.is(result, field)) changed ??= before(key, keys, fields);
      if (changed && result !== undefined) setField(changed, key, result);
    }
  } catch (thrown) {
    throw below(key, thrown);
  }
  return changed ?? fields;
}

function before(end: string, keys: readonly string[], fields: WalkFields): Record<string, unknown> {
  const copied = emptyFor(keys[0]);
  for (const key of keys) {
    if (key === end) break;
    setField(copied, key, fields[key]);
  }
  return copied;
}

export type WalkFields = Readonly<Record<string, unknown>>;

/** An object for fields of these names; of an object's own, those that are numbers come first. */
export function emptyFor(first: string | undefined): Record<string, unknown> {
  const fields = {};
  if (first !== undefined && mayBeIndex(first)) useTable(fields);
  return fields;
}

/** Also where a plain assignment would meet a prototype that is frozen. */
export function setField(target: Record<string, unknown>, key: string, value: unknown): void {
  // No prototype has a field with a number for a name.
  if (!mayBeIndex(key) && key in target) {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}
