// Entry point @calla/server/presence-state: who is here, as a state of its own, for replication of your own.
export { PresenceState } from "./presence-state.ts";
export { tagOf } from "./entry.ts";
export type { EntryDiff, PresenceClocks, PresenceEntry, PresencePart } from "./entry.ts";
export type { ClockRange } from "./clock-set.ts";
