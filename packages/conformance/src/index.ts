// Entry point @calla/phoenix-conformance: recordings of a real Phoenix, and their replay against any server.
export { readRaces, readRecordings } from "./recording/read-recordings.ts";
export type { Deed, Hearing, Json, Scenario, Step, Suite } from "./recording/recording.ts";
export { replay, type ReplayOptions, type ReplayTime } from "./replay/replay.ts";
