// What every log must do, as checks that any test runner can run. spec/logs.md is this list in prose.
import type { Cursor } from "@calla/shared";
import type { LogRecord } from "../../log/log.ts";
import {
  appendOf,
  at,
  equal,
  fill,
  headOf,
  markOf,
  ORIGIN,
  placeOf,
  reads,
  record,
  recordsAfter,
  refuses,
  REMOVED_AT,
  revival,
  row,
  snapshot,
  status,
  statuses,
  timeOf,
  tombstone,
  check,
  gone,
} from "./kit.ts";
import type { LogCheck } from "./kit.ts";
import { appendContract } from "./append.ts";
import { outcomeContract } from "./outcomes.ts";
import { listContract } from "./list.ts";
import { pastContract } from "./past.ts";

export type { LogCheck, LogMaker } from "./kit.ts";

const appended = { status: "appended" };

/**
 * The checks that make a log fit for Calla.
 *
 * @example
 * for (const { name, run } of logContract) test(name, () => run({ create: () => memoryLog() }));
 */
export const logContract: readonly LogCheck[] = [
  ...appendContract,
  ...outcomeContract,
  // --------------------------------------------------------------------------------------------------------- reading
  check(
    "[LG8] read gives the records after the cursor in order, at most limit of them",
    async ({ create }) => {
      const log = await create();
      await fill(log, "t", 0, 4);
      await fill(log, "t", 4, 3);
      await reads(log, "t", ORIGIN, [1, 2, 3, 4, 5, 6, 7]);
      await reads(log, "t", at(2), [3, 4, 5], 3);
      await reads(log, "t", at(5), [6, 7], 3);
      await reads(log, "t", at(6), [7], 1);
      await reads(log, "t", at(7), []);
    },
  ),
  check(
    "[LG9] a cursor with another mark, or ahead of the head, is of another history",
    async ({ create }) => {
      const log = await create();
      await fill(log, "t", 0, 3);
      await refuses(log, "t", { sequence: 0, mark: 1 }, "other-history");
      await refuses(log, "t", { sequence: 2, mark: markOf(2) ^ 1 }, "other-history");
      await refuses(log, "t", { sequence: 3, mark: markOf(3) ^ 1 }, "other-history");
      await refuses(log, "t", at(4), "other-history");
    },
  ),
  check("[LG57] moved names every target whose head is at another place", async ({ create }) => {
    const log = await create();
    if (log.moved === undefined) return;
    for (const target of ["still", "grown", "other", "gone", "back", "a ", "A"])
      await fill(log, target, 0, 2);
    const places = ["still", "grown", "other", "gone", "back", "a ", "A"].map(
      (target): readonly [string, Cursor] => [target, at(2)],
    );
    const asked = [...places, ["never", ORIGIN], ["made", ORIGIN], ["lost", at(1)]] as const;
    equal((await log.moved(asked)).includes("lost"), true, "one that is no more");
    await fill(log, "grown", 2, 1);
    await fill(log, "made", 0, 1);
    await log.remove("gone", REMOVED_AT);
    await log.remove("back", REMOVED_AT);
    equal(await status(log, revival("back", 2)), "appended", "return");
    const then = await log.moved([...asked.filter(([target]) => target !== "other"), ["other", at(2, 1)]]);
    for (const target of ["grown", "other", "gone", "back", "made", "lost"])
      equal(then.includes(target), true, `whether ${target} is named`);
    const known = new Set(asked.map(([target]) => target));
    equal(
      then.filter((target) => !known.has(target)),
      [],
      "those that were not asked about",
    );
    equal(await log.moved([]), [], "of none");
    const many = Array.from({ length: 1_024 }, (_, i) => `many:${i}`);
    equal((await log.moved(many.map((target) => [target, at(1)]))).length, 1_024, "of many");
  }),
  check("[LG10] records come back as they were given", async ({ create }) => {
    const log = await create();
    const records: LogRecord[] = [
      record(1, { mark: 4_294_967_295, author: null, mid: 0, id: "" }),
      record(2, {
        mark: 0,
        author: { clientId: "ann", userId: null },
        mid: 2 ** 40,
        messages: [{ type: "a" }, { type: "b", list: [[], {}] }],
      }),
      record(3, { messages: [], model: { value: null }, version: 2 }),
      record(4, { messages: [{ type: "t", text: "\u0000 \u2028 é 🙂 ' \" \\" }] }),
      record(5, { messages: [], model: { value: JSON.parse('{"__proto__":1,"constructor":2}') as unknown } }),
    ];
    equal(
      await statuses(log, [{ target: "t", expected: ORIGIN, records, rows: [], at: timeOf(1) }]),
      [appended],
      "append",
    );
    equal(await log.read("t", ORIGIN, 10), { status: "records", records }, "read");
  }),
  check("[LG11] every value of the domain comes back: messages, details, models", async ({ create }) => {
    const log = await create();
    const value = {
      type: "all",
      numbers: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e300, 2 ** 53 - 1],
      big: -(2n ** 70n),
      date: new Date(0),
      map: new Map<unknown, unknown>([
        [{ key: 1 }, new Set([1, "1"])],
        [null, -0],
      ]),
      bytes: new Uint8Array([0, 255, 128]),
      text: "\ud800 half a pair",
    };
    const records = [record(1, { messages: [value] }), record(2, { messages: [], model: { value } })];
    const refused = { id: "a", from: "app" as const, code: "no", details: value };
    const ann = row("ann", 2, {
      settled: 0,
      outcomes: [
        { ...refused, mid: 1 },
        { mid: 2, id: "b", sequence: 1, messages: [value] },
      ],
    });
    equal(
      await statuses(log, [
        { target: "t", expected: ORIGIN, records, rows: [{ was: 0, ...ann }], at: timeOf(1) },
      ]),
      [appended],
      "append",
    );
    await log.saveSnapshot("t", snapshot(2, { model: value }));
    equal((await log.open("t"))?.snapshot, snapshot(2, { model: value }), "snapshot");
    equal(await log.client("t", "ann"), ann, "row");
    const third = { ...ann, was: 2, last: 3, outcomes: [{ ...refused, mid: 3 }] };
    equal(await status(log, { ...appendOf("t", 2, 0), rows: [third] }), "appended", "append");
    equal((await log.client("t", "ann"))?.outcomes, [...ann.outcomes, ...third.outcomes], "outcomes");
    const after = await log.read("t", ORIGIN, 10);
    if (after.status !== "compacted") equal(after, { status: "records", records }, "read");
  }),
  check("[LG12] large values and long appends are taken whole", async ({ create }) => {
    const log = await create();
    const text = "é".repeat(1_000_000);
    const records = [record(1, { messages: [{ type: "t", text }] }), ...recordsAfter(1, 1_999)];
    equal(
      await statuses(log, [{ target: "t", expected: ORIGIN, records, rows: [], at: timeOf(1) }]),
      [appended],
      "append",
    );
    equal(await log.read("t", ORIGIN, 2_000), { status: "records", records }, "read");
    await log.saveSnapshot("t", snapshot(2_000, { model: { text } }));
    equal((await log.open("t"))?.snapshot?.model, { text }, "snapshot");
    const many = Array.from({ length: 200 }, (_, i) => appendOf(`many:${i}`, 0, 1));
    equal(
      await statuses(log, many),
      many.map(() => appended),
      "a batch of 200 targets",
    );
  }),
  check("[LG13] targets are apart, whatever their names have in common", async ({ create }) => {
    const log = await create();
    const targets = [
      "a",
      "A",
      "a ",
      "a:b",
      "a:B",
      "a%",
      "a_",
      "a/b",
      "a.b",
      "a*",
      "a>",
      "@a",
      "á",
      "a\u0301",
      "🙂",
      "'; --",
      "x".repeat(256),
    ];
    const batch = targets.map((target, i) => appendOf(target, 0, i + 1, { rows: [row("ann", i + 1)] }));
    equal(
      await statuses(log, batch),
      targets.map(() => appended),
      "append",
    );
    await log.remove("a", REMOVED_AT);
    for (const [i, target] of targets.entries()) {
      const head = await log.open(target);
      equal(
        [placeOf(head), head?.removed],
        [i === 0 ? tombstone(1) : at(i + 1), i === 0],
        `head of ${target}`,
      );
      equal(await log.client(target, "ann"), row("ann", i + 1), `row of ${target}`);
    }
  }),
  check("[LG60] users, clients and keys are any text", async ({ create }) => {
    const log = await create();
    const names = [
      "",
      "\u0000",
      "a\u0000",
      "a\u0000b",
      "a",
      "\u0001",
      "\ud800",
      "\udc00x",
      '"',
      '"\\u0000"',
      "🙂",
      "é",
    ];
    const rows = names.flatMap((name) => [row(`c${name}`, 1), row(`#${name}`, 1, { outcomes: [] })]);
    const records = names.map((name, i) =>
      record(i + 1, { author: { clientId: `c${name}`, userId: name }, id: `id ${name}` }),
    );
    const append = { ...appendOf("t", 0, names.length, { rows }), records };
    equal(await statuses(log, [append]), [appended], "append");
    equal(await log.read("t", ORIGIN, 100), { status: "records", records }, "read");
    for (const one of rows)
      equal(await log.client("t", one.clientId), one, `row of ${JSON.stringify(one.clientId)}`);
    const later = names.map((name) => row(`c${name}`, 2));
    const next = appendOf("t", names.length, 1, { rows: later, was: 1 });
    equal(await status(log, next), "appended", "append");
    for (const one of later) equal((await log.client("t", one.clientId))?.last, 2, "row, written again");
  }),
  check("[LG14] what was read does not change when more is written", async ({ create }) => {
    const log = await create();
    await fill(log, "t", 0, 2);
    const head = await log.open("t");
    const read = await log.read("t", ORIGIN, 10);
    await fill(log, "t", 2, 2);
    await log.remove("t", REMOVED_AT);
    equal(placeOf(head), at(2), "head");
    equal(read, { status: "records", records: recordsAfter(0, 2) }, "read");
  }),
  // ------------------------------------------------------------------------------------------------------- snapshots
  check(
    "[LG15] a saved snapshot comes with the head, moves nothing, and what follows it can be read",
    async ({ create }) => {
      const log = await create();
      await fill(log, "t", 0, 5);
      await log.saveSnapshot("t", snapshot(3));
      equal(await log.open("t"), headOf(5, { snapshot: snapshot(3) }), "open");
      await reads(log, "t", at(3), [4, 5]);
      await log.saveSnapshot("t", snapshot(5, { version: 2 }));
      equal((await log.open("t"))?.snapshot, snapshot(5, { version: 2 }), "newer snapshot");
      await reads(log, "t", at(5), []);
      await fill(log, "t", 5, 1);
      await reads(log, "t", at(5), [6]);
    },
  ),
  check(
    "[LG16] a cursor under the snapshot gives all records after it or compacted, never a part",
    async ({ create }) => {
      const log = await create();
      await fill(log, "t", 0, 6);
      await log.saveSnapshot("t", snapshot(4));
      for (const sequence of [0, 1, 2, 3]) {
        const result = await log.read("t", at(sequence), 100);
        if (result.status !== "compacted")
          equal(result, { status: "records", records: recordsAfter(sequence, 6 - sequence) }, "read");
      }
    },
  ),
  check("[LG17] a snapshot that is not newer than the stored one is ignored (S40)", async ({ create }) => {
    const log = await create();
    await fill(log, "t", 0, 6);
    await log.saveSnapshot("t", snapshot(4));
    await log.saveSnapshot("t", snapshot(2));
    await log.saveSnapshot("t", snapshot(4, { model: "another" }));
    equal((await log.open("t"))?.snapshot, snapshot(4), "snapshot");
    await reads(log, "t", at(4), [5, 6]);
  }),
  check(
    "[LG18] a snapshot of another history, of no target or of the future is ignored",
    async ({ create }) => {
      const log = await create();
      await log.saveSnapshot("never", snapshot(1));
      equal(await log.open("never"), undefined, "a target that never was");
      await fill(log, "t", 0, 3);
      await log.saveSnapshot("t", snapshot(2, { mark: markOf(2) ^ 1 }));
      await log.saveSnapshot("t", snapshot(3, { mark: markOf(3) ^ 1 }));
      await log.saveSnapshot("t", snapshot(4));
      equal(await log.open("t"), headOf(3), "open");
      await reads(log, "t", ORIGIN, [1, 2, 3]);
    },
  ),
  // --------------------------------------------------------------------------------------------------------- removal
  check(
    "[LG19] remove leaves a tombstone: sequence, version, time and rows stay, model and records are gone",
    async ({ create }) => {
      const log = await create();
      equal(await status(log, appendOf("t", 0, 3, { rows: [row("ann", 3)] })), "appended", "append");
      await log.saveSnapshot("t", snapshot(2));
      await log.remove("t", REMOVED_AT);
      equal(await log.open("t"), headOf(3, gone(3)), "open");
      equal(await log.client("t", "ann"), row("ann", 3), "row");
      await refuses(log, "t", ORIGIN, "compacted");
      await refuses(log, "t", at(2), "compacted");
      await reads(log, "t", tombstone(3), []);
      await refuses(log, "t", at(4), "other-history");
      await log.remove("t", REMOVED_AT);
      equal(await log.open("t"), headOf(3, gone(3)), "open, removed twice");
      await log.remove("never", REMOVED_AT);
      equal(await log.open("never"), undefined, "a target that never was");
    },
  ),
  check(
    "[LG31] the tombstone has a mark of its own: who holds the target as it was finds out by its cursor",
    async ({ create }) => {
      const log = await create();
      await fill(log, "t", 0, 3);
      await log.remove("t", REMOVED_AT);
      await refuses(log, "t", at(3), "other-history");
      const whole = { messages: [], model: { value: 1 }, rows: [row("ann", 4)] };
      equal(await status(log, appendOf("t", 3, 1, { rows: [row("ann", 4)] })), "conflict", "append");
      equal(await status(log, appendOf("t", 3, 1, whole)), "conflict", "append of a whole model");
      equal(await log.client("t", "ann"), undefined, "row of a conflict");
      equal(await log.open("t"), headOf(3, gone(3)), "open");
      equal(await status(log, revival("t", 3)), "appended", "return");
      await refuses(log, "t", at(3), "other-history");
      // The highest mark has a next one too.
      const records = [record(1, { mark: 4_294_967_295 })];
      equal(
        await statuses(log, [{ target: "u", expected: ORIGIN, records, rows: [], at: timeOf(1) }]),
        [appended],
        "append",
      );
      await log.remove("u", REMOVED_AT);
      equal(placeOf(await log.open("u")), { sequence: 1, mark: 0 }, "tombstone");
      await reads(log, "u", { sequence: 1, mark: 0 }, []);
    },
  ),
  check(
    "[LG20] from the tombstone, and nowhere else, a whole model continues, and nothing else (S46)",
    async ({ create }) => {
      const log = await create();
      equal(await status(log, appendOf("t", 0, 3, { rows: [row("ann", 3)] })), "appended", "append");
      await log.remove("t", REMOVED_AT);
      equal(await status(log, appendOf("t", 0, 1)), "conflict", "append at the origin");
      equal(await status(log, appendOf("t", 2, 1)), "conflict", "append behind the tombstone");
      const expected = tombstone(3);
      const late = appendOf("t", 3, 1, { expected, rows: [row("ann", 4)] });
      equal(await status(log, late), "conflict", "append without a whole model");
      const second = {
        ...late,
        records: [...late.records, record(5, { messages: [], model: { value: 1 } })],
      };
      equal(await status(log, second), "conflict", "append whose second record has the whole model");
      equal(await log.open("t"), headOf(3, gone(3)), "open, after the conflicts");
      equal(await log.client("t", "ann"), row("ann", 3), "row, after the conflicts");
      equal(await status(log, revival("t", 3, 1)), "appended", "return");
      equal(await status(log, revival("t", 3)), "conflict", "a second return");
      equal((await log.open("t"))?.removed, false, "removed");
      equal(placeOf(await log.open("t")), at(5), "head");
      equal(await log.client("t", "ann"), row("ann", 3), "row");
      await reads(log, "t", tombstone(3), [4, 5]);
      await refuses(log, "t", at(1), "compacted");
    },
  ),
  check(
    "[LG32] a target that came back begins at its whole model, with no snapshot saved",
    async ({ create }) => {
      const log = await create();
      await fill(log, "t", 0, 3);
      await log.saveSnapshot("t", snapshot(2));
      await log.remove("t", REMOVED_AT);
      equal(await status(log, revival("t", 3, 2)), "appended", "return");
      const begins = snapshot(4, { mark: markOf(4, 1) });
      equal(await log.open("t"), headOf(6, { snapshot: begins }), "open");
      await reads(log, "t", begins, [5, 6]);
      await log.saveSnapshot("t", snapshot(6));
      equal((await log.open("t"))?.snapshot, snapshot(6), "a newer snapshot");
      await log.remove("t", REMOVED_AT);
      equal(await log.open("t"), headOf(6, gone(6)), "open, removed again");
      equal(await status(log, revival("t", 6)), "appended", "second return");
      const again = snapshot(7, { mark: markOf(7, 1) });
      equal((await log.open("t"))?.snapshot, again, "snapshot of the second return");
    },
  ),
  check(
    "[LG33] the head has the last record's time, also of a tombstone and behind a snapshot",
    async ({ create }) => {
      const log = await create();
      equal(await status(log, appendOf("t", 0, 3, { at: 7_000 })), "appended", "append");
      equal((await log.open("t"))?.at, 7_000, "time");
      await log.saveSnapshot("t", snapshot(3, { at: 7_000 }));
      equal((await log.open("t"))?.at, 7_000, "time, behind a snapshot");
      await log.remove("t", REMOVED_AT);
      equal((await log.open("t"))?.at, 7_000, "time of the tombstone");
      await log.remove("t", REMOVED_AT);
      equal((await log.open("t"))?.at, 7_000, "time, removed twice");
      equal(await status(log, revival("t", 3)), "appended", "return");
      equal((await log.open("t"))?.at, timeOf(4), "time of the new life");
    },
  ),
  check("[LG34] of a removal and an append that race either is whole", async ({ create }) => {
    const log = await create();
    for (let i = 0; i < 8; i++) {
      const t = `t${i}`;
      await fill(log, t, 0, 2);
      const append = () => status(log, appendOf(t, 2, 2, { rows: [row("ann", 4)] }));
      const [first, second] =
        i % 2 === 0 ? [log.remove(t, REMOVED_AT), append()] : [append(), log.remove(t, REMOVED_AT)];
      const taken = (await Promise.all([first, second])).includes("appended");
      const sequence = taken ? 4 : 2;
      equal(await log.open(t), headOf(sequence, gone(sequence)), "open");
      equal(await log.client(t, "ann"), taken ? row("ann", 4) : undefined, "row");
      await reads(log, t, tombstone(sequence), []);
    }
  }),
  check("[LG21] a snapshot of before a removal, saved late, brings nothing back", async ({ create }) => {
    const log = await create();
    await fill(log, "t", 0, 3);
    await log.remove("t", REMOVED_AT);
    await log.saveSnapshot("t", snapshot(3));
    await log.saveSnapshot("t", snapshot(3, tombstone(3)));
    equal(await log.open("t"), headOf(3, gone(3)), "open");
    equal(await status(log, revival("t", 3, 1)), "appended", "return");
    await log.saveSnapshot("t", snapshot(2));
    await log.saveSnapshot("t", snapshot(3));
    await log.saveSnapshot("t", snapshot(3, tombstone(3)));
    equal((await log.open("t"))?.snapshot, snapshot(4, { mark: markOf(4, 1) }), "snapshot");
    await log.saveSnapshot("t", snapshot(5));
    equal((await log.open("t"))?.snapshot, snapshot(5), "a snapshot of the new life");
  }),
  // -------------------------------------------------------------------------------------------------------- the rest
  check("[LG22] the secret is always the same, or always undefined, and long enough", async ({ create }) => {
    const log = await create();
    const [first, second] = await Promise.all([log.secret(), log.secret()]);
    equal(first, second, "secrets asked for at once");
    equal(await log.secret(), first, "secret");
    if (first !== undefined && first.length < 32)
      throw new Error(`a secret of ${first.length} bytes is too short`);
  }),
  check("[LG59] a log has a name of its own, which stays", async ({ create, reopen }) => {
    const [one, other] = [await create(), await create()];
    if (one.identity === undefined) return;
    const name = await one.identity();
    equal([await one.identity(), await one.identity()], [name, name], "asked again");
    if (name.length < 16) throw new Error(`a name of ${name.length} characters is too short`);
    if (other !== one && (await other.identity?.()) === name) throw new Error("two logs have one name");
    if (reopen === undefined) return;
    await one.close();
    const again = await reopen(one);
    equal(await again.identity?.(), name, "after a restart");
    await again.close();
  }),
  check("[LG23] what was resolved is there after a restart", async ({ create, reopen }) => {
    if (reopen === undefined) return;
    const before = await create();
    equal(await status(before, appendOf("t", 0, 3, { rows: [row("ann", 3)] })), "appended", "append");
    await before.saveSnapshot("t", snapshot(2));
    await fill(before, "gone", 0, 2);
    await before.remove("gone", REMOVED_AT);
    await fill(before, "back", 0, 2);
    await before.remove("back", REMOVED_AT);
    equal(await status(before, revival("back", 2)), "appended", "return");
    const secret = await before.secret();
    await before.close();
    const log = await reopen(before);
    equal(await log.open("t"), headOf(3, { snapshot: snapshot(2) }), "open");
    equal(await log.client("t", "ann"), row("ann", 3), "row");
    await reads(log, "t", at(2), [3]);
    equal(await log.open("gone"), headOf(2, gone(2)), "tombstone");
    const begins = snapshot(3, { mark: markOf(3, 1) });
    equal(await log.open("back"), headOf(3, { ...placeOf(begins), snapshot: begins }), "a return");
    equal(await log.secret(), secret, "secret");
    await fill(log, "t", 3, 1);
    await log.close();
  }),
  ...pastContract,
  ...listContract,
];
