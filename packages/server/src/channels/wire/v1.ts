// Version 1 of the wire: an object, in JSON. It has no bytes, and the server says no join_ref in it.
import { isBytes } from "@calla/shared";
import type { WireFrame } from "../../base/connection.ts";
import { jsonText, parseJson, textFrame } from "./json.ts";
import type { JsonLimits } from "./json.ts";
import type { ClientMessage, Json } from "./message.ts";
import { MalformedFrame, UnsayableMessage } from "./serialiser.ts";
import type { ChannelSerialiser } from "./serialiser.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const v1 = (limits: JsonLimits): ChannelSerialiser => ({
  vsn: "1.0.0",
  decode: (data) => decode(data, limits),
  reply: ({ ref, topic, status, response }) =>
    frame(topic, "phx_reply", { status, response: sayable(response) }, ref),
  push: ({ ref, topic, event, payload }, json) => frame(topic, event, payload, ref, json),
  broadcast: (topic, event, payload, json) => frame(topic, event, payload, null, json),
});

/** W12: what kind of frame brings it is all the same. */
function decode(data: string | Uint8Array, limits: JsonLimits): ClientMessage {
  const fields = parseJson(typeof data === "string" ? data : textOf(data), limits);
  if (typeof fields !== "object" || fields === null || Array.isArray(fields))
    throw new MalformedFrame("The frame is no object.");
  const { join_ref: joinRef = null, ref, topic, event, payload } = fields as { readonly [key: string]: Json };
  if (ref === undefined || topic === undefined || event === undefined || payload === undefined)
    throw new MalformedFrame("The frame needs topic, event, payload and ref.");
  return { joinRef, ref, topic, event, payload };
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new MalformedFrame("The frame is not UTF-8.");
  }
}

const frame = (
  topic: Json,
  event: string,
  payload: Json | Uint8Array | object,
  ref: Json,
  json = jsonText(sayable(payload)),
): WireFrame =>
  textFrame(
    `{"topic":${jsonText(topic)},"event":${jsonText(event)},"payload":${json},"ref":${jsonText(ref)}}`,
  );

/** W14 */
function sayable<T>(value: T): T {
  if (isBytes(value)) throw new UnsayableMessage("Version 1 of the wire cannot carry bytes.");
  return value;
}
