// What turns frames into bytes. A frame's envelope (ids, cursors, codes) is safe for every format as it is and is
// never walked; its payloads (messages, models, details) are the user's and go through a payload codec first.
import { checkFormats } from "#dev/define-checks";
import { DEV } from "#dev/switch";
import { classTable } from "../values/classes.ts";
import type { ValueClass } from "../values/known-classes.ts";
import { CallaError } from "../base/errors.ts";
import { sameInOrder } from "../values/equal.ts";
import { fromPlain } from "../values/from-plain.ts";
import { normalise } from "../values/normalise.ts";
import type { PayloadMap } from "./payloads.ts";
import { toPlain } from "../values/to-plain.ts";
import { DEFAULT_MAX_DEPTH } from "../values/values.ts";
import type { ValueOptions } from "../values/values.ts";
import type { PlainOptions } from "../values/walk.ts";

/** Ceilings for bytes of a peer. Over one: `too-large` or `too-deep`. */
export interface DecodeLimits {
  /** Bytes of one frame, a text's in UTF-8. 1 MiB by default. No text and no byte sequence in it can be longer. */
  readonly maxFrameBytes: number;
  /** Nesting of a payload, counted as the value domain counts it (a Map is one level). 64 by default. */
  readonly maxDepth: number;
  /** Items of one array, fields of one object, entries of one Map or Set. 100,000 by default. */
  readonly maxEntries: number;
  /** Values of one frame, as `countValues` counts them. 300,000 by default. */
  readonly maxValues: number;
  /** Different names of fields in one frame. 10,000 by default. */
  readonly maxNames: number;
}

/**
 * The limits of `decode` and of a format that was given none: 1 MiB, 64 levels, 100,000 entries, 300,000 values, 10,000
 * names.
 */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = {
  maxFrameBytes: 1_048_576,
  maxDepth: DEFAULT_MAX_DEPTH,
  maxEntries: 100_000,
  maxValues: 300_000,
  maxNames: 10_000,
};

/** Levels of a tree: at most three for one of a value (tag, entries, entry), and those of the envelope around it. */
export const maxTreeDepth = ({ maxDepth }: DecodeLimits): number => 3 * maxDepth + 8;

/** Writes and reads whole frames whose payloads are plain. */
export interface Format {
  /** Is part of the WebSocket subprotocol, `calla.<name>`. */
  readonly name: string;
  readonly binary: boolean;
  /** @throws CallaError `invalid-value`: not plain. */
  encode(value: unknown): string | Uint8Array;
  /**
   * Total on what a peer sends. `limits` are `DEFAULT_DECODE_LIMITS` unless given.
   *
   * @throws CallaError `undecodable`, `hostile-key` (a field `__proto__`, which no encoder writes), `too-deep`,
   * `too-large`.
   */
  decode(data: string | Uint8Array, limits?: DecodeLimits): unknown;
}

/** A format of texts, such as `json()`. */
export interface TextFormat extends Format {
  readonly binary: false;
}

/** Makes payloads plain, and values of what is plain. */
export interface PayloadCodec {
  /** @throws CallaError `invalid-value`. */
  encodeMessage(message: unknown): unknown;
  /** @throws CallaError `undecodable`, `hostile-key` (also `constructor` and `prototype`), `too-deep`. */
  decodeMessage(plain: unknown): unknown;
  /** @throws CallaError `invalid-value`. */
  encodeModel(model: unknown): unknown;
  /** A model may have fields with hostile names; they are own fields like any other. @throws CallaError `undecodable`, `too-deep`. */
  decodeModel(plain: unknown): unknown;
  /** Details of a rejection, the app's or Calla's own, and metas of presence: a custom codec is not asked. @throws as `encodeMessage`. */
  encodeDetails(details: unknown): unknown;
  /** @throws as `decodeMessage`. */
  decodeDetails(plain: unknown): unknown;
}

/**
 * A codec's writing half, for `mapPayloads`.
 *
 * @example
 * const frame = mapPayloads(snapshot, payloadWriter(serialiser.payload(format)));
 */
export const payloadWriter = (codec: PayloadCodec): PayloadMap => ({
  message: codec.encodeMessage,
  model: codec.encodeModel,
  details: codec.encodeDetails,
});
/**
 * A codec's reading half, for `mapPayloads`.
 *
 * @example
 * const frame = mapPayloads(received, payloadReader(serialiser.payload(format)));
 */
