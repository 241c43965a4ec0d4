// What authors of logs and of tests need: the log contract, and logs that fail on purpose.
export { logContract } from "./log-contract/index.ts";
export type { LogCheck, LogMaker } from "./log-contract/index.ts";
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
