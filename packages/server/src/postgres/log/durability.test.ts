import { expect, test } from "vitest";
import { weaknessesOf } from "./durability.ts";

const safe = { fsync: "on", pages: "on", commit: "on", names: "", standbys: "0" };
const told = (row: Partial<typeof safe>): string[] =>
  weaknessesOf({ ...safe, ...row }, "calla").map(({ message }) => message);

test("[PL13] settings that take something away are found, each with its cure", () => {
  expect(told({})).toEqual([]);
  expect(told({ names: "ANY 1 (*)", standbys: "2" })).toEqual([]);
  expect(told({ names: "ANY 1 (*)", standbys: "2", commit: "remote_apply" })).toEqual([]);
  const cures: readonly (readonly [Partial<typeof safe>, RegExp])[] = [
    [{ fsync: "off" }, /fsync is off: .*Set fsync = on/],
    [{ pages: "off" }, /full_page_writes is off: .*Set full_page_writes = on/],
    [{ commit: "off" }, /synchronous_commit is off: .*Set synchronous_commit = on/],
    [
      { names: "one", standbys: "1", commit: "local" },
      /synchronous_commit is local: .*Set synchronous_commit = on/,
    ],
    [{ standbys: "1" }, /standbys are asynchronous: .*synchronous_standby_names/],
  ];
  for (const [row, sentence] of cures) expect(told(row)).toEqual([expect.stringMatching(sentence)]);
  expect(told({ fsync: "off", commit: "off", standbys: "1" })).toHaveLength(3);
});
