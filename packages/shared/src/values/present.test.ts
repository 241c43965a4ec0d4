import fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";
import { applyMessages, parseMessage } from "../updates/apply.ts";
import { classTable } from "./classes.ts";
import { defineTopic } from "../wiring/define.ts";
import { sameInOrder } from "./equal.ts";
import { normalise } from "./normalise.ts";
import { withoutUndefined } from "./present.ts";
import { customJson } from "../wire/custom-serialiser.ts";
import { anyValue, pointClass, secretClass } from "./values.arbitrary.ts";

const domain = { classes: classTable([pointClass, secretClass]) };

test("[WR29] fields that are undefined go, at any depth; other places keep what they hold", () => {
  const given = {
    a: undefined,
    b: [{ c: undefined, d: 1 }, undefined],
    m: new Map([[{ k: undefined }, { v: undefined, w: 2 }]]),
    s: new Set([{ x: undefined }]),
  };
  expect(withoutUndefined(given)).toStrictEqual({
    b: [{ d: 1 }, undefined],
    m: new Map([[{}, { w: 2 }]]),
    s: new Set([{}]),
  });
  expect(given.b[0]).toStrictEqual({ c: undefined, d: 1 });
});

test("[WR29] what lacks nothing is the same object, and what comes out is what the wire makes of it", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const kept = withoutUndefined(value);
      // `toStrictEqual` takes a field named constructor for the type.
      expect(sameInOrder(normalise(kept, domain), normalise(value, domain))).toBe(true);
      expect(withoutUndefined(kept)).toBe(kept);
    }),
  );
});

test("[WR29] what cannot be read, or never ends, comes back as it is, at once", () => {
  const cycle: Record<string, unknown> = { gone: undefined };
  cycle["left"] = cycle["right"] = cycle;
  delete cycle["gone"];
  expect(withoutUndefined(cycle)).toBe(cycle);
  const trap = Object.defineProperty({}, "at", {
    enumerable: true,
    get: () => {
      throw new Error("no");
    },
  });
  expect(withoutUndefined(trap)).toBe(trap);
});

const lacking = { limit: 1, extra: undefined };
const keys = (fields: object): { keys: string[] } => ({ keys: Object.keys(fields) });
const scores = defineTopic("scores:*", {
  model: z.object({ keys: z.array(z.string()) }),
  initial: () => ({ keys: [] }),
  messages: {
    set: z.object({ by: z.record(z.string(), z.number()), note: z.string().optional() }),
    strict: z.strictObject({ by: z.number() }),
    // Its output has a field that its input had not.
    made: z.object({ by: z.unknown().transform((): unknown => ({ kept: 1, lost: undefined })) }),
  },
  rejections: { low: z.strictObject({ limit: z.number() }) },
  update: {
    set: (_, { by }) => keys(by),
    strict: (_, __, context) => context.reject("low", lacking),
    made: (_, { by }) => keys(by as object),
  },
});

test("[WR29] no schema is shown a field that the wire drops, and none comes out of it", () => {
  for (const from of ["client", "server"] as const) {
    expect(parseMessage(scores, { type: "set", by: { a: 1, b: undefined } }, from)).toStrictEqual({
      ok: true,
      message: { type: "set", by: { a: 1 } },
    });
    expect(parseMessage(scores, { type: "strict", by: 1, stray: undefined }, from)).toMatchObject({
      ok: true,
    });
    expect(parseMessage(scores, { type: "made", by: 1 }, from)).toStrictEqual({
      ok: true,
      message: { type: "made", by: { kept: 1 } },
    });
  }
});

test("[WR29] nor are the schemas of rejections", () => {
  const values = { at: 0, userId: null, visitor: "", messageId: "m" };
  const message = { type: "strict", by: 1 };
  expect(applyMessages(scores, { keys: [] }, [message], values, { strict: false })).toStrictEqual({
    ok: false,
    kind: "rejected",
    code: "low",
    details: { limit: 1 },
  });
});

test("[WR29] a decoder of one's own that makes such fields makes none", () => {
  const by = customJson({
    encodeMessage: ({ type }: { type: string }) => [type],
    decodeMessage: ([type, note]: unknown[]) => ({ type, note }) as never,
    encodeModel: (model: unknown) => model as never,
    decodeModel: (model) => model as never,
  });
  expect(by.normaliseMessage({ type: "a" })).toStrictEqual({ type: "a" });
  expect(by.payload(by.formats[0]!).decodeMessage(["a"])).toStrictEqual({ type: "a" });
});
