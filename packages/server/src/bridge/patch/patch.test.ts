// What `patchOf` makes is applied by the two libraries that clients in JavaScript use: they are the oracle.
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import fastJsonPatch from "fast-json-patch";
import { applyPatch } from "rfc6902";
import type { Operation as AnyOperation } from "rfc6902";
import { describe, expect, it } from "vitest";
import { deepFreeze } from "@calla/shared";
import { patchOf, patchOnce } from "./patch.ts";
import type { PatchBudget } from "./patch.ts";
import type { Operation } from "./operations.ts";
import { changedOf, document } from "./document.arbitrary.ts";

const FREE: PatchBudget = { maxLooks: Infinity, maxShare: Infinity };
const LARGE: PatchBudget = { maxLooks: Infinity, maxShare: 0.5 };

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** The patch, however much it costs; both libraries have made `after` of it. */
function patched(before: unknown, after: unknown, budget = FREE): readonly Operation[] {
  const result = patchOf(before, after, budget);
  if (!result.ok) throw new Error(`refused: ${result.reason}`);
  expect(result.bytes).toBe(Buffer.byteLength(JSON.stringify(result.patch)));
  const sent = copy(result.patch) as AnyOperation[];
  const wanted = copy(after);
  // It is strict by a copy of the document for each move.
  const strict = sent.length < 100;
  expectSame(fastJsonPatch.applyPatch(copy(before), copy(sent), strict).newDocument, wanted);
  expectSame(appliedByRfc6902(copy(before), sent), wanted);
  return result.patch;
}

/** In a tenth of the time that `toStrictEqual` takes over 10,000 items. */
function expectSame(made: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(made, wanted)) expect(made).toStrictEqual(wanted);
}

function appliedByRfc6902(document: unknown, patch: readonly AnyOperation[]): unknown {
  // It has no way to put another document in the place of the whole.
  const [first] = patch;
  if (first?.op === "replace" && first.path === "" && patch.length === 1) return first.value;
  expect(applyPatch(document, [...patch]).filter((error) => error !== null)).toEqual([]);
  return document;
}

const TEXT = "some words that nobody repeats".repeat(4);
const items = (count: number): { id: string; text: string; done: boolean }[] =>
  Array.from({ length: count }, (_, n) => ({ id: `item-${n}`, text: TEXT, done: false }));

