// How instances of a class are taken apart, for who compares, hashes and counts values. Not here: defining a class
// (classes.ts); a page that defines none does not carry that.

/** A class that the wire can carry. Made by `defineClass`, given to `automatic(…).with({ classes })`. */
export interface ValueClass {
  readonly name: string;
  readonly prototype: object;
  /** Takes an instance apart into other values of the domain. */
  encode(instance: unknown): unknown;
  /** Makes an instance of what came over the wire; what it throws refuses the frame. */
  decode(encoded: unknown): unknown;
}

// Instances may keep their state in private fields, which only their codec can see; equality and hashing ask it.
const known = new WeakMap<object, ValueClass>();

export const remember = (defined: ValueClass): void => void known.set(defined.prototype, defined);

/** The last definition of the instance's own class (not of one it extends). */
export const classOf = (instance: object): ValueClass | undefined =>
  known.get(Object.getPrototypeOf(instance) as object);
