// The public list of @calla/shared: first what users write with, then what the server and client packages share.

// Wiring
export { defineEphemeral, defineLocal, defineSession, defineTopic, serverOnly } from "./define.ts";
export type {
  EphemeralDefinition,
  LocalDefinition,
  ModelDefinition,
  ServerOnly,
  TopicDefinition,
} from "./define.ts";
export { defineWiring } from "./wiring.ts";
export type { AnyTopicSlice, InWiring, TopicOf, Wiring } from "./wiring.ts";
export type { Context } from "./context.ts";
export type {
  CallaRejectionCode,
  ClientMessageOf,
  ClientMessagesOf,
  Created,
  Dropped,
  EphemeralSlice,
  FieldsOf,
  Keep,
  LocalSlice,
  Message,
  MessageOf,
  MessagesOf,
  Migration,
  Migrations,
  ModelOf,
  ModelSlice,
  ParamsOf,
  RejectionOf,
  SessionSlice,
  Slice,
  SliceTypes,
  TopicSlice,
  Typed,
} from "./slice.ts";
export { matchTopic, parseTopicPattern, topicId } from "./topic-pattern.ts";
export type { Params, TopicPattern } from "./topic-pattern.ts";
export type { Schema, Schemas } from "./standard.ts";

// Serialisers
export { automatic, DEFAULT_DECODE_LIMITS, payloadReader, payloadWriter } from "./serialiser.ts";
export type {
  AutomaticOptions,
  AutomaticSerialiser,
  DecodeLimits,
  Format,
  PayloadCodec,
  Serialiser,
} from "./serialiser.ts";
export { decode, encode } from "./packets.ts";
export type { Frame, PacketOptions } from "./packets.ts";
export { customJson } from "./serialiser-custom.ts";
export type { CustomCodec } from "./serialiser-custom.ts";
export { json } from "./format-json.ts";
export { defineClass } from "./classes.ts";
export type { ClassCodec, ValueClass } from "./classes.ts";

// Errors and ceilings
export { CallaError, describe } from "./errors.ts";
export type { ErrorCode } from "./errors.ts";
export { ERROR_SENTENCES } from "./error-sentences.ts";
export { DEFAULT_LIMITS } from "./limits.ts";
export type { Limits } from "./limits.ts";

// Running a wiring
export { applyMessages, initialModel, parseMessage, parseModel } from "./apply.ts";
export type { Applied, ContextValues, Parsed } from "./apply.ts";
export { migrateMessages, migrateModel } from "./migrate.ts";
export type { Migrated } from "./migrate.ts";

// Values
export { countValues } from "./count-values.ts";
export { isCrowded } from "#guards/crowding";
export { sameInOrder, sameValue } from "./equal.ts";
export { deepFreeze } from "./freeze.ts";
export { combine, hashString } from "./hash.ts";
export { hashValue } from "./hash-value.ts";
export { kindOf } from "./kind.ts";
export type { Kind } from "./kind.ts";
export type { ValueOptions } from "./values.ts";
export { below, Refusal } from "./walk.ts";

// The wire
export { clientFrames } from "./client-frames.ts";
export { serverFrames } from "./server-frames.ts";
export { serverFrame } from "#guards/frames";
export { asFrame, PROTOCOL_VERSION } from "./protocol.ts";
export type {
  ClientFrame,
  ClientFrames,
  Frames,
  FrameSpecs,
  ServerFrame,
  ServerFrames,
  Subscription,
  Update,
  WireOutcome,
  WireRecord,
} from "./protocol.ts";
export type { Fitting, Spec } from "./guard.ts";
export { mapPayloads } from "./payloads.ts";
export type { PayloadMap } from "./payloads.ts";
export { authorTag, restOfTag, visitorName, visitorOf } from "./author.ts";
export { isSession, ORIGIN, OWN_SESSION, sessionKey } from "./target.ts";
export type { Cursor, TargetKey } from "./target.ts";

// Development or production
export { rejectionText } from "#dev/rejections";
export { checking } from "#dev/budget";
export { DEV, isDevelopment, strictness } from "#dev/switch";

// Time and chance
export type { Cancel, Clock, SteadyClock } from "./clock.ts";
export { fraction, messageId } from "./random.ts";
export type { Random } from "./random.ts";
