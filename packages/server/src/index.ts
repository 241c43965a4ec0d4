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
} from "./server-interface.ts";
export type { IncomingMessage, SessionMessage, TopicMessage, Unhook } from "./hooks.ts";
export type { DisconnectOptions } from "./kicking.ts";
export type { Whose } from "./whose.ts";
export type { DispatchOptions, ServerTopic, StopOptions } from "./server-topic.ts";
export type { HydrateOptions, UncachedResponse } from "./hydration.ts";
export type { HistoryEntry, HistoryOptions, HistoryResult } from "./past.ts";
export type { FollowedEntry, FollowHandler, FollowOptions } from "./readers.ts";
export type { AnyUser, AppliedMessage, Asking, Handlers, Who, Wish } from "./handlers.ts";
export type { Authenticate } from "./authenticate.ts";
export type { Connection, ConnectRequest, WireFrame } from "./connection.ts";
export type { Refused } from "./core.ts";
export type { OriginPolicy } from "./origin.ts";
export type { Hosts } from "./hosts.ts";
export type { Observe, ServerEvent } from "./events.ts";
export { healthHandler } from "./health.ts";
export type { HealthOptions } from "./health.ts";
export type { Inspection, InspectOptions } from "./inspect.ts";
export type { DrainOptions } from "./draining.ts";
export { expiring } from "./authenticate.ts";
export type { ExpiringUser } from "./authenticate.ts";
export type { TrustedProxies } from "./address.ts";
export { generateClientId } from "./identity.ts";
export { memoryLog } from "./log-memory.ts";
export type { MemoryLogOptions } from "./log-memory.ts";
export { tombstoneMark } from "./log.ts";
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
  LogRecord,
  LogSnapshot,
  LogStorage,
  Outcome,
  Position,
  Reader,
  ReadResult,
} from "./log.ts";
export { localPubSub } from "./pubsub.ts";
export type { PubSub } from "./pubsub.ts";
