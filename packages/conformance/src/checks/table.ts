// All checks, in the order of a report, and where Calla differs.
import { binaryChecks } from "./binary.ts";
import { broadcastChecks } from "./broadcast.ts";
import type { Check } from "./check.ts";
import { connectingChecks } from "./connecting.ts";
import { disconnectingChecks } from "./disconnecting.ts";
import { heartbeatChecks } from "./heartbeat.ts";
import { joiningChecks } from "./joining.ts";
import { leavingChecks } from "./leaving.ts";
import { longpollChecks } from "./longpoll.ts";
import { malformedChecks } from "./malformed.ts";
import { messageChecks } from "./messages.ts";
import { supabaseChecks } from "./next.ts";
import { presenceChecks } from "./presence.ts";

/** Every check of the kit. */
export const checks: readonly Check[] = [
  ...connectingChecks,
  ...heartbeatChecks,
  ...joiningChecks,
  ...messageChecks,
  ...broadcastChecks,
  ...leavingChecks,
  ...binaryChecks,
  ...malformedChecks,
  ...longpollChecks,
  ...disconnectingChecks,
  ...presenceChecks,
  ...supabaseChecks,
];

export { differences } from "./differences.ts";
