// The copy of a value as every replica gets it.
import { read } from "./from-plain.ts";
import { plain } from "./to-plain.ts";
import type { ValueOptions } from "./values.ts";
import { startWalk } from "./walk.ts";

/**
 * A fresh deep copy as the wire would make it, because it is made so: fields that are undefined are gone, holes are
 * undefined, getters were read once, null prototypes and subclasses of Uint8Array became the plain thing, instances
 * went through their codec. What happens to the original afterwards does not reach the copy.
 *
 * @throws CallaError `invalid-value`: something in it cannot be carried. `details.path` says where; the message says
 * what to do.
 * @example
 * normalise({ at: new Date(0), gone: undefined }); // { at: Date(0) }
 */
export function normalise(value: unknown, options: ValueOptions = {}): unknown {
  const tree = startWalk(value, plain, options, "invalid-value", true);
  return startWalk(tree, read, options, "invalid-value");
}
