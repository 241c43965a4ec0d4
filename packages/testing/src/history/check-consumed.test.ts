// What a consumer of every topic has been handed, by written histories.
import { expect, test } from "vitest";
import { target, written } from "../../test/written.ts";
import type { Written } from "../../test/written.ts";
import { checkConsumed } from "./check-consumed.ts";

const consumed = (run: Written, ...sequences: readonly number[]): void => {
  for (const sequence of sequences) run.add({ type: "consumed", target, sequence, mark: sequence * 10 });
};
const broken = (run: Written, end = {}): readonly string[] =>
  checkConsumed(run.history(end)).map(({ rule, what }) => `${rule} ${what}`);
const three = async (): Promise<Written> => {
  const run = written();
  for (const message of ["a", "b", "c"]) await run.appended(1, message);
  return run;
};

test("[HC22] each record in its order is right, though some come twice, and a run without a consumer has nothing to ask", async () => {
  const run = await three();
  expect(broken(run)).toEqual([]);
  consumed(run, 1, 2, 1, 2, 3, 3);
  expect(broken(run)).toEqual([]);
});

test("[HC22] a record that is passed over, or comes before its time, is found", async () => {
  const passed = await three();
  consumed(passed, 1, 3);
  expect(broken(passed)).toContain(`HC22 the consumer was never handed ${target} at 2`);
  const early = await three();
  consumed(early, 1, 3, 2, 3);
  expect(broken(early)).toEqual([`HC22 the consumer was handed ${target} at 3 before what came before it`]);
});

test("[HC22] of a history that was cut off nothing is asked, and all of the one that goes on", async () => {
  const run = await three();
  consumed(run, 1, 2, 3);
  await run.log.rewind(target, 1);
  expect(broken(run)).toEqual([]);
  const [first] = run.log.archive.get(target)!.paths.at(-1)!.places.slice(1);
  const other = { ...first!.record!, sequence: 2, mark: 99, mid: 9, id: "other" };
  const expected = { sequence: 1, mark: 10 };
  await run.log.append([{ target, expected, records: [other], rows: [], at: 1 }]);
  expect(broken(run)).toEqual([`HC22 the consumer was never handed ${target} at 2`]);
  run.add({ type: "consumed", target, sequence: 2, mark: 99 });
  expect(broken(run)).toEqual([]);
});

test("[HC22] a run that was never quiet is not asked, one that waited in vain is", async () => {
  const run = await three();
  consumed(run, 1, 2);
  expect(checkConsumed(run.history(null))).toEqual([]);
  expect(broken(run, { problem: "busy" })).toEqual([`HC22 the consumer was never handed ${target} at 3`]);
});
