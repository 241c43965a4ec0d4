// What a guest may have seen and been told, by written histories.
import { expect, test } from "vitest";
import { target, written } from "../../test/written.ts";
import type { Written } from "../../test/written.ts";
import { checkGuests } from "./check-guests.ts";
import type { Quiet, Told } from "./history.ts";

const guest = { client: 5, page: 0 };
const named = (run: Written, clientId: string): void => run.add({ type: "named", ...guest, clientId });
const seen = (run: Written, sequence: number, model: readonly string[], pending: readonly string[] = []) =>
  run.add({ type: "seen", ...guest, target, sequence, mark: sequence * 10, model, pending });
const dispatched = (run: Written, id: string): void =>
  run.add({ type: "dispatched", ...guest, target, id, userId: null });
const told = (run: Written, id: string, what: Told): void =>
  run.add({ type: "told", ...guest, target, id, told: what });
const broken = (run: Written, end: Partial<Quiet> = {}): readonly string[] =>
  checkGuests(run.history(end)).map(({ rule, what }) => `${rule} ${what.replace(`${target}: guest 5 `, "")}`);
const quiet = (more: Partial<NonNullable<Quiet["guests"]>[number]>): Partial<Quiet> => ({
  guests: [{ ...guest, target, status: "live", model: ["a", "b"], pending: 0, ...more }],
});

/** It has seen the log grow, with what is its own on top until it is in the model. */
async function right(): Promise<Written> {
  const run = written();
  named(run, "me");
  seen(run, 0, []);
  await run.appended(1, "a", null, "other");
  dispatched(run, "b");
  seen(run, 1, ["a"], ["b"]);
  await run.appended(1, "b");
  told(run, "b", { is: "applied", sequence: 2, messages: [] });
  seen(run, 2, ["a", "b"]);
  return run;
}

test("[HC20] a guest that sees the log grow, and its own once, breaks nothing", async () => {
  expect(broken(await right(), quiet({}))).toEqual([]);
  const untouched = written();
  seen(untouched, 0, []);
  expect(broken(untouched)).toEqual([]);
});

test("[HC20] it sees the log's model at every place, and never an earlier place than before", async () => {
  const run = await right();
  seen(run, 2, ["b", "a"]);
  seen(run, 3, ["a", "b"]);
  seen(run, 1, ["a"]);
  expect(broken(run)).toEqual([
    'HC20 has another model at 2 than the log: ["b","a"]',
    "HC20 was at 3 (mark 30), where the log never was",
    "HC20 went back from 2 to 1",
  ]);
});

test("[HC20] back in a history that was cut off, it sees the one that goes on", async () => {
  const run = await right();
  await run.log.rewind(target, 1);
  seen(run, 1, ["a"]);
  seen(run, 2, ["a", "b"]);
  expect(broken(run)).toEqual(["HC20 went back from 1 to 2"]);
});

test("[HC20] it shows nothing of its own twice", async () => {
  const run = await right();
  seen(run, 2, ["a", "b"], ["b"]);
  expect(broken(run)).toEqual(["HC20 showed b twice: it is in the model of 2, since 2"]);
});

test("[HC21] an outcome is unknown only to another identity or a closed page, and what was never sent is nowhere", async () => {
  const run = await right();
  for (const id of ["c", "d", "e"]) dispatched(run, id);
  told(run, "c", { is: "ended", code: "client-expired" });
  told(run, "d", { is: "ended", code: "closed" });
  named(run, "my next");
  told(run, "e", { is: "ended", code: "client-expired" });
  told(run, "b", { is: "ended", code: "unsent" });
  expect(broken(run)).toEqual([
    "HC21 lost sight of c under the same identity",
    "HC21 never sent b, and it is in the log",
  ]);
});

test("[HC20] after quiet it is there, with the server's model and nothing pending", async () => {
  const run = await right();
  const late = "HC20 shows another model after quiet than the log has at 2";
  expect(broken(run, quiet({ status: "away" }))).toEqual(["HC20 is away with 0 pending after quiet"]);
  expect(broken(run, quiet({ pending: 1 }))).toEqual(["HC20 is live with 1 pending after quiet"]);
  expect(broken(run, quiet({ model: ["a"] }))).toEqual([late]);
  // Whoever never came to rest is blamed by HC16.
  expect(broken(run, { ...quiet({ model: ["a"] }), problem: "client 0 is waiting" })).toEqual([]);
});
