// What authors of logs and of tests need: the contracts of logs and pubsubs, and logs that fail on purpose.
export { logContract } from "./log-contract/index.ts";
export type { LogCheck, LogMaker } from "./log-contract/index.ts";
export { pubSubContract } from "./pubsub-contract/index.ts";
export type { PubSubCheck, PubSubMaker, PubSubPair } from "./pubsub-contract/index.ts";
export { faultyLog, LogFaultError, scriptedFaults, seededFaults } from "./faulty-log.ts";
export type {
  FaultyLog,
  FaultyLogOptions,
  LogCall,
  LogFault,
  LogFaultCounts,
  LogFaultRates,
  LogMethod,
  LogPlan,
} from "./faulty-log.ts";
export { rewindableLog } from "./rewindable-log.ts";
export type { RewindableLog } from "./rewindable-log.ts";
