import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import * as zm from "zod/mini";
import { applyMessages, initialModel, parseMessage, parseModel } from "../updates/apply.ts";
import type { Parsed } from "../updates/apply.ts";
import { defineLocal } from "../updates/define-local.ts";
import { defineEphemeral, defineSession, defineTopic, serverOnly } from "./define.ts";
import type { TopicSlice } from "./slice.ts";

const n = { model: z.object({ n: z.number() }), initial: () => ({ n: 0 }) };
const noop = { ...n, messages: {}, update: {} };

/** As JavaScript would call it: the compiler's word does not count. */
const define = (definition: object): unknown =>
  (defineTopic as (pattern: string, definition: object) => unknown)("a:*", definition);
const errorIn = (parsed: Parsed): string | undefined =>
  !parsed.ok && parsed.code === "invalid" ? parsed.error?.message : undefined;

describe("defining slices", () => {
  test("[WR1] each kind has what the engines need", () => {
    const stamp = z.object({ at: z.number() });
    const topic = defineTopic("doc:*:ops", {
      ...n,
      messages: { added: z.object({}), stamped: serverOnly(stamp) },
      rejections: { no: z.object({}) },
      update: { added: (model) => model, stamped: (model) => model },
      version: 3,
    });
    expect(topic).toMatchObject({
      kind: "topic",
      name: "doc:*:ops",
      version: 3,
      created: "client",
      pattern: { segments: ["doc", "*", "ops"] },
    });
    expect(Object.keys(topic.rejections)).toEqual(["no"]);
    expect(["added", "stamped", "constructor"].map((type) => topic.serverOnly(type))).toEqual([
      false,
      true,
      false,
    ]);
    expect(Object.getOwnPropertySymbols(stamp)).toEqual([]);
    expect(Object.isFrozen(topic) && Object.isFrozen(topic.update) && Object.isFrozen(topic.messages)).toBe(
      true,
    );

    expect(defineSession(noop)).toMatchObject({
      kind: "session",
      name: "session",
      version: 1,
      rejections: {},
    });
    expect(defineLocal(noop)).toMatchObject({ kind: "local", name: "local", version: 1 });
    const cursors = defineEphemeral("cursors:*", {
      messages: { moved: z.object({}), swept: serverOnly(z.object({})) },
    });
    expect(cursors).toMatchObject({ kind: "ephemeral", name: "cursors:*", version: 1, keep: "none" });
    expect(cursors.serverOnly("swept")).toBe(true);
    expect(defineEphemeral("a", { messages: {}, keep: "latest", version: 2 })).toMatchObject({
      keep: "latest",
      version: 2,
    });
  });

  test("[WR1] a topic carries its lifetime, and none where none is given", () => {
    expect(defineTopic("draft:*", { ...noop, lifetime: 60_000 }).lifetime).toBe(60_000);
    expect(defineTopic("draft:*", noop).lifetime).toBeUndefined();
  });

  test("[WR28] a topic says who makes its topics", () => {
    expect(defineTopic("a:*", { ...noop, created: "server" }).created).toBe("server");
    expect(defineTopic("a:*", { ...noop, created: "client" }).created).toBe("client");
  });

  test("[WR4] a type that the schema adds is found when it is used", () => {
    const definition = {
      ...n,
      messages: { added: z.object({ type: z.string().default("x") }) },
      update: { added: (model: unknown) => model },
    };
    const slice = define(definition) as TopicSlice;
    const parsed = parseMessage(slice, { type: "added" }, "client");
    expect(parsed).toMatchObject({
      ok: false,
      code: "invalid",
      error: { code: "wiring", details: { slice: "a:*", message: "added" } },
    });
    expect(errorIn(parsed)).toBe(
      'Slice "a:*": the schema of "added" gives a field "type"; rename the field.',
    );
  });

  test("[WR5] an asynchronous schema decides nothing, and its promise is nobody's rejection", async () => {
    const rejecting = {
      "~standard": { version: 1, vendor: "test", validate: () => Promise.reject(new Error("later")) },
    } as const;
    const late = z.object({ name: z.string().refine(async () => true) });
    for (const schema of [
      rejecting,
      late,
      v.pipeAsync(
        v.object({ name: v.string() }),
        v.checkAsync(async () => true),
      ),
    ]) {
      const slice = define({
        ...n,
        messages: { named: schema },
        update: { named: (model: unknown) => model },
      }) as TopicSlice;
      const parsed = parseMessage(slice, { type: "named", name: "x" }, "client");
      expect(parsed).toMatchObject({
        ok: false,
        code: "invalid",
        details: { issues: [{ message: "the schema could not decide", path: [] }] },
      });
      expect(errorIn(parsed)).toMatch(
        /^Slice "a:\*": the schema of "named" failed: TypeError: it is asynchronous/,
      );
      const asModel = define({ ...noop, model: schema }) as TopicSlice;
      expect(parseModel(asModel, { name: "x" })).toMatchObject({
        ok: false,
        issues: [{ message: expect.stringContaining("it is asynchronous") as string }],
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 0)); // An unhandled rejection would fail the run.
  });
});

const libraries = {
  zod: defineTopic("counter:*", {
    model: z.object({ n: z.number(), by: z.array(z.string()) }),
    initial: () => ({ n: 0, by: [] }),
    messages: {
      added: z.object({ by: z.number(), note: z.optional(z.string()) }),
      cleared: z.object({}),
      set: serverOnly(z.object({ n: z.number() })),
    },
    rejections: { tooMuch: z.object({ max: z.number() }) },
    update: {
      added: (model, { by }, context) =>
        by > 9 ? context.reject("tooMuch", { max: 9 }) : { n: model.n + by, by: [...model.by, context.id()] },
      cleared: (model) => (model.n === 0 ? model : { n: 0, by: [] }),
      set: (model, { n }) => ({ ...model, n }),
    },
  }),
  "zod/mini": defineTopic("counter:*", {
    model: zm.object({ n: zm.number(), by: zm.array(zm.string()) }),
    initial: () => ({ n: 0, by: [] }),
    messages: {
      added: zm.object({ by: zm.number(), note: zm.optional(zm.string()) }),
      cleared: zm.object({}),
      set: serverOnly(zm.object({ n: zm.number() })),
    },
    rejections: { tooMuch: zm.object({ max: zm.number() }) },
    update: {
      added: (model, { by }, context) =>
        by > 9 ? context.reject("tooMuch", { max: 9 }) : { n: model.n + by, by: [...model.by, context.id()] },
      cleared: (model) => (model.n === 0 ? model : { n: 0, by: [] }),
      set: (model, { n }) => ({ ...model, n }),
    },
  }),
  valibot: defineTopic("counter:*", {
    model: v.object({ n: v.number(), by: v.array(v.string()) }),
    initial: () => ({ n: 0, by: [] }),
    messages: {
      added: v.object({ by: v.number(), note: v.optional(v.string()) }),
      cleared: v.object({}),
      set: serverOnly(v.object({ n: v.number() })),
    },
    rejections: { tooMuch: v.object({ max: v.number() }) },
    update: {
      added: (model, { by }, context) =>
        by > 9 ? context.reject("tooMuch", { max: 9 }) : { n: model.n + by, by: [...model.by, context.id()] },
      cleared: (model) => (model.n === 0 ? model : { n: 0, by: [] }),
      set: (model, { n }) => ({ ...model, n }),
    },
  }),
};

describe.each(Object.entries(libraries))("with %s", (_, slice) => {
  const values = { at: 1, userId: null, visitor: "", messageId: "m" };
  const strict = { strict: true };

  test("[WR2] messages are parsed alike", () => {
    expect(parseMessage(slice, { type: "added", by: 1, stray: 2 }, "client", strict)).toEqual({
      ok: true,
      message: { type: "added", by: 1 },
    });
    expect(parseMessage(slice, { type: "cleared" }, "client", strict)).toEqual({
      ok: true,
      message: { type: "cleared" },
    });
    const wrong = parseMessage(slice, { type: "added", by: "1" }, "client", strict);
    expect(wrong).toMatchObject({
      ok: false,
      code: "invalid",
      details: { issues: [{ path: ["by"], message: expect.any(String) as string }] },
    });
    expect(parseMessage(slice, { type: "set", n: 1 }, "client", strict)).toEqual({
      ok: false,
      code: "server-only",
      details: { type: "set" },
    });
    expect(parseMessage(slice, { type: "set", n: 1 }, "server", strict)).toEqual({
      ok: true,
      message: { type: "set", n: 1 },
    });
  });

  test("[WR2] updates run alike", () => {
    const model = initialModel(slice, strict);
    expect(model).toEqual({ n: 0, by: [] });
    const apply = (...messages: { type: string; [field: string]: unknown }[]) =>
      applyMessages(slice, model, messages, values, strict);
    expect(apply({ type: "added", by: 1 }, { type: "added", by: 2 })).toEqual({
      ok: true,
      model: { n: 3, by: ["m-1", "m-2"] },
    });
    expect(apply({ type: "added", by: 1 }, { type: "added", by: 10 })).toEqual({
      ok: false,
      kind: "rejected",
      code: "tooMuch",
      details: { max: 9 },
    });
    expect(apply({ type: "set", n: 5 }, { type: "cleared" })).toEqual({ ok: true, model: { n: 0, by: [] } });
  });
});
