import { expect, it } from "vitest";
import type { Check } from "../checks/check.ts";
import { selected } from "./select.ts";

const check = (id: string, over: Check["over"] = ["websocket"]): Check => ({ id, says: "", over });
const checks = [check("JN1"), check("JN10"), check("LP3", ["longpoll"]), check("LP31a", ["longpoll"])];
const ids = (...args: Parameters<typeof selected>): string[] => selected(...args).map(({ id }) => id);

it("chooses sections by their letters and checks by their ids, whole", () => {
  expect(ids(checks, ["JN1"])).toEqual(["JN1"]);
  expect(ids(checks, ["lp", "JN1"])).toEqual(["JN1", "LP3", "LP31a"]);
  expect(ids(checks, [])).toHaveLength(4);
  expect(ids(checks, [], "longpoll")).toEqual(["LP3", "LP31a"]);
});

it("refuses what is no check, naming the sections", () => {
  expect(() => selected(checks, ["JN2"])).toThrow(
    "No check is called JN2. The sections are JN, LP; ids are like LP4.",
  );
});
