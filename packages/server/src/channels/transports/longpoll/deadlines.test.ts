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
  const errors: unknown[] = [];
  const come = ({ name }: { name: string }): void => {
    due.push(name);
    if (name === "throws") throw new Error(name);
  };
  const report = (error: unknown): void => void errors.push(error);
  const deadlines = new Deadlines<{ name: string }>(clock, after, come, report);
  return { hand, due, deadlines, errors, timers: () => timers };
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
    const again = (item: object): void => {
      times++;
      if (times < 5) deadlines.set(item);
    };
    const deadlines = new Deadlines<object>(hand.clock, 100, again, () => undefined);
    deadlines.set({});
    await hand.advance(350);
    expect(times).toBe(3);
    await hand.advance(1_000);
    expect(times).toBe(5);
  });

  it("[LP51] one that throws is reported, and those behind it come all the same", async () => {
    const { hand, due, deadlines, errors } = held();
    for (const name of ["a", "throws", "b"]) deadlines.set({ name });
    await hand.advance(100);
    expect(due).toEqual(["a", "throws", "b"]);
    expect(errors).toHaveLength(1);
  });

  it("[LP44] those that are left as it stops are due at once, and never again", async () => {
    const { hand, due, deadlines } = held();
    for (const name of ["a", "b"]) deadlines.set({ name });
    deadlines.stop();
    expect(due).toEqual(["a", "b"]);
    await hand.advance(1_000);
    expect(due).toHaveLength(2);
  });
});
