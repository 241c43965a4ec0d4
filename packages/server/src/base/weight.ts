// How large a value is, about: as many bytes as its JSON would have in ASCII. Not here: models (model-limits.ts).
import { kindOf } from "@calla/shared";

/** About the bytes of a value as JSON. */
export function weigh(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value === "bigint") return 24;
  if (typeof value !== "object" || value === null) return 8;
  return weighObject(value);
}

function weighObject(value: object): number {
  let weight = 2;
  switch (kindOf(value)) {
    case "bytes":
      return Math.ceil(((value as Uint8Array).length * 4) / 3) + 8;
    case "date":
      return 32;
    case "map":
      for (const [key, item] of value as ReadonlyMap<unknown, unknown>)
        weight += weigh(key) + weigh(item) + 4;
      return weight;
    case "array":
    case "set":
      for (const item of value as Iterable<unknown>) weight += weigh(item) + 1;
      return weight;
    case "object":
    case "instance":
      for (const [key, item] of Object.entries(value)) weight += key.length + weigh(item) + 4;
      return weight;
  }
}
