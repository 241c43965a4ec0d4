import { afterEach, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";

afterEach(() => void vi.useRealTimers());

test("[CL9] a delay of more than the machine's timers hold is long, and not over at once", () => {
  vi.useFakeTimers();
  const run = vi.fn();
  const cancels = [Infinity, 2 ** 31, 2 ** 40].map((delay) => systemClock.setTimeout(run, delay));
  vi.advanceTimersByTime(24 * 24 * 3_600_000);
  expect(run).not.toHaveBeenCalled();
  for (const cancel of cancels) cancel();
  expect(vi.getTimerCount()).toBe(0);
});
