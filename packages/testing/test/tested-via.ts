// How the clients of scenarios reach their server: a socket, or with CALLA_VIA=http requests and a stream, or with
// CALLA_VIA=poll requests and polls.
import { describe } from "vitest";
import type { Via } from "../src/index.ts";

export const VIA = (process.env["CALLA_VIA"] ?? "socket") as Via;

/** Milliseconds between polls: shorter than any wait for a new attempt. */
export const POLL_INTERVAL = 50;

/** Scenarios that only these can have. Where they are skipped, their suite is named by the reason. */
export function onlyOver(ways: readonly Via[], because: string, scenarios: () => void): void {
  if (ways.includes(VIA)) scenarios();
  // oxlint-disable-next-line vitest/no-disabled-tests -- reason: the caller's
  else describe.skip(`only over ${ways.join(" and ")}: ${because}`, scenarios);
}
