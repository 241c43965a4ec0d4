import { expect, it } from "vitest";
import type { Report, Result } from "../run/outcome.ts";
import { exitCodeOf } from "./exit-code.ts";

const result = (more: Partial<Result>): Result => ({
  id: "JN1",
  says: "",
  over: [],
  differs: false,
  outcome: "passed",
  played: [],
  failures: [],
  ...more,
});
const report = (...results: Result[]): Report => ({
  version: 1,
  url: "",
  mode: "strict",
  lacks: [],
  results,
  took: 0,
});

it("[KT5] is 1 for what failed and for what the server lacks, not for what the kit cannot run", () => {
  expect(exitCodeOf(report(result({}), result({ outcome: "not run", lacking: false })))).toBe(0);
  expect(exitCodeOf(report(result({}), result({ outcome: "failed" })))).toBe(1);
  expect(exitCodeOf(report(result({ outcome: "not run", lacking: true })))).toBe(1);
  expect(exitCodeOf({ ...report(), problem: "Nobody is there." })).toBe(2);
});
