// Supabase's own binary frames. A client says a broadcast as kind 3, and hears one as kind 4; what the two have in common
// stays one run of bytes in between: encoding, lengths of event and meta, event, meta, data. So nothing is parsed or
// written anew for each who hears it, and it crosses nodes as it is.
import type { WireFrame } from "../base/connection.ts";
import { NOT_UTF8, readFields, writeFields } from "../channels/wire/fields.ts";
import { jsonText, parseJson, textFrame } from "../channels/wire/json.ts";
import type { JsonLimits } from "../channels/wire/json.ts";
import type { ClientMessage, Json, JsonObject } from "../channels/wire/message.ts";
import { MalformedFrame, UnsayableMessage } from "../channels/wire/serialiser.ts";

/** The event of every broadcast on the wire; the app's own event stands inside. */
export const BROADCAST = "broadcast";

const PUSHED = 3;
const HEARD = 4;
const BYTES = 0;
const JSON_TEXT = 1;
/** Of kind 3: join_ref, ref, topic, event, meta; then a byte for the encoding. */
const PUSHED_FIELDS = 5;
const ENCODING_AT = 1 + PUSHED_FIELDS;
/** Of a body: the encoding, and the lengths of event and meta. */
const HEAD = 3;

/** A body, read. */
export interface UserBroadcast {
  readonly event: string;
  /** What the server says of it, in JSON; "" for nothing. */
  readonly meta: string;
  /** JSON, or bytes as they are. */
  readonly json: boolean;
  readonly data: Uint8Array;
}

/** @throws UnsayableMessage: event or meta has more than 255 bytes. */
export const bodyOf = ({ event, meta, json, data }: UserBroadcast): Uint8Array =>
  writeFields(json ? JSON_TEXT : BYTES, { event, meta }, data);

/** @throws UnsayableMessage: these bytes are none. */
export function readBody(body: Uint8Array): UserBroadcast {
  const read = body[0] === BYTES || body[0] === JSON_TEXT ? readFields(body, 1, 2) : undefined;
  const [event, meta] = read?.texts ?? [];
  if (read === undefined || typeof event !== "string" || typeof meta !== "string")
    throw new UnsayableMessage(
      "Clients of supabase hear bytes as a broadcast only: say them by `broadcast(topic, event, bytes)` of what supabase(channels) gives.",
    );
  return { event, meta, json: body[0] === JSON_TEXT, data: body.subarray(read.end) };
}

/** Bytes of what it carries. */
export const dataBytes = (body: Uint8Array): number => body.length - HEAD - (body[1] ?? 0) - (body[2] ?? 0);

/** What JSON the data is: it was read when it came in. */
export const jsonOf = ({ data }: UserBroadcast): Json => JSON.parse(utf8.decode(data)) as Json;

/**
 * A frame of kind 3. Its meta is dropped: a client could say by it that the server replays a message.
 *
 * @throws MalformedFrame
 */
export function decodePushed(bytes: Uint8Array, limits: JsonLimits): ClientMessage {
  if (bytes[0] !== PUSHED) throw new MalformedFrame("The binary frame is no broadcast of supabase's.");
  const read = readFields(bytes, 1, PUSHED_FIELDS, 1);
  if (read === undefined) throw new MalformedFrame("The binary frame ends before its fields do.");
  const [joinRef, ref, topic, event] = read.texts;
  if (read.texts.includes(NOT_UTF8))
    throw new MalformedFrame(
      "A field of the binary frame is not UTF-8: realtime-js writes topics and events that are not ASCII so.",
    );
  const encoding = bytes[ENCODING_AT];
  if (encoding !== BYTES && encoding !== JSON_TEXT)
    throw new MalformedFrame("The binary frame's encoding is unknown.");
  const data = bytes.subarray(read.end);
  // Those who hear it would meet what is none in the middle of their socket's code.
  if (encoding === JSON_TEXT) {
    const text = textOf(data);
    if (text === undefined) throw new MalformedFrame("The broadcast's JSON is not UTF-8.");
    parseJson(text, limits);
  }
  return {
    // Clients have no other way to write null.
    joinRef: (joinRef as string) || null,
    ref: (ref as string) || null,
    topic: topic as string,
    event: BROADCAST,
    payload: writeFields(encoding, { event, meta: "" }, data),
  };
}

/** A frame of kind 4. @throws UnsayableMessage: the topic has more than 255 bytes, or the body is none. */
export function heardFrame(topic: string, body: Uint8Array): WireFrame {
  readBody(body);
  const named = Buffer.from(topic);
  if (named.length > 255)
    throw new UnsayableMessage("Clients of supabase hear bytes on topics of up to 255 bytes only.");
  const lengths = [HEARD, named.length, body[1]!, body[2]!, body[0]!];
  return { bytes: Buffer.concat([Uint8Array.from(lengths), named, body.subarray(HEAD)]), text: false };
}

/** The same for version 1 of the wire. @throws UnsayableMessage: it has bytes, or is none. */
export function heardText(topic: string, body: Uint8Array): WireFrame {
  const { event, meta, json, data } = readBody(body);
  const text = json ? textOf(data) : undefined;
  if (text === undefined) throw new UnsayableMessage("Version 1 of the wire cannot carry bytes.");
  const more = meta === "" ? "" : `,"meta":${meta}`;
  return textFrame(
    `{"topic":${jsonText(topic)},"event":"broadcast","payload":{"type":"broadcast","event":${jsonText(event)},"payload":${text}${more}},"ref":null}`,
  );
}

/** The same broadcast as an object: said as text in either version. */
export const heardObject = (event: string, payload: Json, meta?: JsonObject): JsonObject => ({
  type: "broadcast",
  event,
  payload,
  meta,
});

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** undefined: it is not UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
