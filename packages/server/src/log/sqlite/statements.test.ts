// What the statements do to the tables, group by group, in a database in memory. Which groups a call asks for is in
// jobs.test.ts; that a log over them keeps its contract, in sqlite.test.ts.
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  appendOf,
  at,
  record,
  recordsAfter,
  revival,
  row,
  snapshot,
  tombstone,
} from "../../testing/log-contract/kit.ts";
import type { RowWrite } from "../log.ts";
import { executor } from "./executor.ts";
import type { Executor, Group } from "./executor.ts";
import {
  advanceGroup,
  appendGroup,
  claimGroup,
  dropGroup,
  expireClientGroup,
  expireConsumerGroup,
  expireSessionGroup,
  expireTombstoneGroup,
  freshenGroup,
  removeGroup,
  saveGroup,
  secretGroup,
  sweepGroups,
  touchGroup,
} from "./jobs.ts";
import { executorOptions } from "./sqlite-with.ts";
import { STATEMENTS } from "./statements.ts";
import { DAY } from "./tables.ts";
import { plainText } from "../text.ts";

const text = plainText();
let writer: Executor;
beforeEach(() => {
  const options = { durability: "process-crash", check: "off", busyTimeout: 0 } as const;
  writer = executor(Database, executorOptions(":memory:", options, []));
});
afterEach(() => writer.close());

/** What the group's guard gave; null: nothing of it was done. */
const run = (group: Group): number | null => {
  const [result] = writer.run([[group]]);
  if (result === undefined || "failed" in result) throw new Error(JSON.stringify(result));
  return result.given[0]!;
};
const all = (sql: string): unknown[] => writer.db.prepare(sql).raw().all();
const append = (...given: Parameters<typeof appendOf>): number | null =>
  run(appendGroup(appendOf(...given), text));
const save = (target: string, sequence: number, retention = 0): number | null =>
  run(saveGroup(target, snapshot(sequence), retention, text));
const head = (target: string): unknown =>
  all(`SELECT sequence, mark, removed, base_sequence FROM targets WHERE name = '${target}'`)[0];
const sequences = (table: "records" | "snapshots"): unknown[] =>
  all(`SELECT sequence FROM ${table} ORDER BY rowid`).flat();
/** Until nothing is left to be swept; how often something was. */
const sweep = (): number => {
  let times = 0;
  while (sweepGroups.map(run).some((given) => given !== null)) times++;
  return times;
};
const expiry = { at: 50, sessions: 0, rows: 0, tombstones: 0, consumers: 0, limit: 9 };
const claim = (name: string, more: object = {}) =>
  run(claimGroup(name, { owner: "o", now: 0, until: 10, from: "beginning", ...more }));

test("every statement is one that the tables can carry out", () => {
  for (const { sql } of STATEMENTS) expect(() => writer.db.prepare(sql), sql).not.toThrow();
});

test("no statement goes through a whole table that grows", () => {
  for (const { sql } of STATEMENTS) {
    const parameters = Array.from(sql.matchAll(/\?/g), () => null);
    const plan = writer.db
      .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...parameters);
    const through = plan
      .map(({ detail }) => detail)
      .filter((detail) => /^SCAN (?:targets|records|snapshots|clients|gone|old)\b/.test(detail));
    expect(through, sql).toEqual([]);
  }
});

