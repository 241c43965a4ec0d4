// For authors of key-value stores: the checks that every store must pass. Run each with your test runner. And for tests of
// one's own: a store in memory, what is inside of a storage, and the HTTP link over a carrier of their own.
export { httpLink } from "../transports/http/link.ts";
export type {
  HttpCarrier,
  HttpLinkOptions,
  HttpMemory,
  PostAnswer,
  StreamHandlers,
  StreamSlots,
} from "../transports/http/link.ts";
export { keyValueStoreContract } from "./key-value-store-contract.ts";
export type { StoreCheck, StoreSubject } from "./key-value-store-contract.ts";
export { storageContract } from "./storage-contract.ts";
export type { StorageCheck, StorageSubject } from "./storage-contract.ts";
export { clientsIn } from "./stored.ts";
export type { ClientInStore } from "./stored.ts";
export { memoryStore } from "../tabs/stores/memory-store.ts";
export type { StoredValues } from "../tabs/stores/memory-store.ts";
export { inside } from "../storage/storage.ts";
export type {
  Flushing,
  MigratedEntry,
  ModelHost,
  ModelKeeper,
  ModelPlace,
  Owner,
  PageStorage,
  StorageChange,
  StorageHost,
  StoredClient,
  StoredEntry,
  StoredIdentity,
  StoredModel,
  StoredTarget,
} from "../storage/storage.ts";
