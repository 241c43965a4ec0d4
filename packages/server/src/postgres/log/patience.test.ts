import { describe, expect, test, vi } from "vitest";
import { hurriedClock } from "../../../test/postgres/nodes.ts";
import { Patience } from "./patience.ts";

/** Answers of a log, each what is held back. */
const asking = (bounds: readonly (string | undefined)[]) => {
  let asked = 0;
  const once = vi.fn((_last: boolean) => {
    const bound = bounds[Math.min(asked++, bounds.length - 1)];
    return Promise.resolve({ bound, answer: asked });
  });
  return once;
};

describe("[PL6] waiting for what is held back", () => {
  test("there is none where nothing is", async () => {
    const clock = hurriedClock();
    expect(await new Patience(clock, () => undefined).ask(asking([undefined]))).toBe(1);
    expect(clock.waited()).toBe(0);
  });

  test("it ends with the commit, after moments that grow", async () => {
    const clock = hurriedClock();
    expect(await new Patience(clock, () => undefined).ask(asking(["7", "7", "7", "9", undefined]))).toBe(5);
    expect(clock.waited()).toBe(2 + 4 + 8 + 16);
  });

  test("it ends after a second, also where it is always something else that is held back, and the last look says that it is", async () => {
    const clock = hurriedClock();
    let n = 0;
    const once = asking(Array.from({ length: 1_000 }, () => String(n++)));
    await new Patience(clock, () => undefined).ask(once);
    expect(clock.waited()).toBeGreaterThanOrEqual(1_000);
    expect(clock.waited()).toBeLessThan(1_100);
    expect(once.mock.calls.at(-1)).toEqual([true]);
    expect(once.mock.calls.filter(([last]) => last)).toHaveLength(1);
  });

  test("there is none any more for one that has been held for a second; [PL14] after 30 it is told once, and again of another", async () => {
    const clock = hurriedClock();
    const late = vi.fn();
    const patience = new Patience(clock, late);
    await patience.ask(asking(["7"]));
    const waited = clock.waited();
    await patience.ask(asking(["7"]));
    expect(clock.waited()).toBe(waited);
    expect(late).not.toHaveBeenCalled();
    const later = () => {
      for (let i = 0; i < 4; i++) clock.setTimeout(() => undefined, 9_000);
    };
    later();
    await patience.ask(asking(["7"]));
    await patience.ask(asking(["7"]));
    expect(late).toHaveBeenCalledTimes(1);
    await patience.ask(asking([undefined]));
    await patience.ask(asking(["8"]));
    later();
    await patience.ask(asking(["8"]));
    expect(late).toHaveBeenCalledTimes(2);
  });
});
