// What every log must do, continued: outcomes, which are written once and kept until their client has settled them.
import type { LogStorage, Outcome, RowWrite } from "../../log/log.ts";
import { appendOf, equal, fill, headOf, REMOVED_AT, revival, row, status, tombstone, check } from "./kit.ts";
import type { LogCheck } from "./kit.ts";

/** Every third is a refusal, and some of those are long. */
const outcome = (mid: number): Outcome => {
  const id = `id-${mid}`;
  const details = { text: "x".repeat(mid % 2 === 0 ? 10 : 3_000), mid };
  return mid % 3 === 0 ? { mid, id, from: "app", code: "no", details } : { mid, id, sequence: mid };
};
const outcomesTo = (after: number, last: number): Outcome[] =>
  Array.from({ length: last - after }, (_, i) => outcome(after + i + 1));

const write = (clientId: string, was: number, last: number, settled: number): RowWrite => ({
  clientId,
  was,
  last,
  settled,
  outcomes: outcomesTo(Math.max(was, settled), last),
});
const wrote = (clientId: string, last: number, settled: number) =>
  row(clientId, last, { settled, outcomes: outcomesTo(settled, last) });

/** Rows alone, at the head of what is `from` records long. */
const alone = (log: LogStorage, target: string, from: number, ...rows: RowWrite[]) =>
  status(log, { ...appendOf(target, from, 0), rows });

