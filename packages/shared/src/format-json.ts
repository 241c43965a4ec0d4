// Frames as JSON text: readable, and the fastest to parse in a browser.
import { DEV } from "#dev/switch";
import { CallaError, describe } from "./errors.ts";
import { scanJson } from "./json-scan.ts";
import { DEFAULT_DECODE_LIMITS, maxTreeDepth } from "./serialiser.ts";
import type { DecodeLimits, Format } from "./serialiser.ts";

/** A unit of text is no more values than so many: `{"1":` in itself is 15 of five units. */
const PER_UNIT = 3;

/**
 * The JSON format, named `json`.
 *
 * @example
 * const serialiser = automatic(json());
 */
export const json = (): Format => ({ name: "json", binary: false, encode: encodeJson, decode: decodeJson });

function encodeJson(value: unknown): string {
  let text: string | undefined;
  let problem: string | false = DEV && "no value";
  try {
    text = JSON.stringify(value);
  } catch (thrown) {
    problem = DEV && describe(thrown);
  }
  if (text === undefined)
    throw new CallaError("invalid-value", { problem }, problem && `JSON cannot write this: ${problem}.`);
  return text;
}

function decodeJson(data: string | Uint8Array, limits: DecodeLimits = DEFAULT_DECODE_LIMITS): unknown {
  const { maxFrameBytes, maxEntries, maxValues, maxNames } = limits;
  const undecodable = (problem: string | false) => new CallaError("undecodable", { format: "json", problem });
  if (typeof data !== "string") throw undecodable(DEV && "a binary frame");
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
  try {
    return JSON.parse(data);
  } catch {
    // A SyntaxError quotes the text, and the text is a peer's; a RangeError is an engine that recurses.
    throw undecodable(DEV && "no JSON");
  }
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
