// Binary frames of version 2: a kind, the lengths of the fields in bytes, the fields, and the payload as it is.
import type { WireFrame } from "../../base/connection.ts";
import { NOT_UTF8, readFields, writeFields } from "./fields.ts";
import type { ClientMessage, Json } from "./message.ts";
import { MalformedFrame } from "./serialiser.ts";

const PUSH = 0;
const REPLY = 1;
const BROADCAST = 2;
const NOT_TEXT = 1007;

/**
 * Clients say pushes only. An empty ref is "", not null (W16).
 *
 * `strictPhoenix`: an event that is not UTF-8 reads as null, which crashes its channel as a null in JSON does.
 */
export function decodeBinary(bytes: Uint8Array, strictPhoenix: boolean): ClientMessage {
  if (bytes[0] !== PUSH) throw new MalformedFrame("The binary frame is no push.");
  const read = readFields(bytes, 1, 4);
  if (read === undefined) throw new MalformedFrame("The binary frame ends before its fields do.");
  const [joinRef, ref, topic, event] = read.texts;
  const spoilt = strictPhoenix ? [joinRef, ref, topic] : read.texts;
  if (spoilt.includes(NOT_UTF8))
    throw new MalformedFrame("A field of the binary frame is not UTF-8.", strictPhoenix ? 1011 : NOT_TEXT);
  return {
    joinRef: joinRef as string,
    ref: ref as string,
    topic: topic as string,
    event: event === NOT_UTF8 ? null : event!,
    // Its own: a window would keep all that the socket read at once, and hold what the socket writes next.
    payload: new Uint8Array(bytes.subarray(read.end)),
  };
}

/** A push has no ref of its own. */
export const binaryPush = (joinRef: Json, topic: Json, event: string, payload: Uint8Array): WireFrame =>
  frame(PUSH, { join_ref: joinRef, topic, event }, payload);

/** The status stands where others have the event. */
export const binaryReply = (
  joinRef: Json,
  ref: Json,
  topic: Json,
  status: string,
  response: Uint8Array,
): WireFrame => frame(REPLY, { join_ref: joinRef, ref, topic, status }, response);

export const binaryBroadcast = (topic: string, event: string, payload: Uint8Array): WireFrame =>
  frame(BROADCAST, { topic, event }, payload);

const frame = (
  kind: number,
  fields: { readonly [name: string]: unknown },
  payload: Uint8Array,
): WireFrame => ({
  bytes: writeFields(kind, fields, payload),
  text: false,
});
