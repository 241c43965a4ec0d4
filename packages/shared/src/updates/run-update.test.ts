import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Context } from "../wiring/context.ts";
import { defineTopic } from "../wiring/define.ts";
import { noModel, runUpdate } from "./run-update.ts";

type Update = (model: number, context: Context<{ no: { n: number } }>) => number;
const values = { at: 5, userId: null, visitor: "", messageId: "m1" };
/** One message whose update is the test's, run once. */
function run(update: Update, given: Partial<typeof values> | { userId: string } = {}, idsBefore = 0) {
  const slice = defineTopic("count:*", {
    model: z.number(),
    initial: () => 0,
    messages: { run: z.object({}) },
    rejections: { no: z.object({ n: z.number() }) },
    update: { run: (model, _, context) => update(model, context) },
  });
  return runUpdate(slice, 1, { type: "run" }, { ...values, ...given }, idsBefore);
}

describe("ids", () => {
  const idOf = (given: Parameters<typeof run>[1], before = 0): string => {
    let id = "";
    run(
      (model, context) => {
        id = context.id();
        return model;
      },
      given,
      before,
    );
    return id;
  };

  test("go on from those that the dispatch has made, and say how many there are", () => {
    const made: string[] = [];
    const step = run((model, { id }) => (made.push(id(), id()), model), {}, 3);
    expect(made).toEqual(["m1-4", "m1-5"]);
    expect(step).toEqual({ ok: true, model: 1, ids: 5 });
  });

  test("name their author in letters that no other author's name can give", () => {
    expect(idOf({ userId: "ada" })).toBe("m1-1~uada");
    expect(idOf({ visitor: "guest" })).toBe("m1-1~vguest");
    const names = ["a b", "a~0020b", "a-b", "~uada", "ä", "a\u0000b", "", "~", "A"];
    expect(new Set(names.map((userId) => idOf({ userId }))).size).toBe(names.length);
    for (const userId of names) expect(idOf({ userId })).toMatch(/^[\w~-]+$/);
    // A user who is named like a visitor is another one.
    expect(idOf({ userId: "x" })).not.toBe(idOf({ visitor: "x" }));
  });
});

describe("a step", () => {
  test("is the model that was returned", () => {
    expect(run((model) => model + 1)).toEqual({ ok: true, model: 2, ids: 0 });
  });

  test("is a rejection from where it was said, though it was caught and something else came after", () => {
    const rejected = { ok: false, kind: "rejected", code: "no", details: { n: 7 } };
    const caught =
      (then: () => number): Update =>
      (_, { reject }) => {
        try {
          reject("no", { n: 7 });
        } catch {
          return then();
        }
        return 0;
      };
    expect(run((_, { reject }) => reject("no", { n: 7 }))).toEqual(rejected);
    expect(run(caught(() => 9))).toEqual(rejected);
    // The first one counts.
    const again: Update = (_, { reject }) => {
      try {
        reject("no", { n: 7 });
      } catch {
        reject("no", { n: 8 });
      }
      return 0;
    };
    expect(run(again)).toEqual(rejected);
    expect(
      run(
        caught(() => {
          throw new Error("tripped");
        }),
      ),
    ).toEqual(rejected);
  });

  test.each<[string, Update, string]>([
    ["a throw", () => JSON.parse("{") as number, "threw"],
    ["no model", () => undefined as never, "returned undefined"],
    ["a promise", (async () => 1) as never, "returned a promise"],
    [
      "an undeclared code",
      (_, { reject }) => reject("other" as never, {} as never),
      "not in the slice's rejections",
    ],
    ["wrong details", (_, { reject }) => reject("no", {} as never), "wrong details"],
  ])("is the update's mistake where there is %s", (_, update, problem) => {
    const step = run(update);
    expect(step).toMatchObject({ ok: false, kind: "threw", error: { code: "update-threw" } });
    expect(String((step as { error: unknown }).error)).toContain(problem);
  });

  test("[WR20] is over when the update has returned: its context works no more", () => {
    let kept!: Context<{ no: { n: number } }>;
    run((model, context) => {
      kept = context;
      return model;
    });
    expect(() => kept.id()).toThrow("has returned");
    expect(() => kept.reject("no", { n: 1 })).toThrow("has returned");
    expect([kept.at, kept.userId]).toEqual([5, null]);
  });
});

test("a promise that is no model does not end the process when it fails", async () => {
  expect(noModel(Promise.reject(new Error("nobody waits")))).toContain("promise");
  await new Promise((resolve) => setImmediate(resolve));
  expect([noModel(null), noModel(0), noModel({})]).toEqual([undefined, undefined, undefined]);
});
