// What every log must do, continued: the past of a target, one order of everything, named consumers, ages.
import type { TargetKey } from "@calla/shared";
import type { Change, Expiry, LogStorage, Position } from "../../log/log.ts";
import {
  appendOf,
  at,
  equal,
  fill,
  headOf,
  ORIGIN,
  reads,
  recordsAfter,
  REMOVED_AT,
  revival,
  row,
  snapshot,
  status,
  timeOf,
  tombstone,
  check,
} from "./kit.ts";
import type { LogCheck } from "./kit.ts";

const NEWEST = Number.MAX_SAFE_INTEGER;
/** Nothing is too old. */
const NOTHING: Expiry = { at: REMOVED_AT, sessions: 0, rows: 0, tombstones: 0, consumers: 0, limit: 100 };
const NONE = { sessions: [], tombstones: [], consumers: [], rows: 0 };

/** Insists on a page of the past. */
async function page(
  log: LogStorage,
  target: TargetKey,
  upTo: number,
  limit: number,
  expected: number[],
): Promise<void> {
  const { records } = await log.history(target, upTo, limit);
  const what = `history up to ${upTo}, at most ${limit}`;
  equal(
    records.map((one) => one.sequence),
    expected,
    what,
  );
}

/** A change in short: target and sequence, or what became of the target. */
const brief = (change: Change): string =>
  "record" in change
    ? `${change.target}${change.record.sequence}`
    : `${change.target} ${change.gone} at ${change.sequence}`;

/** Everything after a position, in steps of at most `limit`. */
async function all(log: LogStorage, after: Position, limit = 100): Promise<Change[]> {
  const found: Change[] = [];
  for (let position = after; ;) {
    const step = await log.changes(position, limit);
    if (step.changes.length > limit)
      throw new Error(`${step.changes.length} changes for a limit of ${limit}`);
    found.push(...step.changes);
    if (step.changes.length === 0) return found;
    position = step.position;
  }
}
const briefly = async (log: LogStorage, after: Position, limit?: number): Promise<string[]> =>
  (await all(log, after, limit)).map(brief);

async function held(
  log: LogStorage,
  name: string,
  from: "beginning" | "now",
  owner = "o",
): Promise<Position> {
  const claimed = await log.claimConsumer(name, { owner, now: 0, until: 1_000, from });
  if (claimed.status === "taken") throw new Error(`consumer "${name}" is taken`);
  return claimed.position;
}

