import { describe, expect, it } from "vitest";
import { handClock } from "../../../../test/wired.ts";
import { Deadlines } from "./deadlines.ts";

function held(after = 100) {
  const hand = handClock();
  const due: string[] = [];
  let timers = 0;
  const clock = {
    ...hand.clock,
    setTimeout(run: () => void, milliseconds: number) {
      timers++;
      const cancel = hand.clock.setTimeout(run, milliseconds);
      return cancel;
    },
  };
  const deadlines = new Deadlines<{ name: string }>(clock, after, ({ name }) => void due.push(name));
  return { hand, due, deadlines, timers: () => timers };
}

describe("deadlines equally far ahead", () => {
  it("[LP2] each comes when its time is over, in the order in which they were set", async () => {
    const { hand, due, deadlines } = held();
    deadlines.set({ name: "a" });
    await hand.advance(60);
    deadlines.set({ name: "b" });
    await hand.advance(39);
    expect(due).toEqual([]);
    await hand.advance(1);
    expect(due).toEqual(["a"]);
    await hand.advance(60);
    expect(due).toEqual(["a", "b"]);
    expect(deadlines.size).toBe(0);
  });

  it("[LP2] one that is dropped does not come, and one that is set anew is put off", async () => {
    const { hand, due, deadlines } = held();
    const [a, b] = [{ name: "a" }, { name: "b" }];
    deadlines.set(a);
    deadlines.set(b);
    await hand.advance(50);
    deadlines.drop(a);
    deadlines.set(b);
    await hand.advance(99);
    expect(due).toEqual([]);
    await hand.advance(1);
    expect(due).toEqual(["b"]);
  });

  it("[LP17] one timer does for a thousand", async () => {
    const { hand, due, deadlines, timers } = held();
    for (let i = 0; i < 1_000; i++) deadlines.set({ name: String(i) });
    expect(timers()).toBe(1);
    await hand.advance(100);
    expect(due).toHaveLength(1_000);
    expect(timers()).toBe(1);
  });

  it("[LP17] one that is set anew as it comes does not come twice at once", async () => {
    const hand = handClock();
    let times = 0;
    const deadlines = new Deadlines<object>(hand.clock, 100, (item) => {
      times++;
      deadlines.set(item);
    });
    deadlines.set({});
    await hand.advance(350);
    expect(times).toBe(3);
    deadlines.stop();
    await hand.advance(1_000);
    expect(times).toBe(3);
  });
});
