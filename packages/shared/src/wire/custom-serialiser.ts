// Serialisers whose messages and models go through the user's own functions; the envelope around them is ours.
import { CallaError, describe } from "../base/errors.ts";
import { sameInOrder } from "../values/equal.ts";
import { fromPlain } from "../values/from-plain.ts";
import { json } from "./json-format.ts";
import { normalise } from "../values/normalise.ts";
import { withoutUndefined } from "../values/present.ts";
import type { Format, PayloadCodec, Serialiser } from "./serialiser.ts";
import { toPlain } from "../values/to-plain.ts";

/** A user's functions. Decoders get what came over the wire; what they throw refuses the frame. */
export interface CustomCodec<Encoded, Message = unknown, Model = unknown> {
  /** Called for each message that is sent; gives what the format carries. */
  encodeMessage(message: Message): Encoded;
  /** The inverse. Its argument came from a peer: check it, and throw to refuse the frame. */
  decodeMessage(encoded: Encoded): Message;
  /** Called for each model that is sent; gives what the format carries. */
  encodeModel(model: Model): Encoded;
  /** The inverse, in clients. What it throws refuses the frame. */
  decodeModel(encoded: Encoded): Model;
}

/**
 * A serialiser in JSON whose messages and models are what these functions make of them: any values that JSON has
 * (and, for convenience, any others of the value domain). Its format is fixed: `use` changes nothing.
 *
 * @example
 * export const serialiser = customJson({
 *   encodeMessage: (message: Message) => [codes[message.type], message.at],
 *   decodeMessage: ([code, at]: [number, number]) => ({ type: types[code], at }),
 *   encodeModel: (model: Model) => model,
 *   decodeModel: (encoded) => boardSchema.parse(encoded),
 * });
 */
export function customJson<Encoded, Message, Model>(codec: CustomCodec<Encoded, Message, Model>): Serialiser {
  return custom(json(), codec as CustomCodec<unknown>, {
    write: (encoded, bytes) => toPlain(encoded, { bytes }),
    readMessage: (plain) => fromPlain(plain, { hostileKeys: "refuse" }),
    readModel: (plain) => fromPlain(plain),
    copy: (encoded) => normalise(encoded),
  });
}

/** What a format asks of, and does with, what the user's functions return. */
export interface CustomCarrier {
  /** `bytes`: what they become in the format that is asked for. */
  write(encoded: unknown, bytes: "native" | "base64"): unknown;
  readMessage(plain: unknown): unknown;
  readModel(plain: unknown): unknown;
  copy(encoded: unknown): unknown;
}

export function custom(format: Format, codec: CustomCodec<unknown>, carrier: CustomCarrier): Serialiser {
  const payload = (bytes: "native" | "base64"): PayloadCodec => ({
    encodeMessage: (message) =>
      carrier.write(
        encoding("encodeMessage", () => codec.encodeMessage(message)),
        bytes,
      ),
    decodeMessage: (plain) =>
      withoutUndefined(
        decoding("decodeMessage", carrier.readMessage(plain), codec.decodeMessage.bind(codec)),
      ),
    encodeModel: (model) =>
      carrier.write(
        encoding("encodeModel", () => codec.encodeModel(model)),
        bytes,
      ),
    decodeModel: (plain) => decoding("decodeModel", carrier.readModel(plain), codec.decodeModel.bind(codec)),
    encodeDetails: (details) => toPlain(details, { bytes }),
    decodeDetails: (plain) => fromPlain(plain, { hostileKeys: "refuse" }),
  });
  const formats = [format];
  const serialiser: Serialiser = {
    formats,
    payload: ({ binary }) => payload(binary ? "native" : "base64"),
    use: () => serialiser,
    normaliseMessage: (message) =>
      withoutUndefined(
        encoding("decodeMessage", () =>
          codec.decodeMessage(carrier.copy(encoding("encodeMessage", () => codec.encodeMessage(message)))),
        ),
      ),
    normaliseModel: (model) =>
      encoding("decodeModel", () =>
        codec.decodeModel(carrier.copy(encoding("encodeModel", () => codec.encodeModel(model)))),
      ),
    normaliseDetails: (details) => normalise(details, { hostileKeys: "refuse" }),
    same: sameInOrder,
  };
  return serialiser;
}

function encoding(name: string, run: () => unknown): unknown {
  try {
    return run();
  } catch (thrown) {
    if (thrown instanceof CallaError) throw thrown;
    throw new CallaError(
      "invalid-value",
      { path: "", problem: describe(thrown) },
      `${name} threw: ${describe(thrown)}.`,
    );
  }
}

function decoding(name: string, plain: unknown, run: (encoded: unknown) => unknown): unknown {
  try {
    return run(plain);
  } catch (thrown) {
    throw new CallaError(
      "undecodable",
      { path: "", problem: describe(thrown) },
      `${name} threw: ${describe(thrown)}.`,
    );
  }
}
