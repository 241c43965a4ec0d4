// What strict mode may cost, by an injected clock: nothing here measures real time.
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { defineTopic } from "../wiring/define.ts";
import { createBudget } from "./budget.ts";
import { strictUpdate } from "./strict.ts";

const values = { at: 0, userId: null, visitor: "", messageId: "m" };
/** The model may be small: what its checks take is said to a clock that only the test moves. */
const COUNT = 100;
/** Milliseconds, as for a record of 10,000. */
const DEAR = 60;

const shapes = {
  list: {
    model: z.array(z.object({ id: z.string(), n: z.number() })),
    make: () => Array.from({ length: COUNT }, (_, i) => ({ id: `i${i}`, n: i })),
    set: (items: readonly { id: string; n: number }[], id: string, n: number) =>
      items.map((item) => (item.id === id ? { id, n } : item)),
  },
  "record by id": {
    model: z.record(z.string(), z.object({ n: z.number() })),
    make: () => Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`i${i}`, { n: i }])),
    set: (items: Readonly<Record<string, { n: number }>>, id: string, n: number) => ({
      ...items,
      [id]: { n },
    }),
  },
  Map: {
    model: z.map(z.string(), z.object({ n: z.number() })),
    make: () => new Map(Array.from({ length: COUNT }, (_, i) => [`i${i}`, { n: i }])),
    set: (items: ReadonlyMap<string, { n: number }>, id: string, n: number) => new Map(items).set(id, { n }),
  },
} as const;

/** A slice whose checks take so many milliseconds of a clock that only they and the test move. */
function made(shape: keyof typeof shapes, dear: number) {
  const { model, make, set } = shapes[shape] as unknown as {
    model: z.ZodType;
    make: () => unknown;
    set: (items: unknown, id: string, n: number) => unknown;
  };
  const clock = { now: 0, checks: 0, runs: 0, checking: 0 };
  const counted = model.refine(() => {
    clock.now += dear;
    clock.checking += dear;
    clock.checks++;
    return true;
  });
  const slice = defineTopic("items:*", {
    model: counted,
    initial: make,
    messages: {
      set: z.object({ id: z.string(), n: z.number() }),
      rolled: z.object({ id: z.string() }),
      pushed: z.object({}),
    },
    update: {
      set: (items, { id, n }) => {
        clock.runs++;
        return set(items, id, n);
      },
      rolled: (items, { id }) => set(items, id, Math.random()),
      pushed: (items) => {
        if (Array.isArray(items)) items.push({ id: "x", n: 1 });
        else if (items instanceof Map) items.set("x", { n: 1 });
        else (items as Record<string, unknown>)["x"] = { n: 1 };
        return items;
      },
    },
  });
  const budget = createBudget(() => clock.now);
  const say = (items: unknown, message: { type: string; id?: string; n?: number }) =>
    strictUpdate(slice as never, items, message, values, 0, budget);
  return { clock, say, items: make() };
}

describe.each(Object.keys(shapes) as (keyof typeof shapes)[])(
  "[WR32] strict, a %s whose checks are dear",
  (shape) => {
    test("at 50 messages a second checking takes less than a tenth of the time, and goes on", () => {
      const { clock, say, items } = made(shape, DEAR);
      let model: unknown = items;
      for (let i = 0; i < 1_000; i++) {
        clock.now = Math.max(clock.now, i * 20);
        const step = say(model, { type: "set", id: `i${i}`, n: -i });
        expect(step.ok).toBe(true);
        if (step.ok) ({ model } = step);
      }
      // In 20 seconds. The first, and then some.
      expect(clock.checking).toBeLessThan(2_000);
      expect(clock.checks).toBeGreaterThan(10);
      expect(clock.runs).toBe(1_000 + clock.checks);
    });

    test("the first of each type is checked whatever has been spent, and what is cheap is always", () => {
      const { clock, say, items } = made(shape, DEAR);
      for (let i = 0; i < 20; i++) say(items, { type: "set", id: "i1", n: i });
      expect(clock.checks).toBeLessThan(5);
      expect(say(items, { type: "rolled", id: "i1" })).toMatchObject({
        ok: false,
        error: { code: "strict" },
      });
      expect(say(items, { type: "pushed" })).toMatchObject({ ok: false, error: { code: "strict" } });
      const cheap = made(shape, 0);
      for (let i = 0; i < 20; i++) cheap.say(cheap.items, { type: "set", id: "i1", n: i });
      expect(cheap.clock.checks).toBe(20);
    });
  },
);

test("[WR32] a machine that was busy once makes nothing dear, and what has become dear is found out", () => {
  let now = 0;
  const budget = createBudget(() => now);
  const slice = {};
  const check = (milliseconds: number) =>
    budget.within(slice, "a", () => {
      now += milliseconds;
      return true;
    });
  check(0.01);
  check(500); // the machine slept
  // Little by little, and nothing is skipped that takes less than half a millisecond.
  expect(Array.from({ length: 50 }, () => check(0.01))).not.toContain(undefined);
  const dear = Array.from({ length: 50 }, () => check(10));
  expect(dear.filter((done) => done === true).length).toBeLessThan(10);
  now += 60_000;
  expect(check(10)).toBe(true);
});

test("[WR32] what the app's own update takes is not counted as a check's", () => {
  let now = 0;
  const budget = createBudget(() => now);
  const slice = {};
  for (let i = 0; i < 50; i++)
    expect(budget.within(slice, "a", (own) => own(() => ((now += 100), true)))).toBe(true);
});

test("[WR21] [WR32] [WR38] what cannot be frozen is hashed, wherever it is, also in what somebody else has frozen", () => {
  const inside = new Map([["a", 1]]);
  const dates = { due: new Date(0) };
  for (const [model, break_] of [
    [{ deep: [{ inside }] }, () => void inside.set("a", 2)],
    [Object.freeze({ dates }), () => void dates.due.setTime(1)],
    [new Set([1]), (set: unknown) => void (set as Set<number>).add(2)],
    [{ bytes: new Uint8Array(1) }, ({ bytes }: { bytes: Uint8Array }) => void (bytes[0] = 1)],
  ] as [unknown, (model: never) => void][]) {
    const slice = defineTopic("a", {
      model: z.any(),
      initial: () => 0,
      messages: { broken: z.object({}) },
      update: { broken: (given) => (break_(given as never), given) },
    });
    expect(strictUpdate(slice as never, model, { type: "broken" }, values, 0)).toMatchObject({
      ok: false,
      error: { code: "strict" },
    });
  }
});
