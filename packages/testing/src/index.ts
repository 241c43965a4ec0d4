// The public list of @calla/testing: virtual time, seeded chance, a network in the hand, storages and nodes that fail,
// seeded runs of your own wiring, and the rules that every history must keep. No test framework is needed or imported.
export { virtualClock } from "./clock.ts";
export type { ProcessClock, VirtualClock } from "./clock.ts";
export { seededRandom } from "./random.ts";
export type { SeededRandom } from "./random.ts";
export { connectionPair } from "./pair.ts";
export type { ConnectionPair, PairOptions, Via } from "./pair.ts";
export type { Lane, Packet } from "./lane.ts";
export type { Link, Reachable } from "./link.ts";
export type { RequestLink } from "./request-link.ts";
export { CUT_POINTS } from "./points.ts";
export type { CutPoint } from "./points.ts";
export { lossyPubSub } from "./doorbell.ts";
export type { DoorbellRates, LossyPubSub } from "./doorbell.ts";
export { crashableStorage } from "./storage.ts";
export type { CommitStage, CrashableStorage, CrashableStorageOptions } from "./storage.ts";
export { archivedLog } from "./archive.ts";
export type { Archived, ArchivedLog, ArchiveEvents, Place } from "./archive.ts";
export { checkHistory } from "./check.ts";
export type { History, HistoryEvent, PageName, Quiet, Told, Violation } from "./history.ts";
export { action, FAULTS, serverAction } from "./setup.ts";
export type { Fault, SimulatedAction, SimulationSetup, TestedLog, TestedLogOptions } from "./setup.ts";
export type { Plan, RunConfig, Step } from "./plan.ts";
export { describePlan, runPlan, shrink, simulate } from "./simulate.ts";
export type { SimulationReport } from "./simulate.ts";
export { describeFailure, describeMet, runSeeds, tooRare } from "./campaign.ts";
export type { CampaignOptions, CampaignReport } from "./campaign.ts";
