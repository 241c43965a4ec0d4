import { describe, expect, test } from "vitest";
import * as z from "zod";
import { defineEphemeral, defineLocal, defineSession, defineTopic } from "./define.ts";
import { CallaError } from "../base/errors.ts";
import { defineWiring } from "./wiring.ts";

const noop = { model: z.object({}), initial: () => ({}), messages: {}, update: {} };
const topic = <const P extends string>(pattern: P, version = 1) => defineTopic(pattern, { ...noop, version });
const ephemeral = <const P extends string>(pattern: P) => defineEphemeral(pattern, { messages: {} });
const refusal = (slices: object): string => {
  try {
    defineWiring(slices);
  } catch (error) {
    if (error instanceof CallaError && error.code === "wiring") return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("wiring", () => {
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

  test("[WR7] a topic id finds its slice and parameters", () => {
    const [chat, room, ops, cursors] = [
      topic("chat"),
      topic("room:*"),
      topic("doc:*:ops"),
      ephemeral("cursors:*"),
    ] as const;
    const wiring = defineWiring({ topics: [ops, room, chat, cursors] });
    expect(wiring.sliceOf("chat")).toEqual({ slice: chat, params: [] });
    expect(wiring.sliceOf("room:a:b")).toEqual({ slice: room, params: ["a:b"] });
    expect(wiring.sliceOf("doc:1:ops")?.slice).toBe(ops);
    expect(wiring.sliceOf("cursors:1")).toEqual({ slice: cursors, params: ["1"] });
    for (const id of [
      "",
      "room",
      "room:",
      "doc:1",
      "@",
      "@room:1",
      "chat:1",
      "room:\n",
      `room:${"x".repeat(256)}`,
      "constructor",
      "__proto__",
    ]) {
      expect(wiring.sliceOf(id)).toBeUndefined();
    }
  });

  test("[WR7] a pattern that takes everything takes no session", () => {
    const all = topic("*");
    const wiring = defineWiring({ topics: [all] });
    expect(wiring.sliceOf("a:b")?.params).toEqual(["a:b"]);
    expect(wiring.sliceOf("@me")).toBeUndefined();
  });

  test("[WR8] versions by name, without the local slice", () => {
    const wiring = defineWiring({
      session: defineSession({ ...noop, version: 2 }),
      topics: [topic("chat", 3), ephemeral("cursors:*")],
      local: defineLocal(noop),
    });
    expect(wiring.versions()).toEqual({ session: 2, chat: 3, "cursors:*": 1 });
    expect(defineWiring({}).versions()).toEqual({});
    expect(
      Object.isFrozen(wiring) && Object.isFrozen(wiring.topics) && Object.isFrozen(wiring.versions()),
    ).toBe(true);
  });
});