export const payloadReader = (codec: PayloadCodec): PayloadMap => ({
  message: codec.decodeMessage,
  model: codec.decodeModel,
  details: codec.decodeDetails,
});

/** The formats that client and server share, and how they carry messages and models. */
export interface Serialiser {
  /** The first is what a client asks for; a server speaks them all. */
  readonly formats: readonly Format[];
  /** The values it carries; undefined where it has its own way with messages and models, and alone knows. */
  readonly domain?: ValueOptions | undefined;
  /** For a format of its own, or for JSON, in which a page and a file hold what only binary formats carry here. */
  payload(format: Format): PayloadCodec;
  /**
   * The same with this format preferred. A custom serialiser has one format, and gives itself whatever the name.
   *
   * @throws CallaError `wiring`: there is no format of that name; the message lists those there are.
   */
  use(name: string): Serialiser;
  /** A fresh copy as every reader will get it. @throws CallaError `invalid-value`, with the path. */
  normaliseMessage(message: unknown): unknown;
  /** A fresh copy as every reader will get it. @throws CallaError `invalid-value`, with the path. */
  normaliseModel(model: unknown): unknown;
  /** A fresh copy as every reader will get it. @throws CallaError `invalid-value`, with the path. */
  normaliseDetails(details: unknown): unknown;
  /**
   * Whether two values that it carries are the same, in the same order (CO22), so that one can stand for the other.
   *
   * @throws CallaError `too-deep`: both nested in more than 512 levels, or cycles.
   */
  same(a: unknown, b: unknown): boolean;
}

/** The serialiser that carries the whole value domain by itself. */
export interface AutomaticSerialiser extends Serialiser {
  /**
   * The same with this format preferred.
   *
   * @throws CallaError `wiring`: there is no format of that name; the message lists those there are.
   */
  use(name: string): AutomaticSerialiser;
  /** The same with other options. @throws CallaError `wiring`, in development: two classes of one name, or one class twice. */
  with(options: AutomaticOptions): AutomaticSerialiser;
}

/** What `automatic(…).with` takes: which values a message or a model may hold. */
export interface AutomaticOptions {
  /** Classes whose instances may be in messages and models. None by default. */
  readonly classes?: readonly ValueClass[];
  /** Nesting of a message or a model. 64 by default; when raised, raise the limit of the same name too. */
  readonly maxDepth?: number;
}

/**
 * A serialiser for everything in the value domain, in the given formats, the first preferred.
 *
 * @throws CallaError `wiring`, in development: two formats of one name.
 * @example
 * export const serialiser = automatic(json(), messagePack()).with({ classes: [point] });
 */
export function automatic(format: Format, ...more: readonly Format[]): AutomaticSerialiser {
  return makeAutomatic([format, ...more], {});
}

function makeAutomatic(formats: readonly Format[], options: AutomaticOptions): AutomaticSerialiser {
  checkFormats(formats);
  const { classes = [], maxDepth = DEFAULT_MAX_DEPTH } = options;
  const domain: ValueOptions = { classes: classTable(classes), maxDepth };
  const cautious: ValueOptions = { ...domain, hostileKeys: "refuse" };
  return {
    formats,
    domain,
    payload: ({ binary }) => {
      const writing: PlainOptions = { ...domain, bytes: binary ? "native" : "base64" };
      const encode = (value: unknown) => toPlain(value, writing);
      const decode = (plain: unknown) => fromPlain(plain, cautious);
      return {
        encodeMessage: encode,
        decodeMessage: decode,
        encodeModel: encode,
        decodeModel: (plain) => fromPlain(plain, domain),
        encodeDetails: encode,
        decodeDetails: decode,
      };
    },
    use: (name) => makeAutomatic(preferred(formats, name), options),
    with: (other) => makeAutomatic(formats, other),
    normaliseMessage: (message) => normalise(message, cautious),
    normaliseModel: (model) => normalise(model, domain),
    normaliseDetails: (details) => normalise(details, cautious),
    same: sameInOrder,
  };
}

/** The formats with the one of this name first. @throws CallaError `wiring`: there is none. */
export function preferred(formats: readonly Format[], name: string): readonly Format[] {
  const names = formats.map((format) => format.name);
  const first = formats[names.indexOf(name)];
  if (first === undefined) {
    throw new CallaError(
      "wiring",
      { name, names },
      DEV && `There is no format ${JSON.stringify(name)}; there is ${names.join(", ")}.`,
    );
  }
  return [first, ...formats.filter((format) => format !== first)];
}
