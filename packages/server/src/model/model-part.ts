// What is known of a large part of a model, and what values hold in memory. Not here: finding it out (model-measure.ts).
import type { ListIndex } from "./list-index.ts";

/** Sums over a value and all in it. */
export interface Sums {
  /** About its bytes as JSON. */
  bytes: number;
  /** About the bytes it holds in memory. */
  memory: number;
  /** Values in it that the wire does not carry. */
  faults: number;
}

/** What was found of a large part. */
export interface Part extends Sums {
  /** Levels of arrays, objects, maps, sets and instances, itself included; at most so many if not `exact`. */
  height: number;
  readonly exact: boolean;
  /** The fields of the newest object made from it. Looking a thousand fields up in another object costs more. */
  row: Row | undefined;
  /** Of a list that was put into another order: its objects. */
  index: ListIndex | undefined;
}
export interface Row {
  of: object | undefined;
  readonly names: readonly string[];
  readonly values: unknown[];
}

/** What an object and its place in another hold, in bytes: measured with Node 20, rounded up. */
export const MEMORY = {
  slot: 8,
  number: 16,
  text: 32,
  object: 64,
  field: 32,
  array: 48,
  members: 208,
  entry: 48,
  date: 104,
};
