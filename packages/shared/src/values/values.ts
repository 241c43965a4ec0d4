// The value domain: what may be in a message or a model. null, booleans, strings (also with lone surrogates),
// numbers (also NaN, infinities, -0), undefined, bigint, Date (also invalid), Map, Set, Uint8Array, arrays, plain
// objects, and instances of registered classes. Not how the wire writes them (to-plain.ts) and reads them
// (from-plain.ts).
import type { ClassTable } from "./classes.ts";

/** Levels of arrays, objects, maps, sets and instances that a value may have, one in the other. */
export const DEFAULT_MAX_DEPTH = 64;

/** A bigint in the one way the wire writes it: at most 1,000 digits, for reading a longer one costs more than linear time. */
export const BIGINT: RegExp = /^(0|-?[1-9]\d{0,999})$/;

/** Which values a serialiser carries. */
export interface ValueOptions {
  /** Only those that JSON has by itself (json-values.ts). */
  readonly onlyJson?: boolean;
  /** Classes whose instances are values. None by default. */
  readonly classes?: ClassTable;
  /** 64 by default. */
  readonly maxDepth?: number;
  /** "refuse": a field `__proto__`, `constructor` or `prototype` is an error. "keep" by default. */
  readonly hostileKeys?: "keep" | "refuse";
}
