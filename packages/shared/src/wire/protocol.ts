// The wire, both ways together. What a client says is in client-frames.ts, what a server says in server-frames.ts.
// A packet is one frame or an array of frames; arrays save a socket write where a turn made several.
// A target on the wire is a topic's id, or "@" for the speaker's own session. A payload (a message, a model, the
// details of a refusal) is the user's and goes through the serialiser's payload codec. Messages stand in an array, also
// where there is one, or none (PR8).
import type { AppCode, ClosingCode } from "../codes/closing-codes.ts";
import type { PausedCode } from "../codes/paused-codes.ts";
import type { Rejection } from "../codes/rejection-codes.ts";
import type { UnsubscribedCode } from "../codes/unsubscribed-codes.ts";
import type { clientFrames, subscription } from "./client-frames.ts";
import { fits } from "./guard.ts";
import type { Fitting, Spec } from "./guard.ts";
import { isObject } from "../values/kind.ts";
import type { serverFrames, wireMember, wireRecord } from "./server-frames.ts";

/** Raised when an old peer could not understand a new one. 1 until the first release: nobody speaks an older form. */
export const PROTOCOL_VERSION = 1;

/** Specs by frame type; `type` itself goes without saying. */
export interface FrameSpecs {
  readonly [type: string]: { readonly [field: string]: Spec };
}
/** Frames by type, of a table of specs. */
export type Frames<T> = { [K in keyof T]: { readonly type: K } & Fitting<T[K]> };

/** What a client says, by frame type: `ClientFrames["Hello"]`. */
export type ClientFrames = Frames<typeof clientFrames>;
type PlainServerFrames = Frames<typeof serverFrames>;
/**
 * What codes a server of this version has. To the check they are texts: what a newer one says is heard all the same, and
 * is taken as its `retryable` says.
 */
interface ServerCodes {
  readonly Closing: { readonly code: ClosingCode | AppCode };
  readonly Paused: { readonly code: PausedCode };
  readonly Rejected: Rejection;
  readonly Unsubscribed: { readonly code: UnsubscribedCode };
}
type Coded<Frame, Codes> = Codes extends unknown ? Omit<Frame, keyof Codes> & Codes : never;
/** What a server says, by frame type: `ServerFrames["TopicUpdate"]`. */
export type ServerFrames = {
  [K in keyof PlainServerFrames]: K extends keyof ServerCodes
    ? Coded<PlainServerFrames[K], ServerCodes[K]>
    : PlainServerFrames[K];
};
/** Any frame that a client says. */
export type ClientFrame = ClientFrames[keyof ClientFrames];
/** Any frame that a server says. */
export type ServerFrame = ServerFrames[keyof ServerFrames];
/**
 * A client's subscribe to one target: its ref, the cursor it catches up from, and what it knows of its own messages.
 */
export type Subscription = Fitting<typeof subscription>;
/**
 * One record of a `TopicUpdate`, as a tuple: milliseconds since the frame's `at`, the author's index in its `authors` (-1:
 * the server), mid, message id, messages.
 */
export type WireRecord = Fitting<typeof wireRecord>;
/**
 * What became of one mid, as a tuple of `Settled`: mid and message id; of an applied one the sequence, and the messages if
 * the server amended them; of a rejected one who rejected it, the code and the details.
 */
export type WireOutcome = ServerFrames["Settled"]["outcomes"][number];
/** A member of `Presence` and `Members`, as a tuple: the tag of its client, its key, its meta. */
export type WireMember = Fitting<typeof wireMember>;
/** A `TopicUpdate` without its target: the records of one turn, the same for all subscribers. */
export type Update = Omit<ServerFrames["TopicUpdate"], "type" | "target">;

/**
 * The frame that `value` is, or undefined. Total: looks at own fields only, never throws.
 *
 * @example
 * const frame = asFrame(clientFrames, format.decode(data));
 * if (frame?.type === "Hello") greet(frame);
 */
export function asFrame(specs: typeof clientFrames, value: unknown): ClientFrame | undefined;
/** The same of what a server says: its tables are `serverFrames`. */
export function asFrame(specs: typeof serverFrames, value: unknown): ServerFrame | undefined;
export function asFrame(specs: FrameSpecs, value: unknown): unknown {
  if (!isObject(value) || !Object.hasOwn(value, "type")) return undefined;
  const { type } = value as { readonly type?: unknown };
  return typeof type === "string" && Object.hasOwn(specs, type) && fits(specs[type]!, value)
    ? value
    : undefined;
}
