import { expect, test } from "vitest";
import { virtualClock } from "./clock.ts";

test("what is due happens in order of time, then of setting, each with all it leads to", async () => {
  const clock = virtualClock(0);
  const said: string[] = [];
  clock.setTimeout(() => said.push(`b ${clock.now()}`), 10);
  clock.setTimeout(() => said.push("c"), 10);
  clock.setTimeout(() => {
    said.push("a");
    void Promise.resolve().then(() => clock.defer(() => said.push("a's")));
  }, 5);
  await clock.advance(9);
  expect([said.splice(0), clock.now()]).toEqual([["a", "a's"], 9]);
  await clock.advance(1);
  expect(said).toEqual(["b 10", "c"]);
});

test("a cancelled timer does not happen, also when it is cancelled by one of the same instant", async () => {
  const clock = virtualClock();
  let happened = false;
  clock.setTimeout(() => cancel(), 5);
  const cancel = clock.setTimeout(() => (happened = true), 5);
  await clock.advance(10);
  expect(happened).toBe(false);
});

test("times are whole milliseconds, and never in the past", async () => {
  const clock = virtualClock(0);
  const at: number[] = [];
  clock.setTimeout(() => at.push(clock.now()), 1.2);
  clock.setTimeout(() => at.push(clock.now()), -5);
  await clock.advance(5);
  expect(at).toEqual([0, 2]);
});

test("runUntilIdle passes to the last timer, or as long as it is told", async () => {
  const clock = virtualClock(0);
  let turns = 0;
  clock.setTimeout(() => turns++, 500);
  await clock.runUntilIdle();
  expect([turns, clock.now()]).toEqual([1, 500]);
  const again = (): void => {
    turns++;
    clock.setTimeout(again, 100);
  };
  again();
  await clock.runUntilIdle(1_000);
  expect([turns, clock.now()]).toEqual([12, 1_500]);
});

test("nothing that a killed process set happens", async () => {
  const clock = virtualClock();
  const process = clock.process();
  const said: string[] = [];
  process.setTimeout(() => said.push("timer"), 5);
  process.defer(() => said.push("deferred"));
  clock.setTimeout(() => said.push("other"), 5);
  process.kill();
  await clock.advance(10);
  expect(said).toEqual(["other"]);
});

test("a wall clock that is set moves no timer and no monotonic reading; a process's own moves nobody else's", async () => {
  const clock = virtualClock(1_000);
  const [one, other] = [clock.process(), clock.process()];
  const due: string[] = [];
  clock.setTimeout(() => due.push("timer"), 100);
  const readings = () => [clock, one, other].map(({ now, monotonic }) => [now(), monotonic()]);
  one.step(3_600_000);
  clock.step(-500);
  expect(readings()).toEqual([
    [500, 0],
    [3_600_500, 0],
    [500, 0],
  ]);
  await clock.advance(99);
  expect(due).toEqual([]);
  await clock.advance(1);
  one.step(-7_200_000);
  expect(due).toEqual(["timer"]);
  expect(readings()).toEqual([
    [600, 100],
    [-3_599_400, 100],
    [600, 100],
  ]);
  expect(clock.process().monotonic()).toBe(0);
});
