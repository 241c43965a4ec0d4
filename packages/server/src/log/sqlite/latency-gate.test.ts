import { describe, expect, test } from "vitest";
import { Pace } from "./latency-gate.ts";

/** Commits wherever it says, of so many milliseconds. Returns how many this thread made. */
function commit(pace: Pace, times: number, milliseconds: number): number {
  let own = 0;
  for (let i = 0; i < times; i++) {
    const here = pace.next();
    if (here) own++;
    pace.heard(milliseconds, here);
  }
  return own;
}

describe("[SQ11] this thread writes as long as commits are quick", () => {
  test("a worker begins, and after 128 quick commits this thread goes on", () => {
    const pace = new Pace();
    expect(commit(pace, 128, 0.2)).toBe(0);
    expect(commit(pace, 1, 0.2)).toBe(1);
  });

  test("a worker makes one commit in 64, for the sake of checkpoints", () => {
    const pace = new Pace();
    commit(pace, 128, 0.2);
    expect(commit(pace, 640, 0.2)).toBe(630);
  });

  test("a disk that takes over two and a half milliseconds for each stays with the worker", () => {
    expect(commit(new Pace(), 10_000, 2.6)).toBe(0);
  });

  test("the second commit in a block that holds the event loop up sends the writing back", () => {
    const pace = new Pace();
    commit(pace, 128, 0.2);
    pace.heard(5, true);
    expect(pace.next()).toBe(true);
    pace.heard(5, true);
    expect(pace.next()).toBe(false);
  });

  test("one such commit in a block is borne, block after block", () => {
    const pace = new Pace();
    commit(pace, 128, 0.2);
    for (let block = 0; block < 50; block++) {
      pace.heard(20, true);
      for (let i = 0; i < 127; i++) pace.heard(0.2, true);
    }
    expect(pace.next()).toBe(true);
  });

  test("after each time of being slow, twice as many quick commits must come, up to 64 blocks", () => {
    const pace = new Pace();
    const waits: number[] = [];
    for (let time = 0; time < 9; time++) {
      let waited = 0;
      for (; !pace.next(); waited++) pace.heard(0.2, false);
      waits.push(waited / 128);
      pace.heard(400, true);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });

  test("what the worker takes for its share does not count", () => {
    const pace = new Pace();
    commit(pace, 128, 0.2);
    for (let i = 0; i < 10; i++) pace.heard(50, false);
    expect(pace.next()).toBe(true);
  });
});
