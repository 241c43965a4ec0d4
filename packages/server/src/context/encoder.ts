// From frames to bytes, once per format, and from clients' frames back to values. A frame that many receive is a
// `Shared`: the first send in a format encodes it, and the others take the same bytes.
import { mapPayloads, payloadWriter } from "@calla/shared";
import type { Format, Serialiser, ServerFrame } from "@calla/shared";
import type { WireFrame } from "../base/connection.ts";

/** Encodes server frames in one format, and decodes what clients' frames carry. */
export interface Encoder {
  readonly name: string;
  readonly format: Format;
  /** Its place among the server's formats: the index into a `Shared`. */
  readonly index: number;
  /** What it makes is handed over whole, however large: models are not cut into parts. */
  readonly whole?: true;
  encode(frame: ServerFrame): WireFrame;
  /** A model's text or bytes by itself, to be sent in parts. */
  encodeModel(model: unknown): string | Uint8Array;
  /**
   * The messages of one dispatch. Never throws: a message that cannot be decoded is undefined, and so refuses itself, by
   * its mid (CV4).
   */
  decodeMessages(plain: readonly unknown[]): readonly unknown[];
  /** A meta of presence. Never throws: one that cannot be decoded is undefined. */
  decodeMeta(plain: unknown): unknown;
}

export function encoders(serialiser: Serialiser): readonly Encoder[] {
  return serialiser.formats.map((format, index) => {
    const codec = serialiser.payload(format);
    const payloads = payloadWriter(codec);
    const tried = (decode: (plain: unknown) => unknown, plain: unknown): unknown => {
      try {
        return decode(plain);
      } catch {
        return undefined;
      }
    };
    return {
      name: format.name,
      format,
      index,
      encode: (frame) => wireFrame(format.encode(mapPayloads(frame, payloads))),
      encodeModel: (model) => format.encode(codec.encodeModel(model)),
      decodeMessages: (plain) => plain.map((one) => tried(codec.decodeMessage, one)),
      decodeMeta: (plain) => tried(codec.decodeDetails, plain),
    };
  });
}

const wireFrame = (data: string | Uint8Array): WireFrame =>
  typeof data === "string" ? { bytes: Buffer.from(data), text: true } : { bytes: data, text: false };

/** One frame for many: encoded at most once per format. */
export class Shared {
  readonly #frame: ServerFrame;
  readonly #encoded: (WireFrame | undefined)[] = [];

  constructor(frame: ServerFrame) {
    this.#frame = frame;
  }
  in(encoder: Encoder): WireFrame {
    return (this.#encoded[encoder.index] ??= encoder.encode(this.#frame));
  }
}
