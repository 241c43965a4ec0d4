// The wire: every frame, its guard and its type in one place. For each: who sends it, when, what the other side does.
// A packet is one frame or an array of frames; arrays save a socket write where a turn made several.
// A target on the wire is a topic's id, or "@" for the speaker's own session. A payload (a message, a model, the
// details of a refusal) is the user's and goes through the serialiser's payload codec.
import {
  array,
  boolean,
  bytes,
  count,
  integer,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  record,
  string,
  tuple,
  unknown,
} from "./guard.ts";
import type { Guard, Guarded } from "./guard.ts";

/** Raised when an old peer could not understand a new one. 1: the first. */
export const PROTOCOL_VERSION = 1;

const target = string;
const outcome = nullable(oneOf("acknowledge", "reject"));

/** What a client asks for one target: "I have up to `cursor`, know my outcomes up to `settled`, sent up to `sent`." */
const asked = {
  target,
  /** Names this subscribing; answers carry it, and only the newest counts. */
  ref: count,
  /** Absent: the client has nothing and wants a snapshot. */
  cursor: optional(object({ sequence: count, mark: count })),
  settled: count,
  sent: count,
};
const subscription = object(asked);

// ---------------------------------------------------------------------------------------------- client to server

/** First on every connection: who I am, what I have, what I follow. Answered by `Connected`, or `Closing`. */
const hello = object({
  type: literal("Hello"),
  protocol: count,
  identity: optional(object({ clientId: string, secret: string })),
  token: optional(unknown),
  /** Slice name to slice version. */
  slices: record(count),
  targets: array(subscription),
  /** Only flush this identity's outbox and leave (its page is gone). */
  flushOnly: optional(boolean),
  /** Answer with what is missing and end (HTTP without a stream). */
  poll: optional(boolean),
});

const dispatched = {
  /** Dense from 1 per client and target; 0 for an ephemeral topic, which has no history. */
  mid: count,
  id: string,
  /** The highest mid up to which the client has durably recorded every outcome. */
  settled: count,
  /** One message, an array of messages with one fate, or null: this mid is void (given up, applied as nothing). */
  message: unknown,
};
/** A dispatch to the client's own session. Its outcome returns as `SessionUpdate`, `Acknowledge`, `Rejected` or `Paused`. */
const sessionMessage = object({ type: literal("SessionMessage"), ...dispatched });
/** A dispatch to a topic, followed or not. Its outcome returns as `TopicUpdate`, `Acknowledge`, `Rejected` or `Paused`. */
const topicMessage = object({ type: literal("TopicMessage"), target, ...dispatched });
/** Follow one target from a cursor (= resync of one). First answer: `Settled` with the ref, or `Unsubscribed`. */
const subscribe = object({ type: literal("Subscribe"), ...asked });
/** Stop following. No answer; what is still under way is ignored by the client. */
const unsubscribe = object({ type: literal("Unsubscribe"), target, ref: count });
/** Many `Subscribe`s in one frame, as after a gap or a wake-up. */
const resync = object({ type: literal("Resync"), targets: array(subscription) });
/** After silence only. Carries the cursors so that a lost tail is found. Answered by `Pong`, and records where behind. */
const ping = object({ type: literal("Ping"), cursors: array(tuple(target, count, count)) });

// ---------------------------------------------------------------------------------------------- server to client

/** Answer to `Hello`: who you are from now on. The client stores the identity, then flushes its outbox. */
const connected = object({
  type: literal("Connected"),
  clientId: string,
  secret: string,
  userId: nullable(string),
  /** The server's clock, milliseconds: the client's prediction of `context.at`. */
  now: count,
  /** Why the presented identity was not taken: the clientId above is a fresh one. */
  refused: optional(oneOf("expired", "foreign")),
  maxInFlight: count,
});
/** A message's outcome where no update frame tells it: target not followed, repeated mid. `message` if it was amended. */
const acknowledge = object({
  type: literal("Acknowledge"),
  target,
  mid: count,
  id: string,
  sequence: count,
  message: optional(unknown),
});
/** Refused for good. The client rolls it back and tells the caller. */
const rejected = object({
  type: literal("Rejected"),
  target,
  mid: count,
  id: string,
  from: oneOf("app", "calla"),
  code: string,
  details: unknown,
});
/** Not decided: come again with `from` after `retryAfter` ms; nothing later is taken before it. */
const paused = object({ type: literal("Paused"), target, from: count, code: string, retryAfter: count });
/** First answer to a `Subscribe`: the outcomes the client does not know yet, and what follows: nothing, records or a snapshot. */
const settled = object({
  type: literal("Settled"),
  target,
  ref: count,
  /** The server's head at this moment: at or below it, every outcome of this client is in `outcomes` or known. */
  sequence: count,
  /** The next mid the server takes. */
  next: count,
  /** mid, message id, what happened, sequence; of a rejection: from, code, details; else what was taken if amended. */
  outcomes: array(
    tuple(count, string, outcome, count, nullable(oneOf("app", "calla")), nullable(string), unknown),
  ),
  resync: oneOf("current", "records", "snapshot"),
  reason: string,
});

