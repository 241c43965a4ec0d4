// What a POST says: frames, as text or bytes. `application/x-ndjson` carries one frame a line; any other type is one frame.
import { isUtf8 } from "node:buffer";

export type Frame = string | Uint8Array;

/** `malformed`: it says nothing that can be read. `base64`: a line that is neither text nor base64. `too-large`: a frame is. */
export type BodyRefusal = "malformed" | "base64" | "too-large";
export type Read =
  | {
      readonly frames: readonly Frame[];
      /** There were more lines, which are not taken. */
      readonly more: boolean;
    }
  | { readonly refusal: BodyRefusal };

/** So many lines of one POST are taken: phoenix.js before 1.8.6 sends all that it has said in a turn (LP8). */
const MOST_LINES = 1_000;
/** As Phoenix takes, and phoenix.js sends since. */
const PHOENIX_LINES = 100;
export const mostLines = (strict: boolean): number => (strict ? PHOENIX_LINES : MOST_LINES);
/** As Phoenix reads of a body (MF24). */
export const MOST_BYTES = 8_000_000;

export interface Reading {
  readonly maxFrameBytes: number;
  /** Phoenix's own: an empty line is a frame of no bytes, and a type with a `charset` is another type. */
  readonly strict: boolean;
}

export function readFrames(
  bytes: Uint8Array,
  contentType: string | undefined,
  { maxFrameBytes, strict }: Reading,
): Read {
  if (!isUtf8(bytes)) return { refusal: "malformed" };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  if (!isLines(contentType, strict))
    return bytes.length > maxFrameBytes ? { refusal: "too-large" } : { frames: [text], more: false };
  const frames: Frame[] = [];
  for (let at = 0; at <= text.length;) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end === -1 ? undefined : text[end - 1] === "\r" && end > at ? end - 1 : end);
    at = end === -1 ? Infinity : end + 1;
    if (line === "" && !strict) continue;
    if (frames.length === mostLines(strict)) return { frames, more: true };
    const frame = line.startsWith("[") ? line : bytesOf(line);
    if (frame === undefined) return { refusal: "base64" };
    if (isLarger(frame, maxFrameBytes)) return { refusal: "too-large" };
    frames.push(frame);
  }
  return { frames, more: false };
}

function isLines(contentType: string | undefined, strict: boolean): boolean {
  const type = strict ? contentType : contentType?.split(";", 1)[0]?.trim().toLowerCase();
  return type === "application/x-ndjson";
}

/** A character is three bytes at most, so most texts need no count. */
const isLarger = (frame: Frame, most: number): boolean =>
  typeof frame === "string"
    ? frame.length * 3 > most && Buffer.byteLength(frame) > most
    : frame.length > most;

/** Padded base64 of the standard alphabet, and nothing else; undefined: it is none. */
function bytesOf(line: string): Uint8Array | undefined {
  if (line.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(line)) return undefined;
  return Buffer.from(line, "base64");
}
