// How large a value is, about: as many bytes as its JSON would have in ASCII. Not here: models (model-limits.ts).

/** About the bytes of a value as JSON. */
export function weigh(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value === "bigint") return 24;
  if (typeof value !== "object" || value === null) return 8;
  return weighObject(value);
}

function weighObject(value: object): number {
  if (value instanceof Uint8Array) return Math.ceil((value.length * 4) / 3) + 8;
  if (value instanceof Date) return 32;
  let weight = 2;
  if (value instanceof Map) for (const [key, item] of value) weight += weigh(key) + weigh(item) + 4;
  else if (Array.isArray(value) || value instanceof Set)
    for (const item of value as Iterable<unknown>) weight += weigh(item) + 1;
  else for (const [key, item] of Object.entries(value)) weight += key.length + weigh(item) + 4;
  return weight;
}
