// What the app calls, over a client in the hand.
import { expect, test } from "vitest";
import * as z from "zod";
import { definePresence } from "./define-presence.ts";
import type { AnyPresence, PresenceTarget } from "./page-presence.ts";
import type { PresencePage } from "./presence-page.ts";

function setUp(schema: z.ZodType = z.object({ name: z.string() })) {
  const targets = new Map<string, PresenceTarget>();
  const holds = { topic: 0, touched: 0 };
  const host = {
    clock: {
      now: () => 0,
      monotonic: () => 0,
      setTimeout: () => () => {},
      defer: (run: () => void) => run(),
    },
    strict: true,
    line: { send: () => {} },
    report: () => {},
    same: (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b),
    open: false,
    closed: false,
    terminal: "",
    userId: null,
    linger: 5_000,
    answerTimeout: 10_000,
    lastRef: 0,
    serialiser: { normaliseDetails: (details: unknown) => structuredClone(details) },
    taken: { surely: 1_000 },
  };
  const topic = (definePresence(schema)["~page"] as PresencePage)(
    host,
    "a",
    { id: "a" },
    (_, key) => {
      const found = targets.get(key) ?? { key, subscription: { phase: "off", ref: 0, code: "" } };
      targets.set(key, found);
      return found;
    },
    () => void holds.touched++,
    () => {
      holds.topic++;
      let held = true;
      return () => {
        if (held) holds.topic--;
        held = false;
      };
    },
    (value) => JSON.stringify(value).length,
    () => {
      const all = new Set<(now: AnyPresence) => void>();
      return {
        add: (listener) => {
          all.add(listener);
          return () => void all.delete(listener);
        },
        emit: (now) => all.forEach((listener) => listener(now)),
      };
    },
    (read, _onChange, pick) => ({ value: pick(read()) }),
  ) as {
    readonly id: string;
    readonly presence: AnyPresence & {
      track(meta: unknown): void;
      untrack(): void;
      retain(): () => void;
      onChange(listener: (now: AnyPresence) => void): () => void;
      select(pick: (now: AnyPresence) => unknown): { readonly value: unknown };
    };
  };
  return { topic, targets, holds, host };
}

test("[PC1] to look holds nothing; each use holds the topic once, and lets it go once", () => {
  const { topic, holds } = setUp();
  const { presence } = topic;
  expect([presence.count, presence.status, presence.list.size, holds.topic]).toEqual([0, "loading", 0, 0]);
  const stops = [presence.retain(), presence.onChange(() => {})];
  presence.track({ name: "a" });
  presence.track({ name: "b" });
  expect(holds.topic).toBe(3);
  for (const stop of [...stops, ...stops]) stop();
  expect(holds.topic).toBe(1);
  presence.untrack();
  presence.untrack();
  expect(holds.topic).toBe(0);
});

test("[PC6] the handle stays, whatever becomes of the target beneath it", () => {
  const { topic, targets } = setUp();
  const { presence } = topic;
  presence.track({ name: "a" });
  expect(presence.select(({ self }) => self?.meta)).toEqual({ value: { name: "a" } });
  targets.clear();
  expect(presence.self).toBeUndefined();
  presence.track({ name: "b" });
  expect(presence.self?.meta).toEqual({ name: "b" });
});

test("[PC3] what is as large as the server surely takes is refused, and so is a schema that converts or throws", () => {
  const { topic, holds } = setUp(z.string());
  expect(() => topic.presence.track("x".repeat(998))).toThrow(expect.objectContaining({ code: "too-large" }));
  topic.presence.track("x".repeat(997));
  expect(holds.topic).toBe(1);
  const converting = setUp(z.string().transform((text) => `${text}!`) as never).topic.presence;
  expect(() => converting.track("a")).toThrow(expect.objectContaining({ code: "strict" }));
  const throwing = setUp(
    z.string().refine(() => {
      throw new Error("boom");
    }),
  ).topic.presence;
  expect(() => throwing.track("a")).toThrow(expect.objectContaining({ code: "invalid" }));
  expect(throwing.self).toBeUndefined();
});
