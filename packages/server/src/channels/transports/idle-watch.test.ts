import { describe, expect, test } from "vitest";
import { handClock } from "../../../test/wired.ts";
import { IdleWatch } from "./idle-watch.ts";
import type { Watched } from "./idle-watch.ts";

class One implements Watched {
  heardAt = 0;
  share = 0;
  readonly ends: number[] = [];
  readonly #now: () => number;
  onIdle: () => void = () => undefined;
  constructor(now: () => number) {
    this.#now = now;
  }
  idle(): void {
    this.ends.push(this.#now());
    this.onIdle();
  }
}
const TICK = 60_000 / 32;

describe("who says nothing", () => {
  test("[HB6] for the timeout is told so, at most a thirty-second of it late, and once", async () => {
    const hand = handClock();
    const watch = new IdleWatch(hand.clock, 60_000);
    const ones: One[] = [];
    const began: number[] = [];
    for (let n = 0; n < 50; n++) {
      const one = new One(() => hand.clock.monotonic());
      watch.add(one);
      ones.push(one);
      began.push(hand.clock.monotonic());
      await hand.advance(977);
    }
    expect(watch.size).toBe(50);
    await hand.advance(200_000);
    for (const [n, { ends }] of ones.entries()) {
      expect(ends).toHaveLength(1);
      const silent = (ends[0] ?? 0) - (began[n] ?? 0);
      expect(silent).toBeGreaterThanOrEqual(60_000);
      expect(silent).toBeLessThanOrEqual(60_000 + TICK);
    }
    expect(watch.size).toBe(0);
  });

  test("[HB7] who says something is put off, however often", async () => {
    const hand = handClock();
    const watch = new IdleWatch(hand.clock, 60_000);
    const one = new One(() => hand.clock.monotonic());
    watch.add(one);
    for (let said = 0; said < 20; said++) {
      await hand.advance(59_000);
      one.heardAt = watch.ticks;
    }
    expect(one.ends).toEqual([]);
    const last = hand.clock.monotonic();
    await hand.advance(59_999);
    expect(one.ends).toEqual([]);
    await hand.advance(TICK + 1);
    expect(one.ends[0]).toBeGreaterThanOrEqual(last + 60_000);
  });

  test("[HB11] one timer looks at all, and there is none while nobody is there", async () => {
    const hand = handClock();
    let timers = 0;
    let running = 0;
    const clock = {
      ...hand.clock,
      setTimeout(run: () => void, milliseconds: number) {
        timers++;
        running++;
        const cancel = hand.clock.setTimeout(() => {
          running--;
          run();
        }, milliseconds);
        return () => {
          running--;
          cancel();
        };
      },
    };
    const watch = new IdleWatch(clock, 60_000);
    expect(timers).toBe(0);
    const ones = Array.from({ length: 1_000 }, () => new One(() => 0));
    for (const one of ones) watch.add(one);
    expect([timers, running]).toEqual([1, 1]);
    await hand.advance(30_000);
    expect(timers).toBeLessThanOrEqual(17);
    for (const one of ones) watch.delete(one);
    expect([watch.size, running]).toEqual([0, 0]);
    for (const one of ones) watch.delete(one);
    expect(watch.size).toBe(0);
    watch.add(ones[0] as One);
    expect(running).toBe(1);
    await hand.advance(70_000);
    expect([ones[0]?.ends.length, running]).toEqual([1, 0]);
  });

  test("[HB6] the end of one may be another's, and that one is told nothing more", async () => {
    const hand = handClock();
    const watch = new IdleWatch(hand.clock, 1_000);
    const [a, b, c] = [0, 1, 2].map(() => new One(() => 0)) as [One, One, One];
    for (const one of [a, b, c]) watch.add(one);
    a.onIdle = () => watch.delete(b);
    c.onIdle = () => watch.add(c);
    await hand.advance(1_100);
    expect([a.ends.length, b.ends.length, c.ends.length, watch.size]).toEqual([1, 0, 1, 1]);
    await hand.advance(1_100);
    expect(c.ends.length).toBe(2);
  });

  test("[HB6] a process that stood still hears what came meanwhile before it counts on", async () => {
    const hand = handClock();
    const watch = new IdleWatch(hand.clock, 60_000);
    const one = new One(() => hand.clock.monotonic());
    watch.add(one);
    // A stall is one tick, however long: 31 are left of which each lets the sockets be read.
    let due: (() => void) | undefined;
    const stalled = new IdleWatch(
      { ...hand.clock, setTimeout: (run) => ((due = run), () => undefined) },
      60_000,
    );
    stalled.add(one);
    for (let tick = 0; tick < 32; tick++) due?.();
    expect(one.ends).toEqual([]);
    due?.();
    expect(one.ends).toHaveLength(1);
    watch.delete(one);
  });

  test("[HB12] a timeout that is none is refused; with Infinity nobody is idle", async () => {
    const hand = handClock();
    for (const timeout of [0, -1, Number.NaN, "60" as unknown as number])
      expect(() => new IdleWatch(hand.clock, timeout)).toThrow(
        expect.objectContaining({ code: "transport" }),
      );
    const watch = new IdleWatch(hand.clock, Infinity);
    const one = new One(() => 0);
    watch.add(one);
    expect(watch.size).toBe(1);
    await hand.advance(10_000_000);
    watch.delete(one);
    expect([one.ends, watch.size]).toEqual([[], 0]);
  });
});
