// A packet in one call: for tests, for tools that look at traffic, for transports of one's own. Clients and servers have
// their own ways to it, which keep what can be kept from packet to packet.
import { clientFrames } from "./client-frames.ts";
import { CallaError } from "../base/errors.ts";
import { mapPayloads } from "./payloads.ts";
import { asFrame } from "./protocol.ts";
import type { ClientFrame, ServerFrame } from "./protocol.ts";
import { payloadReader, payloadWriter } from "./serialiser.ts";
import type { DecodeLimits, Format, Serialiser } from "./serialiser.ts";
import { serverFrames } from "./server-frames.ts";

/** What both sides say. */
export type Frame = ClientFrame | ServerFrame;

/** Which of a serialiser's formats, and what a peer may send. */
export interface PacketOptions {
  /** The name of one of the serialiser's formats; the first unless given. */
  readonly format?: string;
  /** What `decode` may cost; `DEFAULT_DECODE_LIMITS` unless given. */
  readonly limits?: DecodeLimits;
}

/**
 * The bytes or the text of one frame, or of several in one packet, in the serialiser's first format.
 *
 * @throws CallaError `invalid-value`: something in it cannot be carried. `wiring`: there is no such format.
 * @example
 * socket.send(encode({ type: "Pong" }, serialiser));
 */
export function encode(
  packet: Frame | readonly Frame[],
  serialiser: Serialiser,
  { format: name }: PacketOptions = {},
): string | Uint8Array {
  const format = formatOf(serialiser, name);
  const map = payloadWriter(serialiser.payload(format));
  return format.encode(
    Array.isArray(packet)
      ? packet.map((frame: Frame) => mapPayloads(frame, map))
      : mapPayloads(packet as Frame, map),
  );
}

/**
 * The frames of a packet. Unless a format is named, a text is taken for the serialiser's first format of texts, and bytes
 * for its first one of bytes. A part of a snapshot that came in several is given as it is.
 *
 * @throws CallaError `undecodable`, `hostile-key`, `too-deep`, `too-large`: nothing else, whatever a peer has sent.
 * `wiring`: there is no such format.
 * @example
 * for (const frame of decode(data, serialiser)) if (frame.type === "Snapshot") show(frame.model);
 */
export function decode(
  data: string | Uint8Array,
  serialiser: Serialiser,
  { format: name, limits }: PacketOptions = {},
): readonly Frame[] {
  const binary = typeof data !== "string";
  const format =
    name === undefined
      ? (serialiser.formats.find((one) => one.binary === binary) ?? formatOf(serialiser, name))
      : formatOf(serialiser, name);
  const packet = format.decode(data, limits);
  const map = payloadReader(serialiser.payload(format));
  return (Array.isArray(packet) ? packet : [packet]).map((value: unknown) => {
    const frame = asFrame(serverFrames, value) ?? asFrame(clientFrames, value);
    if (frame !== undefined) return mapPayloads(frame, map);
    throw new CallaError("undecodable", {}, "The packet holds what is no frame of Calla's.");
  });
}

function formatOf({ formats }: Serialiser, name: string | undefined): Format {
  const found = name === undefined ? formats[0] : formats.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = formats.map((one) => one.name);
  throw new CallaError(
    "wiring",
    { name, names },
    `There is no format "${name}"; there is ${names.join(", ")}.`,
  );
}
