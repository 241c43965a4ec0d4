import { describe, expect, test } from "vitest";
import * as z from "zod";
import { applyMessages, initialModel, parseMessage, parseModel } from "./apply.ts";
import type { Applied } from "./apply.ts";
import { defineEphemeral, defineTopic, serverOnly } from "../wiring/define.ts";
import { CallaError } from "../base/errors.ts";
import type { Message } from "../wiring/slice.ts";
import type { Context } from "../wiring/context.ts";

const Board = z.object({
  cards: z.array(z.object({ id: z.string(), text: z.string(), at: z.number().optional() })),
  seen: z.map(z.string(), z.number()).optional(),
});
type Board = z.infer<typeof Board>;
type Update = (
  board: Board,
  message: { readonly type: "run" },
  context: Context<{ no: { id: string } }>,
) => Board;

/** A board with one message whose update is the test's. */
const boardWith = (run: Update, initial: () => Board = () => ({ cards: [] })) =>
  defineTopic("board:*", {
    model: Board,
    initial,
    messages: {
      run: z.object({}),
      named: z.object({ name: z.string().max(5) }),
      stamped: serverOnly(z.object({ at: z.number() })),
    },
    rejections: { no: z.object({ id: z.string() }) },
    update: { run, named: (board) => board, stamped: (board) => board },
  });
const board = boardWith((board) => board);
const empty: Board = { cards: [] };
const values = { at: 1_000, userId: "ada", visitor: "", messageId: "m7" };
const modes = [{ strict: false }, { strict: true }] as const;
/** What a rule-breaking update is, to the compiler. */
const wrong = (
  update: (board: Board, message: Message, context: Context<{ no: { id: string } }>) => unknown,
) => update as Update;

const apply = (
  run: Update,
  { strict = true, model = empty }: { strict?: boolean; model?: Board } = {},
): Applied => applyMessages(boardWith(run), model, [{ type: "run" }], values, { strict });
const threwIn = (run: Update, strict: boolean): CallaError => {
  const applied = apply(run, { strict });
  if (applied.ok || applied.kind !== "threw") throw new Error(`not thrown: ${JSON.stringify(applied)}`);
  return applied.error;
};

