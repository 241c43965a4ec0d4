import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { defineTopic } from "./define.ts";
import * as on from "./strict.ts";
import * as off from "./strict-off.ts";

const slice = defineTopic("a", {
  model: z.number(),
  initial: () => Date.now(),
  messages: { added: z.object({}) },
  update: { added: (model) => model + Math.random() },
});
const values = { at: 0, userId: null, visitor: "", messageId: "m" };

test("[WR27] without the checks an impure update is an update like any other", () => {
  expect(on.strictUpdate(slice, 1, { type: "added" }, values, 0)).toMatchObject({ ok: false });
  expect(off.strictUpdate(slice, 1, { type: "added" }, values, 0)).toMatchObject({ ok: true, ids: 0 });
  expect(() => on.checkInitial(slice, 1)).toThrow(/strict|pure/);
  expect(off.checkInitial(slice, 1)).toBeUndefined();
  expect(off.conversion(slice.messages["added"]!, {})).toBeUndefined();
});

test("[WR27] what stands for the checks is all of them, by the condition production only", () => {
  expect(Object.keys(off).toSorted()).toEqual(Object.keys(on).toSorted());
  const { imports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    imports: { "#strict": object };
  };
  expect(imports["#strict"]).toMatchObject({
    production: "./dist/strict-off.js",
    default: "./dist/strict.js",
  });
});
