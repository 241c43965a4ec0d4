// Entry point @calla/server/presence: who is here, on all nodes.
export { createTracker } from "./create-tracker.ts";
export type { TrackerOptions } from "./create-tracker.ts";
export type { Tracker, TrackerSettings } from "./tracker.ts";
export type { PresenceDiff } from "./diff-listeners.ts";
export { tagOf } from "./state/entry.ts";
export type { PresenceEntry } from "./state/entry.ts";
