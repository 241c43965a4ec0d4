// Which item of a list is which, before and after: by what names it, or by what it is.
import { combine, hashString } from "@calla/shared";
import { textLooks } from "./budget.ts";
import type { Budget } from "./budget.ts";

type Fields = Readonly<Record<string, unknown>>;
export type Id = string | number;
/** What names an item of a list; undefined: nothing does. */
export type IdOf = (item: object) => Id | undefined;

export const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** By a field that is a text or a number. An instance of a class stands in its tag. */
export const idOfItem: IdOf = (item) => {
  if (Array.isArray(item)) return undefined;
  const { $: tag, v: inside } = item as Fields;
  const fields = typeof tag === "string" && isObject(inside) ? (inside as Fields) : (item as Fields);
  for (const name of NAMING) {
    const id = fields[name];
    if (isId(id)) return id;
  }
  return undefined;
};
const NAMING = ["id", "key", "_id"];

/** Of the entries of a Map: by their key. */
export const idOfEntry: IdOf = (entry) => {
  const key: unknown = (entry as readonly unknown[])[0];
  return isId(key) ? key : undefined;
};

const isId = (value: unknown): value is Id => typeof value === "string" || typeof value === "number";

/** Whether two values are equal, fields in any order. @throws OverBudget */
export function equal(a: unknown, b: unknown, budget: Budget, depth = 0): boolean {
  budget.look(1);
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  budget.descend(depth);
  if (Array.isArray(a)) {
    const [left, right] = [a as readonly unknown[], b as readonly unknown[]];
    return (
      left.length === right.length && left.every((item, at) => equal(item, right[at], budget, depth + 1))
    );
  }
  const [left, right] = [a as Fields, b as Fields];
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && equal(left[name], right[name], budget, depth + 1))
  );
}

/**
 * A hash of a value, fields in any order. Two that differ and have one hash only make a patch longer: what is matched is
 * compared afterwards.
 *
 * @throws OverBudget
 */
export function digest(value: unknown, budget: Budget, depth = 0): number {
  if (typeof value === "string") {
    budget.look(textLooks(value));
    return hashString(value);
  }
  budget.look(1);
  if (!isObject(value)) return hashString(String(value), 1);
  budget.descend(depth);
  if (Array.isArray(value))
    return value.reduce<number>((hash, item) => combine(hash, digest(item, budget, depth + 1)), 2);
  let sum = 3;
  const fields = Object.entries(value);
  // Their names are read, too.
  budget.look(3 * fields.length);
  for (const [name, field] of fields)
    sum = (sum + combine(hashString(name), digest(field, budget, depth + 1))) >>> 0;
  return sum;
}
