import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const DAY = 24 * 3_600_000;

test("[AU1] [CL9] a page's wait that is longer than its longest timer, or for ever, is not over at once", () => {
  const [late, never, cancelled] = [vi.fn(), vi.fn(), vi.fn()];
  systemClock.setTimeout(late, 60 * DAY);
  systemClock.setTimeout(never, Infinity);
  systemClock.setTimeout(cancelled, Infinity)();
  vi.advanceTimersByTime(24 * DAY);
  expect([late, never, cancelled].map(({ mock }) => mock.calls.length)).toEqual([0, 0, 0]);
  vi.advanceTimersByTime(DAY);
  expect(cancelled).not.toHaveBeenCalled();
});
