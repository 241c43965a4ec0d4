// JSON of a peer, and JSON for one. What is no frame of this wire throws a MalformedFrame, whatever it is, before much is
// made of it; what leaves is well-formed UTF-8 without escapes of halves of pairs, which not every client's parser takes.
import { CallaError, describe, scanJson } from "@calla/shared";
import type { DecodeLimits } from "@calla/shared";
import type { WireFrame } from "../../base/connection.ts";
import type { Json } from "./message.ts";
import { MalformedFrame, UnsayableMessage } from "./serialiser.ts";

/** Ceilings for one frame's JSON: those of the sync server, counted alike. */
export type JsonLimits = Omit<DecodeLimits, "maxFrameBytes">;

/** A unit of text is no more values than so many: `{"1":` in itself is 15 of five units. */
const PER_UNIT = 3;
/** A name and its value take as many units at the least. */
const UNITS_PER_NAME = 5;
const TOO_BIG = 1009;

/** @throws MalformedFrame: no JSON, half of a pair (1011), over a limit (1009). */
export function parseJson(text: string, limits: JsonLimits): Json {
  if (mayExceed(text, limits)) scan(text, limits);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    // Its error quotes the text, and the text is a peer's.
    throw new MalformedFrame("The frame is not JSON.");
  }
  if ((text.includes("\\u") && hasEscapedHalf(text)) || !isWellFormed(text))
    throw new MalformedFrame("A text in the frame has half of a surrogate pair.");
  return value;
}

/**
 * Whether it must be read for its structure first. Most frames are too short for all limits but that of levels, and have
 * fewer brackets than it has levels: looking for those takes a tenth of the scan's time.
 */
function mayExceed(text: string, limits: JsonLimits): boolean {
  const { maxDepth, maxEntries, maxValues, maxNames } = limits;
  if (text.length > Math.min(maxEntries, maxValues / PER_UNIT, UNITS_PER_NAME * maxNames)) return true;
  let left = maxDepth + ENVELOPE;
  if (text.length <= left) return false;
  for (const bracket of ["[", "{"]) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1))
      if (--left < 0) return true;
  }
  return false;
}

/** The frame's own array or object. */
const ENVELOPE = 1;

function scan(text: string, limits: JsonLimits): void {
  try {
    scanJson(text, { ...limits, maxDepth: limits.maxDepth + ENVELOPE }, "any-key");
  } catch (thrown) {
    if (!(thrown instanceof CallaError)) throw thrown;
    throw new MalformedFrame(`The frame has too much in it: ${JSON.stringify(thrown.details)}.`, TOO_BIG);
  }
}

/** Of JSON: whether it escapes half of a pair without the other half. */
function hasEscapedHalf(text: string): boolean {
  let at = text.indexOf("\\");
  while (at !== -1) {
    const unit = escapedUnit(text, at);
    if ((unit & 0xf8_00) !== 0xd8_00) at += 2;
    else if (unit < 0xdc_00 && (escapedUnit(text, at + 6) & 0xfc_00) === 0xdc_00) at += 12;
    else return true;
    at = text.indexOf("\\", at);
  }
  return false;
}

const escapedUnit = (text: string, at: number): number =>
  text.startsWith("\\u", at) ? Number(`0x${text.slice(at + 2, at + 6)}`) : 0;

/** No TextDecoder gives another; a socket library that makes texts by itself may. */
const isWellFormed = (text: string): boolean =>
  (text as { isWellFormed?(): boolean }).isWellFormed?.() ?? !/\p{Surrogate}/u.test(text);

/** JSON that is written already: it goes into a frame as it is. Where it stands inside of something, it is read again. */
export class WrittenJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/** @throws UnsayableMessage: JSON cannot write it. */
export function jsonText(value: unknown): string {
  if (value instanceof WrittenJson) return value.text;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (thrown) {
    throw new UnsayableMessage(`JSON cannot write this: ${describe(thrown)}.`);
  }
  if (text === undefined) throw new UnsayableMessage(`JSON cannot write a value of type ${typeof value}.`);
  return text.includes("\\ud") ? text.replaceAll(/\\(?:ud[0-9a-f]{3}|.)/g, withoutHalf) : text;
}

/** JSON.stringify escapes nothing else of these. A half becomes what UTF-8 encoders make of it. */
const withoutHalf = (escape: string): string => (escape.length > 2 ? "\ufffd" : escape);

export const textFrame = (text: string): WireFrame => ({ bytes: Buffer.from(text), text: true });
