// The public list of @calla/client. The WebSocket transport is @calla/client/websocket.
export { createClient } from "./client.ts";
export type { Client, ClientOptions, ClientStatus } from "./client.ts";
export type {
  Dispatched,
  EphemeralState,
  EphemeralTopic,
  Latest,
  PendingOf,
  Topic,
  TopicState,
  WriteOf,
} from "./topic.ts";
export { memo } from "./selection.ts";
export type { Selection } from "./selection.ts";
export type { RejectedWrite } from "./rejections.ts";
export type { Local } from "./local.ts";
export type { Member, MembersPage, Presence, PresenceOf, PresenceState } from "./presence.ts";
export { RejectedError } from "./base/rejected-error.ts";
export type { AppliedWrite, Write } from "./engine/write.ts";
export type {
  AppCode,
  CallaRejectionCode,
  ClosingCode,
  ConnectionCode,
  Rejection,
  StatusReason,
  TopicCode,
  UnsubscribedCode,
} from "@calla/shared";
export type {
  ConnectionStatus,
  DecidedWrite,
  HeldWrite,
  Pending,
  PendingWrite,
  Pushed,
  SnapshotTaken,
  TopicStatus,
  Versions,
  WriteState,
} from "./engine/records.ts";
export type { Skipped } from "./engine/replica.ts";
export { reloadOnce } from "./reload.ts";
export type { Notes, ReloadOptions } from "./reload.ts";
export type { ConnectedAs } from "./connection/connection.ts";
export type { Stop } from "./base/notifier.ts";
export type { Storage, KeptModels } from "./storage/storage.ts";
export { memoryStorage } from "./storage/memory-storage.ts";
export type { MemoryStorageOptions } from "./storage/memory-storage.ts";
export { keepModels } from "./storage/kept-models.ts";
export type { KeepModelsOptions } from "./storage/kept-models.ts";
export { tabStorage } from "./tabs/tab-storage.ts";
export type { TabStorageOptions } from "./tabs/tab-storage.ts";
export type { KeyValueStore, StoreCommit } from "./tabs/key-value-store.ts";
export type { TabMemory, TabNote } from "./tabs/tab-note.ts";
export type { Lock, Locks } from "./tabs/locks.ts";
export { webLocks } from "./tabs/web-locks.ts";
export { memoryLocks } from "./tabs/memory-locks.ts";
export type { MemoryLocks } from "./tabs/memory-locks.ts";
export type {
  CloseReason,
  Link,
  ReconnectOptions,
  Transport,
  TransportHandlers,
} from "./transports/transport.ts";
