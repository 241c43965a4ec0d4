import { CallaError } from "@calla/shared";
import { describe, expect, test, vi } from "vitest";
import { hasServer } from "../../../test/postgres/engines.ts";
import { inSchema, testedNodes } from "../../../test/postgres/nodes.ts";
import { appendOf, at, fill, status } from "../../testing/log-contract/kit.ts";
import { migrationOf } from "../schema/migration.ts";
import { MIGRATIONS, NEWEST } from "../schema/tables.ts";

/** The `details.code` and the sentence that this rejects with. */
const problem = async (run: Promise<unknown>): Promise<readonly [string, string]> => {
  const error = await run.then(
    () => expect.fail("it did not reject"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CallaError);
  const { code, details, message } = error as CallaError & { details: { code: string } };
  expect(code).toBe("storage");
  return [details.code, message];
};

describe.skipIf(!hasServer)("the schema of a log", () => {
  const nodes = testedNodes();
  const dropped = (schema: string) => nodes.query(`DROP SCHEMA "${schema}" CASCADE`);
  const versionOf = async (schema: string): Promise<string> => {
    const [row] = await nodes.query(`SELECT version FROM ${inSchema(schema, "settings")}`);
    return row!["version"]!;
  };

  /** As a restore makes it: the same settings in another table. */
  const restored = async (schema: string): Promise<void> => {
    const settings = inSchema(schema, "settings");
    await nodes.query(`CREATE TABLE "${schema}".copy AS TABLE ${settings}`);
    await nodes.query(`DROP TABLE ${settings}`);
    await nodes.query(`ALTER TABLE "${schema}".copy RENAME TO settings`);
  };

  test("[PL11] is made by itself, by nodes that begin at once", async () => {
    const schema = nodes.schema();
    const logs = Array.from({ length: 5 }, () => nodes.node(schema));
    await Promise.all(logs.map((log) => log.opened()));
    expect(await versionOf(schema)).toBe(String(NEWEST));
    expect(await Promise.all(logs.map((log) => status(log, appendOf("t", 0, 1))))).toContain("appended");
  });

  test("[PL11] is brought up to date with what it holds; then an older Calla refuses, and writes nothing", async () => {
    const schema = nodes.schema();
    const older = nodes.node(schema);
    await fill(older, "t", 0, 2);
    const newer = migrationOf(schema, [
      ...MIGRATIONS,
      (s) => `ALTER TABLE ${s}.targets ADD COLUMN colour text NOT NULL DEFAULT 'red';`,
    ]);
    // By two nodes at once: one finds it done.
    await Promise.all([nodes.query(newer), nodes.query(newer)]);
    expect(await versionOf(schema)).toBe(String(NEWEST + 1));
    const [row] = await nodes.query(`SELECT sequence, colour FROM ${inSchema(schema, "targets")}`);
    expect(row).toEqual({ sequence: "2", colour: "red" });
    const appended = await problem(older.append([appendOf("t", 2, 1)]));
    expect(appended[0]).toBe("newer");
    expect(appended[1]).toBe(
      `The log in the schema ${schema} (newer): its tables have version ${NEWEST + 1}, this Calla knows ${NEWEST}. A newer Calla has changed it: run that version, or restore a backup from before.`,
    );
    expect((await problem(older.open("t")))[0]).toBe("newer");
    expect((await problem(nodes.node(schema).opened()))[0]).toBe("newer");
    const [count] = await nodes.query(`SELECT count(*) AS n FROM ${inSchema(schema, "records")}`);
    expect(count).toEqual({ n: "2" });
  });

  test("[PL11] waits, when it is brought up to date, for appends that are under way; later ones wait for it, and find it newer", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    const two = nodes.node(schema);
    await two.opened();
    await one.begin();
    await fill(one.log, "t", 0, 1);
    const newer = nodes.query(
      migrationOf(schema, [...MIGRATIONS, (s) => `ALTER TABLE ${s}.gone ADD COLUMN x text;`]),
    );
    await nodes.waiting();
    const late = problem(two.append([appendOf("late", 0, 1)]));
    await nodes.waiting(2);
    await one.commit();
    await newer;
    expect((await late)[0]).toBe("newer");
    const [count] = await nodes.query(`SELECT count(*) AS n FROM ${inSchema(schema, "records")}`);
    expect(count).toEqual({ n: "1" });
  });

  test("[PL11] that holds tables of somebody else is refused, and not written to", async () => {
    const schema = nodes.schema();
    await nodes.query(`CREATE SCHEMA "${schema}"`);
    await nodes.query(`CREATE TABLE ${inSchema(schema, "mine")} (x int)`);
    const [code, message] = await problem(nodes.node(schema).opened());
    expect([code, message]).toEqual(["foreign", expect.stringMatching(/name a schema that is empty/)]);
    const tables = await nodes.query(
      `SELECT relname FROM pg_class WHERE relnamespace = '"${schema}"'::regnamespace`,
    );
    expect(tables).toEqual([{ relname: "mine" }]);
  });

  test("[PL11] that somebody has made empty is filled", async () => {
    const schema = nodes.schema();
    await nodes.query(`CREATE SCHEMA "${schema}"`);
    await nodes.node(schema).opened();
    expect(await versionOf(schema)).toBe(String(NEWEST));
  });

  test("[PL12] that is emptied while it is in use is refused, and not made again", async () => {
    const schema = nodes.schema();
    const log = nodes.node(schema);
    await fill(log, "t", 0, 1);
    await dropped(schema);
    const [code, message] = await problem(log.append([appendOf("t", 1, 1)]));
    expect([code, message]).toEqual([
      "other",
      expect.stringMatching(/it is empty, and not the log [0-9a-f]{32}/),
    ]);
    expect((await problem(log.open("t")))[0]).toBe("other");
    expect((await problem(log.identity!()))[0]).toBe("other");
    expect(await nodes.query(`SELECT 1 FROM pg_namespace WHERE nspname = $1`, [schema])).toEqual([]);
  });

  test("[PL12] in whose place another log's stands is refused until the right one is back, and then it is looked at again", async () => {
    const schema = nodes.schema();
    const log = nodes.node(schema);
    const replaced = vi.fn();
    log.onReplaced!(replaced);
    await fill(log, "t", 0, 1);
    await nodes.query(`ALTER SCHEMA "${schema}" RENAME TO "${schema} away"`);
    await fill(nodes.node(schema), "other", 0, 1);
    for (const call of [
      () => log.append([appendOf("t", 1, 1)]),
      () => log.read("t", at(1), 9),
      () => log.changes("", 9),
    ])
      expect((await problem(call()))[0]).toBe("other");
    const [count] = await nodes.query(`SELECT count(*) AS n FROM ${inSchema(schema, "records")}`);
    expect(count).toEqual({ n: "1" });
    expect(replaced).not.toHaveBeenCalled();
    await dropped(schema);
    await nodes.query(`ALTER SCHEMA "${schema} away" RENAME TO "${schema}"`);
    await fill(log, "t", 1, 1);
  });

  test("[PL12] that was restored from a copy goes on, and all that was read before is looked at again", async () => {
    const schema = nodes.schema();
    const log = nodes.node(schema);
    const replaced = vi.fn();
    const silence = log.onReplaced!(replaced);
    await fill(log, "t", 0, 1);
    await restored(schema);
    await fill(log, "t", 1, 1);
    expect(replaced).toHaveBeenCalledTimes(1);
    await fill(log, "t", 2, 1);
    expect(replaced).toHaveBeenCalledTimes(1);
    silence();
  });

  test("[PL20] that has lost something is not read, nor a consumer placed, from where it was before", async () => {
    const schema = nodes.schema();
    const log = nodes.node(schema);
    const claim = { owner: "o", now: 1, until: 9_999_999_999_999, from: "beginning" } as const;
    await log.claimConsumer("c", claim);
    const place = async () => (await log.consumers())[0]!.position;
    await fill(log, "t", 0, 3);
    const stored = await place();
    const { position } = await log.changes(stored, 9);
    // The last two are lost, and their numbers are given out anew.
    await restored(schema);
    await nodes.query(`DELETE FROM ${inSchema(schema, "records")} WHERE sequence > 1`);
    await nodes.query(`UPDATE ${inSchema(schema, "targets")} SET sequence = 1, mark = ${at(1).mark}`);
    const advanced = { owner: "o", position, until: claim.until };
    expect((await problem(log.advanceConsumer("c", advanced)))[0]).toBe("replaced");
    await restored(schema);
    expect((await problem(log.changes(position, 9)))[0]).toBe("replaced");
    // Also of who waits while it is looked for.
    await restored(schema);
    const looking = log.open("t");
    expect((await problem(log.changes(position, 9)))[0]).toBe("replaced");
    await looking;
    expect(await place()).toBe(stored);
    expect(await log.claimConsumer("c", claim)).toEqual({ status: "held", position: stored });
    expect((await log.changes(stored, 9)).changes).toHaveLength(1);
  });

  test.each(["Odd: 'we\"ird\\ ü%s", "SELECT", "1 2"])("[PL19] may have any name: %s", async (schema) => {
    const log = nodes.node(schema);
    await fill(log, "t", 0, 3);
    await log.saveSnapshot("t", { ...at(2), version: 1, at: 5, model: 1 });
    expect(await log.bytes!()).toBeGreaterThan(0);
    await log.claimConsumer("c", { owner: "o", now: 1, until: 2, from: "beginning" });
    expect((await log.changes("", 9)).changes).toHaveLength(3);
    expect(await log.moved!([["t", at(2)]])).toEqual(["t"]);
    expect(await log.remove("t", 9)).toBe(true);
    await log.expire({ at: 10, sessions: 9, rows: 9, tombstones: 9, consumers: 9, limit: 9 });
    expect(await nodes.node(schema).identity!()).toBe(await log.identity!());
  });

  test("[PL12] must be the one that was asked for", async () => {
    const schema = nodes.schema();
    const identity = "0".repeat(32);
    expect((await problem(nodes.node(schema, { identity }).opened()))[0]).toBe("other");
    expect(await nodes.query(`SELECT 1 FROM pg_namespace WHERE nspname = $1`, [schema])).toEqual([]);
    const name = await nodes.node(schema).identity!();
    await nodes.node(schema, { identity: name }).opened();
    expect((await problem(nodes.node(schema, { identity }).opened()))[0]).toBe("other");
  });

  test("[PL2] leaves nothing behind in a connection", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    await fill(one.log, "t", 0, 1);
    await one.log.expire({ at: 1, sessions: 1, rows: 1, tombstones: 1, consumers: 1, limit: 9 });
    for (const state of ["pg_prepared_statements", "pg_cursors", "pg_listening_channels() AS c"])
      expect(await one.query(`SELECT * FROM ${state}`)).toEqual([]);
    expect(
      await one.query(`SELECT 1 FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'`),
    ).toEqual([]);
    expect(await one.query(`SELECT name FROM pg_settings WHERE source = 'session'`)).toEqual([]);
  });
});
