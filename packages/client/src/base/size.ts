// How much room a value takes, roughly: what limits in bytes go by. Not here: what a serialiser makes of it.

import { kindOf } from "@calla/shared";
/** Bytes, give or take: a text's UTF-16 units twice, 8 for everything else and for each field, at most `most`. */
export function roughSize(value: unknown, most = Infinity): number {
  let size = 0;
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && size < most) {
    const next = waiting.pop();
    size += 8;
    if (typeof next === "string") size += 2 * next.length;
    else if (typeof next === "object" && next !== null) {
      const kind = kindOf(next);
      if (ArrayBuffer.isView(next)) size += next.byteLength;
      else if (kind === "map")
        for (const pair of next as ReadonlyMap<unknown, unknown>) waiting.push(...pair);
      else if (kind === "set" || Array.isArray(next))
        for (const item of next as Iterable<unknown>) waiting.push(item);
      else for (const [name, item] of Object.entries(next)) waiting.push(name, item);
    }
  }
  return size;
}

/** Bytes on the wire. */
export const bytesOf = (data: string | Uint8Array): number =>
  typeof data === "string" ? new TextEncoder().encode(data).length : data.length;
