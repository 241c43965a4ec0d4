// Supabase's two versions of the wire: Phoenix's, with broadcasts as bytes of supabase's own form in version 2. What is
// malformed is dropped, and the connection goes on. No frame of Phoenix's binary kinds (0, 1, 2) is ever said: realtime-js
// throws at those.
import { isBytes } from "@calla/shared";
import type { WireFrame } from "../base/connection.ts";
import type { JsonLimits } from "../channels/wire/json.ts";
import type { ClientMessage } from "../channels/wire/message.ts";
import { MalformedFrame, UnsayableMessage } from "../channels/wire/serialiser.ts";
import type { ChannelSerialiser } from "../channels/wire/serialiser.ts";
import { BROADCAST, decodePushed, heardFrame, heardText } from "./user-broadcast.ts";

/** Over those of Phoenix; one of each, because a broadcast is encoded once for one. */
export function supabaseSerialisers(
  phoenix: (vsn?: unknown) => ChannelSerialiser | undefined,
  limits: JsonLimits,
): (vsn?: unknown) => ChannelSerialiser | undefined {
  const made = new Map<ChannelSerialiser["vsn"], ChannelSerialiser>();
  return (vsn) => {
    const base = phoenix(vsn);
    if (base === undefined) return undefined;
    const known = made.get(base.vsn) ?? over(base, limits);
    made.set(base.vsn, known);
    return known;
  };
}

function over(base: ChannelSerialiser, limits: JsonLimits): ChannelSerialiser {
  const second = base.vsn === "2.0.0";
  const heard = second ? heardFrame : heardText;
  const decode = (data: string | Uint8Array): ClientMessage =>
    second && typeof data !== "string" ? decodePushed(data, limits) : base.decode(data);
  return {
    vsn: base.vsn,
    decode: (data) => droppable(() => decode(data)),
    reply(reply) {
      if (isBytes(reply.response)) throw noBytes();
      return base.reply(reply);
    },
    push(message, json) {
      const { topic, event, payload } = message;
      return isBytes(payload) ? bytesOn(topic, event, payload) : base.push(message, json);
    },
    broadcast: (topic, event, payload, json) =>
      isBytes(payload) ? bytesOn(topic, event, payload) : base.broadcast(topic, event, payload, json),
  };

  function bytesOn(topic: string, event: string, body: Uint8Array): WireFrame {
    if (event !== BROADCAST) throw noBytes();
    return heard(topic, body);
  }
}

const noBytes = (): UnsayableMessage =>
  new UnsayableMessage("Clients of supabase take bytes as a broadcast only.");

function droppable(decode: () => ClientMessage): ClientMessage {
  try {
    return decode();
  } catch (thrown) {
    throw thrown instanceof MalformedFrame ? new MalformedFrame(thrown.what, thrown.code, true) : thrown;
  }
}
