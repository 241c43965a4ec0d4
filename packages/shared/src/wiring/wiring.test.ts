import { describe, expect, test } from "vitest";
import * as z from "zod";
import { defineLocal } from "../updates/define-local.ts";
import { defineEphemeral, defineSession, defineTopic } from "./define.ts";
import { defineWiring } from "./wiring.ts";

const noop = { model: z.object({}), initial: () => ({}), messages: {}, update: {} };
const topic = <const P extends string>(pattern: P, version = 1) => defineTopic(pattern, { ...noop, version });
const ephemeral = <const P extends string>(pattern: P) => defineEphemeral(pattern, { messages: {} });

describe("wiring", () => {
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
