// Classes whose instances may be in messages and models. Not a schema: what `decode` gets came over the wire.
import { checkClasses } from "#dev/define-checks";
import { DEV } from "#dev/switch";
import { CallaError } from "../base/errors.ts";
import { remember } from "./known-classes.ts";
import type { ValueClass } from "./known-classes.ts";

/** How to take an instance apart into other values of the domain, and how to make it again. */
export interface ClassCodec<Instance, Encoded> {
  /** Takes an instance apart into other values of the domain. */
  encode(instance: Instance): Encoded;
  /** Its argument came from a peer. What it throws refuses the frame; what it accepts the message's schema still checks. */
  decode(encoded: Encoded): Instance;
}

/**
 * Says how instances of a class travel. `name` stands for the class on the wire: a capital letter, then letters,
 * digits, `_` or `.`, at most 64 in all; it must not change while stored models hold instances.
 *
 * @throws CallaError `wiring`: the name is not of that form.
 * @example
 * const point = defineClass("Point", Point, {
 *   encode: ({ x, y }) => ({ x, y }),
 *   decode: ({ x, y }) => new Point(x, y),
 * });
 */
export function defineClass<Instance extends object, Encoded>(
  name: string,
  type: { readonly prototype: Instance },
  codec: ClassCodec<Instance, Encoded>,
): ValueClass {
  if (!/^[A-Z][\w.]{0,63}$/.test(name)) {
    throw new CallaError(
      "wiring",
      { name },
      DEV &&
        `${JSON.stringify(name)} cannot name a class on the wire: begin with a capital letter, go on with letters, digits, "_" or ".", 64 at most.`,
    );
  }
  const defined: ValueClass = {
    name,
    prototype: type.prototype,
    encode: (instance) => codec.encode(instance as Instance),
    decode: (encoded) => codec.decode(encoded as Encoded),
  };
  remember(defined);
  return defined;
}

/** The classes of one serialiser, found from either side. */
export interface ClassTable {
  readonly byName: ReadonlyMap<string, ValueClass>;
  readonly byPrototype: ReadonlyMap<object, ValueClass>;
}

/** @throws CallaError `wiring`, in development: a name or a class is there twice. */
export function classTable(classes: readonly ValueClass[]): ClassTable {
  checkClasses(classes);
  const byName = new Map(classes.map((defined) => [defined.name, defined]));
  const byPrototype = new Map(classes.map((defined) => [defined.prototype, defined]));
  return { byName, byPrototype };
}
