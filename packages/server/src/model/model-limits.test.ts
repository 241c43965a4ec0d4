import {
  automatic,
  customJson,
  DEFAULT_LIMITS,
  defineClass,
  defineTopic,
  defineWiring,
  json,
  plain,
} from "@calla/shared";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  crowdedBigints,
  crowdedFractions,
  crowdedIntegers,
} from "../../../shared/src/guards/crowding.arbitrary.ts";
import { list, say, subscribe, types, wire } from "../../test/wired.ts";
import { Measure } from "./model-measure.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { Scales } from "./model-limits.ts";
import type { ServerTopic } from "../server-topic.ts";

const item = "x".repeat(20);
const hidden = () => 1;
class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}
const point = defineClass("Point", Point, { encode: ({ x }) => ({ x }), decode: ({ x }) => new Point(x) });
const { domain } = automatic(json()).with({ classes: [point] });
const scales = (limits: Partial<typeof DEFAULT_LIMITS> = {}, told?: Set<string>) =>
  new Scales({ target: "list:1", limits: { ...DEFAULT_LIMITS, ...limits }, domain, told });
const nested = (levels: number, inmost: unknown = 1): unknown =>
  levels === 0 ? inmost : { inside: nested(levels - 1, inmost) };
const tooDeep = { code: "too-deep", details: { maxDepth: 64 } };

/** Models by edits: what an update may do to a part, wherever it stands. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.string({ maxLength: 40 }),
    fc.integer(),
    fc.constantFrom(null, undefined, true, Number.NaN, 12n, -(10n ** 40n)),
    fc.constant(new Date(0)),
    fc.integer().map((x) => new Point(x)),
    fc.array(tie("any"), { maxLength: 12 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie("any"), { maxKeys: 12 }),
    fc.array(fc.tuple(fc.string({ maxLength: 3 }), tie("any"))).map((entries) => new Map(entries)),
    fc.array(tie("any"), { maxLength: 6 }).map((members) => new Set(members)),
  ),
})).any;
const edit = fc.record({
  path: fc.array(fc.nat(20), { maxLength: 3 }),
  how: fc.constantFrom("set", "add", "drop", "turn", "copy", "wrap", "first"),
  at: fc.nat(20),
  value,
});
type Edit = typeof edit extends fc.Arbitrary<infer E> ? E : never;

/** A changed copy that shares all it can with what it was made of. */
function edited(model: unknown, one: Edit, level = 0): unknown {
  const step = one.path[level];
  const deeper = (part: unknown) => (step === undefined ? own(part, one) : edited(part, one, level + 1));
  if (Array.isArray(model)) {
    if (step === undefined) return own(model, one);
    return model.length === 0 ? model : model.with(step % model.length, deeper(model[step % model.length]));
  }
  if (model instanceof Map) {
    const key = [...model.keys()][(step ?? 0) % Math.max(model.size, 1)];
    return step === undefined ? own(model, one) : new Map(model).set(key, deeper(model.get(key)));
  }
  if (typeof model !== "object" || model === null || Object.getPrototypeOf(model) !== Object.prototype)
    return own(model, one);
  const names = Object.keys(model);
  const name = names[(step ?? 0) % Math.max(names.length, 1)];
  if (step === undefined || name === undefined) return own(model, one);
  return { ...model, [name]: deeper((model as Record<string, unknown>)[name]) };
}

function own(part: unknown, { how, at, value: other }: Edit): unknown {
  if (how === "wrap") return { inside: part, other };
  if (Array.isArray(part)) {
    const place = at % Math.max(part.length, 1);
    if (how === "add") return part.toSpliced(place, 0, other, other);
    if (how === "drop") return part.filter((_, i) => i % 3 !== at % 3);
    if (how === "turn") return part.toReversed();
    if (how === "copy") return [...part, ...part];
    if (how === "first") return part.slice(1);
    return part.length === 0 ? [other] : part.with(place, other);
  }
  if (part instanceof Map) {
    const entries = [...part];
    if (how === "drop") return new Map(entries.filter((_, i) => i % 3 !== at % 3));
    if (how === "turn") return new Map(entries.toReversed());
    if (how === "first") return new Map([[`${at}`, other], ...entries]);
    return new Map(part).set(`${at}`, other);
  }
  if (part instanceof Set) {
    const members = [...part];
    if (how === "drop") return new Set(members.filter((_, i) => i % 3 !== at % 3));
    return new Set(how === "turn" ? members.toReversed() : [other, ...members]);
  }
  if (typeof part !== "object" || part === null || Object.getPrototypeOf(part) !== Object.prototype)
    return other;
  const entries = Object.entries(part);
  if (how === "drop") return Object.fromEntries(entries.filter((_, i) => i % 3 !== at % 3));
  if (how === "turn") return Object.fromEntries(entries.toReversed());
  if (how === "first") return { [`f${at}`]: other, ...part };
  if (how === "copy") return { ...part, twin: part };
  return { ...part, [`a${at}`]: other };
}

