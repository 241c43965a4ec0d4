// What every log must do when it is appended to: the first part of the contract (index.ts).
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
  refuses,
  REMOVED_AT,
  revival,
  row,
  status,
  statuses,
  timeOf,
  tombstone,
  check,
  gone,
} from "./kit.ts";
import { MOST_MISSED } from "../../log/log.ts";
import type { Append } from "../../log/log.ts";
import type { LogCheck } from "./kit.ts";

const appended = { status: "appended" };
const conflict = { status: "conflict" };

export const appendContract: readonly LogCheck[] = [
  check(
    "[LG1] a target that never was has no head and no rows, and begins at the origin",
    async ({ create }) => {
      const log = await create();
      equal(await log.open("t"), undefined, "open");
      equal(await log.client("t", "ann"), undefined, "client");
      await reads(log, "t", ORIGIN, []);
      await refuses(log, "t", at(1), "other-history");
      equal(await log.open("t"), undefined, "open, after looking");
    },
  ),
  check("[LG2] an append moves the head to its last record's place and version", async ({ create }) => {
    const log = await create();
    await fill(log, "t", 0, 3);
    equal(await log.open("t"), headOf(3), "open");
    equal(await status(log, appendOf("t", 3, 1, { version: 7 })), "appended", "second append");
    equal(await log.open("t"), headOf(4, { version: 7 }), "open");
  }),
  check(
    "[LG3] an append from another place than the head is a conflict and writes nothing",
    async ({ create }) => {
      const log = await create();
      equal(await status(log, appendOf("t", 1, 1)), "conflict", "append after 1 to nothing");
      equal(await log.open("t"), undefined, "open after a conflict on nothing");
      equal(await status(log, appendOf("t", 0, 2, { rows: [row("ann", 2)] })), "appended", "append");
      const wrong = { rows: [row("ann", 9), row("bob", 9)] };
      equal(await status(log, appendOf("t", 0, 1, wrong)), "conflict", "append behind the head");
      equal(await status(log, appendOf("t", 3, 1, wrong)), "conflict", "append ahead of the head");
      equal(placeOf(await log.open("t")), at(2), "head");
      equal(await log.client("t", "ann"), row("ann", 2), "row");
      equal(await log.client("t", "bob"), undefined, "row of a conflict");
      await reads(log, "t", ORIGIN, [1, 2]);
    },
  ),
  check("[LG4] the head's sequence with another mark is a conflict", async ({ create }) => {
    const log = await create();
    equal(
      await status(log, appendOf("t", 0, 1, { expected: { sequence: 0, mark: 5 } })),
      "conflict",
      "origin, other mark",
    );
    await fill(log, "t", 0, 2);
    const expected = { sequence: 2, mark: markOf(2) ^ 1 };
    equal(await status(log, appendOf("t", 2, 1, { expected, rows: [row("ann", 3)] })), "conflict", "append");
    equal(placeOf(await log.open("t")), at(2), "head");
    equal(await log.client("t", "ann"), undefined, "row");
  }),
  check("[LG58] what a conflict brings along is what was missed, whole", async ({ create }) => {
    const log = await create();
    const missed = async (append: Append): Promise<unknown> => {
      const [result] = await log.append([append]);
      equal(result?.status, "conflict", "append");
      return result?.status === "conflict" ? result.missed : undefined;
    };
    const isOrAbsent = async (append: Append, what: string): Promise<void> => {
      const brought = await missed(append);
      if (brought === undefined) return;
      const { target, expected } = append;
      equal(brought, await log.read(target, expected, MOST_MISSED + 1), what);
    };
    await fill(log, "t", 0, 3);
    await isOrAbsent(appendOf("t", 0, 1), "from the origin");
    await isOrAbsent(appendOf("t", 2, 1), "from one before");
    await isOrAbsent(appendOf("t", 2, 1, { expected: { sequence: 2, mark: 7 } }), "of another history");
    await isOrAbsent(appendOf("t", 9, 1), "ahead");
    equal(await status(log, appendOf("t", 3, 0, { rows: [row("ann", 1)] })), "appended", "rows alone");
    await isOrAbsent(appendOf("t", 3, 1, { rows: [row("ann", 2)], was: 7 }), "at the head, by a row");
    await fill(log, "t", 3, MOST_MISSED - 3);
    await isOrAbsent(appendOf("t", 0, 1), "as many as may be");
    await fill(log, "t", MOST_MISSED, 1);
    equal(await missed(appendOf("t", 0, 1)), undefined, "more than that");
    await isOrAbsent(appendOf("t", 1, 1), "as many again");
    await log.remove("t", REMOVED_AT);
    await isOrAbsent(appendOf("t", MOST_MISSED + 1, 1), "where it was removed");
    await isOrAbsent(appendOf("t", 2, 1), "and before that");
  }),
  check(
    "[LG5] each target of a batch is decided by itself; results come in its order",
    async ({ create }) => {
      const log = await create();
      await fill(log, "b", 0, 1);
      const batch = ["a", "b", "c"].map((target) => appendOf(target, 0, 2, { rows: [row("ann", 2)] }));
      equal(await statuses(log, batch), [appended, conflict, appended], "results");
      equal(
        await Promise.all(["a", "b", "c"].map(async (target) => placeOf(await log.open(target)))),
        [at(2), at(1), at(2)],
        "heads",
      );
      equal(await log.client("b", "ann"), undefined, "row of the conflict");
      equal(await log.client("c", "ann"), row("ann", 2), "row");
      equal(await statuses(log, []), [], "an empty batch");
    },
  ),
  check(
    "[LG5] [LG20] [LG47] a batch of targets that all have begun: each has its records, its rows alone, or none",
    async ({ create }) => {
      const log = await create();
      for (const target of ["left", "moved", "rested", "revived", "refused", "late"] as const)
        await fill(log, target, 0, 2);
      for (const target of ["rested", "revived", "refused"] as const) await log.remove(target, REMOVED_AT);
      const alone = (target: "left" | "rested"): Append => ({
        ...appendOf(target, 2, 0, { rows: [row("ann", 1)] }),
        expected: target === "left" ? at(2) : tombstone(2),
      });
      const batch = [
        revival("revived", 2, 1),
        alone("rested"),
        appendOf("moved", 2, 2, { version: 7, rows: [row("ann", 4)] }),
        { ...appendOf("refused", 2, 1), expected: tombstone(2) },
        appendOf("late", 1, 1, { rows: [row("ann", 1)] }),
        alone("left"),
      ];
      const taken = [appended, appended, appended, conflict, conflict, appended];
      equal(await statuses(log, batch), taken, "results");
      equal(await log.open("left"), headOf(2), "head that rows alone leave");
      equal(await log.open("rested"), headOf(2, gone(2)), "tombstone that rows alone leave");
      equal(await log.open("moved"), headOf(4, { version: 7 }), "moved head");
      equal((await log.open("revived"))?.removed, false, "revived");
      equal(await log.open("refused"), headOf(2, gone(2)), "tombstone without a model");
      equal(await log.open("late"), headOf(2), "head of the late one");
      const rows = await Promise.all(batch.map(({ target }) => log.client(target, "ann")));
      equal(rows, [undefined, row("ann", 1), row("ann", 4), undefined, undefined, row("ann", 1)], "rows");
      await reads(log, "moved", ORIGIN, [1, 2, 3, 4]);
    },
  ),
  check("[LG6] of appends that race from one place exactly one wins", async ({ create }) => {
    const log = await create();
    const racing = Array.from({ length: 8 }, (_, i) =>
      status(log, {
        target: "t",
        expected: ORIGIN,
        records: [record(1, { mark: markOf(1, i), id: `from-${i}` })],
        rows: [{ was: 0, ...row(`c${i}`, 1) }],
        at: timeOf(1),
      }),
    );
    const results = await Promise.all(racing);
    equal(results.filter((one) => one === "appended").length, 1, "winners");
    const winner = results.indexOf("appended");
    equal(placeOf(await log.open("t")), at(1, winner), "head");
    const rows = await Promise.all(results.map((_, i) => log.client("t", `c${i}`)));
    equal(
      rows.map((one) => one !== undefined),
      results.map((one) => one === "appended"),
      "rows",
    );
  }),
  check("[LG7] rows are written with the records' append; others stay", async ({ create }) => {
    const log = await create();
    const rejected = {
      mid: 2,
      id: "x",
      from: "app" as const,
      code: "noSuchCard",
      details: { id: "c1", at: null },
    };
    const ann = row("ann", 2, { settled: 0, outcomes: [{ mid: 1, id: "id-1", sequence: 1 }, rejected] });
    equal(await status(log, appendOf("t", 0, 1, { rows: [ann, row("bob", 1)] })), "appended", "append");
    equal(await log.client("t", "ann"), ann, "row");
    const later = row("ann", 300, { settled: 299 });
    equal(
      await status(log, {
        ...appendOf("t", 1, 1),
        rows: [
          { was: 2, ...later },
          { was: 0, ...row("#key", 1, { outcomes: [] }) },
        ],
      }),
      "appended",
      "append",
    );
    equal(await log.client("t", "ann"), later, "row, written again");
    equal(await log.client("t", "bob"), row("bob", 1), "another row");
    equal(await log.client("t", "#key"), row("#key", 1, { outcomes: [] }), "a server key's row");
    equal(await log.client("other", "ann"), undefined, "another target's row");
  }),
  check(
    "[LG46] a row that replaces another one than it was made from is a conflict, for the whole append",
    async ({ create }) => {
      const log = await create();
      equal(await status(log, appendOf("t", 0, 1, { rows: [row("ann", 1)] })), "appended", "append");
      for (const was of [0, 2]) {
        const late = appendOf("t", 1, 1, { rows: [row("bob", 1), row("ann", 2)], was });
        equal(await status(log, late), "conflict", `a row made from ${was}`);
        const others = [
          appendOf(`u${was}`, 0, 1),
          late,
          late,
          appendOf(`v${was}`, 0, 1, { rows: [row("ann", 1)] }),
        ];
        const [first, second, third, last] = await statuses(log, others);
        equal(
          [first?.status, second?.status, third?.status, last?.status].join(),
          "appended,conflict,conflict,appended",
          "others",
        );
        equal(await log.open(`u${was}`), headOf(1), "another before it");
        equal(await log.client(`v${was}`, "ann"), row("ann", 1), "another after it");
      }
      equal(await log.open("t"), headOf(1), "open");
      await reads(log, "t", ORIGIN, [1]);
      equal(await log.client("t", "ann"), row("ann", 1), "row");
      equal(await log.client("t", "bob"), undefined, "the other row");
      equal(await status(log, appendOf("t", 1, 1, { rows: [row("ann", 2)], was: 1 })), "appended", "append");
      // What is not there any more contradicts nobody: it may have expired.
      equal(await status(log, appendOf("t", 2, 1, { rows: [row("cat", 9)], was: 8 })), "appended", "append");
      equal(await log.client("t", "cat"), row("cat", 9), "row");
    },
  ),
  check(
    "[LG47] rows alone are written at the head and leave it as it is: of a target that never was, and of a tombstone",
    async ({ create }) => {
      const log = await create();
      const alone = (target: string, from: number, last: number, was: number) =>
        status(log, appendOf(target, from, 0, { rows: [row("ann", last)], was }));
      equal(await alone("t", 0, 1, 0), "appended", "where nothing is");
      equal(await log.open("t"), undefined, "open");
      equal(await log.client("t", "ann"), row("ann", 1), "row");
      equal(await alone("t", 1, 2, 1), "conflict", "at another place");
      await fill(log, "t", 0, 2);
      equal(await alone("t", 0, 2, 1), "conflict", "behind the head");
      equal(await alone("t", 2, 2, 0), "conflict", "from another row");
      equal(await log.client("t", "ann"), row("ann", 1), "row, after the conflicts");
      equal(await alone("t", 2, 2, 1), "appended", "at the head");
      equal(await log.client("t", "ann"), row("ann", 2), "row");
      equal(await log.open("t"), headOf(2), "open");
      await reads(log, "t", ORIGIN, [1, 2]);
      await log.remove("t", REMOVED_AT);
      equal(await alone("t", 2, 3, 2), "conflict", "where the head was");
      const buried = appendOf("t", 2, 0, { expected: tombstone(2), rows: [row("ann", 3)], was: 2 });
      equal(await status(log, buried), "appended", "at the tombstone");
      equal(await log.open("t"), headOf(2, gone(2)), "a tombstone stays one");
      equal(await log.client("t", "ann"), row("ann", 3), "row");
      equal(await status(log, appendOf("u", 0, 0)), "appended", "nothing at all");
      equal(await log.open("u"), undefined, "open");
    },
  ),
];
