// The public list of @calla/client. The WebSocket transport is @calla/client/websocket.
export { createClient } from "./client.ts";
export type { Client, ClientOptions, ClientStatus, ConnectedAs } from "./client.ts";
export type {
  Dispatched,
  EphemeralTopic,
  Latest,
  PendingOf,
  Selection,
  Topic,
  TopicState,
  WriteOf,
} from "./topic.ts";
export type { Local } from "./local.ts";
export { RejectedError } from "./write.ts";
export type { AppliedWrite, Rejection, Write, WriteState } from "./write.ts";
export type { Pending, Pushed, TopicStatus } from "./target.ts";
export type { DecidedWrite } from "./targets.ts";
export type { HeldWrite, PendingWrite } from "./target.ts";
export type { Skipped } from "./rebase.ts";
export type { SnapshotTaken, Versions } from "./receiver.ts";
export { reloadOnce } from "./reload.ts";
export type { Notes, ReloadOptions } from "./reload.ts";
export type { ConnectionStatus } from "./sync.ts";
export type { Stop } from "./notifier.ts";
export { memoryStorage } from "./storage-memory.ts";
export { migrateStored } from "./migrate-stored.ts";
export { keepModels } from "./storage-models.ts";
export type { KeepModelsOptions } from "./storage-models.ts";
export type {
  Flushing,
  MigratedEntry,
  ModelHost,
  ModelKeeper,
  ModelPlace,
  Owner,
  Storage,
  StorageChange,
  StorageHost,
  StoredClient,
  StoredEntry,
  StoredIdentity,
  StoredModel,
  StoredTarget,
} from "./storage.ts";
export type {
  CloseReason,
  Link,
  ReconnectOptions,
  Transport,
  TransportHandlers,
} from "./transports/transport.ts";
