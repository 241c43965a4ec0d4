// Entry point @calla/server/bridge: topics of the sync half for Phoenix clients.
export { syncChannel } from "./sync-channel.ts";
export type { SyncChannelOptions } from "./sync-channel.ts";