export const outcomeContract: readonly LogCheck[] = [
  check(
    "[LG48] new outcomes come after those that are stored, which stay until their client has settled them",
    async ({ create }) => {
      const log = await create();
      let [was, stored] = [0, 0];
      // One and several an append; all, some and none settled; a part of what one append has decided.
      const steps = [
        [1, 0],
        [2, 0],
        [3, 1],
        [9, 1],
        [10, 5],
        [10, 5],
        [10, 6],
        [11, 11],
        [11, 11],
        [12, 11],
        [13, 12],
        [21, 12],
        [22, 20],
        [24, 22],
        [27, 24],
        [27, 27],
        [30, 27],
      ] as const;
      for (const [last, settled] of steps) {
        equal(await alone(log, "t", 0, write("ann", was, last, settled)), "appended", "append");
        equal(
          await log.client("t", "ann"),
          wrote("ann", last, settled),
          `row at ${last}, settled ${settled}`,
        );
        was = last;
        stored = settled;
      }
      equal(await alone(log, "t", 0, { ...write("ann", was, was + 1, 0) }), "appended", "append");
      const late = wrote("ann", was + 1, stored);
      equal(await log.client("t", "ann"), late, "settled never goes back");
      // Sent by a client that has dropped what it was told of.
      const jumped = { ...write("ann", was + 1, was + 9, was + 9), outcomes: [] };
      equal(await alone(log, "t", 0, jumped), "appended", "append");
      equal(await log.client("t", "ann"), wrote("ann", was + 9, was + 9), "row without outcomes");
    },
  ),
  check("[LG48] a row that is written whole has those outcomes and no others", async ({ create }) => {
    const log = await create();
    const whole = (was: number, last: number, settled: number): RowWrite => ({
      ...write("ann", was, last, settled),
      outcomes: outcomesTo(settled, last),
      whole: true,
    });
    const steps = [
      [write("ann", 0, 3, 0), 0],
      [write("ann", 3, 8, 0), 0],
      [whole(8, 9, 6), 6],
      [whole(9, 11, 8), 8],
      [write("ann", 11, 14, 8), 8],
      [write("ann", 14, 15, 9), 9],
      [whole(15, 15, 12), 12],
      [whole(15, 16, 16), 16],
      [write("ann", 16, 17, 16), 16],
      [whole(17, 19, 16), 16],
      [write("ann", 19, 60, 18), 18],
      [write("ann", 60, 60, 40), 40],
      [whole(60, 62, 58), 58],
    ] as const;
    for (const [one, settled] of steps) {
      equal(await alone(log, "t", 0, one), "appended", "append");
      equal(await log.client("t", "ann"), wrote("ann", one.last, settled), `row at ${one.last}`);
    }
  }),
  check("[LG48] outcomes of other clients and other targets are apart", async ({ create }) => {
    const log = await create();
    const clients = ["ann", "ann ", "bob", "#key"];
    for (const target of ["t", "T"])
      for (const [was, last] of [
        [0, 2],
        [2, 5],
      ] as const)
        equal(
          await alone(log, target, 0, ...clients.map((name) => write(name, was, last, 0))),
          "appended",
          "append",
        );
    equal(await alone(log, "t", 0, write("ann", 5, 6, 5)), "appended", "append");
    equal(await log.client("t", "ann"), wrote("ann", 6, 5), "row");
    for (const name of clients.slice(1))
      equal(await log.client("t", name), wrote(name, 5, 0), "another client's");
    for (const name of clients) equal(await log.client("T", name), wrote(name, 5, 0), "another target's");
  }),
  check("[LG3] [LG46] a conflict neither writes outcomes nor lets any go", async ({ create }) => {
    const log = await create();
    await fill(log, "t", 0, 1);
    for (const [was, last] of [
      [0, 3],
      [3, 7],
    ] as const)
      equal(
        await alone(log, "t", 1, write("ann", was, last, 0), write("bob", was, last, 0)),
        "appended",
        "append",
      );
    equal(await alone(log, "t", 0, write("ann", 7, 8, 6)), "conflict", "behind the head");
    const other = await alone(log, "t", 1, write("ann", 7, 8, 7), write("bob", 3, 4, 3));
    equal(other, "conflict", "another row is another");
    for (const name of ["ann", "bob"]) equal(await log.client("t", name), wrote(name, 7, 0), "row");
    equal(await alone(log, "t", 1, write("ann", 7, 9, 2)), "appended", "append");
    equal(await log.client("t", "ann"), wrote("ann", 9, 2), "row");
  }),
  check("[LG48] [LG19] outcomes stay while their target goes and comes back", async ({ create }) => {
    const log = await create();
    await fill(log, "t", 0, 2);
    equal(await alone(log, "t", 2, write("ann", 0, 3, 0)), "appended", "append");
    equal(await alone(log, "t", 2, write("ann", 3, 6, 1)), "appended", "append");
    await log.remove("t", REMOVED_AT);
    equal(await log.client("t", "ann"), wrote("ann", 6, 1), "row under a tombstone");
    const buried = { ...appendOf("t", 2, 0, { expected: tombstone(2) }), rows: [write("ann", 6, 7, 4)] };
    equal(await status(log, buried), "appended", "append at the tombstone");
    equal(await status(log, revival("t", 2)), "appended", "return");
    equal(await log.client("t", "ann"), wrote("ann", 7, 4), "row");
    equal((await log.open("t"))?.sequence, 3, "head");
  }),
  check("[LG48] [LG35] outcomes go with their row, and a later one has none of them", async ({ create }) => {
    const log = await create();
    const expiry = { at: REMOVED_AT, sessions: 0, rows: 0, tombstones: 0, consumers: 0, limit: 100 };
    await fill(log, "t", 0, 1);
    for (const [was, last] of [
      [0, 3],
      [3, 9],
    ] as const)
      equal(
        await status(log, { ...appendOf("t", 1, 0, { at: 5_000 }), rows: [write("ann", was, last, 0)] }),
        "appended",
        "append",
      );
    equal((await log.expire({ ...expiry, rows: 5_000 })).rows, 0, "nothing is older");
    equal(await log.client("t", "ann"), wrote("ann", 9, 0), "row");
    equal((await log.expire({ ...expiry, rows: 5_001 })).rows, 1, "expired");
    equal(await log.client("t", "ann"), undefined, "row");
    // A node that still has it in memory goes on: what was decided before is forgotten.
    equal(await alone(log, "t", 1, write("ann", 9, 10, 0)), "appended", "append");
    equal(await log.client("t", "ann"), row("ann", 10, { settled: 0, outcomes: [outcome(10)] }), "row");
    equal(await log.open("t"), headOf(1), "open");
  }),
  check("[LG48] [LG14] a row that was read does not change when more is written", async ({ create }) => {
    const log = await create();
    equal(await alone(log, "t", 0, write("ann", 0, 2, 0)), "appended", "append");
    const read = await log.client("t", "ann");
    equal(await alone(log, "t", 0, write("ann", 2, 4, 1)), "appended", "append");
    equal(read, wrote("ann", 2, 0), "row");
  }),
  check("[LG48] [LG23] outcomes are there after a restart", async ({ create, reopen }) => {
    if (reopen === undefined) return;
    const before = await create();
    await fill(before, "t", 0, 1);
    for (const [was, last, settled] of [
      [0, 3, 0],
      [3, 20, 0],
      [20, 21, 4],
    ] as const)
      equal(await alone(before, "t", 1, write("ann", was, last, settled)), "appended", "append");
    await before.close();
    const log = await reopen(before);
    equal(await log.client("t", "ann"), wrote("ann", 21, 4), "row");
    equal(await log.open("t"), headOf(1), "open");
    await log.close();
  }),
];
