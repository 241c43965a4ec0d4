import { expect, test } from "vitest";
import { backoff } from "./backoff.ts";

const options = { baseMilliseconds: 1_000, maxMilliseconds: 30_000, multiplier: 2, jitterRatio: 0.25 };

test("[CL2] delays double from base to max and begin anew after a reset", () => {
  const delays = backoff({ ...options, jitterRatio: 0 }, { uint32: () => 0 });
  expect(Array.from({ length: 7 }, () => delays.next())).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ]);
  delays.reset();
  expect(delays.next()).toBe(1_000);
});

test("[CL2] each delay is spread by the jitter ratio", () => {
  expect(backoff(options, { uint32: () => 0 }).next()).toBe(750);
  expect(backoff(options, { uint32: () => 0xff_ff_ff_ff }).next()).toBe(1_250);
});
