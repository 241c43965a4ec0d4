// How the clients of scenarios reach their server: a socket, or with CALLA_VIA=http requests and a stream, or with
// CALLA_VIA=poll requests and polls.
import { test } from "vitest";
import type { Via } from "../src/index.ts";

export const VIA = (process.env["CALLA_VIA"] ?? "socket") as Via;

/** Milliseconds between polls: shorter than any wait for a new attempt. */
export const POLL_INTERVAL = 50;

/** For a scenario that only these can have, and why. */
// reason: each caller gives its own.
export const onlyOver = (ways: readonly Via[], _because: string): typeof test.skip =>
  ways.includes(VIA) ? test : test.skip; // reason: the caller's
