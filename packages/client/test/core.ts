// A client's engine without a connection: what it would send is listed.
import { automatic, json } from "@calla/shared";
import type { ClientFrame } from "@calla/shared";
import { connected } from "../src/engine/greeting.ts";
import { receive } from "../src/engine/incoming.ts";
import { createCore } from "../src/engine/life.ts";
import type { Core, CoreOptions, Target } from "../src/engine/records.ts";
import { retain } from "../src/engine/subscriptions.ts";
import { targetOf } from "../src/engine/targets.ts";
import { connectedAs, seededRandom, settledFrame, snapshotFrame, VirtualClock, wiring } from "./kit.ts";

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
      onRejected: () => {},
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

/** What the server says when it lets the client in, and answers to what was asked: the engine is live on the target. */
export function subscribed(core: Core, key: string, model: unknown, sequence = 0): Target {
  const one = targetOf(core, key);
  if (!core.identity) connected(core, connectedAs("c1"));
  retain(core, one);
  receive(core, settledFrame(key, one.subscription.ref, { sequence }));
  receive(core, snapshotFrame(key, sequence, sequence * 10, model));
  return one;
}
