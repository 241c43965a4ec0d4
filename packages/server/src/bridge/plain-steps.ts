// A topic's models in the plain form, one state after the other: what stands where it stood is not looked at again, so that a
// state costs what has changed in it and not what it holds. What has moved, the parts made before know.
import { kindOf } from "@calla/shared";
import { isEasyName } from "./plain-parts.ts";
import type { PlainParts } from "./plain-parts.ts";

type Fields = Readonly<Record<string, unknown>>;
type Items = readonly unknown[];

/** Of one topic. The same as `parts` alone would make of it. */
export function plainSteps(parts: PlainParts): (model: unknown) => unknown {
  let last: { readonly value: unknown; readonly plain: unknown } | undefined;

  const step = (value: unknown, before: unknown, plain: unknown): unknown => {
    if (value === before && typeof value === "object") return plain;
    if (Array.isArray(value) && Array.isArray(before))
      return made(value, items(value, before, plain as Items));
    if (isFields(value) && isFields(before) && !isTagged(plain))
      return made(value, fields(value, before, plain as Fields));
    return parts.of(value);
  };

  const made = (value: object, plain: unknown): unknown => {
    if (plain !== value) parts.remember(value, plain as object);
    return plain;
  };

  const items = (list: Items, before: Items, plain: Items): unknown => {
    const most = Math.min(list.length, before.length);
    let [head, tail] = [0, 0];
    while (head < most && Object.is(list[head], before[head])) head++;
    while (tail < most - head && Object.is(list.at(-1 - tail), before.at(-1 - tail))) tail++;
    const inPlace = list.length === before.length;
    const middle: unknown[] = [];
    let isClean = plain === before;
    for (let i = head; i < list.length - tail; i++) {
      const item = inPlace ? step(list[i], before[i], plain[i]) : parts.of(list[i]);
      if (!Object.is(item, list[i])) isClean = false;
      middle.push(item);
    }
    if (isClean) return list;
    return [...plain.slice(0, head), ...middle, ...plain.slice(plain.length - tail)];
  };

  const fields = (object: Fields, before: Fields, plain: Fields): unknown => {
    const names = Object.keys(object);
    if (!names.every((name) => Object.hasOwn(before, name) || isEasyName(name))) return parts.of(object);
    const changed: { [name: string]: unknown } = {};
    let isClean = true;
    for (const name of names) {
      const field = object[name];
      const isKnown = Object.hasOwn(before, name) && before[name] !== undefined;
      const part =
        field === undefined ? field : isKnown ? step(field, before[name], plain[name]) : parts.of(field);
      if (part !== undefined) changed[name] = part;
      if (part === undefined || !Object.is(part, field)) isClean = false;
    }
    return isClean ? object : changed;
  };

  return (model) => {
    const plain = last === undefined ? parts.of(model) : step(model, last.value, last.plain);
    last = { value: model, plain };
    return plain;
  };
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && kindOf(value) === "object";

/** Told by its entries, for the sake of its names. */
const isTagged = (plain: unknown): boolean => Object.hasOwn(plain as object, "$");
