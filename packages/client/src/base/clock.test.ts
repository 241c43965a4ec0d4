import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Clock } from "@calla/shared";
import { steady, systemClock, systemRandom } from "./clock.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] }));
afterEach(() => void vi.useRealTimers());

const DAY = 24 * 3_600_000;

test("[AU1] [CL9] [CL45] a page's wait that is longer than its longest timer, or for ever, is not over at once", () => {
  const [late, never, cancelled] = [vi.fn(), vi.fn(), vi.fn()];
  systemClock.setTimeout(late, 60 * DAY);
  systemClock.setTimeout(never, Infinity);
  systemClock.setTimeout(cancelled, Infinity)();
  vi.advanceTimersByTime(24 * DAY);
  expect([late, never, cancelled].map(({ mock }) => mock.calls.length)).toEqual([0, 0, 0]);
  vi.advanceTimersByTime(DAY);
  expect(cancelled).not.toHaveBeenCalled();
});

test("[TM1] a clock that has both readings is used as it is, with what it holds", () => {
  class Own {
    passed = 7;
    now = (): number => 5;
    monotonic(): number {
      return this.passed++;
    }
    setTimeout = () => () => undefined;
    defer = (run: () => void): void => run();
  }
  const clock = steady(new Own());
  expect([clock.monotonic(), clock.monotonic(), clock.now()]).toEqual([7, 8, 5]);
});

test("[TM1] a clock without a monotonic reading gets the machine's, and is asked for all else", () => {
  const asked: unknown[] = [];
  const own: Clock = {
    now: () => 5,
    setTimeout(run, milliseconds) {
      asked.push(milliseconds);
      run();
      return () => void asked.push("cancelled");
    },
    defer: (run) => run(),
  };
  const clock = steady(own);
  clock.setTimeout(() => asked.push("ran"), 9)();
  clock.defer(() => asked.push("deferred"));
  expect(asked).toEqual([9, "ran", "cancelled", "deferred"]);
  const begun = clock.monotonic();
  vi.setSystemTime(Date.now() - 3_600_000);
  vi.advanceTimersByTime(40);
  vi.setSystemTime(Date.now() + 7_200_000);
  expect([clock.monotonic() - begun, clock.now()]).toEqual([40, 5]);
});

test("[TM1] the page's wall time may be set; what it calls monotonic goes on", () => {
  const [wall, begun] = [systemClock.now(), systemClock.monotonic()];
  vi.setSystemTime(wall - 3_600_000);
  expect([systemClock.now() - wall, systemClock.monotonic() - begun]).toEqual([-3_600_000, 0]);
  vi.advanceTimersByTime(40);
  expect([systemClock.now() - wall, systemClock.monotonic() - begun]).toEqual([-3_599_960, 40]);
});

test("[RB1] chance is drawn from the machine's crypto source many words at a time, and no word is given out twice", () => {
  const drawn = vi.spyOn(crypto, "getRandomValues");
  const words = Array.from({ length: 10_000 }, () => systemRandom.uint32());
  expect(drawn.mock.calls.length).toBeLessThanOrEqual(40);
  drawn.mockRestore();
  expect(words.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32)).toBe(true);
  // Of 10,000 words of 32 bits some pair is equal in one run of 90; three pairs in none.
  expect(new Set(words).size).toBeGreaterThan(9_997);
});

test("[CL62] where nothing is to draw chance from, that and the cure are said", async () => {
  for (const crypto of [undefined, {}]) {
    vi.resetModules();
    vi.stubGlobal("crypto", crypto);
    const { systemRandom: fresh } = await import("./clock.ts");
    expect(() => fresh.uint32()).toThrow("react-native-get-random-values");
    expect(() => fresh.uint32()).toThrow(expect.objectContaining({ name: "CallaError", code: "wiring" }));
  }
});
