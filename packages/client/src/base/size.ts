// How much room a value takes, roughly: what limits in bytes go by. Not here: what a serialiser makes of it.

/** Bytes, give or take: a text's UTF-16 units twice, 8 for everything else and for each field, at most `most`. */
export function roughSize(value: unknown, most = Infinity): number {
  let size = 0;
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && size < most) {
    const next = waiting.pop();
    size += 8;
    if (typeof next === "string") size += 2 * next.length;
    else if (typeof next === "object" && next !== null) {
      if (ArrayBuffer.isView(next)) size += next.byteLength;
      else if (next instanceof Map) for (const pair of next) waiting.push(...pair);
      else if (next instanceof Set) for (const item of next) waiting.push(item);
      else if (Array.isArray(next)) for (const item of next) waiting.push(item);
      else for (const [name, item] of Object.entries(next)) waiting.push(name, item);
    }
  }
  return size;
}

/** Bytes on the wire. */
export const bytesOf = (data: string | Uint8Array): number =>
  typeof data === "string" ? new TextEncoder().encode(data).length : data.length;
