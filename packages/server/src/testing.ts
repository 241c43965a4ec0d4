// What authors of logs and of tests need: the log contract, and logs that fail on purpose.
export { logContract } from "./log-contract.ts";
export type { LogCheck, LogMaker } from "./log-contract.ts";
export { faultyLog, LogFaultError, scriptedFaults, seededFaults } from "./log-faulty.ts";
export type {
  FaultyLog,
  FaultyLogOptions,
  LogCall,
  LogFault,
  LogFaultCounts,
  LogFaultRates,
  LogMethod,
  LogPlan,
} from "./log-faulty.ts";
export { rewindableLog } from "./log-rewindable.ts";
export type { RewindableLog } from "./log-rewindable.ts";