export const pastContract: readonly LogCheck[] = [
  // ---------------------------------------------------------------------------------------------------------- the past
  check("[LG36] history gives the newest records at or below a sequence, in order", async ({ create }) => {
    const log = await create();
    equal(await log.history("t", NEWEST, 10), { records: [], from: 0 }, "history of what never was");
    equal(await log.snapshotAt("t", NEWEST), undefined, "snapshot of what never was");
    await fill(log, "t", 0, 4);
    await fill(log, "t", 4, 3);
    equal(await log.history("t", NEWEST, 10), { records: recordsAfter(0, 7), from: 0 }, "everything");
    await page(log, "t", NEWEST, 3, [5, 6, 7]);
    await page(log, "t", 4, 3, [2, 3, 4]);
    await page(log, "t", 1, 3, [1]);
    await page(log, "t", 0, 3, []);
    await page(log, "t", 7, 0, []);
    equal(await log.snapshotAt("t", NEWEST), undefined, "snapshot, with none saved");
  }),
  check(
    "[LG37] however often snapshots are saved, every record that is kept can be folded to",
    async ({ create }) => {
      const log = await create();
      for (let sequence = 10; sequence <= 200; sequence += 10) {
        await fill(log, "t", sequence - 10, 10);
        await log.saveSnapshot("t", snapshot(sequence - (sequence % 30 === 0 ? 5 : 0)));
        const newest = (await log.open("t"))?.snapshot;
        equal(await log.snapshotAt("t", NEWEST), newest, "the newest snapshot");
        const { records, from } = await log.history("t", NEWEST, 1_000);
        equal(records, recordsAfter(from, sequence - from), "what is kept");
        if (from === 0) continue;
        const begins = await log.snapshotAt("t", from);
        equal(begins, snapshot(begins?.sequence ?? -1), `a snapshot at or below ${from}`);
        // Whatever lies between is not needed to fold on: it is read, or the snapshot is where the records begin.
        equal(begins?.sequence, from, "where the records begin");
      }
      equal(await log.snapshotAt("t", (await log.history("t", 0, 1)).from - 1), undefined, "before all");
    },
  ),
  check("[LG38] a removal takes the past along; a return begins another one", async ({ create }) => {
    const log = await create();
    await fill(log, "t", 0, 4);
    await log.saveSnapshot("t", snapshot(3));
    await log.remove("t", REMOVED_AT);
    equal(await log.history("t", NEWEST, 10), { records: [], from: 4 }, "history of a tombstone");
    equal(await log.snapshotAt("t", NEWEST), undefined, "snapshot of a tombstone");
    equal(await status(log, revival("t", 4, 2)), "appended", "return");
    await page(log, "t", NEWEST, 10, [5, 6, 7]);
    await page(log, "t", 4, 10, []);
    equal((await log.history("t", NEWEST, 1)).from, 4, "how far it reaches");
    equal((await log.snapshotAt("t", 5))?.model, { sum: 5 }, "the model it came back with");
  }),
  // ------------------------------------------------------------------------------------------- one order of everything
  check(
    "[LG39] changes give all targets' records in one order, in steps, from any position",
    async ({ create }) => {
      const log = await create();
      equal((await log.changes("", 10)).changes, [], "changes of an empty log");
      await fill(log, "b", 0, 2);
      await log.append([appendOf("a", 0, 2), appendOf("@s", 0, 1), appendOf("b", 9, 1)]);
      await fill(log, "b", 2, 1);
      const everything = await all(log, "");
      equal(everything.map(brief).toSorted(), ["@s1", "a1", "a2", "b1", "b2", "b3"], "what there is");
      const order = everything.map(brief);
      equal(order.slice(0, 2), ["b1", "b2"], "the first append");
      equal(order.at(-1), "b3", "the last append");
      equal(order.indexOf("a1") < order.indexOf("a2"), true, "a target's own order");
      for (const limit of [1, 2, 3, 5]) equal(await briefly(log, "", limit), order, `in steps of ${limit}`);
      for (const [i, { position }] of everything.entries())
        equal(await briefly(log, position), order.slice(i + 1), `after ${order[i]}`);
      const found = everything[0];
      equal(found !== undefined && "record" in found && found.record, recordsAfter(0, 1)[0], "a record");
      const end = (await log.changes("", 100)).position;
      equal(await log.changes(end, 10), { changes: [], position: end }, "at the end");
      await fill(log, "a", 2, 1);
      equal(await briefly(log, end), ["a3"], "after the end of then");
    },
  ),
  check(
    "[LG39] what appears comes after every position given out, also of appends that race",
    async ({ create }) => {
      const log = await create();
      let position: Position = "";
      const seen: string[] = [];
      const racing = Array.from({ length: 12 }, async (_, i) => {
        await fill(log, `t${i}`, 0, 2);
        const step = await log.changes(position, 100);
        // Of steps that race, only the one that continues counts.
        const fresh = step.changes.map(brief).filter((one) => !seen.includes(one));
        seen.push(...fresh);
        position = step.position;
      });
      await Promise.all(racing);
      seen.push(...(await briefly(log, position)).filter((one) => !seen.includes(one)));
      equal(seen.toSorted(), (await briefly(log, "")).toSorted(), "what was seen on the way");
      equal(seen.length, 24, "all");
    },
  ),
  // ----------------------------------------------------------------------------------------------------- named consumers
  check("[LG40] compaction and removal take nothing that a consumer has not had", async ({ create }) => {
    const log = await create();
    await fill(log, "t", 0, 10);
    const position = await held(log, "audit", "beginning");
    const late = await held(log, "late", "now");
    for (const sequence of [5, 8, 10]) await log.saveSnapshot("t", snapshot(sequence));
    await fill(log, "gone", 0, 2);
    await log.remove("gone", REMOVED_AT);
    await log.remove("gone", REMOVED_AT);
    equal(await status(log, revival("gone", 2)), "appended", "return");
    const past = Array.from({ length: 10 }, (_, i) => `t${i + 1}`);
    const after = ["gone1", "gone2", "gone removed at 2", "gone3"];
    equal(await briefly(log, position), [...past, ...after], "all of it");
    equal(await briefly(log, position, 1), [...past, ...after], "step by step");
    equal(await briefly(log, late), after, "all that came later");
    const told = (await all(log, late)).find((change) => "gone" in change);
    equal(told !== undefined && "gone" in told && told.at, REMOVED_AT, "when it was removed");
    const end = (await log.changes(late, 100)).position;
    equal(await log.advanceConsumer("audit", { owner: "o", position: end, until: 1 }), true, "advance");
    equal(await briefly(log, late), after, "what the other one has not had");
    await log.dropConsumer("late");
    await log.dropConsumer("never");
    // Nobody needs it: it may go now. What the targets themselves keep is still told.
    const kept = await briefly(log, "");
    equal(kept.at(-1), "gone3", "the newest");
    equal(
      kept.filter((one) => !past.includes(one) && !after.includes(one)),
      [],
      "nothing else",
    );
  }),
  check(
    "[LG40] whoever begins while a removed target's records are going hears of its end behind what is left",
    async ({ create }) => {
      const log = await create();
      await fill(log, "gone", 0, 5_000);
      await log.remove("gone", REMOVED_AT);
      const position = await held(log, "late", "beginning");
      const told = (await all(log, position, 1_000)).map(brief);
      equal(told.at(-1) ?? "nothing", told.length === 0 ? "nothing" : "gone removed at 5000", "the last");
    },
  ),
  check("[LG41] one owner at a time holds a consumer, until its lease ends", async ({ create }) => {
    const log = await create();
    await fill(log, "t", 0, 2);
    equal(await log.consumers(), [], "consumers");
    const first = await log.claimConsumer("r", { owner: "a", now: 100, until: 200, from: "now" });
    equal(first.status, "held", "the first claim");
    const other = { owner: "b", now: 199, until: 299, from: "beginning" } as const;
    equal(await log.claimConsumer("r", other), { status: "taken", until: 200 }, "a claim before the end");
    equal(await log.claimConsumer("r", { owner: "a", now: 199, until: 250, from: "now" }), first, "renewed");
    equal(
      (await log.claimConsumer("r", { ...other, now: 249 })).status,
      "taken",
      "a claim before the new end",
    );
    equal(await log.claimConsumer("r", { ...other, now: 250 }), first, "a claim at the end");
    const [consumer, ...rest] = await log.consumers();
    equal(
      [consumer?.name, consumer?.owner, consumer?.until, rest.length],
      ["r", "b", 299, 0],
      "the consumer",
    );
    await log.dropConsumer("r");
    equal(await log.consumers(), [], "consumers, after one is dropped");
    const again = await log.claimConsumer("r", { owner: "a", now: 0, until: 1, from: "beginning" });
    equal(
      again.status === "held" && (await briefly(log, again.position)),
      ["t1", "t2"],
      "from the beginning",
    );
    const racing = ["x", "y", "z"].map((owner) =>
      log.claimConsumer("race", { owner, now: 0, until: 10, from: "now" }),
    );
    const winners = (await Promise.all(racing)).filter((one) => one.status === "held");
    equal(winners.length, 1, "winners of a race");
  }),
  check("[LG42] a consumer is moved on by its owner alone, and never back", async ({ create }) => {
    const log = await create();
    const begin = await held(log, "r", "beginning", "a");
    await fill(log, "t", 0, 3);
    const [one, two] = (await all(log, begin)).map(({ position }) => position);
    const move = (owner: string, position: Position, until = 2_000) =>
      log.advanceConsumer("r", { owner, position, until });
    equal(await log.advanceConsumer("never", { owner: "a", position: one!, until: 1 }), false, "no reader");
    equal(await move("b", two!), false, "by another owner");
    equal(await held(log, "r", "now", "a"), begin, "where it stands");
    equal(await move("a", two!), true, "by its owner");
    equal(await move("a", one!, 3_000), true, "back");
    const [consumer] = await log.consumers();
    equal(consumer, { name: "r", owner: "a", position: two!, until: 3_000 }, "the consumer");
    equal(await move("a", two!, 5), true, "given up");
    const claim = { owner: "b", now: 5, until: 9, from: "beginning" } as const;
    equal(await log.claimConsumer("r", claim), { status: "held", position: two! }, "by the next");
    equal(await move("a", two!), false, "by the former owner");
  }),
  // --------------------------------------------------------------------------------------------------------------- ages
  check("[LG43] a session without record or touch is as if it had never been", async ({ create }) => {
    const log = await create();
    for (const target of ["@idle", "@used", "@new", "topic"])
      equal(
        await status(log, appendOf(target, 0, 2, { at: 5_000, rows: [row("ann", 2)] })),
        "appended",
        "append",
      );
    equal(await status(log, appendOf("@new", 2, 1, { at: 6_000 })), "appended", "append");
    await log.touch(["@used", "@never"], 6_000);
    await log.touch(["@used"], 5_500);
    equal(await log.expire({ ...NOTHING, sessions: 5_000 }), NONE, "nothing is older");
    const expired = await log.expire({ ...NOTHING, sessions: 6_000 });
    equal(expired, { ...NONE, sessions: ["@idle"] }, "expired");
    equal(await log.open("@idle"), undefined, "open");
    equal(await log.open("@never"), undefined, "touch makes nothing");
    equal(await log.client("@idle", "ann"), row("ann", 2), "its rows have an age of their own");
    await reads(log, "@idle", ORIGIN, []);
    equal((await log.read("@idle", at(2), 9)).status, "other-history", "its old place");
    equal(await status(log, appendOf("@idle", 2, 1)), "conflict", "an append from its old place");
    equal(await log.history("@idle", NEWEST, 9), { records: [], from: 0 }, "history");
    equal(await log.open("@used"), headOf(2, { at: 5_000 }), "a touched session");
    const later = await log.expire({ ...NOTHING, sessions: 6_001 });
    equal(later.sessions.toSorted(), ["@new", "@used"], "later");
    equal(await log.open("topic"), headOf(2, { at: 5_000 }), "a topic stays whatever its age");
    await fill(log, "@idle", 0, 1);
    equal(await log.open("@idle"), headOf(1), "a session that began again");
  }),
  check("[LG35] rows that were written again much later are in no other's way", async ({ create }) => {
    const log = await create();
    const day = 86_400_000;
    const names = Array.from({ length: 9 }, (_, i) => `client-${i}`);
    const rows = names.map((name) => row(name, 1));
    equal(await status(log, appendOf("t", 0, 1, { at: day, rows })), "appended", "append");
    const again = names.filter((_, i) => i !== 5).map((name) => row(name, 2));
    equal(await status(log, appendOf("t", 1, 1, { at: 9 * day, rows: again, was: 1 })), "appended", "append");
    for (const rows of [5 * day, 9 * day]) {
      const expected = rows === 5 * day ? { ...NONE, rows: 1 } : NONE;
      equal(await log.expire({ ...NOTHING, rows, limit: 2 }), expected, "expired");
    }
    equal(await log.client("t", "client-5"), undefined, "the one that was not");
    equal(await log.client("t", "client-8"), row("client-8", 2), "another");
    equal(await log.expire({ ...NOTHING, rows: 9 * day + 1, limit: 8 }), { ...NONE, rows: 8 }, "expired");
  }),
  check("[LG35] a client row goes by its own age and not before", async ({ create }) => {
    const log = await create();
    const rows = [row("ann", 2), row("#key", 1)];
    equal(await status(log, appendOf("t", 0, 2, { at: 5_000, rows })), "appended", "append");
    equal(await status(log, appendOf("t", 2, 1, { at: 6_000, rows: [row("bob", 1)] })), "appended", "append");
    equal(await status(log, appendOf("u", 0, 1, { at: 5_000, rows: [row("ann", 1)] })), "appended", "append");
    await log.remove("u", 9_000);
    equal(await log.expire({ ...NOTHING, rows: 5_000 }), NONE, "nothing is older");
    equal(await log.client("u", "ann"), row("ann", 1), "a row under a tombstone");
    equal(
      await status(log, appendOf("t", 3, 1, { at: 6_000, rows: [row("ann", 3)], was: 2 })),
      "appended",
      "append",
    );
    equal(await log.expire({ ...NOTHING, rows: 6_000 }), { ...NONE, rows: 2 }, "expired");
    equal(await log.client("t", "ann"), row("ann", 3), "a row that was written again");
    equal(await log.client("t", "#key"), undefined, "a key's row");
    equal(await log.client("t", "bob"), row("bob", 1), "a newer row");
    equal(await log.client("u", "ann"), undefined, "a row under a tombstone");
    equal(await log.open("t"), headOf(4, { at: 6_000 }), "the target");
  }),
  check(
    "[LG44] a tombstone goes by the time of its removal; then the target is as if it had never been",
    async ({ create }) => {
      const log = await create();
      await fill(log, "t", 0, 3);
      await fill(log, "back", 0, 1);
      await log.remove("t", REMOVED_AT);
      await log.remove("t", REMOVED_AT + 9);
      await log.remove("back", REMOVED_AT);
      equal(await status(log, revival("back", 1)), "appended", "return");
      equal(await log.expire({ ...NOTHING, tombstones: REMOVED_AT }), NONE, "nothing is older");
      equal(await log.open("t"), headOf(3, { ...tombstone(3), removed: true }), "open");
      const expired = await log.expire({ ...NOTHING, tombstones: REMOVED_AT + 1 });
      equal(expired, { ...NONE, tombstones: ["t"] }, "expired");
      equal(await log.open("t"), undefined, "open");
      equal((await log.open("back"))?.removed, false, "what came back stays");
      await fill(log, "t", 0, 1);
      equal(await log.open("t"), headOf(1), "a target that began again");
    },
  ),
  check("[LG45] what expires goes in bounded steps, and consumers hear of sessions", async ({ create }) => {
    const log = await create();
    for (let i = 0; i < 7; i++)
      equal(
        await status(log, appendOf(`@s${i}`, 0, 1, { at: 5, rows: [row("a", 1)] })),
        "appended",
        "append",
      );
    const position = await held(log, "old", "beginning");
    await log.claimConsumer("gone", { owner: "o", now: 0, until: 10, from: "now" });
    const before = { at: 77, sessions: 9, rows: 9, tombstones: 9, consumers: 11, limit: 3 };
    const first = await log.expire(before);
    equal([first.sessions.length, first.rows, first.consumers], [3, 3, ["gone"]], "the first step");
    equal((await log.expire(before)).sessions.length, 3, "the second step");
    const last = await log.expire(before);
    equal([last.sessions.length, last.rows, last.consumers], [1, 1, []], "the last step");
    equal(await log.expire(before), NONE, "nothing is left");
    const names = Array.from({ length: 7 }, (_, i) => `@s${i}`);
    const told = await briefly(log, position);
    equal(
      told.slice(0, 7),
      names.map((name) => `${name}1`),
      "what they held is still to be read",
    );
    equal(
      told.slice(7).toSorted(),
      names.map((name) => `${name} expired at 1`),
      "and that they went",
    );
    const gone = (await all(log, position)).at(-1);
    equal(gone !== undefined && "gone" in gone && gone.at, 77, "when");
    equal(
      (await log.consumers()).map(({ name }) => name),
      ["old"],
      "consumers",
    );
    equal(timeOf(1) > 9, true, "the kit's times are no ages");
  }),
  check("[LG23] positions, leases and ages are there after a restart", async ({ create, reopen }) => {
    if (reopen === undefined) return;
    const before = await create();
    equal(await status(before, appendOf("@s", 0, 2, { at: 5, rows: [row("ann", 1)] })), "appended", "append");
    await before.touch(["@s"], 50);
    await fill(before, "gone", 0, 1);
    const begin = await held(before, "r", "beginning");
    await before.saveSnapshot("@s", snapshot(2, { at: 5 }));
    await before.remove("gone", REMOVED_AT);
    const [one] = await all(before, begin);
    const to = { owner: "o", position: one!.position, until: 400 };
    equal(await before.advanceConsumer("r", to), true, "advance");
    await before.close();
    const log = await reopen(before);
    equal(await log.consumers(), [{ name: "r", ...to }], "consumers");
    equal(await briefly(log, to.position), ["@s2", "gone1", "gone removed at 1"], "what it has not had");
    equal(await log.expire({ ...NOTHING, sessions: 50, rows: 5 }), NONE, "nothing is older");
    const expiry = { ...NOTHING, sessions: 51, rows: 6, tombstones: REMOVED_AT + 1 };
    equal(
      await log.expire(expiry),
      { sessions: ["@s"], tombstones: ["gone"], consumers: [], rows: 1 },
      "what is older",
    );
    await log.close();
  }),
];
