// Frames for bridged clients: nothing is written, their payloads are made plain, once for all who hear them. What two models
// have in common is the same by reference in their plain forms, so that a patch does not look into it.
import { json, mapPayloads } from "@calla/shared";
import type { Serialiser, ServerFrame } from "@calla/shared";
import type { WireFrame } from "../base/connection.ts";
import { jsonText } from "../channels/wire/json.ts";
import type { Encoder } from "../context/encoder.ts";
import { plainParts } from "./plain-parts.ts";
import type { PlainParts } from "./plain-parts.ts";
import { plainSteps } from "./plain-steps.ts";

/** A frame with plain payloads. Its bytes are made only where somebody weighs or counts them. */
export class PlainFrame<Frame extends ServerFrame = ServerFrame> implements WireFrame {
  readonly text = true;
  readonly frame: Frame;
  #bytes: Uint8Array | undefined;

  constructor(frame: Frame) {
    this.frame = frame;
  }
  get bytes(): Uint8Array {
    return (this.#bytes ??= Buffer.from(jsonText(this.frame)));
  }
}

export interface PlainEncoder extends Encoder {
  encode(frame: ServerFrame): PlainFrame;
  /** Of a topic's models as JSON carries them, one after the other. They throw CallaError `invalid-value` where it cannot. */
  plainOf(): (model: unknown) => unknown;
}

/** `index`: behind those of the server's formats. */
export function plainEncoder(serialiser: Serialiser, index: number): PlainEncoder {
  const format = json();
  const codec = serialiser.payload(format);
  const { domain } = serialiser;
  const isAsItIs = domain === undefined || domain.onlyJson === true;
  const parts: PlainParts = isAsItIs
    ? { of: codec.encodeModel, remember: () => undefined }
    : plainParts(codec.encodeModel);
  const payloads = { message: codec.encodeMessage, model: parts.of, details: codec.encodeDetails };
  const tried = (decode: (plain: unknown) => unknown, plain: unknown): unknown => {
    try {
      return decode(plain);
    } catch {
      return undefined;
    }
  };
  return {
    name: "bridge",
    format,
    index,
    whole: true,
    encode: (frame) => new PlainFrame(mapPayloads(frame, payloads)),
    encodeModel: (model) => format.encode(parts.of(model)),
    decodeMessages: (plain) => plain.map((one) => tried(codec.decodeMessage, one)),
    decodeMeta: (plain) => tried(codec.decodeDetails, plain),
    plainOf: () => (isAsItIs ? parts.of : plainSteps(parts)),
  };
}
