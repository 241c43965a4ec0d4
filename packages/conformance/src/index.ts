// Entry point @calla/phoenix-conformance: recordings of a real Phoenix, their replay, and checks to run against any server.
export {
  differsIn,
  type Check,
  type Conversation,
  type Difference,
  type Differences,
  type Mode,
  type Over,
  type Peer,
  type PeerAnswer,
  type PeerConnection,
  type PeerRequest,
} from "./checks/check.ts";
export { checks, differences } from "./checks/table.ts";
export { readRaces, readRecordings } from "./recording/read-recordings.ts";
export type { Deed, Hearing, Json, Scenario, Step, Suite } from "./recording/recording.ts";
export { replay, type ReplayOptions, type ReplayTime } from "./replay/replay.ts";
export { runChecks, type OwnServer, type RunOptions } from "./run/run-checks.ts";
export type { Failure, Report, Result } from "./run/outcome.ts";
export { BadTarget } from "./run/target.ts";
export { UnknownCheck } from "./run/select.ts";
export { startStub, type Stub, type StubOptions } from "./stub/start-stub.ts";
export { UnknownConversation } from "./stub/cast.ts";
export type { StubTime } from "./stub/stub-time.ts";
export type { StubReport } from "./stub/told.ts";
