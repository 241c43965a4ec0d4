import { expect, test } from "vitest";
import type { Clock } from "./clock.ts";
import { oncePerTurn } from "./turn.ts";

test("[CL9] work asked for often in a turn is done once, and again in the next", () => {
  const deferred: (() => void)[] = [];
  const clock: Clock = { now: () => 0, setTimeout: () => () => {}, defer: (run) => deferred.push(run) };
  const turn = (): void => deferred.splice(0).forEach((run) => run());
  let done = 0;
  const work = oncePerTurn(clock, () => done++);
  work();
  work();
  expect(done).toBe(0);
  turn();
  expect(done).toBe(1);
  work();
  turn();
  expect(done).toBe(2);
});
