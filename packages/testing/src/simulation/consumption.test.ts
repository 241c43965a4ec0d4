// A run's consumer: what it is handed is in the history, and the run waits until it has it all.
import { expect, test } from "vitest";
import { setup } from "../../test/small-run.ts";
import { simulate } from "./simulate.ts";

test("[HC22] a run over an engine that fails has a consumer, which is handed every record, and others have none", async () => {
  const calm = { ...setup, engine: 1, roughness: 0, nodes: [3, 3] as const };
  const { history, violations } = await simulate(5, calm);
  expect(violations).toEqual([]);
  const consumed = history!.events.filter(({ type }) => type === "consumed");
  const records = [...history!.archive.values()].flatMap(({ paths }) => paths.at(-1)!.places.slice(1));
  expect(records.length).toBeGreaterThan(0);
  expect(consumed.length).toBeGreaterThanOrEqual(records.length);
  const without = await simulate(5, { ...calm, engine: 0 });
  expect(without.history!.events.filter(({ type }) => type === "consumed")).toEqual([]);
});
