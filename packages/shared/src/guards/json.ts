// A JSON text is looked at before anything is made of it.
import { CallaError } from "../base/errors.ts";
import { scanJson } from "../wire/json-scan.ts";
import { maxTreeDepth } from "../wire/serialiser.ts";
import type { DecodeLimits } from "../wire/serialiser.ts";

/** A unit of text is no more values than so many: `{"1":` in itself is 15 of five units. */
const PER_UNIT = 3;

/** @throws CallaError `too-large`, `too-deep`, `hostile-key`. */
export function guardJson(data: string, limits: DecodeLimits): void {
  const { maxFrameBytes, maxEntries, maxValues, maxNames } = limits;
  // A UTF-16 unit takes one to three bytes.
  if (3 * data.length > maxFrameBytes && utf8Bytes(data) > maxFrameBytes) {
    throw new CallaError("too-large", { maxFrameBytes });
  }
  const maxDepth = maxTreeDepth(limits);
  // Both are needed to write the key: as it is, or with an escape, which the encoder uses for control characters only.
  const suspicious = data.includes("__proto__") || data.includes("\\u00");
  // A shorter text cannot be over a limit: a bracket of a level each, two units an item, five a field.
  const least = Math.min(maxDepth, maxEntries, maxValues / PER_UNIT, 5 * maxNames);
  if (suspicious || data.length > least) scanJson(data, { maxDepth, maxEntries, maxValues, maxNames });
}

function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) bytes++;
    // Each half of a pair counts two of the four bytes.
    if (unit > 0x7ff && (unit & 0xf8_00) !== 0xd8_00) bytes++;
  }
  return bytes;
}
