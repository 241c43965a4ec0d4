// A client's engine without a connection: what it would send is listed.
import { automatic, json } from "@calla/shared";
import type { ClientFrame } from "@calla/shared";
import { createCore } from "../src/engine/life.ts";
import type { Core, CoreOptions } from "../src/engine/records.ts";
import { seededRandom, VirtualClock, wiring } from "./kit.ts";

export function testCore(options: Partial<CoreOptions> = {}): {
  readonly core: Core;
  readonly clock: VirtualClock;
  readonly sent: ClientFrame[];
  readonly errors: unknown[];
} {
  const clock = new VirtualClock();
  const sent: ClientFrame[] = [];
  const errors: unknown[] = [];
  const core = createCore(
    {
      wiring,
      serialiser: automatic(json()),
      clock,
      random: seededRandom(),
      reconnect: { baseMilliseconds: 1_000, maxMilliseconds: 30_000, multiplier: 2, jitterRatio: 0.25 },
      strict: true,
      linger: 5_000,
      answerTimeout: 10_000,
      flushOnly: false,
      maxPending: 100,
      maxPendingBytes: 1_000_000,
      maxPendingAge: 1_000_000,
      report: (error) => errors.push(error),
      onSnapshot: undefined,
      onOutcome: undefined,
      onVersionMismatch: undefined,
      digest: undefined,
      user: null,
      ...options,
    },
    undefined,
    () => {},
  );
  core.open = true;
  core.line = { send: (frames) => void sent.push(...frames), renew: () => {} };
  return { core, clock, sent, errors };
}
