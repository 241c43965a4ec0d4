// The public list of @calla/server. Transports and storages with a dependency of their own are subpaths.
export { createServer } from "./server.ts";
export type {
  Incoming,
  IncomingHook,
  Server,
  ServerOptions,
  SessionHook,
  SessionMessageOf,
  TopicHook,
} from "./server-api.ts";
export type { IncomingMessage, SessionMessage, TopicMessage, Unhook } from "./app/hooks.ts";
export type { DisconnectOptions } from "./identity/kick.ts";
export type { RightsChange } from "./identity/rights-change.ts";
export type { TopicMember, TopicPresence, TopicPresenceDiff, TopicPresenceOf } from "./server-presence.ts";
export type { DispatchOptions, ServerTopic, StopOptions } from "./server-topic.ts";
export type { HydrateOptions, UncachedResponse } from "./hydration.ts";
export type { HistoryEntry, HistoryOptions, HistoryResult } from "./history/topic-history.ts";
export type { ConsumedEntry, ConsumerHandler, ConsumerOptions } from "./history/log-consumers.ts";
export type { AnyUser, AppliedMessage, Asking, Handlers, Who, AccessRequest } from "./app/handlers.ts";
export type { Authenticate } from "./app/authenticate.ts";
export type { Connection, ConnectRequest, WireFrame } from "./base/connection.ts";
export type { Refused } from "./context/server-context.ts";
export type { OriginPolicy } from "./identity/origin.ts";
export type { Hosts } from "./identity/hosts.ts";
export type { Observe, ServerEvent } from "./app/events.ts";
export { healthHandler } from "./health.ts";
export type { HealthOptions } from "./health.ts";
export type { Inspection, InspectOptions } from "./inspect.ts";
export type { DrainOptions } from "./connection/drain.ts";
export { expiring } from "./app/authenticate.ts";
export type { ExpiringUser } from "./app/authenticate.ts";
export type { TrustedProxies } from "./identity/address.ts";
export { generateClientId } from "./identity/signed-identity.ts";
export { memoryLog } from "./log/memory/memory-log.ts";
export type { MemoryLogOptions } from "./log/memory/memory-log.ts";
export { tombstoneMark } from "./log/log.ts";
export type {
  Append,
  AppendResult,
  Author,
  Change,
  Changes,
  Claim,
  ClaimResult,
  ClientRow,
  Expired,
  Expiry,
  Head,
  HistoryPage,
  LogConsumer,
  LogRecord,
  LogSnapshot,
  LogStorage,
  Outcome,
  Position,
  ReadResult,
} from "./log/log.ts";
export { scopedPubSub } from "./pubsub/scoped-pubsub.ts";
export type { PubSubMessage, ScopedPubSub, ScopedPubSubOptions } from "./pubsub/scoped-pubsub.ts";
export { localPubSub } from "./cluster/pubsub.ts";
export type { PubSub } from "./cluster/pubsub.ts";