describe("what a model comes to", () => {
  test("[LM7] by what changed it is the same as when all of it is walked, whatever the edits", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), value, { minKeys: 20, maxKeys: 40 }),
        fc.array(edit, { maxLength: 12 }),
        (first, edits) => {
          const step = new Measure(domain);
          step.whole(first);
          let model: unknown = first;
          for (const one of edits) {
            const next = edited(model, one);
            step.change(model, next, 512, false);
            const all = new Measure(domain);
            all.whole(next);
            expect([step.bytes, step.memory, step.faults]).toEqual([all.bytes, all.memory, all.faults]);
            model = next;
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("[CO34] with plain it has a fault for each part that JSON has not, by what changed as when all of it is walked", () => {
    const { domain: plainDomain, normaliseModel } = plain(json());
    const part = fc.oneof(
      { weight: 2, arbitrary: value },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          -0,
          1e300,
          [undefined],
          { a: undefined },
          { $: 1 },
          JSON.parse('{"__proto__":1}'),
        ),
      },
      {
        weight: 6,
        arbitrary: fc.oneof(
          fc.string({ maxLength: 40 }),
          fc.integer(),
          fc.dictionary(fc.string({ maxLength: 3 }), fc.array(fc.integer(), { maxLength: 3 })),
        ),
      },
    );
    let [good, bad] = [0, 0];
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== "__proto__"),
          part,
          { minKeys: 3, maxKeys: 30 },
        ),
        fc.array(fc.record({ edit, part }), { maxLength: 8 }),
        (first, edits) => {
          const step = new Measure(plainDomain);
          step.whole(first);
          let model: unknown = first;
          for (const { edit: one, part: other } of edits) {
            const next = edited(model, { ...one, value: other });
            if (next === undefined) continue; // which no update returns
            step.change(model, next, 512, true);
            const all = new Measure(plainDomain);
            all.whole(next);
            expect([step.bytes, step.memory, step.faults]).toEqual([all.bytes, all.memory, all.faults]);
            let carried = true;
            try {
              normaliseModel(next);
            } catch {
              carried = false;
            }
            expect(all.faults === 0).toBe(carried);
            if (carried) good++;
            else bad++;
            // What is judged is refused just where it gets worse.
            const judged = new Scales({ target: "t", limits: DEFAULT_LIMITS, domain: plainDomain }).judge(
              {},
              next,
            );
            expect(judged?.code).toBe(carried ? undefined : "uncarried");
            model = next;
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(Math.min(good, bad)).toBeGreaterThan(100);
  });

  test("[CO34] with plain the place is named of what has come, wherever it came", () => {
    const judge = (before: unknown, after: unknown) =>
      new Scales({ target: "t", limits: DEFAULT_LIMITS, domain: plain(json()).domain }).judge(before, after);
    const list = Array.from({ length: 100 }, (_, n) => ({ n, text: item }));
    const before = { list, more: { a: 1 } };
    const refused: [unknown, RegExp][] = [
      [{ ...before, more: { a: -0 } }, /^\.more\.a is -0, .*add 0/],
      [
        { ...before, list: list.with(7, { n: 7, text: undefined as never, at: new Date() } as never) },
        /^\.list\[7\]\.at is a Date, which JSON has not/,
      ],
      [{ ...before, list: [...list, undefined] }, /^\.list\[100\] is undefined/],
      [{ ...before, list: [undefined, ...list.toReversed()] }, /^\.list\[0\] is undefined/],
      [{ ...before, list: list.with(7, new Map() as never) }, /^\.list\[7\] is a Map/],
      [{ ...before, more: { a: 1, b: [[Number.NaN]] } }, /^\.more\.b\[0\]\[0\] is NaN/],
      [new Set([1]), /^The model is a Set/],
    ];
    for (const [after, problem] of refused)
      expect(judge(before, after)).toEqual({
        code: "uncarried",
        problem: expect.stringMatching(problem) as string,
      });
    expect(judge(before, { ...before, more: { a: undefined } })).toBeUndefined();
  });

  test("[LM7] about the bytes of its JSON, tags included; never so few that a client could not take them", () => {
    fc.assert(
      fc.property(value, (one) => {
        const all = new Measure(domain);
        all.whole(one);
        const { encodeModel } = automatic(json())
          .with({ classes: [point] })
          .payload(json());
        const text = JSON.stringify(encodeModel(one));
        // A text may need six bytes where one was counted; nothing else needs more than was counted.
        expect(text.length).toBeLessThanOrEqual(8 * all.bytes);
        expect(all.memory).toBeGreaterThan(0);
      }),
    );
  });

  test("[LM7] a list in one order after another comes to the same as when all of it is walked, whatever came, went or is there twice", () => {
    const items = fc.oneof(
      fc.integer().map((n) => ({ n, text: item })),
      fc.integer().map((n) => [n]),
      fc.string({ maxLength: 30 }),
      fc.integer(),
    );
    const order = fc.record({
      by: fc.constantFrom("turn", "shuffle", "sort"),
      seed: fc.nat(1_000),
      come: fc.array(items, { maxLength: 20 }),
      go: fc.nat(20),
      twice: fc.boolean(),
      set: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(items, { minLength: 30, maxLength: 60 }),
        fc.array(order, { maxLength: 8 }),
        (first, orders) => {
          const step = new Measure(domain);
          let model = { n: 0, list: first };
          step.whole(model);
          for (const { by, seed, come, go, twice, set } of orders) {
            let next = [...model.list, ...come].toSpliced(
              seed % Math.max(1, model.list.length),
              Math.min(go, 10),
            );
            const keyOf = (one: unknown): number => (JSON.stringify(one).length * 7_919 * (seed + 1)) % 1_009;
            if (by === "turn") next = next.toReversed();
            else if (by === "sort") next = next.toSorted((a, b) => keyOf(a) - keyOf(b));
            else
              next = next.toSorted(
                (a, b) => ((next.indexOf(a) * 31 * seed) % 53) - ((next.indexOf(b) * 31 * seed) % 53),
              );
            // Whatever came and went may have left nothing.
            if (twice && next.length > 0) next.splice(seed % 7, 0, next[0]!, next.at(-1)!);
            if (set && next.length > 0) next = next.with(seed % next.length, [seed]);
            const after = { n: model.n + 1, list: next };
            step.change(model, after, 512, false);
            const all = new Measure(domain);
            all.whole(after);
            expect([step.bytes, step.memory, step.faults]).toEqual([all.bytes, all.memory, all.faults]);
            model = after;
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("[LM7] looks into no item of a list that is put into another order, each time anew, and into those that came", () => {
    let looked = 0;
    const watched = (n: number) =>
      new Proxy(
        { n, text: item },
        {
          ownKeys(target) {
            looked++;
            return Reflect.ownKeys(target);
          },
        },
      );
    const one = scales();
    let list = Array.from({ length: 200 }, (_, n) => watched(n));
    let model = { list };
    expect(one.judge({}, model)).toBeUndefined();
    const turned = (come: number, go: number): number => {
      looked = 0;
      list = [...list.toReversed().slice(go), ...Array.from({ length: come }, (_, n) => watched(n))];
      list = list.toSorted((a, b) => ((a.n * 37) % 11) - ((b.n * 37) % 11));
      const next = { list };
      expect(one.judge(model, next)).toBeUndefined();
      model = next;
      return looked;
    };
    expect([turned(0, 0), turned(0, 0)]).toEqual([0, 0]);
    expect([turned(3, 0), turned(0, 2), turned(1, 1), turned(0, 0)]).toEqual([3, 2, 2, 0]);
  });

  test("[LM7] a list that was refused in another order is compared anew from what it is", () => {
    const one = scales();
    const list: unknown[] = Array.from({ length: 60 }, (_, n) => (n % 5 === 0 ? item : { n, text: item }));
    let model = { list };
    expect(one.judge({}, model)).toBeUndefined();
    for (let times = 0; times < 3; times++) {
      const refused = { list: [...model.list.toReversed(), hidden] };
      expect(one.judge(model, refused)?.code).toBe("uncarried");
      const without = { list: model.list.toReversed().slice(1) };
      expect(one.judge(model, without)).toBeUndefined();
      model = without;
    }
    const whole = new Measure(domain);
    whole.whole(model);
    const limits = { maxModelBytes: whole.bytes, maxModelMemory: whole.memory };
    const narrow = scales(limits);
    expect(narrow.judge({}, model)).toBeUndefined();
    for (const more of [hidden, { n: 1, text: "x".repeat(500) }])
      expect(narrow.judge(model, { list: [...model.list.toReversed(), more] })).toBeDefined();
    // At its limit: one less is one less, and one more again is as much as before.
    for (let times = 0; times < 2; times++) {
      const all = { list: model.list.toReversed() };
      expect(narrow.judge(model, all)).toBeUndefined();
      expect(narrow.judge(all, { list: [...all.list.toReversed(), hidden] })?.code).toBe("uncarried");
      const less = { list: all.list.toReversed().toSpliced(times, 1) };
      expect(narrow.judge(all, less)).toBeUndefined();
      expect(narrow.judge(less, { list: [...less.list.toReversed(), hidden] })?.code).toBe("uncarried");
      model = { list: [...less.list.toReversed(), structuredClone(all.list.toReversed()[times])] };
      expect(narrow.judge(less, model)).toBeUndefined();
    }
    expect(narrow.judge(model, { list: [...model.list, model.list[0]] })?.code).toBe("too-large");
  });

  test("[LM7] of a small object that was replaced only what has changed is looked into", () => {
    let looked = 0;
    const watched = new Proxy(
      { text: item },
      {
        ownKeys(target) {
          looked++;
          return Reflect.ownKeys(target);
        },
      },
    );
    const one = scales();
    let model = { list: Array.from({ length: 100 }, (_, n) => ({ n, watched, more: { n } })) };
    expect(one.judge({}, model)).toBeUndefined();
    looked = 0;
    for (let times = 0; times < 2; times++) {
      const next = { list: model.list.map((all) => ({ ...all, more: { n: all.n + 1 } })) };
      expect(one.judge(model, next)).toBeUndefined();
      model = next;
    }
    expect(looked).toBe(0);
  });

  test("[LM7] looks at nothing of a part that stands where it stood", () => {
    let looked = 0;
    const watched = new Proxy(
      { text: "x".repeat(2_000) },
      {
        ownKeys(target) {
          looked++;
          return Reflect.ownKeys(target);
        },
      },
    );
    const one = scales();
    let model = { watched, n: 0, more: { items: [] as unknown[] } };
    expect(one.judge({}, model)).toBeUndefined();
    looked = 0;
    for (let n = 1; n < 50; n++) {
      const next = { ...model, n, more: { items: [...model.more.items, { n }] } };
      expect(one.judge(model, next)).toBeUndefined();
      model = next;
    }
    expect(looked).toBe(0);
    // Nor of one that is large, is known and stands elsewhere now.
    expect(one.judge(model, { ...model, watched: undefined, moved: watched } as never)).toBeUndefined();
    expect(looked).toBe(0);
  });
});

describe("a model's size", () => {
  test("[LM7] bytes, maps, sets, dates, numbers of many digits and parts of them count", () => {
    const values = [
      { a: "x".repeat(2_000) },
      { a: new Uint8Array(1_000) },
      new Map([["k", "x".repeat(1_000)]]),
      new Set(["x".repeat(1_000)]),
      Array.from({ length: 40 }, () => new Date()),
      Array.from({ length: 50 }, (_, i) => BigInt(i)),
      [10n ** 990n],
      Array.from({ length: 120 }, () => null),
    ];
    for (const one of values)
      expect(scales({ maxModelBytes: 1_000 }).judge({}, one)).toEqual({
        code: "too-large",
        details: { maxModelBytes: 1_000 },
      });
    expect(scales({ maxModelBytes: 1_000 }).judge({}, { one: { text: "x".repeat(500) } })).toBeUndefined();
  });

  test("[LM7] many small values hold more memory than their JSON has bytes, and are refused for it", () => {
    const small = Array.from({ length: 50_000 }, () => new Map());
    const one = scales({ maxModelMemory: 5_000_000 });
    expect(one.judge({}, { small })).toEqual({ code: "too-large", details: { maxModelMemory: 5_000_000 } });
    expect(one.judge({}, { small: small.slice(25_000) })).toEqual({
      code: "too-large",
      details: { maxModelMemory: 5_000_000 },
    });
    expect(one.judge({}, { small: small.slice(40_000) })).toBeUndefined();
  });

  test("[LM7] over the limit a client and the server are refused, what makes it smaller is taken", async () => {
    const it = wire({ limits: { maxModelBytes: 500 } });
    it.server.handle(list, { public: true });
    const topic = it.server.topic(list, "1");
    const one = await it.client();
    one.say(
      ...Array.from({ length: 30 }, (_, i) => say("list:1", i + 1, { type: "added", item }, { settled: i })),
    );
    const said = await one.heard();
    expect(said.at(-1)).toMatchObject({
      type: "Rejected",
      from: "calla",
      code: "too-large",
      details: { maxModelBytes: 500 },
    });
    await expect(it.done(topic.dispatch({ type: "added", item }))).rejects.toMatchObject({
      code: "rejected",
    });
    one.say(say("list:1", 31, { type: "removed", item }, { settled: 30 }));
    expect(await one.heard()).toMatchObject([{ type: "Acknowledge", mid: 31 }]);
    await it.done(topic.dispatch({ type: "cleared" }));
    one.say(say("list:1", 32, { type: "added", item }, { settled: 31 }));
    expect(await one.heard()).toMatchObject([{ type: "Acknowledge", mid: 32 }]);
    expect(it.errors).toEqual([]);
  });

  test("[LM7] [LM10] a limit that came down later: the model may shrink or stay as large, grows no more, and is reported once", async () => {
    const log = memoryLog();
    const before = wire({ log });
    before.server.handle(list, { public: true });
    for (let i = 0; i < 30; i++)
      await before.done(before.server.topic(list, "1").dispatch({ type: "added", item: `${i}`.padEnd(20) }));
    await before.done(before.server.stop());
    const it = wire({ log, limits: { maxModelBytes: 100, targetIdle: 1_000 } });
    it.server.handle(list, { public: true });
    const topic = it.server.topic(list, "1");
    const add = (text: string) => it.done(topic.dispatch({ type: "added", item: text }));
    await expect(add("more")).rejects.toMatchObject({ details: { code: "too-large" } });
    await it.done(topic.dispatch({ type: "removed", item: "7".padEnd(20) }));
    await expect(add("more")).rejects.toMatchObject({ details: { code: "too-large" } });
    expect(it.errors).toMatchObject([{ code: "too-large", details: { target: "list:1" } }]);
    expect(String(it.errors[0])).toMatch(/"list:1".*maxModelBytes: 100.*refused.*smaller.*raise the limit/);
    // Not once more when it has left memory and is opened again.
    await it.advance(5_000);
    await expect(add("more")).rejects.toMatchObject({ details: { code: "too-large" } });
    expect(it.errors).toHaveLength(1);
  });
});

describe("a model's depth", () => {
  test("[TE21] [TE31] is that of the wire: at the limit it is taken, one level more is refused, in any kind of container", () => {
    for (const wrap of [
      (inside: unknown) => ({ inside }),
      (inside: unknown) => [inside],
      (inside: unknown) => new Map([["inside", inside]]),
      (inside: unknown) => new Map([[inside, 1]]),
      (inside: unknown) => new Set([inside]),
    ]) {
      const one = scales();
      let model = wrap(1);
      for (let level = 1; level < 64; level++) {
        const next = wrap(model);
        expect(one.judge(model, next)).toBeUndefined();
        model = next;
      }
      expect(one.judge(model, wrap(model))).toEqual(tooDeep);
      expect(automatic(json()).normaliseModel(model)).toBeDefined();
      expect(() => automatic(json()).normaliseModel(wrap(model))).toThrow(/more than 64/);
    }
  });

  test("[TE21] counts where a part stands now: one that moves deeper is looked at again, large or small", () => {
    for (const text of ["", "x".repeat(1_000)]) {
      const part = nested(40, text);
      const one = scales();
      const model = { part, place: nested(22, { here: null }) };
      expect(one.judge({}, model)).toBeUndefined();
      expect(one.judge(model, { part: null, place: nested(22, part) })).toBeUndefined();
      expect(one.judge(model, { part: null, place: nested(23, part) })).toBeUndefined();
      expect(one.judge(model, { part: null, place: nested(24, part) })).toEqual(tooDeep);
      // What was refused has not become what is known.
      const deeper = { part: nested(41, text), place: model.place };
      expect(one.judge(model, deeper)).toBeUndefined();
      expect(one.judge(deeper, { part: null, place: nested(23, deeper.part) })).toEqual(tooDeep);
    }
  });

  test("[TE21] what is known of a changed part is never less than it is", () => {
    const one = scales();
    const padding = "x".repeat(1_000);
    // The deep branch goes again: the part's levels are then counted anew where it matters.
    const shallow = { padding, a: 1 as unknown };
    const start = { part: shallow };
    const deep = { part: { ...shallow, a: nested(62) } };
    const back = { part: { ...shallow, a: 2 as unknown } };
    expect(one.judge({}, start)).toBeUndefined();
    expect(one.judge(start, deep)).toBeUndefined();
    expect(one.judge(deep, { part: { deeper: deep.part } } as never)).toEqual(tooDeep);
    expect(one.judge(deep, back)).toBeUndefined();
    expect(one.judge(back, { part: nested(50, back.part) } as never)).toBeUndefined();
  });

  test("[TE21] what is judged by its changes is too deep where a walk of all of it says so, whatever the edits", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), value, { minKeys: 15, maxKeys: 30 }),
        fc.array(edit, { maxLength: 30 }),
        (first, edits) => {
          const maxDepth = 5;
          const one = new Scales({
            target: "list:1",
            limits: DEFAULT_LIMITS,
            domain: { ...domain, maxDepth },
          });
          let model: unknown = first;
          for (const by of edits) {
            const next = edited(model, by);
            const all = new Measure(domain);
            all.whole(model);
            const former = all.height;
            all.whole(next);
            const judged = one.judge(model, next);
            if (former > maxDepth) continue;
            expect(judged?.code).toBe(all.height > maxDepth ? "too-deep" : undefined);
            if (judged === undefined) model = next;
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("[TE21] a cycle, and one value that stands in itself twice, end at once", () => {
    const cycle: { a?: unknown; b?: unknown } = {};
    cycle.a = cycle;
    cycle.b = cycle;
    expect(scales().judge({}, cycle)).toEqual(tooDeep);
    let twice: unknown = "x".repeat(10);
    for (let level = 0; level < 60; level++) twice = [twice, twice];
    expect(scales().judge({}, twice)).toMatchObject({ code: "too-large" });
  });

  test("[TE21] [TE31] one that is too deep already may stay so and become less, and no deeper", () => {
    const told = new Set<string>();
    const one = scales({}, told);
    const deep = { tree: nested(70), n: 0 };
    expect(one.judge(deep, { ...deep, n: 1 })).toBeUndefined();
    expect(one.judge(deep, { ...deep, tree: nested(71) })).toEqual(tooDeep);
    expect(one.judge(deep, { ...deep, tree: nested(69) })).toBeUndefined();
    expect(one.notices).toMatchObject([{ code: "too-deep", details: { target: "list:1" } }]);
    const good = { ...deep, tree: nested(3) };
    expect(one.judge({ ...deep, tree: nested(69) }, good)).toBeUndefined();
    expect(one.judge(good, { ...deep, tree: nested(64) })).toEqual(tooDeep);
    expect(one.notices).toHaveLength(1);
  });
});

describe("numbers that crowd, gathered one by one", () => {
  const uncarried = (place: string): object => ({
    code: "uncarried",
    problem: expect.stringMatching(new RegExp(`^${place} has numbers that`)) as string,
  });
  const gathered = (one: Scales, members: readonly unknown[], was = new Set<unknown>()) => {
    let model = { ids: was };
    for (const [i, member] of members.entries()) {
      const next = { ids: new Set(model.ids).add(member) };
      const excess = one.judge(model, next);
      if (excess !== undefined) return { excess, taken: i, model };
      model = next;
    }
    return { excess: undefined, taken: members.length, model };
  };

  test.each([
    ["integers", crowdedIntegers(400)],
    ["fractions", crowdedFractions(400)],
    ["bigints", crowdedBigints(400)],
  ] as [string, unknown[]][])(
    "[TE25] %s: no further than a client decodes, the second time too",
    (_, members) => {
      const one = scales();
      const first = gathered(one, members);
      expect(first).toMatchObject({ taken: 127, excess: uncarried("\\.ids") });
      // One taken away makes room for one, and no more; also of a Scales that has never seen the model.
      const less = { ids: new Set([...first.model.ids].slice(1)) };
      expect(one.judge(first.model, less)).toBeUndefined();
      for (const another of [one, scales()])
        expect(gathered(another, members.slice(127), less.ids)).toMatchObject({
          taken: 1,
          excess: uncarried("\\.ids"),
        });
      // Nor as keys, nor all at once, nor in a part that is new; as a list they are as good as any.
      const keys = new Map(members.slice(0, 127).map((key) => [key, 0]));
      const more = { at: new Map(keys).set(members[127]!, 0) };
      expect(one.judge({ at: keys }, more)).toMatchObject(uncarried("\\.at"));
      expect(
        scales().judge({ at: keys }, { at: new Map([...keys].map(([key]) => [key, 1])) }),
      ).toBeUndefined();
      expect(scales().judge({}, { a: [new Set(members)] })).toMatchObject(uncarried("\\.a\\[0\\]"));
      expect(scales().judge({}, { a: members })).toBeUndefined();
    },
  );

  test("[TE25] among many others they are no crowd: nobody may take the others away", () => {
    const crowd = crowdedIntegers(200);
    const others = Array.from({ length: 10_000 }, (_, i) => `text ${i}`);
    const both = { ids: new Set<unknown>([...crowd, ...others]) };
    const one = scales();
    expect(one.judge({ ids: new Set() }, both)).toBeUndefined();
    expect(one.judge(both, { ids: new Set(crowd) })).toMatchObject(uncarried("\\.ids"));
    expect(one.judge(both, { ids: new Set(others) })).toBeUndefined();
  });

  test("[TE25] [TE35] a model that has them already can be mended step by step, and is reported", () => {
    const crowd = crowdedIntegers(400);
    const one = scales();
    const model = { ids: new Set(crowd), twice: new Set(crowd), n: 0 };
    expect(one.judge(model, { ...model, n: 1 })).toBeUndefined();
    expect(one.notices).toHaveLength(1);
    expect(one.judge(model, { ...model, third: new Set(crowd) })).toMatchObject({ code: "uncarried" });
    const half = { ...model, twice: new Set<number>() };
    expect(one.judge(model, half)).toBeUndefined();
    expect(one.judge(half, model)).toMatchObject({ code: "uncarried" });
    const whole = { ...half, ids: new Set(crowd.slice(0, 127)) };
    expect(one.judge(half, whole)).toBeUndefined();
    expect(one.judge(whole, half)).toMatchObject({ code: "uncarried" });
  });

  test("[TE25] a visitor who sends them one by one stops nobody: whoever comes decodes the model", async () => {
    const bag = defineTopic("bag:*", {
      model: z.object({ ids: z.set(z.number()) }),
      initial: () => ({ ids: new Set<number>() }),
      messages: { added: z.object({ id: z.number() }), removed: z.object({ id: z.number() }) },
      update: {
        added: ({ ids }, { id }) => ({ ids: new Set(ids).add(id) }),
        removed: ({ ids }, { id }) => ({ ids: new Set([...ids].filter((one) => one !== id)) }),
      },
    });
    const it = wire({ strict: false, wiring: defineWiring({ topics: [bag] }) as never });
    it.server.handle(bag as never, { public: true });
    const ada = await it.client();
    const crowd = crowdedIntegers(200);
    let mid = 0;
    const said = async (type: string, ids: readonly number[]): Promise<string[]> => {
      for (const id of ids) ada.say(say("bag:1", ++mid, { type, id }, { settled: mid - 1 }));
      const heard = await ada.heard();
      return heard.flatMap((frame) => (frame.type === "Rejected" ? frame.code : []));
    };
    expect(await said("added", crowd.slice(0, 127))).toEqual([]);
    expect(await said("added", crowd.slice(127))).toEqual(Array.from({ length: 73 }, () => "update-threw"));
    expect(await said("removed", [crowd[0]!])).toEqual([]);
    expect(await said("added", crowd.slice(127, 129))).toEqual(["update-threw"]);
    expect(String(it.errors[0])).toMatch(/"bag:\*".*"added".*\.ids has numbers/);
    const bob = await it.client();
    bob.say(subscribe("bag:1"));
    expect(types(await bob.heard())).toEqual(["Settled", "Snapshot"]);
    const server = it.server as unknown as { topic(slice: typeof bag, id: string): ServerTopic<typeof bag> };
    const { model } = await server.topic(bag, "1").read();
    expect(model).toEqual({ ids: new Set(crowd.slice(1, 128)) });
  });
});

describe("what the wire does not carry", () => {
  class Unknown {
    readonly a = 1;
  }
  test("[TE21] is refused with its place and what to do: functions, symbols, unknown classes, getters that throw", () => {
    const getter = { a: "x".repeat(600) };
    Object.defineProperty(getter, "b", {
      enumerable: true,
      get: () => {
        throw new Error("no");
      },
    });
    for (const [wrong, problem] of [
      [() => 1, /^\.items\[1\]\.due is a function/],
      [Symbol("x"), /^\.items\[1\]\.due is a symbol/],
      [new Unknown(), /^\.items\[1\]\.due is an instance of Unknown.*register/],
      [10n ** 1_000n, /^\.items\[1\]\.due is a bigint/],
      [getter, /^\.items\[1\]\.due\.b threw when it was read: .*no/],
    ] as const) {
      const one = scales();
      const model = { items: [{ due: 1 as unknown }, { due: 2 as unknown }], text: "x".repeat(600) };
      expect(one.judge({}, model)).toBeUndefined();
      const next = { ...model, items: model.items.with(1, { due: wrong }) };
      const excess = one.judge(model, next);
      expect(excess).toMatchObject({ code: "uncarried", problem: expect.stringMatching(problem) });
    }
    const fine = { due: new Point(1), n: Number.NaN, u: undefined, b: -(10n ** 999n), s: "\ud800" };
    expect(scales().judge({}, fine)).toBeUndefined();
  });

  test("[TE21] in production as in development it is refused when it is decided, and its topic can be joined", async () => {
    const tree = defineTopic("tree:*", {
      model: z.object({ root: z.any() }),
      initial: () => ({ root: { name: "root" } }),
      messages: { wrapped: z.object({ name: z.string() }), broken: z.object({}) },
      update: {
        wrapped: ({ root }, { name }) => ({ root: { name, inside: root as unknown } }),
        broken: () => ({ root: { call: hidden } }),
      },
    });
    for (const strict of [true, false]) {
      const it = wire({ strict, wiring: defineWiring({ topics: [tree] }) as never });
      it.server.handle(tree as never, { public: true });
      const ada = await it.client();
      for (let mid = 1; mid <= 70; mid++)
        ada.say(say("tree:1", mid, { type: "wrapped", name: `${mid}` }, { settled: mid - 1 }));
      const said = await ada.heard();
      const refused = said.filter(({ type }) => type === "Rejected");
      expect(refused).toHaveLength(70 - 62);
      expect(refused[0]).toMatchObject({
        mid: 63,
        from: "calla",
        code: "too-deep",
        details: { maxDepth: 64 },
      });
      expect(it.errors).toEqual([]);
      ada.say(say("tree:1", 71, { type: "broken" }, { settled: 70 }));
      expect(await ada.heard()).toMatchObject([{ type: "Rejected", mid: 71, code: "update-threw" }]);
      expect(it.errors).toMatchObject([{ code: strict ? "strict" : "update-threw" }]);
      expect(String(it.errors[0])).toMatch(/"tree:\*".*"broken".*\.root\.call is a function/);
      const bob = await it.client();
      bob.say(subscribe("tree:1"));
      expect(types(await bob.heard())).toEqual(["Settled", "Snapshot"]);
    }
  });

  test("[TE21] [TE33] a custom serialiser alone knows what it carries: nothing is refused for it, but for size", () => {
    const custom = customJson({
      encodeMessage: (message: unknown) => message,
      decodeMessage: (message: unknown) => message,
      encodeModel: () => "whatever",
      decodeModel: () => ({}),
    });
    const one = new Scales({
      target: "list:1",
      limits: { ...DEFAULT_LIMITS, maxModelBytes: 1_000 },
      domain: custom.domain,
    });
    const model = { call: () => 1, one: new Unknown(), deep: nested(100, "") };
    expect(new Scales({ target: "t", limits: DEFAULT_LIMITS, domain: custom.domain }).judge({}, model)).toBe(
      undefined,
    );
    expect(one.judge({}, { text: "x".repeat(1_000) })).toMatchObject({ code: "too-large" });
  });
});