describe("a head", () => {
  test("[LG3] [LG4] begins once, and moves only from where it is", () => {
    expect(append("t", 0, 2)).toBe(1);
    expect(append("t", 0, 1)).toBeNull();
    expect(append("t", 3, 1)).toBeNull();
    expect(append("t", 2, 1, { expected: { sequence: 2, mark: 7 } })).toBeNull();
    expect(append("u", 2, 1)).toBeNull();
    expect(head("t")).toEqual([2, at(2).mark, 0, 0]);
    expect(append("t", 2, 1)).toBe(1);
    expect(sequences("records")).toEqual([1, 2, 3]);
    expect(all("SELECT at, used FROM targets")).toEqual([[record(3).at, record(3).at]]);
  });

  test("[LG10] many records stand as they were given, in their order and with the target's own id", () => {
    append("other", 0, 1);
    append("t", 0, 37);
    const rows = all(
      "SELECT target, sequence, mark, mid, id FROM records WHERE target = 2 ORDER BY position",
    );
    expect(rows).toEqual(
      recordsAfter(0, 37).map(({ sequence, mark, mid, id }) => [2, sequence, mark, mid, id]),
    );
  });

  test("[LG47] an append of rows finds it where it is said to be, and leaves it there", () => {
    const rows = [{ was: 0, ...row("ann", 1) }];
    const none = { target: "t", records: [], rows, at: 5 };
    expect(run(appendGroup({ ...none, expected: at(0) }, text))).toBe(0);
    expect(all("SELECT target, client, last FROM clients")).toEqual([["t", "ann", 1]]);
    append("t", 0, 1);
    expect(run(appendGroup({ ...none, expected: at(0) }, text))).toBeNull();
    const second = { ...none, rows: [{ was: 1, ...row("ann", 2) }] };
    expect(run(appendGroup({ ...second, expected: at(1) }, text))).toBe(1);
    expect(head("t")).toEqual([1, at(1).mark, 0, 0]);
  });

  test("[LG20] [LG31] of what was removed goes on with a whole model only, and then lives again", () => {
    append("t", 0, 2);
    expect(run(removeGroup("t", 90, Infinity))).toBe(1);
    expect(run(removeGroup("t", 91, Infinity))).toBeNull();
    expect(head("t")).toEqual([2, tombstone(2).mark, 1, 2]);
    expect(append("t", 2, 1)).toBeNull();
    expect(append("t", 2, 1, { expected: tombstone(2) })).toBeNull();
    expect(run(appendGroup(revival("t", 2, 1), text))).toBe(1);
    expect(head("t")).toMatchObject([4, expect.any(Number), 0, 2]);
    expect(all("SELECT sequence, model FROM snapshots")).toEqual([[3, '{"sum":3}']]);
    expect(run(removeGroup("t", 92, Infinity))).toBe(1);
    expect(sequences("snapshots")).toEqual([]);
  });

  test("[LG31] a mark at the end of its range goes on at 0", () => {
    append("t", 0, 1, { mark: 0xffff_ffff });
    run(removeGroup("t", 90, Infinity));
    expect(head("t")).toMatchObject([1, 0, 1, 1]);
  });

  test("[LG56] that was used since is not removed; touching moves its time on, never back", () => {
    append("t", 0, 1, { at: 10 });
    expect([run(touchGroup("t", 10)), run(touchGroup("t", 9)), run(touchGroup("u", 20))]).toEqual([
      null,
      null,
      null,
    ]);
    expect(run(touchGroup("t", 20))).toBe(1);
    expect([run(removeGroup("t", 90, 20)), run(removeGroup("t", 90, 21))]).toEqual([null, 1]);
    expect(run(touchGroup("t", 99))).toBeNull();
  });
});

describe("a client's row", () => {
  let sequence = 0;
  beforeEach(() => {
    append("t", 0, 1);
    sequence = 1;
  });
  const write = (was: number, last: number, settled: number, more: Partial<RowWrite> = {}): number | null => {
    const outcomes = [{ mid: last, id: `id-${last}`, sequence: last }];
    const rows = [{ clientId: "ann", was, last, settled, outcomes, ...more }];
    return run(
      appendGroup({ target: "t", expected: at(sequence), records: [], rows, at: 5 * DAY + last }, text),
    );
  };
  const own = () =>
    all("SELECT last, settled, outcomes <> '', more, at, day FROM clients WHERE last IS NOT NULL");
  const apart = () => all("SELECT mid FROM clients WHERE last IS NULL ORDER BY mid").flat();

  test("[LG46] goes on from the last that is stored, or nothing of the append is done", () => {
    expect(write(7, 8, 7)).not.toBeNull(); // one that is not there is like any
    expect([write(7, 9, 8), write(9, 10, 9)]).toEqual([null, null]);
    const both = appendOf("t", 1, 1, { rows: [row("bob", 1), row("ann", 9)], was: 3 });
    expect(run(appendGroup(both, text))).toBeNull();
    expect(all("SELECT client FROM clients")).toEqual([["ann"]]);
    expect(sequences("records")).toEqual([1]);
  });

  test("[LG48] outcomes that are not settled are kept apart, each once; settling takes them away", () => {
    write(0, 1, 0, { outcomes: [], whole: true });
    for (let mid = 2; mid <= 5; mid++) write(mid - 1, mid, 0);
    expect(own()).toEqual([[5, 0, 0, 2, 5 * DAY + 5, 5]]);
    expect(apart()).toEqual([2, 3, 4, 5]);
    // Some at a time: the next 32 are begun by mid 33.
    write(5, 33, 4);
    expect(apart()).toEqual([2, 3, 4, 5, 33]);
    write(33, 34, 32);
    expect(apart()).toEqual([33, 34]);
    // All of them once nothing is left to be settled.
    write(34, 35, 34);
    expect([apart(), own()]).toEqual([[], [[35, 34, 1, 0, 5 * DAY + 35, 5]]]);
  });

  test("[LG48] settled never goes back, and an append without outcomes leaves what is apart", () => {
    write(0, 1, 0, { outcomes: [], whole: true });
    write(1, 3, 0);
    write(3, 4, 2);
    expect([own()[0], apart()]).toEqual([
      [4, 2, 0, 2, 5 * DAY + 4, 5],
      [3, 4],
    ]);
    write(4, 5, 1, { outcomes: [] });
    expect([own()[0], apart()]).toEqual([
      [5, 2, 0, 2, 5 * DAY + 5, 5],
      [3, 4],
    ]);
  });

  test("[LG35] goes by the time of the append that wrote it; its day, which is of an earlier one, is made right", () => {
    write(0, 1, 0, { outcomes: [], whole: true });
    write(1, 2, 0);
    writer.db.exec(`UPDATE clients SET day = 1 WHERE last IS NOT NULL`);
    const aged = { target: "t", client: "ann", at: 0 };
    expect(run(freshenGroup(aged))).toBe(1);
    expect(own()[0]).toEqual([2, 0, 0, 2, 5 * DAY + 2, 5]);
    expect(run(expireClientGroup(aged, { ...expiry, rows: 5 * DAY + 2 }))).toBeNull();
    expect(run(expireClientGroup(aged, { ...expiry, rows: 5 * DAY + 3 }))).toBe(1);
    expect(all("SELECT 1 FROM clients")).toEqual([]);
    expect(run(expireClientGroup(aged, { ...expiry, rows: Infinity }))).toBeNull();
    expect(run(freshenGroup(aged))).toBeNull();
  });
});

