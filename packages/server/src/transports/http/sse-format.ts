// Frames as server-sent events: each frame is one event, `data:` and the frame. Text stands as it is; bytes
// (MessagePack) stand as base64, because an event stream is text. A frame for many subscribers is framed once.
import type { WireFrame } from "../../base/connection.ts";

const FRAMED = Symbol("event");
/** A frame that remembers its event. Kept on the object: a WeakMap costs the collector more. */
interface SseFrame extends WireFrame {
  [FRAMED]?: Buffer;
}

/** What nobody hears, and what keeps proxies from closing an idle stream. */
export const COMMENT = Buffer.from(":\n\n");
const END = "\n\n";

/** The frame's event. */
export function eventOf(frame: WireFrame): Buffer {
  const known = (frame as SseFrame)[FRAMED];
  if (known !== undefined) return known;
  const event = Buffer.from(`data: ${dataOf(frame)}${END}`, "utf8");
  if (Object.isExtensible(frame)) (frame as SseFrame)[FRAMED] = event;
  return event;
}

function dataOf({ bytes, text }: WireFrame): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!text) return buffer.toString("base64");
  const data = buffer.toString("utf8");
  // JSON as we write it has no line breaks; another text format's become lines of the event.
  return /[\r\n]/.test(data) ? data.split(/\r\n|[\r\n]/).join("\ndata: ") : data;
}
