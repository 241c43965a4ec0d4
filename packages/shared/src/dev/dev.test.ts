import { readdirSync, readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import * as z from "zod";
import { defineTopic } from "../wiring/define.ts";
import { rejectionCodes } from "../codes/rejection-codes.ts";
import * as trustedCrowding from "../guards-off/crowding.ts";
import * as trustedFrames from "../guards-off/frames.ts";
import * as trustedJson from "../guards-off/json.ts";
import * as trustedBytes from "../guards-off/own-bytes.ts";
import * as guardedCrowding from "../guards/crowding.ts";
import * as guardedFrames from "../guards/frames.ts";
import * as guardedJson from "../guards/json.ts";
import * as guardedBytes from "../guards/own-bytes.ts";
import * as offBudget from "../dev-off/budget.ts";
import * as onBudget from "./budget.ts";
import * as offChecks from "../dev-off/define-checks.ts";
import * as offDescribe from "../dev-off/describe.ts";
import * as off from "../dev-off/strict.ts";
import * as offProblem from "../dev-off/json-problem.ts";
import * as offTopic from "../dev-off/topic-problem.ts";
import * as offRejections from "../dev-off/rejections.ts";
import * as offSwitch from "../dev-off/switch.ts";
import * as onChecks from "./define-checks.ts";
import * as onDescribe from "./describe.ts";
import * as onProblem from "./json-problem.ts";
import * as onTopic from "./topic-problem.ts";
import * as onRejections from "./rejections.ts";
import * as on from "./strict.ts";
import * as onSwitch from "./switch.ts";

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

test.each([
  ["switch", onSwitch, offSwitch],
  ["budget", onBudget, offBudget],
  ["strict", on, off],
  ["define-checks", onChecks, offChecks],
  ["describe", onDescribe, offDescribe],
  ["rejections", onRejections, offRejections],
  ["json-problem", onProblem, offProblem],
  ["topic-problem", onTopic, offTopic],
])(
  "[WR27] [WR37] in production all of dev/%s.ts has something in its place",
  (_, development: object, production: object) => {
    expect(Object.keys(production).toSorted()).toEqual(Object.keys(development).toSorted());
  },
);

test("[WR37] what JSON has not, and what is no topic id, is said with the reason in development, without it in production", () => {
  expect(onProblem.jsonProblem(new Map())).toMatch(/^is a Map, /);
  expect(offProblem.jsonProblem(new Map())).toBe(false);
  expect([onDescribe.told(new Error("no")), offDescribe.told(new Error("no"))]).toEqual(["Error: no", ""]);
  expect(onTopic.topicProblem(["a", "*"], [], "a:")).toBe("takes a text as parameter 1");
  expect(offTopic.topicProblem(["a", "*"], [], "a:")).toBe(false);
});

test("[OB15] a rejection's text has its code, the sentence it stands for and the particulars; in production its code", () => {
  const { rejectionText } = onRejections;
  expect(rejectionText("calla", "forbidden", {})).toBe(
    "The message was rejected (forbidden): This is not allowed.",
  );
  expect(rejectionText("calla", "server-only", { type: "cleared" })).toBe(
    'The message was rejected (server-only): Only the server may dispatch this message. {"type":"cleared"}',
  );
  expect(rejectionText("app", "full", { max: 3 })).toBe(
    'The message was rejected (full): The update of its slice refused it. {"max":3}',
  );
  expect(rejectionText("calla", "constructor", undefined)).toMatch(/gave no other reason\.$/);
  expect(rejectionText("app", "long", "x".repeat(10_000)).length).toBeLessThan(700);
  expect(rejectionText("app", "odd", { n: 1n })).toContain("BigInt");
  expect(offRejections.rejectionText("calla", "forbidden", {})).toBe("forbidden");
  // Every reason of Calla's own has a sentence.
  for (const code of Object.keys(rejectionCodes))
    expect(rejectionText("calla", code, {})).not.toContain("no other reason");
});

test("[WR27] [WR37] in production nothing is development, and strict is nothing", () => {
  expect([onSwitch.DEV, offSwitch.DEV]).toEqual([true, false]);
  expect(offSwitch.isDevelopment()).toBe(false);
  expect(offSwitch.strictness(true)).toBe(false);
  for (const [environment, development] of [
    ["production", false],
    ["development", true],
    ["", true],
    [undefined, true],
  ] as const) {
    vi.stubEnv("NODE_ENV", environment);
    expect(onSwitch.isDevelopment()).toBe(development);
    expect(onSwitch.strictness(undefined)).toBe(development);
    expect([onSwitch.strictness(true), onSwitch.strictness(false)]).toEqual([true, false]);
  }
  vi.stubGlobal("process", undefined); // a page without a bundler
  expect(onSwitch.isDevelopment()).toBe(true);
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

test("[WR27] [WR37] in production what is defined is not checked", () => {
  const wrong = () => defineTopic("a:", { model: undefined } as never);
  expect(wrong).toThrow(/wiring|segment/);
  expect(offChecks.checkTopic({ name: "a:" } as never, {})).toBeUndefined();
  const twice = [{ name: "json" }, { name: "json" }];
  expect(() => onChecks.checkFormats(twice)).toThrow(/one name/);
  expect(offChecks.checkFormats(twice)).toBeUndefined();
  expect(offChecks.checkWiring(undefined, [undefined as never], undefined)).toBeUndefined();
});

test("[WR27] the condition production chooses, and no module of development is without its stand-in", () => {
  const { imports } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    imports: object;
  };
  expect(imports).toEqual({
    "#dev/*": {
      "calla-source": { production: "./src/dev-off/*.ts", default: "./src/dev/*.ts" },
      types: "./dist/dev/*.d.ts",
      production: "./dist/dev-off/*.js",
      default: "./dist/dev/*.js",
    },
    // A server bundled for a worker may have the condition "browser"; for production besides it has not.
    "#guards/*": {
      "calla-source": {
        // With its own default: Vite goes no further than a condition that holds.
        browser: { production: "./src/guards-off/*.ts", default: "./src/guards/*.ts" },
        default: "./src/guards/*.ts",
      },
      types: "./dist/guards/*.d.ts",
      browser: { production: "./dist/guards-off/*.js", default: "./dist/guards/*.js" },
      default: "./dist/guards/*.js",
    },
  });
  const modules = (folder: string) =>
    readdirSync(new URL(folder, import.meta.url)).filter((name) => !/\.(?:test|arbitrary)\./.test(name));
  expect(modules("../dev-off/")).toEqual(modules("./"));
  expect(modules("../guards-off/")).toEqual(modules("../guards/"));
});

test("[CO29] what stands for the guards in a page for production gives the same for what a server sends", () => {
  const frame = { type: "Pong" };
  expect([guardedFrames.serverFrame(frame), trustedFrames.serverFrame(frame)]).toEqual([frame, frame]);
  expect(guardedFrames.serverFrame({ type: "Pongo" })).toBeUndefined();
  const limits = { maxFrameBytes: 1, maxDepth: 1, maxEntries: 1, maxValues: 1, maxNames: 1 };
  expect(() => guardedJson.guardJson("[[]]", limits)).toThrow(/too-large/);
  expect(trustedJson.guardJson("[[]]", limits)).toBeUndefined();
  expect(trustedCrowding.isCrowded([1], 1)).toBe(guardedCrowding.isCrowded([1], 1));
  const members = [1];
  expect(guardedCrowding.evenly(members)).toBe(members);
  expect(trustedCrowding.evenly(members)).toBe(members);
  const given = Uint8Array.of(1, 2);
  for (const { OwnBytes } of [guardedBytes, trustedBytes]) {
    const bytes = new OwnBytes();
    const copy = bytes.copy(given);
    expect([bytes.make(3), copy]).toEqual([new Uint8Array(3), given]);
    expect(copy.buffer).not.toBe(given.buffer);
  }
});
