// All checks, in the order of a report, and where Calla differs.
import type { Check, Differences } from "./check.ts";

/** Every check of the kit. */
export const checks: readonly Check[] = [
  {
    id: "JN1",
    says: "A join that is accepted is answered ok, {}, with the join's join_ref and ref.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-ok", "lp-join-poll"],
    overLongPoll: ["join-ok"],
  },
];

/** By the name of the conversation. */
export const differences: Differences = {};
