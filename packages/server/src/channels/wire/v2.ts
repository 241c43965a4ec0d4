// Version 2 of the wire: an array of join_ref, ref, topic, event and payload, in JSON; bytes go in binary frames.
import { isBytes } from "@calla/shared";
import { jsonText, parseJson, textFrame } from "./json.ts";
import type { JsonLimits } from "./json.ts";
import type { ClientMessage } from "./message.ts";
import { MalformedFrame } from "./serialiser.ts";
import type { ChannelSerialiser } from "./serialiser.ts";
import { binaryBroadcast, binaryPush, binaryReply, decodeBinary } from "./v2-binary.ts";

const PARTS = 5;

export const v2 = (limits: JsonLimits, strictPhoenix: boolean): ChannelSerialiser => ({
  vsn: "2.0.0",
  decode: (data) => (typeof data === "string" ? decodeText(data, limits) : decodeBinary(data, strictPhoenix)),
  reply({ joinRef, ref, topic, status, response }) {
    if (isBytes(response)) return binaryReply(joinRef, ref, topic, status, response);
    return textFrame(
      `[${jsonText(joinRef)},${jsonText(ref)},${jsonText(topic)},"phx_reply",{"status":${jsonText(status)},"response":${jsonText(response)}}]`,
    );
  },
  push({ joinRef, ref, topic, event, payload }, json) {
    if (isBytes(payload)) return binaryPush(joinRef, topic, event, payload);
    return textFrame(
      `[${jsonText(joinRef)},${jsonText(ref)},${jsonText(topic)},${jsonText(event)},${json ?? jsonText(payload)}]`,
    );
  },
  broadcast(topic, event, payload, json) {
    if (isBytes(payload)) return binaryBroadcast(topic, event, payload);
    return textFrame(`[null,null,${jsonText(topic)},${nameText(event)},${json ?? jsonText(payload)}]`);
  },
});

/** A group says one event on many topics: its name is written once (GR9). */
let named = { event: "", text: '""' };
function nameText(event: string): string {
  if (named.event !== event) named = { event, text: jsonText(event) };
  return named.text;
}

/** What stands behind the five is for versions to come. */
function decodeText(text: string, limits: JsonLimits): ClientMessage {
  const parts = parseJson(text, limits);
  if (!Array.isArray(parts) || parts.length < PARTS)
    throw new MalformedFrame(`The frame is no array of ${PARTS} or more.`);
  const [joinRef, ref, topic, event, payload] = parts;
  return { joinRef, ref, topic, event, payload };
}
