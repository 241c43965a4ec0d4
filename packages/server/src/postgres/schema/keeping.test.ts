// What takes things away, against appends: over two connections, one of which holds its transaction open.
import { describe, expect, test } from "vitest";
import { hasServer } from "../../../test/postgres/engines.ts";
import { inSchema, testedNodes } from "../../../test/postgres/nodes.ts";
import type { Change, Expiry, LogStorage } from "../../log/log.ts";
import {
  appendOf,
  at,
  fill,
  REMOVED_AT,
  revival,
  row,
  snapshot,
  status,
  tombstone,
} from "../../testing/log-contract/kit.ts";
import { LIFE } from "./functions.ts";

const NOTHING: Expiry = { at: REMOVED_AT, sessions: 0, rows: 0, tombstones: 0, consumers: 0, limit: 100 };
const brief = (change: Change): string =>
  "record" in change
    ? `${change.target} ${change.record.sequence}`
    : `${change.target} ${change.gone} at ${change.sequence}`;
const told = async (log: LogStorage, target: string): Promise<string[]> =>
  (await log.changes("", 10_000)).changes.filter((change) => change.target === target).map(brief);

describe.skipIf(!hasServer)("what several nodes keep and let go", () => {
  const nodes = testedNodes();
  const shared = nodes.schema();

  test("[PL7] a removal that waited for an append goes on from it, and stands behind it", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    await two.claimConsumer("removals", { owner: "o", now: 0, until: 1, from: "beginning" });
    await fill(two, "removed", 0, 1);
    await one.begin();
    await fill(one.log, "removed", 1, 2);
    const removed = two.remove("removed", REMOVED_AT);
    await nodes.waiting();
    await one.commit();
    expect(await removed).toBe(true);
    expect(await two.open("removed")).toMatchObject({ ...tombstone(3), removed: true });
    expect(await told(two, "removed")).toEqual([
      "removed 1",
      "removed 2",
      "removed 3",
      "removed removed at 3",
    ]);
  });

  test("[PL7] an append that waited for a removal is late", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    await fill(two, "first", 0, 2);
    await one.begin();
    expect(await one.log.remove("first", REMOVED_AT)).toBe(true);
    const late = two.append([appendOf("first", 2, 1)]);
    await nodes.waiting();
    await one.commit();
    expect(await late).toEqual([{ status: "conflict", missed: { status: "other-history" } }]);
  });

  test("[PL7] of two removals one is done", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    await fill(two, "twice", 0, 2);
    await one.begin();
    expect(await one.log.remove("twice", REMOVED_AT)).toBe(true);
    const second = two.remove("twice", REMOVED_AT + 1);
    await nodes.waiting();
    await one.commit();
    expect(await second).toBe(false);
    expect(await two.open("twice")).toMatchObject(tombstone(2));
  });

  test("[PL7] a removal of what is unused lets go where somebody used it while it waited", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    expect(await status(two, appendOf("unused", 0, 1, { at: 5 }))).toBe("appended");
    await one.begin();
    await one.log.touch(["unused"], 50);
    const removed = two.remove("unused", 60, 10);
    await nodes.waiting();
    await one.commit();
    expect(await removed).toBe(false);
    expect(await two.open("unused")).toMatchObject({ ...at(1), removed: false });
  });

  test("[PL8] while one is removed alone, other writers wait, and go on", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    await fill(two, "alone", 0, 1);
    const [life] = await nodes.query(`SELECT ${LIFE} AS life FROM ${inSchema(shared, "settings")} t`);
    await one.begin();
    await fill(one.log, "elsewhere", 0, 1);
    const removed = nodes.query(`SELECT * FROM "${shared}".remove($1, 'alone', 1, 'Infinity', true)`, [
      life!["life"]!,
    ]);
    await nodes.waiting(1);
    const behind = status(two, appendOf("behind", 0, 1));
    await nodes.waiting(2);
    await one.commit();
    expect(await removed).toEqual([{ remove: "done" }]);
    expect(await behind).toBe("appended");
  });

  test("[PL7] a session that is written to while its end waits stays, and its end is not told", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    expect(await status(two, appendOf("@used", 0, 1, { at: 5 }))).toBe("appended");
    expect(await status(two, appendOf("@idle", 0, 1, { at: 5 }))).toBe("appended");
    await one.begin();
    // As old as before: only the head says that it was written to.
    expect(await status(one.log, appendOf("@used", 1, 1, { at: 5 }))).toBe("appended");
    const expired = two.expire({ ...NOTHING, sessions: 9 });
    await nodes.waiting();
    await one.commit();
    expect((await expired).sessions).toEqual(["@idle"]);
    expect(await two.open("@used")).toMatchObject(at(2));
    expect(await told(two, "@used")).toEqual(["@used 1", "@used 2"]);
    expect((await two.expire({ ...NOTHING, sessions: 9 })).sessions).toEqual(["@used"]);
    expect((await told(two, "@used")).at(-1)).toBe("@used expired at 2");
  });

  test("[PL7] a session that was written to while another one's end waited stays: its record has a later number than that call", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    const two = nodes.node(schema);
    for (const target of ["@a", "@b", "@z"])
      expect(await status(two, appendOf(target, 0, 1, { at: 5 }))).toBe("appended");
    await two.claimConsumer("ends", { owner: "o", now: 0, until: 1, from: "beginning" });
    await one.begin();
    await one.log.touch(["@b"], 50);
    // It has ended @a, so it has its number, and waits for @b.
    const expired = two.expire({ ...NOTHING, sessions: 9 });
    await nodes.waiting();
    expect(await status(nodes.node(schema), appendOf("@z", 1, 1, { at: 5 }))).toBe("appended");
    await one.commit();
    expect((await expired).sessions).toEqual(["@a"]);
    expect((await two.expire({ ...NOTHING, sessions: 9 })).sessions).toEqual(["@z"]);
    expect(await told(two, "@z")).toEqual(["@z 1", "@z 2", "@z expired at 2"]);
  });

  test("[PL7] what begins anew while a session's end is under way is late", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    expect(await status(two, appendOf("@again", 0, 1, { at: 5 }))).toBe("appended");
    await one.begin();
    expect((await one.log.expire({ ...NOTHING, sessions: 9 })).sessions).toEqual(["@again"]);
    expect(await status(two, appendOf("@again", 0, 1))).toBe("conflict");
    const late = status(two, appendOf("@again", 1, 1));
    await nodes.waiting();
    await one.commit();
    expect(await late).toBe("conflict");
    expect(await status(two, appendOf("@again", 0, 1))).toBe("appended");
  });

  test("[PL5] a client's row that is written while its age is looked at stays, and nobody waits for it", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    expect(await status(two, appendOf("aged", 0, 1, { at: 5, rows: [row("ann", 1)] }))).toBe("appended");
    await one.begin();
    const again = appendOf("aged", 1, 1, { at: 50, rows: [row("ann", 2)], was: 1 });
    expect(await status(one.log, again)).toBe("appended");
    expect((await two.expire({ ...NOTHING, rows: 9 })).rows).toBe(0);
    await one.commit();
    expect((await two.expire({ ...NOTHING, rows: 9 })).rows).toBe(0);
    expect(await two.client("aged", "ann")).toEqual(row("ann", 2));
  });

  test("[PL7] of two snapshots that race the newer one stays, and one that a removal overtook is not saved", async () => {
    const one = await nodes.held(shared);
    const two = nodes.node(shared);
    await fill(two, "saved", 0, 5);
    await one.begin();
    await one.log.saveSnapshot("saved", snapshot(4));
    const older = two.saveSnapshot("saved", snapshot(3));
    await nodes.waiting();
    await one.commit();
    await older;
    expect((await two.open("saved"))?.snapshot).toEqual(snapshot(4));
    await one.begin();
    await one.log.remove("saved", REMOVED_AT);
    const late = two.saveSnapshot("saved", snapshot(5));
    await nodes.waiting();
    await one.commit();
    await late;
    expect((await two.open("saved"))?.snapshot).toBeUndefined();
    expect(await status(two, revival("saved", 5))).toBe("appended");
  });

  test("[PL9] what is let go while it is just being swept is swept too", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    const two = nodes.node(schema, { retention: 0 });
    await two.claimConsumer("keeps", { owner: "o", now: 0, until: 1, from: "beginning" });
    await fill(two, "swept", 0, 20);
    await two.saveSnapshot("swept", snapshot(10));
    const count = async (table: string, more = ""): Promise<number> => {
      const [found] = await nodes.query(`SELECT count(*) AS n FROM ${inSchema(schema, table)} ${more}`);
      return Number(found?.["n"]);
    };
    const [life] = await one.query(`SELECT ${LIFE} AS life FROM ${inSchema(schema, "settings")} t`);
    await one.begin();
    const { mark, at: time } = snapshot(20);
    await one.query(`SELECT "${schema}".save('${life!["life"]}', 'swept', 20, ${mark}, 1, ${time}, '0', 20)`);
    // Up to 10 nothing is kept any more: the sweep finishes with what it knows, or waits for what is added.
    await two.dropConsumer("keeps");
    const locked = `WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    for (let waits = "0"; waits === "0" && (await count("garbage")) > 0;) {
      const [found] = await nodes.query(`SELECT count(*) AS n FROM pg_stat_activity ${locked}`);
      waits = found!["n"]!;
    }
    await one.commit();
    await expect.poll(() => count("records"), { timeout: 5_000 }).toBe(0);
    await expect.poll(() => count("garbage"), { timeout: 5_000 }).toBe(0);
  });

  test("[PL5] a target that never had a record goes once no client's row of it is left", async () => {
    const schema = nodes.schema();
    const log = nodes.node(schema);
    const rows = { ...appendOf("never", 0, 0, { rows: [row("ann", 1)] }), at: 5 };
    expect(await status(log, rows)).toBe("appended");
    const count = async (): Promise<number> => {
      const [found] = await nodes.query(`SELECT count(*) AS n FROM ${inSchema(schema, "targets")}`);
      return Number(found?.["n"]);
    };
    expect(await log.expire({ ...NOTHING, at: 6, rows: 5 })).toMatchObject({ rows: 0 });
    expect(await count()).toBe(1);
    expect(await log.expire({ ...NOTHING, at: 9, rows: 6 })).toMatchObject({
      rows: 1,
      sessions: [],
      tombstones: [],
    });
    expect(await count()).toBe(0);
  });
});
