import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const DAY = 24 * 3_600_000;

test("[AU1] a page's wait that is longer than its longest timer ends at its time, or never, and can be cancelled", () => {
  const [late, never, cancelled] = [vi.fn(), vi.fn(), vi.fn()];
  systemClock.setTimeout(late, 60 * DAY);
  systemClock.setTimeout(never, Infinity);
  const cancel = systemClock.setTimeout(cancelled, 60 * DAY);
  vi.advanceTimersByTime(59 * DAY);
  cancel();
  expect(late).not.toHaveBeenCalled();
  vi.advanceTimersByTime(DAY);
  vi.advanceTimersByTime(60 * DAY);
  expect([late, never, cancelled].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0]);
});
