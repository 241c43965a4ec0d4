import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import * as zm from "zod/mini";
import { CallaError } from "../base/errors.ts";
import { parseMessage } from "../updates/apply.ts";
import { definePresence } from "../presence/define-presence.ts";
import { defineLocal } from "../updates/define-local.ts";
import { defineEphemeral, defineSession, defineTopic, serverOnly } from "../wiring/define.ts";
import { defineWiring } from "../wiring/wiring.ts";

const n = { model: z.object({ n: z.number() }), initial: () => ({ n: 0 }) };
const noop = { ...n, messages: {}, update: {} };

/** As JavaScript would call it: the compiler's word does not count. */
const define = (definition: object): unknown =>
  (defineTopic as (pattern: string, definition: object) => unknown)("a:*", definition);
const errorOf = (work: () => unknown): CallaError => {
  try {
    work();
  } catch (error) {
    if (error instanceof CallaError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

test("[PC20] a presence of what is no schema is refused, and so is a bare schema of an ephemeral topic", () => {
  expect(() => definePresence({ name: "string" } as never)).toThrow(
    /definePresence takes .* must be a Standard Schema/,
  );
  const ephemeral = defineEphemeral as (pattern: string, definition: object) => unknown;
  expect(() => ephemeral("a:*", { messages: {}, presence: z.object({}) })).toThrow(
    /and not the schema itself; wrap it/,
  );
  expect(ephemeral("a:*", { messages: {}, presence: undefined })).toMatchObject({ presence: undefined });
});

describe("what a slice is defined by", () => {
  const added = { messages: { added: z.object({}) } };
  const refused: [string, object, RegExp][] = [
    ["a model that is no schema", { ...noop, model: {} }, /model must be a Standard Schema/],
    ["created by nobody known", { ...noop, created: "nobody" }, /created must be "client" or "server"/],
    ["no initial", { ...noop, initial: { n: 0 } }, /initial must be a function/],
    [
      "a message that is no schema",
      { ...noop, messages: { added: {} } },
      /message "added" must be a Standard Schema/,
    ],
    [
      "a rejection that is no schema",
      { ...noop, rejections: { no: true } },
      /rejection "no" must be a Standard Schema/,
    ],
    ["an option that is not there yet", { ...noop, ghosts: z.object({}) }, /no option "ghosts"; a def/],
    [
      "an option that is misspelt",
      { ...noop, lifeTime: 90_000 },
      /no option "lifeTime".*lifetime.*Remove it/,
    ],
    [
      "no update",
      { ...n, ...added, update: {} },
      /message "added" has no update; add a function update.added/,
    ],
    [
      "an update that is no function",
      { ...n, ...added, update: { added: 1 } },
      /message "added" has no update/,
    ],
    ["an update too many", { ...noop, update: { gone: () => 0 } }, /update.gone belongs to no message/],
    [
      "an inherited update",
      { ...n, messages: { toString: z.object({}) }, update: {} },
      /message "toString" has no update/,
    ],
    [
      "a bare schema for presence",
      { ...noop, presence: z.object({}) },
      /presence takes definePresence\(schema\), and not the schema itself; wrap it/,
    ],
    [
      "a name for presence",
      { ...noop, presence: "name" },
      /presence takes definePresence\(schema\), not string/,
    ],
    ["null for presence", { ...noop, presence: null }, /presence takes definePresence\(schema\), not null/],
    ["version 0", { ...noop, version: 0 }, /version must be a whole number from 1, not 0/],
    ["version 1.5", { ...noop, version: 1.5 }, /not 1.5/],
    [
      "a migration of this version",
      { ...noop, migrate: { 1: {} } },
      /migrate\.1 must be named by an older version/,
    ],
    ["a migration of no version", { ...noop, version: 2, migrate: { 0: {} } }, /migrate\.0 must be named/],
    ["a migration of a name", { ...noop, version: 2, migrate: { one: {} } }, /migrate\.one must be named/],
    ["a migration that is none", { ...noop, version: 2, migrate: { 1: null } }, /migrate\.1 holds functions/],
    [
      "a misspelt migration",
      { ...noop, version: 2, migrate: { 1: { massage: () => 1 } } },
      /migrate\.1 holds/,
    ],
    [
      "a migration that cannot run",
      { ...noop, version: 2, migrate: { 1: { model: {} } } },
      /migrate\.1 holds/,
    ],
  ];
  test.each(refused)("[WR3] [WR33] %s is refused", (_, definition, message) => {
    const error = errorOf(() => define(definition));
    expect(error.code).toBe("wiring");
    expect(error.message).toMatch(/^Slice "a:\*": /);
    expect(error.message).toMatch(message);
  });

  test.each([0, 59_999, -1, Infinity, Number.NaN, "90 days", null])(
    "[WR3] a lifetime of %s is refused, naming the topic",
    (lifetime) => {
      const error = errorOf(() => defineTopic("draft:*", { ...noop, lifetime: lifetime as number }));
      expect(error.message).toMatch(/"draft:\*".*lifetime is a number of milliseconds from 60000/);
    },
  );
  test("[WR3] serverOnly in a local slice is refused", () => {
    const definition = {
      ...n,
      messages: { a: serverOnly(z.object({})) },
      update: { a: (model: unknown) => model },
    };
    expect(() => (defineLocal as (definition: object) => unknown)(definition)).toThrow(
      /"local": message "a" is serverOnly/,
    );
  });

  test.each(["session", "local", "__proto__", "constructor", "prototype"])(
    "[WR3] the name %j is reserved",
    (name) => {
      expect(() => defineTopic(name, noop)).toThrow(/reserved/);
      expect(() => defineEphemeral(name, { messages: {} })).toThrow(/reserved/);
    },
  );

  test.each([
    ["zod", z.object({ type: z.string() })],
    ["zod/mini", zm.object({ type: zm.string() })],
    ["valibot", v.object({ type: v.string() })],
    ["a strict schema", v.strictObject({ type: v.literal("x"), y: v.number() })],
  ])("[WR4] a field named type is refused when defined: %s", (_, schema) => {
    const definition = { ...n, messages: { added: schema }, update: { added: (model: unknown) => model } };
    expect(() => define(definition)).toThrow(/message "added" has a field named "type"/);
  });

  test("[WR4] strict and loose schemas without such a field are fine", () => {
    for (const schema of [
      z.strictObject({}),
      v.strictObject({ x: v.number() }),
      z.looseObject({}),
      z.object({ x: z.object({ type: z.string() }) }),
    ]) {
      expect(() =>
        define({ ...n, messages: { added: schema }, update: { added: (model: unknown) => model } }),
      ).not.toThrow();
    }
  });

  test("[WR4] a schema that trips over an empty object can be defined", () => {
    const tripping = z.custom<{ list: string[] }>((value) => (value as { list: string[] }).list.length > 0);
    const slice = defineTopic("a", {
      ...n,
      messages: { listed: tripping },
      update: { listed: (model) => model },
    });
    expect(parseMessage(slice, { type: "listed", list: ["x"] }, "client").ok).toBe(true);
  });

  test("[WR33] an option of another kind of slice is refused, with those that this kind has; undefined says nothing", () => {
    const make = {
      session: (more: object) => defineSession({ ...noop, ...more }),
      local: (more: object) => defineLocal({ ...noop, ...more }),
      ephemeral: (more: object) => defineEphemeral("cursors:*", { messages: {}, ...more }),
    };
    for (const [kind, option, has] of [
      [
        "session",
        { lifetime: 90_000 },
        "model, initial, messages, update, rejections, version, migrate, created",
      ],
      ["local", { version: 2 }, "model, initial, messages, update, created"],
      ["local", { rejections: {} }, "model, initial, messages, update, created"],
      ["ephemeral", { model: z.object({}) }, "messages, keep, presence, version"],
      ["ephemeral", { update: {} }, "messages, keep, presence, version"],
    ] as const) {
      const name = kind === "ephemeral" ? "cursors:*" : kind;
      expect(errorOf(() => make[kind](option)).message).toBe(
        `Slice "${name}": there is no option "${Object.keys(option)[0]}"; a definition has ${has}. Remove it.`,
      );
      const nothing = Object.fromEntries(Object.keys(option).map((key) => [key, undefined]));
      expect(() => make[kind](nothing)).not.toThrow();
    }
  });

  test("[WR28] a session and a local slice cannot say that the server makes them", () => {
    const served = { ...noop, created: "server" };
    for (const make of [defineSession, defineLocal] as unknown as ((given: object) => unknown)[])
      expect(errorOf(() => make(served))).toMatchObject({
        code: "wiring",
        message: expect.stringMatching(/created: "server" is for topics/) as string,
      });
  });

  test("[WR3] a lifetime of a minute or more is fine, and so is none", () => {
    for (const lifetime of [60_000, 1e12, undefined])
      expect(() => define({ ...noop, lifetime })).not.toThrow();
  });

  test("[WR3] an ephemeral topic's pattern, version and schemas are looked at, too", () => {
    const ephemeral = (more: object, name = "cursors:*") =>
      errorOf(() => defineEphemeral(name, { messages: {}, ...more })).message;
    expect(ephemeral({ version: 0 })).toMatch(/"cursors:\*": version must be a whole number from 1, not 0/);
    expect(ephemeral({ version: 2 ** 53 })).toMatch(/version must be a whole number/);
    expect(ephemeral({ messages: { moved: {} } })).toMatch(/message "moved" must be a Standard Schema/);
    expect(ephemeral({ messages: { moved: z.object({ type: z.string() }) } })).toMatch(
      /message "moved" has a field named "type"/,
    );
    expect(ephemeral({}, "cursors::*")).toMatch(/"cursors::\*"/);
  });

  test("[WR3] a schema may be a function with the standard's method, and nothing less, whatever stands there", () => {
    const schema = Object.assign(() => undefined, {
      "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
    } as const);
    const messages = { added: schema };
    const update = { added: (model: unknown) => model };
    expect(() => define({ ...n, messages, update })).not.toThrow();
    for (const wrong of [
      () => undefined,
      { "~standard": {} },
      { "~standard": { validate: true } },
      null,
      undefined,
      5,
      "text",
    ])
      expect(errorOf(() => define({ ...n, messages: { added: wrong }, update })).message).toMatch(
        /message "added" must be a Standard Schema, such as z\.object/,
      );
  });

  test("[WR33] a migration of an earlier version is fine; a number that only looks like one is not", () => {
    const migrating = (from: string) => ({
      ...noop,
      version: 12,
      migrate: { [from]: { model: () => ({}) } },
    });
    for (const from of ["1", "9", "11"]) expect(() => define(migrating(from))).not.toThrow();
    for (const from of ["12", "13", "01", "1.0", "1e0", "-1", " 1", ""])
      expect(errorOf(() => define(migrating(from))).message, from).toMatch(
        `migrate.${from} must be named by an older version`,
      );
  });

  test("[WR4] a path of the schema's that names objects is read as well", () => {
    const schema = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => ({ issues: [{ message: "missing", path: [{ key: "type" }] }] }),
      },
    } as const;
    const pathless = {
      "~standard": { ...schema["~standard"], validate: () => ({ issues: [{ message: "no" }] }) },
    };
    const update = { added: (model: unknown) => model };
    expect(errorOf(() => define({ ...n, messages: { added: schema }, update })).message).toMatch(
      /has a field named "type"/,
    );
    expect(() => define({ ...n, messages: { added: pathless }, update })).not.toThrow();
  });
});

const topic = <const P extends string>(pattern: P) => defineTopic(pattern, noop);
const ephemeral = <const P extends string>(pattern: P) => defineEphemeral(pattern, { messages: {} });
const refusal = (slices: object): string => {
  const { code, message } = errorOf(() => defineWiring(slices));
  expect(code).toBe("wiring");
  return message;
};

describe("what a wiring is made of", () => {
  test("[WR6] overlapping patterns are refused, both named", () => {
    expect(refusal({ topics: [topic("doc:*"), topic("chat"), topic("doc:*:ops")] })).toBe(
      'defineWiring: topic patterns "doc:*" and "doc:*:ops" overlap: one topic id could belong to both. ' +
        'Begin them with different words. (A "*" at the end stands for all the rest, ":" included.)',
    );
    expect(refusal({ topics: [topic("room:1"), ephemeral("room:*")] })).toMatch(
      /"room:1" and "room:\*" overlap/,
    );
    expect(() =>
      defineWiring({ topics: [topic("doc:*:ops"), topic("doc:*:log"), ephemeral("room:*"), topic("room")] }),
    ).not.toThrow();
  });

  test("[WR6] a slice twice is refused", () => {
    const chat = topic("chat");
    expect(refusal({ topics: [chat, chat] })).toBe(
      'defineWiring: topic "chat" is listed twice; list it once.',
    );
    expect(refusal({ topics: [topic("a:*"), topic("a:*")] })).toMatch(/"a:\*" is listed twice/);
  });

  test("[WR6] a slice in the wrong place is refused", () => {
    const session = defineSession(noop);
    expect(refusal({ session: topic("chat") })).toBe(
      'defineWiring: "session" holds a topic slice; make it with defineSession.',
    );
    expect(refusal({ local: session })).toMatch(/"local" holds a session slice; make it with defineLocal/);
    expect(refusal({ topics: [session] })).toMatch(
      /"topics" holds a session slice; make its entries with defineTopic or/,
    );
    expect(refusal({ topics: [undefined] })).toMatch(/holds something that is no slice/);
    expect(refusal({ topics: ["chat"] })).toMatch(/holds something that is no slice/);
    expect(refusal({ session: null })).toMatch(/holds something that is no slice/);
  });

  test("[WR6] every slice is compared with every other one, and what is wrong is in the error's details", () => {
    const patterns = ["a:*", "b:*", "c:*", "b:1"] as const;
    const error = errorOf(() => defineWiring({ topics: patterns.map((pattern) => topic(pattern)) }));
    expect(error.details).toEqual({ patterns: ["b:*", "b:1"] });
    const misplaced = errorOf(() => defineWiring({ local: topic("chat") as never }));
    expect(misplaced.details).toEqual({ place: "local", slice: "chat" });
  });
});