/** A record on the wire: milliseconds since the frame's `at`, author's index in `authors` (-1: the server), mid, id, message. */
const wireRecord = tuple(integer, integer, count, string, unknown);
const update = {
  /** The cursor this continues from. Another one than the reader's: duplicate, gap or other history; resync. */
  after: count,
  from: count,
  at: count,
  /** Author tag (hash of clientId and target) and userId, each named once per frame. */
  authors: array(tuple(count, nullable(string))),
  records: array(wireRecord),
  /** The mark after the last record. */
  mark: count,
};
/** Records of the follower's own session, in order. Fold them; own ones are acknowledgements. */
const sessionUpdate = object({ type: literal("SessionUpdate"), ...update });
/** Records of a topic, in order, the same bytes for every follower. Fold them; own ones are acknowledgements. */
const topicUpdate = object({ type: literal("TopicUpdate"), target, ...update });
/** All of a target at a sequence, in place of records. Large ones come in parts: `chunk` in place of `model`. */
const snapshot = object({
  type: literal("Snapshot"),
  target,
  sequence: count,
  mark: count,
  version: count,
  model: optional(unknown),
  part: optional(count),
  parts: optional(count),
  chunk: optional(bytes),
});
/** Unsequenced messages to the followers: author tag, userId, message; a null message says that the author has gone. */
const push = object({
  type: literal("Push"),
  target,
  pushes: array(tuple(nullable(count), nullable(string), unknown)),
});
/** The versions differ. `terminal`: reload the page; otherwise try another node. */
const version = object({
  type: literal("Version"),
  protocol: count,
  slices: record(count),
  terminal: boolean,
});
/** You no longer follow the target. `retryable`: by itself it may pass; otherwise it is refused. */
const unsubscribed = object({
  type: literal("Unsubscribed"),
  target,
  ref: count,
  code: string,
  retryable: boolean,
  details: optional(unknown),
});
/** Answer to `Ping`. */
const pong = object({ type: literal("Pong") });
/** Last word before the server closes. Come back within `within` ms, spread at random, unless terminal. */
const closing = object({ type: literal("Closing"), code: string, retryable: boolean, within: count });

// --------------------------------------------------------------------------------------------------- the two unions

/** Guards of what a client may say, by frame type. `Track` and `Authenticate` will stand here. */
export const clientFrames = {
  Hello: hello,
  SessionMessage: sessionMessage,
  TopicMessage: topicMessage,
  Subscribe: subscribe,
  Unsubscribe: unsubscribe,
  Resync: resync,
  Ping: ping,
} as const;

/** Guards of what a server may say, by frame type. `Presence` will stand here. */
export const serverFrames = {
  Connected: connected,
  Acknowledge: acknowledge,
  Rejected: rejected,
  Paused: paused,
  Settled: settled,
  SessionUpdate: sessionUpdate,
  TopicUpdate: topicUpdate,
  Push: push,
  Snapshot: snapshot,
  Version: version,
  Unsubscribed: unsubscribed,
  Pong: pong,
  Closing: closing,
} as const;

type Frames<T extends { readonly [type: string]: Guard<unknown> }> = { [K in keyof T]: Guarded<T[K]> };
export type ClientFrames = Frames<typeof clientFrames>;
export type ServerFrames = Frames<typeof serverFrames>;
export type ClientFrame = ClientFrames[keyof ClientFrames];
export type ServerFrame = ServerFrames[keyof ServerFrames];
export type Subscription = Guarded<typeof subscription>;
export type WireRecord = Guarded<typeof wireRecord>;
export type WireOutcome = ServerFrames["Settled"]["outcomes"][number];
export type Update = Omit<ServerFrames["TopicUpdate"], "type" | "target">;

/** The frame that `value` is, or undefined. Total: looks at own fields only, never throws. */
export function asFrame<T extends { readonly [type: string]: Guard<unknown> }>(
  frames: T,
  value: unknown,
): Frames<T>[keyof T] | undefined {
  const type = typeof value === "object" && value !== null ? (value as { type?: unknown }).type : undefined;
  if (typeof type !== "string" || !Object.hasOwn(frames, type)) return undefined;
  return frames[type]!(value) ? (value as Frames<T>[keyof T]) : undefined;
}