describe("parseMessage", () => {
  test.each([
    undefined,
    null,
    1,
    "run",
    [],
    ["run"],
    {},
    { type: 1 },
    { type: null },
    new Map([["type", "run"]]),
    Object.create({ type: "run" }),
  ])("[WR9] %j is no message", (value) => {
    expect(parseMessage(board, value, "client")).toEqual({
      ok: false,
      code: "invalid",
      details: { issues: [{ message: "a message is an object with a type", path: [] }] },
    });
  });

  test.each(["gone", "", "constructor", "toString", "__proto__", "hasOwnProperty"])(
    "[WR10] %j is no type of this slice",
    (type) => {
      expect(parseMessage(board, { type }, "client")).toEqual({
        ok: false,
        code: "unknown-message",
        details: { type },
      });
      expect(parseMessage(board, { type }, "server")).toMatchObject({ code: "unknown-message" });
    },
  );

  test("[WR10] a long type is not echoed whole", () => {
    const parsed = parseMessage(board, { type: "x".repeat(10_000) }, "client");
    expect(parsed.ok || JSON.stringify(parsed).length).toBeLessThan(200);
  });

  test("[WR11] a server-only message is the server's", () => {
    expect(parseMessage(board, { type: "stamped", at: 1 }, "client")).toEqual({
      ok: false,
      code: "server-only",
      details: { type: "stamped" },
    });
    expect(parseMessage(board, { type: "stamped", at: "1" }, "client")).toMatchObject({
      code: "server-only",
    });
    expect(parseMessage(board, { type: "stamped", at: 1 }, "server").ok).toBe(true);
    expect(parseMessage(board, { type: "stamped", at: "1" }, "server")).toMatchObject({ code: "invalid" });
  });

  test("[WR12] the schema's output is the message, a hostile key included", () => {
    const hostile = JSON.parse(
      '{"type":"named","name":"ada","__proto__":{"admin":true},"stray":1}',
    ) as unknown;
    const parsed = parseMessage(board, hostile, "client");
    expect(parsed).toEqual({ ok: true, message: { type: "named", name: "ada" } });
    expect((parsed as { message: { admin?: boolean } }).message.admin).toBeUndefined();
  });

  test("[WR12] an ephemeral topic's messages are parsed too", () => {
    const cursors = defineEphemeral("cursors:*", { messages: { moved: z.object({ x: z.number() }) } });
    expect(parseMessage(cursors, { type: "moved", x: 1 }, "client")).toEqual({
      ok: true,
      message: { type: "moved", x: 1 },
    });
  });

  test("[WR12] issues have paths, and a million mistakes make few and short ones", () => {
    const slice = defineTopic("a", {
      model: z.number(),
      initial: () => 0,
      messages: { listed: z.object({ list: z.array(z.object({ n: z.number("n".repeat(9_999)) })) }) },
      update: { listed: (model) => model },
    });
    const list = Array.from({ length: 10_000 }, () => ({ n: "x" }));
    const parsed = parseMessage(slice, { type: "listed", list }, "client");
    if (parsed.ok || parsed.code !== "invalid") throw new Error("not invalid");
    expect(parsed.details.issues).toHaveLength(8);
    expect(parsed.details.issues[1]?.path).toEqual(["list", 1, "n"]);
    expect(JSON.stringify(parsed).length).toBeLessThan(5_000);
  });

  test("[WR13] a schema that throws is contained", () => {
    const slice = defineTopic("a", {
      model: z.number(),
      initial: () => 0,
      messages: {
        tripped: z.looseObject({}).refine((fields) => {
          if ("trip" in fields) throw new Error("secret");
          return true;
        }),
      },
      update: { tripped: (model) => model },
    });
    const parsed = parseMessage(slice, { type: "tripped", trip: true }, "client");
    if (parsed.ok || parsed.code !== "invalid") throw new Error("not invalid");
    expect(JSON.stringify(parsed.details)).not.toContain("secret");
    expect(parsed.error?.message).toMatch(
      /^Slice "a": the schema of "tripped" failed: TypeError: it is asynchronous, or \(in zod\) it threw/,
    );
    const throwing = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => {
          throw new Error("secret");
        },
      },
    } as const;
    const other = defineTopic("a", {
      model: z.number(),
      initial: () => 0,
      messages: { tripped: throwing as unknown as z.ZodObject },
      update: { tripped: (model) => model },
    });
    expect(parseMessage(other, { type: "tripped" }, "client")).toMatchObject({
      code: "invalid",
      details: { issues: [{ message: "the schema could not decide", path: [] }] },
      error: {
        code: "wiring",
        message: 'Slice "a": the schema of "tripped" failed: Error: secret',
        details: { slice: "a", message: "tripped", cause: { message: "secret" } },
      },
    });
  });

  test("[WR14] a schema that changes its own output is found in strict mode", () => {
    const slice = defineTopic("a", {
      model: z.number(),
      initial: () => 0,
      messages: {
        said: z.object({ text: z.string().transform((text) => `${text}!`) }),
        told: z.object({ text: z.string().trim() }),
      },
      update: { said: (model) => model, told: (model) => model },
    });
    expect(parseMessage(slice, { type: "said", text: "hi" }, "client").ok).toBe(true);
    expect(parseMessage(slice, { type: "told", text: " hi " }, "client", { strict: true })).toEqual({
      ok: true,
      message: { type: "told", text: "hi" },
    });
    expect(parseMessage(slice, { type: "said", text: "hi" }, "client", { strict: true })).toMatchObject({
      code: "invalid",
      error: {
        code: "strict",
        message:
          'Slice "a": the schema of "said" converts: given its own output, it changes it again (first at text). Schemas describe; convert before dispatch.',
      },
    });
  });
});

