// The public list of @calla/shared: first what users write with, then what the server and client packages share.

// Wiring
export { defineEphemeral, defineSession, defineTopic, serverOnly } from "./wiring/define.ts";
export { definePresence } from "./presence/define-presence.ts";
export type { PresenceHook, PresencePage } from "./presence/presence-page.ts";
export { defineLocal } from "./updates/define-local.ts";
export type { LocalDefinition } from "./updates/define-local.ts";
export type { EphemeralDefinition, ModelDefinition, ServerOnly, TopicDefinition } from "./wiring/define.ts";
export { checkMadeBy } from "./wiring/made-by.ts";
export { defineWiring } from "./wiring/wiring.ts";
export type { AnyTopicSlice, InWiring, TopicOf, Wiring } from "./wiring/wiring.ts";
export type { Context } from "./wiring/context.ts";
export type {
  ClientMessageOf,
  ClientMessagesOf,
  Created,
  Dropped,
  EphemeralPage,
  EphemeralSlice,
  FieldsOf,
  Heard,
  Keep,
  LocalPage,
  LocalSlice,
  Message,
  MessageOf,
  MessagesOf,
  Migration,
  Migrations,
  ModelOf,
  ModelSlice,
  PageHost,
  ParamsOf,
  PresenceMeta,
  RejectionOf,
  SessionSlice,
  Slice,
  SlicePresence,
  SliceTypes,
  Told,
  TopicHandle,
  TopicSlice,
  Typed,
} from "./wiring/slice.ts";
export { matchTopic, parseTopicPattern, topicId } from "./wiring/topic-pattern.ts";
export type { Params, TopicPattern } from "./wiring/topic-pattern.ts";
export { isSchema, readResult } from "./wiring/standard.ts";
export type { Checked as SchemaVerdict, OutputOf, Schema, Schemas } from "./wiring/standard.ts";
export type { Issue } from "#guards/issues";

// Serialisers
export { automatic, DEFAULT_DECODE_LIMITS, payloadReader, payloadWriter } from "./wire/serialiser.ts";
export type {
  AutomaticOptions,
  AutomaticSerialiser,
  DecodeLimits,
  Format,
  PayloadCodec,
  Serialiser,
  TextFormat,
} from "./wire/serialiser.ts";
export { plain } from "./wire/plain-serialiser.ts";
export { decode, encode } from "./wire/packets.ts";
export type { Frame, PacketOptions } from "./wire/packets.ts";
export { customJson } from "./wire/custom-serialiser.ts";
export type { CustomCodec } from "./wire/custom-serialiser.ts";
export { json } from "./wire/json-format.ts";
export { defineClass } from "./values/classes.ts";
export type { ClassCodec } from "./values/classes.ts";
export type { ValueClass } from "./values/known-classes.ts";

// Errors and ceilings
export { CallaError, describe, messageOf } from "./base/errors.ts";
export type { AppCode, ClosingCode } from "./codes/closing-codes.ts";
export type { ConnectionCode } from "./codes/connection-codes.ts";
export type { ErrorCode } from "./codes/error-codes.ts";
export type { ObservedCode } from "./codes/observed-codes.ts";
export type { PausedCode } from "./codes/paused-codes.ts";
export type { CallaRejectionCode, Rejection } from "./codes/rejection-codes.ts";
export type { RequestCode } from "./codes/request-codes.ts";
export type { StorageReason } from "./codes/storage-codes.ts";
export type { AnyCode, RefusedCode, StatusReason, TopicCode } from "./codes/unions.ts";
export type { UnsubscribedCode } from "./codes/unsubscribed-codes.ts";
export type { UntrackedCode } from "./codes/untracked-codes.ts";
export { DEFAULT_LIMITS } from "./base/limits.ts";
export type { Limits } from "./base/limits.ts";

// Running a wiring
export { applyMessages, initialModel, parseMessage, parseModel } from "./updates/apply.ts";
export type { Applied, ContextValues, Parsed } from "./updates/apply.ts";
export { migrateMessages, migrateModel } from "./updates/migrate.ts";
export type { Migrated } from "./updates/migrate.ts";

// Values
export { countValues } from "./values/count-values.ts";
export { isCrowded } from "#guards/crowding";
export { comparing, sameInOrder, sameValue } from "./values/equal.ts";
export { deepFreeze } from "./values/freeze.ts";
export { combine, hashString } from "./values/hash.ts";
export { hashValue } from "./values/hash-value.ts";
export { isInJson } from "./values/json-values.ts";
export { notInJson } from "./values/not-in-json.ts";
export { isBytes, kindOf } from "./values/kind.ts";
export type { Kind } from "./values/kind.ts";
export type { ValueOptions } from "./values/values.ts";
export { below, WalkRefusal } from "./values/refusal.ts";

// The wire
export { clientFrames } from "./wire/client-frames.ts";
export { serverFrames } from "./wire/server-frames.ts";
export { serverFrame } from "#guards/frames";
export { asFrame, PROTOCOL_VERSION } from "./wire/protocol.ts";
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
  WireMember,
  WireRecord,
} from "./wire/protocol.ts";
export type { Fitting, Spec } from "./wire/guard.ts";
export { scanJson } from "./wire/json-scan.ts";
export type { NameLimits } from "./wire/frame-names.ts";
export { mapPayloads } from "./wire/payloads.ts";
export type { PayloadMap } from "./wire/payloads.ts";
export { authorTag, restOfTag, visitorName, visitorOf } from "./wire/author.ts";
export { isSession, ORIGIN, OWN_SESSION, sessionKey } from "./wire/target.ts";
export type { Cursor, TargetKey } from "./wire/target.ts";

// Development or production
export { rejectionText } from "#dev/rejections";
export { checking } from "#dev/budget";
export { DEV, isDevelopment, strictness } from "#dev/switch";

// Time and chance
export type { Cancel, Clock, SteadyClock } from "./base/clock.ts";
export { fraction, messageId } from "./base/random.ts";
export type { Random } from "./base/random.ts";
