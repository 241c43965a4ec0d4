// From frames to bytes and back: payloads through the serialiser's codec, several frames in one packet, a snapshot's
// parts put together. Not here: sockets and what a frame means.
import { CallaError, mapPayloads, payloadReader, payloadWriter, serverFrame } from "@calla/shared";
import type { ClientFrame, ClientFrames, Format, Serialiser, ServerFrame, ServerFrames } from "@calla/shared";
import { bytesOf } from "../base/size.ts";
import { FROM_SERVER } from "../transports/transport.ts";

type Hello = ClientFrames["Hello"];

export interface Packet {
  readonly data: string | Uint8Array;
  readonly frames: readonly ClientFrame[];
}

/** One connection's codec: it remembers the parts of an unfinished snapshot. */
export interface Packets {
  /** The Hello with as many of its targets, from the first on, as `most` bytes hold. */
  fitting(hello: Hello, most: number): Hello;
  /** What is above `most` (UTF-16 units of a text) goes in pieces, down to a frame or a cursor each. */
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
    if (data.length <= most) return [{ data, frames }];
    const parts = halves(frames);
    return parts ? parts.flatMap((part) => encode(part, most)) : [{ data, frames }];
  };

  const frame = (value: unknown): ServerFrame | undefined => {
    const found = serverFrame(value);
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
    fitting(hello, most) {
      const bytes = (value: unknown): number => bytesOf(format.encode(value));
      if (hello.targets.length === 0) return hello;
      // Of what is encoded alone nothing but a separator or a longer count is added.
      let left = most - bytes(mapPayloads({ ...hello, targets: [] }, writing)) - 8;
      const end = hello.targets.findIndex((one) => (left -= bytes(one) + 1) < 0);
      return end < 0 ? hello : { ...hello, targets: hello.targets.slice(0, end) };
    },
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

/** Frames in two parts; of one frame its cursors; undefined: it is whole. */
function halves(frames: readonly ClientFrame[]): readonly (readonly ClientFrame[])[] | undefined {
  const [first] = frames;
  if (frames.length > 1) return inTwo(frames);
  if (first?.type !== "Ping" || first.cursors.length < 2) return undefined;
  return inTwo(first.cursors).map((cursors) => [{ ...first, cursors }]);
}
const inTwo = <T>(all: readonly T[]): readonly (readonly T[])[] => [
  all.slice(0, all.length >> 1),
  all.slice(all.length >> 1),
];

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
