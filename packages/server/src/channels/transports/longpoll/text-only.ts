// A poll's answer carries text. Bytes cannot be said there, as in V1 (BI22): Phoenix puts them into the JSON as they
// are, which breaks the poll, and with it all that waited.
import type { WireFrame } from "../../../base/connection.ts";
import { UnsayableMessage } from "../../wire/serialiser.ts";
import type { ChannelSerialiser } from "../../wire/serialiser.ts";

const made = new WeakMap<ChannelSerialiser, ChannelSerialiser>();

/** The serialiser without binary frames of the server. One for each, because a broadcast is encoded once for one. */
export function textOnly(serialiser: ChannelSerialiser): ChannelSerialiser {
  const known = made.get(serialiser);
  if (known !== undefined) return known;
  const only: ChannelSerialiser = {
    vsn: serialiser.vsn,
    decode: (data) => serialiser.decode(data),
    reply: (reply) => text(serialiser.reply(reply)),
    push: (message, json) => text(serialiser.push(message, json)),
    broadcast: (topic, event, payload, json) => text(serialiser.broadcast(topic, event, payload, json)),
  };
  made.set(serialiser, only);
  return only;
}

function text(frame: WireFrame): WireFrame {
  if (!frame.text)
    throw new UnsayableMessage("LongPoll carries no bytes to a client: send an object, or base64 in one.");
  return frame;
}