describe("a patch from one model to the next", () => {
  it("[BR1] applied by two libraries, makes the second of the first: shared structure and copied", () => {
    fc.assert(
      fc.property(document, fc.boolean(), fc.gen(), (before, shared, pick) => {
        const after = changedOf(before, pick);
        const source = shared ? before : copy(before);
        patched(deepFreeze(source), deepFreeze(after));
      }),
      { numRuns: 150 },
    );
  });

  it("[BR1] makes any document of any other", () => {
    fc.assert(
      fc.property(document, document, (before, after) => {
        patched(deepFreeze(before), deepFreeze(after));
      }),
      { numRuns: 200 },
    );
  });

  it("[BR1] makes any list of any other, with and without names, with duplicates", () => {
    const item = fc.oneof(
      fc.integer({ min: 0, max: 9 }),
      fc.record({ id: fc.integer({ min: 0, max: 9 }), n: fc.integer({ min: 0, max: 2 }) }),
      fc.record({ n: fc.integer({ min: 0, max: 5 }), m: fc.constant(TEXT) }),
      fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
    );
    const list = fc.array(item, { maxLength: 30 });
    fc.assert(
      fc.property(list, list, (before, after) => {
        patched({ before: "", list: before }, { before: "", list: after });
      }),
      { numRuns: 250 },
    );
  });

  it("[BR1] shuffles a long list whose items are all moved", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(items(200), { minLength: 190, maxLength: 200 }), (after) => {
        const before = items(200);
        const byId = new Map(before.map((item) => [item.id, item]));
        const patch = patched(
          { list: before },
          { list: after.map((item, n) => (n % 5 === 0 ? item : byId.get(item.id)!)) },
        );
        expect(patch.every(({ op }) => op === "move" || op === "remove")).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it("[BR1] is the same each time, and changes neither model", () => {
    fc.assert(
      fc.property(document, document, (before, after) => {
        const [first, second] = [JSON.stringify(before), JSON.stringify(after)];
        const once = patchOf(before, after, FREE);
        expect(patchOf(copy(before), copy(after), FREE)).toMatchObject({ ok: true });
        expect(patchOf(before, after, FREE)).toStrictEqual(once);
        expect([JSON.stringify(before), JSON.stringify(after)]).toEqual([first, second]);
      }),
      { numRuns: 100 },
    );
  });

  it("[BR2] is empty where nothing has changed, by reference or by value, fields in any order", () => {
    const list = items(3);
    expect(patchOf(list, list)).toEqual({ ok: true, patch: [], bytes: 2, looks: 0 });
    expect(patched({ a: 1, list }, { list: copy(list), a: 1 })).toEqual([]);
    expect(patched(null, null, LARGE)).toEqual([]);
  });

  it("[BR2] looks at nothing in what both models share", () => {
    const whole = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`list${n}`, items(1_000)]));
    const unread = new Proxy([], {
      get: () => expect.unreachable(),
      ownKeys: () => expect.unreachable(),
    });
    const result = patchOf(
      { ...whole, unread, n: 1 },
      { ...whole, unread, n: 2 },
      { ...FREE, maxLooks: 200 },
    );
    expect(result).toMatchObject({ ok: true, patch: [{ op: "replace", path: "/n", value: 2 }] });
  });

  describe("of a list of 10,000", () => {
    const list = items(10_000);
    const [first, second] = list as [(typeof list)[0], (typeof list)[0]];
    const last = list.at(-1)!;
    const fresh = { id: "new", text: "", done: true };
    const cases: Record<string, [readonly unknown[], readonly object[]]> = {
      "an insert at the head": [[fresh, ...list], [{ op: "add", path: "/list/0", value: fresh }]],
      "an edit of the last": [
        [...list.slice(0, -1), { ...last, done: true }],
        [{ op: "replace", path: "/list/9999/done", value: true }],
      ],
      "the first moved to the end": [
        [...list.slice(1), first],
        [{ op: "move", from: "/list/0", path: "/list/9999" }],
      ],
      "the last moved to the head": [
        [last, ...list.slice(0, -1)],
        [{ op: "move", from: "/list/9999", path: "/list/0" }],
      ],
      "a removal in the middle": [list.toSpliced(5_000, 1), [{ op: "remove", path: "/list/5000" }]],
      "two swapped": [
        list.with(10, list[9_000]!).with(9_000, list[10]!),
        [
          { op: "move", from: "/list/9000", path: "/list/10" },
          { op: "move", from: "/list/11", path: "/list/9000" },
        ],
      ],
      "one moved and edited": [
        [second, { ...first, done: true }, ...list.slice(2)],
        [
          { op: "move", from: "/list/0", path: "/list/1" },
          { op: "replace", path: "/list/1/done", value: true },
        ],
      ],
      "three changes far apart": [
        [fresh, ...list.slice(0, 4_000), ...list.slice(4_001, 9_999), { ...last, text: "x" }],
        [
          { op: "remove", path: "/list/4000" },
          { op: "add", path: "/list/0", value: fresh },
          { op: "replace", path: "/list/9999/text", value: "x" },
        ],
      ],
    };
    for (const [name, [after, operations]] of Object.entries(cases))
      it(`[BR3] ${name} is ${operations.length === 1 ? "one operation" : "few operations"}, within the budget`, () => {
        const result = patchOf({ list }, { list: after });
        expect(result).toMatchObject({ ok: true, patch: operations });
        patched({ list }, { list: after });
      });

    it("[BR3] an insert among items that nothing names and the models do not share is one operation", () => {
      const unnamed = list.map(({ text, done }, n) => ({ text: `${n} ${text}`, done }));
      const after = [...copy(unnamed.slice(0, 5)), fresh, ...copy(unnamed.slice(5))];
      expect(patched({ list: unnamed }, { list: after })).toEqual([
        { op: "add", path: "/list/5", value: fresh },
      ]);
    });

    it("[BR3] hundreds of moves and removals are as many operations", () => {
      const some = list.slice(0, 3_000);
      const moved = some.filter((_, n) => n % 10 === 7);
      const kept = some.filter((_, n) => n % 10 !== 7 && n % 300 !== 50);
      const patch = patched({ list: some }, { list: [...kept, ...moved] }, { maxLooks: 100_000 });
      expect(patch).toHaveLength(310);
      expect(new Set(patch.map(({ op }) => op))).toEqual(new Set(["remove", "move"]));
    });
  });

  it("[BR4] an item is the same by reference, then by `id`, `key` or `_id`, then by what it is", () => {
    for (const name of ["id", "key", "_id"]) {
      const [a, b] = [1, 2].map((id) => ({ [name]: id, text: TEXT, n: 1 }));
      expect(patched([a, b, 7], [{ ...b, n: 2 }, a, 7])).toEqual([
        { op: "move", from: "/0", path: "/1" },
        { op: "replace", path: "/0/n", value: 2 },
      ]);
    }
    const [c, d, e] = [1, 2, 3].map((n) => ({ text: TEXT, n }));
    expect(patched([c, d, e], copy([e, c, d]))).toEqual([{ op: "move", from: "/2", path: "/0" }]);
    // Of several with one name the first goes with the first.
    const twins = [1, 2].map((n) => ({ id: 1, text: `${TEXT}${n}`, n }));
    expect(patched([0, ...twins, 5], [...twins, { id: 1, n: 3 }, 5, 0])).toContainEqual(
      expect.objectContaining({ op: "move" }),
    );
    // The text "1" is not the number 1.
    expect(patched([{ id: 1, text: TEXT }, 0], [0, { id: "1", text: TEXT }])).not.toContainEqual(
      expect.objectContaining({ op: "move", from: "/0" }),
    );
  });

  it("[BR4] instances of classes go by the id in their tag, entries of a Map by their key", () => {
    const card = (id: number, n: number): object => ({ $: "Card", v: { id, n, text: TEXT } });
    expect(patched([card(1, 1), card(2, 1)], [card(0, 1), card(1, 1), card(2, 2)])).toEqual([
      { op: "add", path: "/0", value: card(0, 1) },
      { op: "replace", path: "/2/v/n", value: 2 },
    ]);
    expect(patched([card(1, 1), card(2, 1), 7], [card(2, 2), card(1, 1), 7])).toEqual([
      { op: "move", from: "/0", path: "/1" },
      { op: "replace", path: "/0/v/n", value: 2 },
    ]);
    const map = (...entries: unknown[]): object => ({ byName: { $: "map", v: entries } });
    const [a, b] = [
      { text: `a${TEXT}`, n: 1 },
      { text: `b${TEXT}`, n: 1 },
    ];
    expect(patched(map(["a", a], ["b", b]), map(["b", { ...b, n: 2 }], ["a", a]))).toEqual([
      { op: "move", from: "/byName/v/0", path: "/byName/v/1" },
      { op: "replace", path: "/byName/v/0/1/n", value: 2 },
    ]);
  });

  it("[BR4] an item that nothing names and that was changed where it stood is changed there", () => {
    const list = [1, 2, 3].map((n) => ({ text: `${n}${TEXT}`, n, done: false }));
    expect(patched(list, [{ n: 0 }, list[0], { ...list[1], done: true }, list[2]])).toEqual([
      { op: "add", path: "/0", value: { n: 0 } },
      { op: "replace", path: "/2/done", value: true },
    ]);
    expect(patched([true, 1, "a"], [true, 2, "a"])).toEqual([{ op: "replace", path: "/1", value: 2 }]);
  });

  it("[BR4] a list of few different values, changed in two places, is two operations", () => {
    const bits = Array.from({ length: 2_000 }, (_, n) => (n * n) % 7 < 3);
    const after = bits.toSpliced(1_500, 0, true, false).toSpliced(100, 1);
    expect(patched({ bits }, { bits: after }, LARGE).length).toBeLessThanOrEqual(3);
  });

  it("[BR5] names `/`, `~`, empty and numeric fields as JSON Pointers do", () => {
    const names = [
      "a/b",
      "~",
      "~1",
      "m~n/~0",
      "",
      "-",
      "0",
      "01",
      " ",
      'qu"ote',
      "é\u2028𝄞",
      "length",
      "toString",
    ];
    const of = (value: unknown): object =>
      Object.fromEntries(names.map((name) => [name, { text: TEXT, value }]));
    const paths = patched(of(1), of(2)).map(({ path }) => path);
    expect(paths).toContain("/a~1b/value");
    expect(paths).toContain("/~0/value");
    expect(paths).toContain("/~01/value");
    expect(paths).toContain("/m~0n~1~00/value");
    expect(paths).toContain("//value");
    expect(new Set(paths).size).toBe(names.length);
    for (const name of names) {
      const { [name]: taken, ...others } = of(1) as Record<string, unknown>;
      expect(taken).toBeDefined();
      expect(patched(of(1), others)).toEqual([expect.objectContaining({ op: "remove" })]);
      expect(patched(others, of(1))).toEqual([expect.objectContaining({ op: "add", value: taken })]);
    }
  });

  it("[BR5] absent is not null, an undefined field is absent, a root of another kind is replaced", () => {
    expect(patched({ text: TEXT }, { text: TEXT, a: null })).toEqual([
      { op: "add", path: "/a", value: null },
    ]);
    expect(patched({ text: TEXT, a: null }, { text: TEXT })).toEqual([{ op: "remove", path: "/a" }]);
    expect(patched({ text: TEXT, a: null }, { text: TEXT, a: undefined })).toEqual([
      { op: "remove", path: "/a" },
    ]);
    expect(patched({ text: TEXT, a: undefined }, { text: TEXT, a: 0 })).toEqual([
      { op: "add", path: "/a", value: 0 },
    ]);
    expect(patched({ a: undefined }, {})).toEqual([]);
    expect(patched({}, { a: undefined })).toEqual([]);
    for (const [before, after] of [
      [{}, []],
      [[], {}],
      [1, "1"],
      [null, {}],
      [{ a: 1 }, null],
    ])
      expect(patched(before, after)).toEqual([{ op: "replace", path: "", value: after }]);
    const numbers = [5e-324, 1.5e300, 2 ** 53, -0.1, 0];
    expect(patched([TEXT, ...numbers], [TEXT, ...numbers.toReversed()]).length).toBeGreaterThan(0);
    expect(patchOf([TEXT, 0], [TEXT, -0], FREE)).toMatchObject({ patch: [{ path: "/1", value: -0 }] });
  });

  it("[BR6] never names a field by which a prototype is reached: what has it is replaced", () => {
    for (const name of ["__proto__", "constructor", "prototype"]) {
      const of = (value: unknown): unknown =>
        JSON.parse(`{"text":"t","in":{"n":0,"${name}":${JSON.stringify(value)}}}`);
      const [before, after] = [of({ x: 1, text: TEXT }), of({ x: 2, text: TEXT })];
      const without = { text: "t", in: { n: 0 } };
      for (const [from, to] of [
        [before, after],
        [before, without],
        [without, after],
      ] as const) {
        const patch = patchOf(from, to, FREE);
        expect(patch).toMatchObject({ ok: true, patch: [{ op: "replace", path: "/in" }] });
        const { newDocument } = fastJsonPatch.applyPatch(
          copy(from),
          copy((patch.ok ? patch.patch : []) as never[]),
          true,
        );
        expect(JSON.stringify(newDocument)).toBe(JSON.stringify(to));
      }
      // Not changed, it is in nobody's way: by reference, and where nothing is shared.
      const untouched = { text: "t", in: 0, [name]: { x: TEXT } };
      if (name === "__proto__") continue;
      for (const its of [untouched, copy(untouched)])
        expect(patchOf(untouched, { ...its, text: "u" })).toMatchObject({
          ok: true,
          patch: [{ op: "replace", path: "/text", value: "u" }],
        });
    }
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it("[BR7] says a part as a whole where that is shorter", () => {
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    const others = numbers.map((n) => n + 1_000);
    expect(patched({ text: TEXT, numbers }, { text: TEXT, numbers: others })).toEqual([
      { op: "replace", path: "/numbers", value: others },
    ]);
    const point = (n: number): object => ({ point: { x: n, y: n, z: n }, text: TEXT });
    expect(patched(point(1), point(2))).toEqual([
      { op: "replace", path: "/point", value: { x: 2, y: 2, z: 2 } },
    ]);
    const result = patchOf({ text: TEXT.repeat(20), numbers }, { text: TEXT.repeat(20), numbers: others });
    expect(result).toMatchObject({ ok: true, patch: [{ op: "replace", path: "/numbers" }] });
  });

  it("[BR7] never has more bytes than to replace the whole", () => {
    fc.assert(
      fc.property(document, document, (before, after) => {
        const result = patchOf(before, after, FREE);
        const whole = JSON.stringify([{ op: "replace", path: "", value: after }]);
        // One operation is left as it is.
        expect(result.ok && (result.patch.length < 2 || result.bytes <= Buffer.byteLength(whole))).toBe(true);
      }),
      { numRuns: 250 },
    );
  });

  it("[BR8] is refused where it has more than half of the bytes of the model", () => {
    // `[{"op":"replace","path":"/n","value":2}]` has 40 bytes.
    const model = (n: number, bytes: number): object => {
      const rest = bytes - JSON.stringify({ n, text: "" }).length;
      return { n, text: "x".repeat(rest) };
    };
    expect(patchOf(model(1, 80), model(2, 80))).toMatchObject({ ok: true, bytes: 40 });
    expect(patchOf(model(1, 79), model(2, 79))).toMatchObject({ ok: false, reason: "bytes" });
    // 40 units of two bytes each.
    expect(patchOf({ n: 1, text: "é".repeat(32) }, { n: 2, text: "é".repeat(32) })).toMatchObject({
      ok: true,
    });
    expect(patchOf({ n: 1, text: "é".repeat(30) }, { n: 2, text: "é".repeat(30) })).toMatchObject({
      ok: false,
    });
    expect(patchOf(model(1, 79), model(2, 79), { ...LARGE, maxShare: 0.6 })).toMatchObject({ ok: true });
    expect(patchOf(1, 2)).toMatchObject({ ok: false, reason: "bytes" });
  });

  it("[BR8] is refused exactly where JSON says so, whatever the models are", () => {
    fc.assert(
      fc.property(
        document,
        fc.gen(),
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        (before, pick, maxShare) => {
          const after = changedOf(before, pick);
          const free = patchOf(before, after, FREE);
          const result = patchOf(before, after, { maxLooks: Infinity, maxShare });
          if (!free.ok || free.patch.length === 0) return;
          const within = free.bytes <= maxShare * Buffer.byteLength(JSON.stringify(after));
          // A patch that is within its share was never over it on the way, but for what a part had more than its whole.
          if (!within) expect(result).toMatchObject({ ok: false, reason: "bytes" });
          if (!result.ok) return;
          expect(result.patch).toStrictEqual(free.patch);
          // rfc6902 has no way to put another document in the place of the whole.
          expect(result.patch.map(({ path }) => path)).not.toContain("");
        },
      ),
      { numRuns: 200 },
    );
  });

  it("[BR8] stops as soon as it is too long, and reads no more of the model than it must", () => {
    const before = { list: [], other: items(5_000) };
    const after = { list: [], other: items(5_000).map((item, n) => ({ ...item, text: `${n}` })) };
    const result = patchOf(before, after, { maxLooks: Infinity, maxShare: 0.01 });
    expect(result).toMatchObject({ ok: false, reason: "bytes" });
    expect(result.looks).toBeLessThan(patchOf(before, after, FREE).looks / 4);
    const long = { n: 1, text: "é".repeat(10_000_000) };
    expect(patchOf(long, { ...long, n: 2 }).looks).toBeLessThan(40);
  });

  it("[BR9] is refused where more values would be looked at than the budget allows", () => {
    const list = items(1_000);
    const after = copy(list).with(999, { id: "item-999", text: "", done: true });
    const free = patchOf({ list }, { list: after }, FREE);
    expect(free.ok).toBe(true);
    expect(patchOf({ list }, { list: after }, { ...FREE, maxLooks: free.looks })).toStrictEqual(free);
    expect(patchOf({ list }, { list: after }, { ...FREE, maxLooks: free.looks - 1 })).toMatchObject({
      ok: false,
      reason: "values",
    });
    const larger = items(30_000);
    const refused = patchOf(larger, copy(larger));
    expect(refused).toMatchObject({ ok: false, reason: "values" });
    expect(refused.looks).toBeLessThan(130_000);
  });

  it("[BR9] a thousand operations count twenty thousand, and a table of items for what it costs", () => {
    const list = items(1_000);
    const edited = list.map((item) => ({ ...item, done: true }));
    expect(patchOf(list, edited, FREE).looks).toBeGreaterThan(20_000);
    const turned = patchOf(list, list.toReversed(), FREE);
    expect(turned.looks).toBeGreaterThan(8_000 + 20 * 999);
    // By reference, an eighth.
    expect(patchOf({ list, n: 1 }, { list: [list[1], ...list], n: 1 }).looks).toBeLessThan(300);
  });

  it("[BR9] long texts count, and what is nested without end is refused", () => {
    const text = "x".repeat(1_000_000);
    const looks = patchOf({ text: "", rest: text }, { text, rest: text }, FREE).looks;
    expect(looks).toBeGreaterThan(30_000);
    const cyclic = (): object => {
      const cycle: Record<string, unknown> = { n: 0 };
      cycle["self"] = cycle;
      return cycle;
    };
    expect(patchOf(cyclic(), cyclic(), FREE)).toMatchObject({ ok: false, reason: "values" });
    expect(patchOf([cyclic()], [1, cyclic()], FREE)).toMatchObject({ ok: false, reason: "values" });
    expect(patchOf({}, cyclic(), FREE)).toMatchObject({ ok: false, reason: "values" });
  });

  it("[BR10] is computed when it is first asked for, once for all who ask", () => {
    let reads = 0;
    const after = {
      text: TEXT,
      get n() {
        reads++;
        return 2;
      },
    };
    const patch = patchOnce({ text: TEXT, n: 1 }, after);
    expect(reads).toBe(0);
    const first = patch();
    const read = reads;
    expect(read).toBeGreaterThan(0);
    expect(patch()).toBe(first);
    expect(reads).toBe(read);
    expect(first).toMatchObject({ ok: true, patch: [{ op: "replace", path: "/n", value: 2 }] });
  });
});