describe.each(modes)("applyMessages, %j", ({ strict }) => {
  test("[WR15] all of a dispatch or none", () => {
    const push: Update = (board, _, context) => {
      const id = context.id();
      return id === "m7-3~uada"
        ? context.reject("no", { id })
        : { cards: [...board.cards, { id, text: "" }] };
    };
    const run = (count: number) => {
      const messages = Array.from({ length: count }, () => ({ type: "run" }));
      return applyMessages(boardWith(push), empty, messages, values, { strict });
    };
    expect(run(0)).toEqual({ ok: true, model: empty });
    expect(run(2)).toEqual({
      ok: true,
      model: {
        cards: [
          { id: "m7-1~uada", text: "" },
          { id: "m7-2~uada", text: "" },
        ],
      },
    });
    expect(run(4)).toEqual({ ok: false, kind: "rejected", code: "no", details: { id: "m7-3~uada" } });
    expect(empty).toEqual({ cards: [] });
  });

  test("[WR16] the context is the record's", () => {
    const seen: unknown[] = [];
    apply(
      (board, message, { at, userId, id }) => {
        seen.push([message, at, userId, id(), id()]);
        return board;
      },
      { strict },
    );
    expect(seen[0]).toEqual([{ type: "run" }, 1_000, "ada", "m7-1~uada", "m7-2~uada"]);
    expect(seen).toHaveLength(strict ? 2 : 1);
    expect(seen.at(-1)).toEqual(seen[0]);
  });

  const rejected = { ok: false, kind: "rejected", code: "no", details: { id: "1" } };
  test("[WR17] a rejection cannot be swallowed, and the first one counts", () => {
    const swallow = (after: (board: Board, context: Context<{ no: { id: string } }>) => unknown) =>
      wrong((board, _, context) => {
        try {
          return context.reject("no", { id: "1" });
        } catch {
          return after(board, context);
        }
      });
    expect(apply((_board, _message, context) => context.reject("no", { id: "1" }), { strict })).toEqual(
      rejected,
    );
    expect(
      apply(
        swallow((board) => board),
        { strict },
      ),
    ).toEqual(rejected);
    expect(
      apply(
        swallow(() => undefined),
        { strict },
      ),
    ).toEqual(rejected);
    expect(
      apply(
        swallow((_, context) => context.reject("no", { id: "2" })),
        { strict },
      ),
    ).toEqual(rejected);
    expect(
      apply(
        swallow(() => {
          throw new Error("late");
        }),
        { strict },
      ),
    ).toEqual(rejected);
  });

  test("[WR17] details are what the rejection's schema gives", () => {
    const stray = wrong((_board, _message, context) =>
      context.reject("no", { id: "1", stray: 2 } as { id: string }),
    );
    expect(apply(stray, { strict })).toEqual(rejected);
  });

  test("[WR17] another slice's rejection is not this one's", () => {
    const inner = boardWith((_board, _message, context) => context.reject("no", { id: "inner" }));
    const outer: Update = (board) => {
      expect(applyMessages(inner, empty, [{ type: "run" }], values, { strict })).toMatchObject({
        kind: "rejected",
      });
      return board;
    };
    expect(apply(outer, { strict })).toEqual({ ok: true, model: empty });
  });

  test.each([
    [
      "an unknown code",
      (context: Context<Record<string, unknown>>) => context.reject("nope", {}),
      /rejected with "nope", which is not in the slice's rejections/,
    ],
    [
      "an inherited code",
      (context: Context<Record<string, unknown>>) => context.reject("constructor", {}),
      /rejected with "constructor", which is not/,
    ],
    [
      "wrong details",
      (context: Context<Record<string, unknown>>) => context.reject("no", { id: 1 }),
      /rejected with "no", with wrong details: \[.*"path":\["id"\]/,
    ],
  ])("[WR17] %s is a mistake of the update", (_, reject, message) => {
    const error = threwIn(
      wrong((_board, _message, context) => reject(context as never)),
      strict,
    );
    expect(error).toMatchObject({ code: "update-threw", details: { slice: "board:*", message: "run" } });
    expect(error.message).toMatch(message);
  });

  test.each<[string, Update, string]>([
    [
      "throws",
      () => {
        throw new RangeError("boom");
      },
      'Slice "board:*": the update of "run" threw: RangeError: boom',
    ],
    [
      "throws no error",
      () => {
        throw {
          toString: () => {
            throw new Error("twice");
          },
        } as unknown as Error;
      },
      'Slice "board:*": the update of "run" threw: something without a text',
    ],
    [
      "returns undefined",
      wrong(() => undefined),
      'Slice "board:*": the update of "run" returned undefined; it must return the model.',
    ],
    [
      "returns a promise",
      wrong(async () => {
        throw new Error("unheard");
      }),
      'Slice "board:*": the update of "run" returned a promise; it must be synchronous.',
    ],
    [
      "rejects late",
      wrong(async (_board, _message, context) => {
        await Promise.resolve();
        return context.reject("no", { id: "1" });
      }),
      'Slice "board:*": the update of "run" returned a promise; it must be synchronous.',
    ],
  ])("[WR18] an update that %s is contained", async (_, update, message) => {
    const error = threwIn(update, strict);
    expect(error).toBeInstanceOf(CallaError);
    expect(error).toMatchObject({
      code: "update-threw",
      message,
      details: { slice: "board:*", message: "run" },
    });
    await new Promise((resolve) => setTimeout(resolve, 0)); // An unhandled rejection would fail the run.
  });

  test("[WR18] the error keeps its cause", () => {
    const cause = new Error("boom");
    expect(
      threwIn(() => {
        throw cause;
      }, strict).details,
    ).toMatchObject({ cause });
  });

  test.each(["gone", "constructor", "__proto__", "toString"])("[WR19] no update for %j", (type) => {
    const applied = applyMessages(board, empty, [{ type }], values, { strict });
    expect(applied).toMatchObject({
      ok: false,
      kind: "threw",
      error: { code: "update-threw", details: { slice: "board:*", message: type } },
    });
  });

  test.each([
    null,
    undefined,
    5,
    "run",
    [],
    {},
    { type: 5 },
    { type: null },
    { type: { toString: 1, valueOf: 1 } },
  ])("[WR18] what a record holds in place of a message is contained: %j", (message) => {
    expect(applyMessages(board, empty, [message as never], values, { strict })).toMatchObject({
      ok: false,
      kind: "threw",
      error: { code: "update-threw", details: { slice: "board:*" } },
    });
  });

  test("[WR20] a context that outlives its update refuses", () => {
    const kept: Context<{ no: { id: string } }>[] = [];
    apply(
      (board, _, context) => {
        kept.push(context);
        return board;
      },
      { strict },
    );
    expect(() => kept[0]?.id()).toThrow(/the update of "run" has returned; its context cannot be used/);
    expect(() => kept[0]?.reject("no", { id: "1" })).toThrow(CallaError);
  });

  test("[WR24] a correct update keeps what it did not change", () => {
    const model: Board = { cards: [{ id: "1", text: "a" }] };
    const same = apply((board) => board, { strict, model });
    expect(same.ok && same.model).toBe(model);
    const changed = apply((board) => ({ ...board, seen: new Map([["x", 1]]) }), { strict, model });
    expect(changed).toEqual({
      ok: true,
      model: { cards: [{ id: "1", text: "a" }], seen: new Map([["x", 1]]) },
    });
    expect(changed.ok && (changed.model as Board).cards).toBe(model.cards);
    const cleared = apply((board) => ({ ...board, seen: undefined }) as Board, { strict, model });
    expect(cleared).toMatchObject({ ok: true });
  });
});

describe("models", () => {
  test("[WR25] the first model", () => {
    const begin = (initial: () => unknown, strict: boolean) =>
      initialModel(
        boardWith((board) => board, initial as () => Board),
        { strict },
      );
    for (const mode of modes) {
      expect(begin(() => ({ cards: [] }), mode.strict)).toEqual({ cards: [] });
      expect(() => begin(() => undefined, mode.strict)).toThrow(
        'Slice "board:*": initial() returned undefined; it must return the model.',
      );
      expect(() =>
        begin(async () => {
          throw new Error("unheard");
        }, mode.strict),
      ).toThrow(/initial\(\) returned a promise/);
    }
    expect(begin(() => ({ cards: 1 }), false)).toEqual({ cards: 1 });
    expect(() => begin(() => ({ cards: 1 }), true)).toThrow(
      /^Slice "board:\*": initial\(\) returned a wrong model: cards: /,
    );
    expect(() => begin(() => ({ cards: [], crads: [] }), true)).toThrow(/first at crads/);
    expect(() => begin(() => ({ cards: [{ id: "1", text: "", at: Date.now() }] }), true)).toThrow(
      /initial\(\) is not pure.*cards\[0\]\.at/,
    );
    expect(Object.isFrozen(begin(() => ({ cards: [] }), true))).toBe(true);
  });

  test("[WR26] what is a model", () => {
    expect(parseModel(board, { cards: [] })).toEqual({ ok: true, value: { cards: [] } });
    expect(parseModel(board, { cards: [{ id: 1, text: "" }] })).toMatchObject({
      ok: false,
      issues: [{ path: ["cards", 0, "id"] }],
    });
  });
});
