// Frames as MessagePack: compact, with bytes as bytes. The only file that knows @msgpack/msgpack, and a subpath of
// its own, so that who speaks JSON does not download it.
import { Encoder } from "@msgpack/msgpack";
import { CallaError, describe } from "../base/errors.ts";
import { fromPlain } from "../values/from-plain.ts";
import { isBytes } from "../values/kind.ts";
import { MessagePackReader } from "./messagepack-read.ts";
import { scan } from "./messagepack-scan.ts";
import { DEFAULT_DECODE_LIMITS, maxTreeDepth } from "./serialiser.ts";
import type { DecodeLimits, Format, Serialiser } from "./serialiser.ts";
import { custom } from "./custom-serialiser.ts";
import type { CustomCodec } from "./custom-serialiser.ts";
import { toPlain } from "../values/to-plain.ts";

// No extension types: Dates are tagged, as in JSON.
const extensionCodec = { tryToEncode: () => null, decode: () => null };
// `ignoreUndefined` does with fields of the envelope what JSON does.
const makeEncoder = (): Encoder =>
  new Encoder({ extensionCodec, ignoreUndefined: true, maxDepth: Number.POSITIVE_INFINITY });

// An encoder keeps a buffer of twice its longest frame. One that has written a longer frame than this is dropped.
const KEPT_BYTES = 1_048_576;

/**
 * The MessagePack format, named `messagepack`.
 *
 * @example
 * const serialiser = automatic(messagePack(), json());
 */
export function messagePack(): Format {
  let encoder = makeEncoder();
  const reader = new MessagePackReader();
  return {
    name: "messagepack",
    binary: true,
    encode: (value) => {
      try {
        const bytes = encoder.encode(value);
        if (bytes.length > KEPT_BYTES) encoder = makeEncoder();
        return bytes;
      } catch (thrown) {
        const problem = describe(thrown);
        throw new CallaError("invalid-value", { problem }, `MessagePack cannot write this: ${problem}.`);
      }
    },
    decode: (data, limits = DEFAULT_DECODE_LIMITS) => {
      checkFrame(data, limits);
      const { maxEntries, maxValues, maxNames } = limits;
      scan(data, { maxDepth: maxTreeDepth(limits), maxEntries, maxValues });
      return reader.read(data, maxNames);
    },
  };
}

function checkFrame(data: string | Uint8Array, { maxFrameBytes }: DecodeLimits): asserts data is Uint8Array {
  if (typeof data === "string") {
    throw new CallaError(
      "undecodable",
      { format: "messagepack" },
      "A text frame came where binary was agreed on.",
    );
  }
  if (data.length > maxFrameBytes) throw new CallaError("too-large", { maxFrameBytes });
}

/**
 * A serialiser whose messages and models are the bytes that these functions make of them, such as Protocol Buffers,
 * in a MessagePack envelope. Its format is fixed: `use` changes nothing.
 *
 * @example
 * export const serialiser = customBinary({
 *   encodeMessage: (message: Message) => pb.Message.encode(message).finish(),
 *   decodeMessage: (bytes) => pb.Message.decode(bytes),
 *   encodeModel: (model: Model) => pb.Model.encode(model).finish(),
 *   decodeModel: (bytes) => pb.Model.decode(bytes),
 * });
 */
export function customBinary<Message, Model>(codec: CustomCodec<Uint8Array, Message, Model>): Serialiser {
  return custom(messagePack(), codec as CustomCodec<unknown>, {
    write: (encoded, bytes) => toPlain(bytesOr("invalid-value", encoded), { bytes }),
    readMessage: (plain) => bytesOr("undecodable", fromPlain(plain)),
    readModel: (plain) => bytesOr("undecodable", fromPlain(plain)),
    copy: (encoded) => new Uint8Array(bytesOr("invalid-value", encoded)),
  });
}

function bytesOr(code: "invalid-value" | "undecodable", value: unknown): Uint8Array {
  if (isBytes(value)) return value;
  const problem = "is no Uint8Array, which customBinary's functions make and take.";
  throw new CallaError(code, { path: "", problem }, `The encoded value ${problem}`);
}
