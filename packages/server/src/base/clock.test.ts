import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { steady, systemClock, systemRandom } from "./clock.ts";

describe("systemClock", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "Date"] }));
  afterEach(() => void vi.useRealTimers());

  test("[AU1] a wait ends once, at its time", () => {
    const run = vi.fn();
    const start = systemClock.now();
    systemClock.setTimeout(run, 100);
    vi.advanceTimersByTime(99);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    vi.advanceTimersByTime(1_000);
    expect(run).toHaveBeenCalledTimes(1);
    expect(systemClock.now() - start).toBe(1_100);
  });

  test("[AU1] a cancelled wait never ends, and may be cancelled again", () => {
    const run = vi.fn();
    const cancel = systemClock.setTimeout(run, 100);
    cancel();
    cancel();
    vi.runAllTimers();
    expect(run).not.toHaveBeenCalled();
  });

  test("[AU1] a wait longer than Node's longest timer ends at its time, and can be cancelled on the way", () => {
    const days = 24 * 3_600_000;
    const run = vi.fn();
    const never = vi.fn();
    systemClock.setTimeout(run, 60 * days);
    const cancel = systemClock.setTimeout(never, 60 * days);
    vi.advanceTimersByTime(59 * days);
    cancel();
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(days);
    expect(run).toHaveBeenCalledTimes(1);
    expect(never).not.toHaveBeenCalled();
  });

  test("[AU1] a deferred step runs after what is happening now", () => {
    const order: string[] = [];
    systemClock.defer(() => order.push("deferred"));
    order.push("now");
    vi.runAllTimers();
    expect(order).toEqual(["now", "deferred"]);
  });
});

test("[TM1] the machine's wall time may be set; what it calls monotonic goes on, also for a clock that has only wall time", () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"], now: 5_000_000 });
  try {
    const own = steady({ ...systemClock, monotonic: undefined } as never);
    for (const clock of [systemClock, own]) {
      const [wall, steps] = [clock.now(), [clock.monotonic()]];
      vi.setSystemTime(wall - 3_600_000);
      steps.push(clock.monotonic());
      vi.setSystemTime(wall + 3_600_000);
      steps.push(clock.monotonic());
      expect(steps).toEqual([steps[0], steps[0], steps[0]]);
      vi.setSystemTime(wall);
      vi.advanceTimersByTime(40);
      expect([clock.now() - wall, clock.monotonic() - steps[0]!]).toEqual([40, 40]);
    }
  } finally {
    vi.useRealTimers();
  }
});

test("[AU2] chance gives 32-bit unsigned integers over the whole range, past the end of its pool", () => {
  const drawn = Array.from({ length: 5_000 }, () => systemRandom.uint32());
  expect(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32)).toBe(true);
  // Five thousand draws of 32 bits: some three repeat at most, and every sixteenth of the range is met.
  expect(new Set(drawn).size).toBeGreaterThan(4_990);
  expect(new Set(drawn.map((value) => value >>> 28)).size).toBe(16);
});
