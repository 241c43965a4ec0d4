// Appends that race, over two connections: one holds its transaction open until the other waits for it.
import { describe, expect, test } from "vitest";
import { hasServer } from "../../../test/postgres/engines.ts";
import { inSchema, testedNodes } from "../../../test/postgres/nodes.ts";
import type { Append, AppendResult } from "../../log/log.ts";
import { appendOf, at, fill, ORIGIN, recordsAfter, row, status } from "../../testing/log-contract/kit.ts";

describe.skipIf(!hasServer)("appends of several nodes", () => {
  const nodes = testedNodes();
  const shared = nodes.schema();

  test("[PL4] that race from one place: who waited is late, writes nothing, and is told what it missed", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    await fill(two, "race", 0, 1);
    await one.begin();
    expect(await status(one.log, appendOf("race", 1, 2, { rows: [row("ann", 3)] }))).toBe("appended");
    const late = two.append([
      appendOf("race", 1, 1, { rows: [row("bob", 9)], id: "late" }),
      appendOf("race too", 0, 1),
    ]);
    await nodes.waiting();
    await one.commit();
    expect(await late).toMatchObject([
      { status: "conflict", missed: { status: "records", records: recordsAfter(1, 2) } },
      { status: "appended" },
    ]);
    expect(await two.client("race", "bob")).toBeUndefined();
    expect(await two.client("race", "ann")).toEqual(row("ann", 3));
  });

  test("[PL4] that race for what never was: one makes it", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    await one.begin();
    expect(await status(one.log, appendOf("new", 0, 1))).toBe("appended");
    const late = status(two, appendOf("new", 0, 2));
    await nodes.waiting();
    await one.commit();
    expect(await late).toBe("conflict");
    expect(await two.open("new")).toMatchObject(at(1));
  });

  test("[PL4] a late one is told so without waiting for anybody and without a transaction's number", async () => {
    const one = await nodes.held(shared);
    await fill(one.log, "still", 0, 2);
    await one.begin();
    await one.log.append([appendOf("still", 1, 1), appendOf("still too", 5, 1)]);
    const [written] = await nodes.query(
      `SELECT count(*) AS found FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()`,
    );
    await one.commit();
    expect(written).toEqual({ found: "0" });
  });

  test("[PL5] that answer one client from the head both know: the second writes nothing of it, and the rest of its call", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    await fill(two, "rows", 0, 1);
    const rows = (last: number): Append => ({
      ...appendOf("rows", 1, 0),
      rows: [{ was: 0, ...row("ann", last) }],
    });
    await one.begin();
    expect(await status(one.log, rows(3))).toBe("appended");
    const late = two.append([rows(4), appendOf("rows too", 0, 1, { rows: [row("ann", 1)] })]);
    await nodes.waiting();
    await one.commit();
    expect((await late).map((result) => result.status)).toEqual(["conflict", "appended"]);
    expect(await two.client("rows", "ann")).toEqual(row("ann", 3));
    expect(await two.client("rows too", "ann")).toEqual(row("ann", 1));
  });

  test("[PL5] that write rows of a target that never was: one after the other, and no target comes of it", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    const rows = (was: number, last: number): Append => ({
      ...appendOf("bare", 0, 0),
      rows: [{ was, ...row("ann", last) }],
    });
    await one.begin();
    expect(await status(one.log, rows(0, 1))).toBe("appended");
    const late = [
      status(two, rows(0, 2)),
      status(nodes.node(shared), appendOf("bare", 0, 1, { rows: [row("ann", 5)] })),
    ];
    await nodes.waiting(2);
    await one.commit();
    expect(await Promise.all(late)).toEqual(["conflict", "conflict"]);
    expect(await two.open("bare")).toBeUndefined();
    expect(await two.list("bare", undefined, 9)).toEqual({ targets: [], next: undefined });
    expect(await two.moved!([["bare", ORIGIN]])).toEqual([]);
    expect(await two.remove("bare", 1)).toBe(false);
    expect(await status(two, rows(1, 2))).toBe("appended");
    expect(await status(two, appendOf("bare", 0, 1))).toBe("appended");
    expect((await two.list("bare", undefined, 9)).targets).toHaveLength(1);
  });

  test("[PL4] in any order of many targets: nobody waits for ever, and every target has one history", async () => {
    const targets = Array.from({ length: 10 }, (_, i) => `t${i}`);
    const taken = new Map<string, string>();
    let salt = 0;
    let conflicts = 0;
    // A stride that differs, so that no two go through them in one order.
    const rounds = async (node: number): Promise<void> => {
      const log = nodes.node(shared, { appending: 1 });
      const heads = new Map(targets.map((target) => [target, 0]));
      for (let round = 0; round < 25; round++) {
        const some = targets
          .map((_, i) => targets[(i * (node * 2 + 1) + round) % 10]!)
          .filter((_, i) => i < 4);
        const batch = [...new Set(some)].map((target) =>
          appendOf(target, heads.get(target)!, 1, { id: `node ${node}, ${salt++}` }),
        );
        const results: readonly AppendResult[] = await log.append(batch);
        for (const [i, result] of results.entries()) {
          const { target, records } = batch[i]!;
          if (result.status === "appended") {
            taken.set(records[0]!.id, target);
            heads.set(target, heads.get(target)! + 1);
          } else {
            expect(result.status).toBe("conflict");
            conflicts++;
            heads.set(target, (await log.open(target))?.sequence ?? 0);
          }
        }
      }
    };
    await Promise.all([0, 1, 3, 4].map(rounds));
    expect(conflicts).toBeGreaterThan(0);
    const log = nodes.node(shared);
    for (const target of targets) {
      const { records } = await log.history(target, Number.MAX_SAFE_INTEGER, 1_000);
      expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, i) => i + 1));
      for (const { id } of records) expect(taken.get(id)).toBe(target);
      for (const { id } of records) taken.delete(id);
    }
    expect(taken.size).toBe(0);
    // And their one order is each target's own.
    const { changes } = await log.changes("", 10_000);
    const last = new Map<string, number>();
    for (const change of changes) {
      if (!("record" in change)) continue;
      expect(change.record.sequence).toBe((last.get(change.target) ?? 0) + 1);
      last.set(change.target, change.record.sequence);
    }
  });

  test("[PL4] of the same targets, named in opposite order, do not wait for each other", async () => {
    const [blocking, one, two] = [
      await nodes.held(shared),
      await nodes.held(shared),
      await nodes.held(shared),
    ];
    for (const target of ["left", "middle", "other middle", "right"]) await fill(one.log, target, 0, 1);
    await blocking.begin();
    await blocking.log.append([appendOf("middle", 1, 1), appendOf("other middle", 1, 1)]);
    const sent = one.statements() + two.statements();
    // Each would hold its first target while it waits for its second, and then want the other's.
    const through = (...targets: string[]) => targets.map((target) => appendOf(target, 1, 1));
    const first = one.log.append(through("left", "middle", "right"));
    await nodes.waiting();
    const second = two.log.append(through("right", "other middle", "left"));
    await nodes.waiting(2);
    await blocking.commit();
    expect((await first).map((result) => result.status)).toEqual(["appended", "conflict", "appended"]);
    expect((await second).map((result) => result.status)).toEqual(["conflict", "conflict", "conflict"]);
    expect(one.statements() + two.statements() - sent).toBe(2);
  });

  test("[PL4] that waited for what leaves the heads where they are are not late, and write each record once", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    for (const target of ["touched", "as it was", "saved"]) await fill(two, target, 0, 2);
    await one.begin();
    await one.log.touch(["touched", "saved"], 1_990_000_000_000);
    const waited = two.append(["saved", "touched", "as it was"].map((target) => appendOf(target, 2, 2)));
    await nodes.waiting();
    await one.commit();
    expect((await waited).map((result) => result.status)).toEqual(["appended", "appended", "appended"]);
    for (const target of ["touched", "as it was", "saved"]) {
      expect(await two.open(target)).toMatchObject(at(4));
      const { records } = await two.history(target, Number.MAX_SAFE_INTEGER, 9);
      expect(records.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    }
  });

  test("[PL5] a value that Postgres cannot hold is unknown alone, and keeps nothing else of its call from being written", async () => {
    const log = nodes.node(shared, { appending: 1 });
    const results = await log.append([
      appendOf("fit", 0, 1),
      appendOf("unfit", 0, 1, { version: Number.MAX_VALUE }),
      appendOf("fit too", 0, 1),
    ]);
    expect(results.map((result) => result.status)).toEqual(["appended", "unknown", "appended"]);
  });

  test("[PL3] the head of a target is written in place: no index of targets has a column that an append changes", async () => {
    await fill(nodes.node(shared), "hot", 0, 1);
    const rows = await nodes.query(
      `SELECT pg_get_indexdef(i.indexrelid) AS index FROM pg_index i WHERE i.indrelid = $1::regclass`,
      [inSchema(shared, "targets")],
    );
    expect(rows.length).toBeGreaterThan(1);
    for (const { index } of rows) expect(index).not.toMatch(/\b(sequence|mark|version|at|used)\b/);
  });
});
