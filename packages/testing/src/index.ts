// The public list of @calla/testing: virtual time, seeded chance, a network in the hand, storages and nodes that fail,
// seeded runs of your own wiring, and the rules that every history must keep. No test framework is needed or imported.
export { virtualClock } from "./doubles/clock.ts";
export type { ProcessClock, VirtualClock } from "./doubles/clock.ts";
export { seededRandom } from "./doubles/random.ts";
export type { SeededRandom } from "./doubles/random.ts";
export { connectionPair } from "./network/pair.ts";
export type { ConnectionPair, PairOptions, Via } from "./network/pair.ts";
export type { Lane, Packet } from "./network/lane.ts";
export type { Link, Reachable } from "./network/link.ts";
export type { RequestLink } from "./network/request-link.ts";
export { CUT_POINTS } from "./network/points.ts";
export type { CutPoint } from "./network/points.ts";
export { lossyPubSub } from "./doubles/doorbell.ts";
export type { DoorbellRates, LossyPubSub } from "./doubles/doorbell.ts";
export { crashableStorage } from "./doubles/storage.ts";
export type { CommitStage, CrashableStorage, CrashableStorageOptions } from "./doubles/storage.ts";
export { archivedLog } from "./history/archive.ts";
export type { Archived, ArchivedLog, ArchiveEvents, Place } from "./history/archive.ts";
export { checkHistory } from "./history/check.ts";
export type { History, HistoryEvent, PageName, Quiet, Told, Violation } from "./history/history.ts";
export { action, FAULTS, serverAction, tracking } from "./simulation/setup.ts";
export type {
  Fault,
  Guest,
  GuestEvents,
  GuestOptions,
  LostWay,
  SimulatedAction,
  SimulatedGuests,
  SimulatedTracking,
  SimulationSetup,
  TestedLog,
  TestedLogOptions,
} from "./simulation/setup.ts";
export type { GuestConfig, GuestStep } from "./simulation/guest-plan.ts";
export type { Plan, RunConfig, Step } from "./simulation/plan.ts";
export { describePlan, runPlan, shrink, simulate } from "./simulation/simulate.ts";
export type { SimulationReport } from "./simulation/simulate.ts";
export { describeFailure, describeMet, runSeeds, tooRare } from "./simulation/campaign.ts";
export type { CampaignOptions, CampaignReport } from "./simulation/campaign.ts";