describe("[SQ7] compaction", () => {
  test("[LG17] [LG18] a snapshot is stored if it is newer, and a record that is there has its mark", () => {
    append("t", 0, 6);
    expect(save("t", 3)).toBe(1);
    expect([save("t", 3), save("t", 2), save("t", 7), save("u", 1)]).toEqual([null, null, null, null]);
    expect(run(saveGroup("t", { ...snapshot(5), mark: 7 }, 0, text))).toBeNull();
    expect(sequences("snapshots")).toEqual([3]);
    expect(head("t")).toEqual([6, at(6).mark, 0, 3]);
  });

  test("[LG37] records begin at the newest snapshot that leaves enough of them; older ones go, and the next is kept", () => {
    append("t", 0, 40);
    const kept = [10, 15, 20, 25, 30, 40].map((sequence) => {
      save("t", sequence, 12);
      return [(head("t") as number[])[3], ...sequences("snapshots")];
    });
    expect(kept).toEqual([
      [0, 10],
      [0, 10, 15],
      [0, 10, 20],
      [10, 10, 25],
      [10, 10, 25, 30],
      [25, 25, 40],
    ]);
    expect(all("SELECT position FROM garbage")).toEqual([[1]]);
    expect(sweep()).toBe(1);
    expect(sequences("records")).toEqual(Array.from({ length: 15 }, (_, i) => 26 + i));
  });

  test("two thousand records go at a time, and of what is left it is known where it begins", () => {
    run(appendGroup({ ...appendOf("t", 0, 1), records: recordsAfter(0, 4_500) }, text));
    save("t", 4_400);
    const left: unknown[] = [];
    while (sweepGroups.map(run).some((given) => given !== null))
      left.push([
        ...all("SELECT position FROM garbage").flat(),
        all("SELECT count(*) FROM records").flat()[0],
      ]);
    expect(left).toEqual([[2_001, 2_500], [4_001, 500], [100]]);
  });

  test("[LG40] what a consumer has not had stays, of each target that is compacted, until it has had it or is gone", () => {
    claim("r");
    append("t", 0, 3);
    append("u", 0, 3);
    save("t", 3);
    save("u", 3);
    expect([sweep(), sequences("records")]).toEqual([0, [1, 2, 3, 1, 2, 3]]);
    run(advanceGroup("r", "o", 2, 10));
    expect(sequences("records")).toHaveLength(6);
    expect(sweep()).toBeGreaterThan(0);
    expect(sequences("records")).toEqual([3, 1, 2, 3]);
    expect(all("SELECT target, position FROM garbage ORDER BY target")).toEqual([
      [1, 3],
      [2, 4],
    ]);
    run(dropGroup("r"));
    sweep();
    expect([sequences("records"), all("SELECT 1 FROM garbage")]).toEqual([[], []]);
  });
});

