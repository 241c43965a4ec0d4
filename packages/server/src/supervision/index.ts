// Entry point @calla/server/supervision: what starts in order, is restarted when it fails, and stops in reverse.
export { supervise } from "./supervise.ts";
export type {
  SuperviseOptions,
  SupervisedChannels,
  SupervisedServer,
  System,
  WiringOf,
} from "./supervise-api.ts";
export { createSupervisor } from "./tree/supervisor.ts";
export type {
  Child,
  ChildState,
  Starting,
  Supervisor,
  SupervisorInspection,
  SupervisorOptions,
  SupervisorState,
} from "./tree/supervisor-api.ts";
