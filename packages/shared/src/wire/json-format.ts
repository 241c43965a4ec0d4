// Frames as JSON text: readable, and the fastest to parse in a browser.
import { told } from "#dev/describe";
import { DEV } from "#dev/switch";
import { guardJson } from "#guards/json";
import { CallaError } from "../base/errors.ts";
import { DEFAULT_DECODE_LIMITS } from "./serialiser.ts";
import type { DecodeLimits, TextFormat } from "./serialiser.ts";

/**
 * The JSON format, named `json`.
 *
 * @example
 * const serialiser = automatic(json());
 */
export const json = (): TextFormat => ({
  name: "json",
  binary: false,
  encode: encodeJson,
  decode: decodeJson,
});

function encodeJson(value: unknown): string {
  let text: string | undefined;
  let problem: string | false = DEV && "no value";
  try {
    text = JSON.stringify(value);
  } catch (thrown) {
    problem = DEV && told(thrown);
  }
  if (text === undefined)
    throw new CallaError("invalid-value", { problem }, DEV && `JSON cannot write this: ${problem}.`);
  return text;
}

function decodeJson(data: string | Uint8Array, limits: DecodeLimits = DEFAULT_DECODE_LIMITS): unknown {
  const undecodable = (problem: string | false) => new CallaError("undecodable", { format: "json", problem });
  if (typeof data !== "string") throw undecodable(DEV && "a binary frame");
  guardJson(data, limits);
  try {
    return JSON.parse(data);
  } catch {
    // A SyntaxError quotes the text, and the text is a peer's; a RangeError is an engine that recurses.
    throw undecodable(DEV && "no JSON");
  }
}