describe("what has gone", () => {
  test("[LG39] [LG40] is given at the next position, and forgotten once every consumer has heard of it", () => {
    append("t", 0, 2);
    claim("r");
    run(removeGroup("t", 90, Infinity));
    append("u", 0, 1);
    expect(all("SELECT position, target, why, sequence, at FROM gone")).toEqual([[3, "t", "removed", 2, 90]]);
    expect(all("SELECT position FROM records WHERE target = 2")).toEqual([[4]]);
    run(advanceGroup("r", "o", 2, 10));
    sweep();
    expect([sequences("records"), all("SELECT position FROM gone")]).toEqual([[1], [[3]]]);
    run(advanceGroup("r", "o", 3, 10));
    sweep();
    expect(all("SELECT position FROM gone")).toEqual([]);
  });

  test("[LG43] a session is as if it had never been: its name begins again beside its records, until they are swept", () => {
    append("@s", 0, 2, { at: 10 });
    claim("r");
    expect(run(expireSessionGroup("@s", { ...expiry, sessions: 10 }))).toBeNull();
    expect(run(expireSessionGroup("@s", { ...expiry, sessions: 11 }))).toBe(1);
    expect(run(expireSessionGroup("@s", { ...expiry, sessions: 11 }))).toBeNull();
    expect(append("@s", 0, 1)).toBe(2);
    expect(all("SELECT name, former FROM targets ORDER BY id")).toEqual([
      [null, "@s"],
      ["@s", null],
    ]);
    run(expireSessionGroup("@s", { ...expiry, sessions: Infinity }));
    expect(all("SELECT target, why, at FROM gone")).toEqual([
      ["@s", "expired", 50],
      ["@s", "expired", 50],
    ]);
    run(dropGroup("r"));
    sweep();
    expect([all("SELECT 1 FROM targets"), all("SELECT 1 FROM gone"), sequences("records")]).toEqual([
      [],
      [],
      [],
    ]);
  });

  test("a session without records is buried with its name, at once", () => {
    append("@s", 0, 1, { at: 10 });
    save("@s", 1);
    sweep();
    run(expireSessionGroup("@s", { ...expiry, sessions: 11 }));
    expect(all("SELECT 1 FROM targets")).toEqual([]);
  });

  test("[LG44] a tombstone goes by the time of its removal; what lives does not", () => {
    append("t", 0, 2, { at: 10 });
    const go = (tombstones: number) => run(expireTombstoneGroup("t", { ...expiry, tombstones }));
    expect(go(Infinity)).toBeNull();
    run(removeGroup("t", 20, Infinity));
    expect([go(20), go(21), go(21)]).toEqual([null, 1, null]);
    expect(append("t", 0, 1)).toBe(2);
    sweep();
    expect(all("SELECT name FROM targets")).toEqual([["t"]]);
  });
});

describe("a consumer", () => {
  test("[LG41] is made where it is asked to be, and is one owner's until the lease has ended", () => {
    append("t", 0, 3);
    expect([claim("old"), claim("new", { from: "now" })]).toEqual([0, 3]);
    append("t", 3, 1);
    expect(claim("new", { from: "now", until: 20 })).toBe(3);
    const other = { owner: "p", until: 40 };
    expect(claim("new", { ...other, now: 19 })).toBeNull();
    expect(claim("new", { ...other, now: 20 })).toBe(3);
    expect(all("SELECT name, owner, until FROM readers ORDER BY name")).toEqual([
      ["new", "p", 40],
      ["old", "o", 10],
    ]);
  });

  test("[LG42] is moved by its owner alone, never back, and renewed by it", () => {
    claim("r");
    expect(run(advanceGroup("r", "o", 5, 30))).toBe(5);
    expect(run(advanceGroup("r", "o", 3, 40))).toBe(5);
    expect([run(advanceGroup("r", "p", 9, 50)), run(advanceGroup("s", "o", 9, 50))]).toEqual([null, null]);
    expect(all("SELECT position, until FROM readers")).toEqual([[5, 40]]);
    expect(run(expireConsumerGroup("r", { ...expiry, consumers: 40 }))).toBeNull();
    expect(run(expireConsumerGroup("r", { ...expiry, consumers: 41 }))).toBe(1);
    expect(run(dropGroup("r"))).toBeNull();
  });
});

test("[LG22] of two secrets the first is kept", () => {
  expect([run(secretGroup("01")), run(secretGroup("02"))]).toEqual([1, null]);
  expect(all("SELECT value FROM settings WHERE name = 'secret'")).toEqual([["01"]]);
});
