// From frames to bytes and back: payloads through the serialiser's codec, several frames in one packet, a snapshot's
// parts put together. Not here: sockets and what a frame means.
import { asFrame, CallaError, mapPayloads, payloadReader, payloadWriter, serverFrames } from "@calla/shared";
import type { ClientFrame, Format, Serialiser, ServerFrame, ServerFrames } from "@calla/shared";
import { FROM_SERVER } from "./transports/transport.ts";

export interface Packet {
  readonly data: string | Uint8Array;
  readonly frames: readonly ClientFrame[];
}

/** One connection's codec: it remembers the parts of an unfinished snapshot. */
export interface Packets {
  /** What is above `most` (UTF-16 units of a text) goes in pieces, down to a frame each. */
  encode(frames: readonly ClientFrame[], most: number): readonly Packet[];
  /** @throws CallaError for what is not a packet of server frames. */
  decode(data: string | Uint8Array): readonly ServerFrame[];
}

export function createPackets(serialiser: Serialiser, format: Format): Packets {
  const codec = serialiser.payload(format);
  const writing = payloadWriter(codec);
  const reading = payloadReader(codec);
  let parts: ServerFrames["Snapshot"][] = [];

  const encode = (frames: readonly ClientFrame[], most: number): readonly Packet[] => {
    const data = format.encode(frames.length > 1 ? frames : frames[0]);
    if (data.length <= most || frames.length < 2) return [{ data, frames }];
    const half = frames.length >> 1;
    return [...encode(frames.slice(0, half), most), ...encode(frames.slice(half), most)];
  };

  const frame = (value: unknown): ServerFrame | undefined => {
    const found = asFrame(serverFrames, value);
    if (!found) throw new CallaError("undecodable");
    if (found.type !== "Snapshot" || found.chunk === undefined) return mapPayloads(found, reading);
    if (found.part === 0) parts = [];
    if (found.part !== parts.length) throw new CallaError("undecodable");
    parts.push(found);
    if (parts.length < (found.parts ?? 0)) return undefined;
    const whole = joined(parts.map(({ chunk }) => chunk ?? ""));
    parts = [];
    return { ...found, chunk: undefined, model: codec.decodeModel(format.decode(whole, FROM_SERVER)) };
  };

  return {
    encode: (frames, most) => {
      const plain = frames.map((one) => mapPayloads(one, writing));
      return encode(plain, most);
    },
    decode(data) {
      const value = format.decode(data, FROM_SERVER);
      return (Array.isArray(value) ? value : [value]).map(frame).filter((one) => one !== undefined);
    },
  };
}

function joined(chunks: readonly (string | Uint8Array)[]): string | Uint8Array {
  if (typeof chunks[0] === "string") return chunks.join("");
  const all = chunks as readonly Uint8Array[];
  const whole = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of all) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
