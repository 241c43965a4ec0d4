// How two picks are compared unless the app says otherwise. Models share what has not changed, so one level is enough for
// what is picked out of them.

/**
 * The same value, or arrays, or plain objects, of the same values in the same places. Of everything else (a Map, a Date, an
 * instance of a class) its entries do not say all.
 *
 * @example
 * shallow([card], [card]); // true
 */
export function shallow(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  const form = formOf(a);
  if (form !== formOf(b) || (form !== Object.prototype && form !== Array.prototype)) return false;
  const one = a as Entries;
  const other = b as Entries;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => name in other && Object.is(one[name], other[name]))
  );
}

interface Entries {
  readonly [name: string]: unknown;
}

const formOf = (value: unknown): unknown => value && Object.getPrototypeOf(value);
