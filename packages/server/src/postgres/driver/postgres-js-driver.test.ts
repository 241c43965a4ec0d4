// What is this driver's alone; what all drivers do: drivers.test.ts.
import postgres from "postgres";
import { describe, expect, test, vi } from "vitest";
import { hasServer, ownDatabase } from "../../../test/postgres/engines.ts";
import { hearing } from "../../../test/postgres/hearing.ts";
import { postgresJsDriver } from "./postgres-js-driver.ts";

describe.skipIf(!hasServer)("postgresJsDriver", () => {
  const url = ownDatabase();

  test("[PG6] an app's sql is used, also to listen, and not closed", async () => {
    const sql = postgres(url(), { max: 2, onnotice: () => undefined });
    const driver = postgresJsDriver({ sql });
    const { heard, events } = hearing();
    const line = await driver.listen("own", events);
    await driver.query("select pg_notify('own', $1)", ["x"]);
    await vi.waitFor(() => expect(heard).toEqual(["x"]));
    line.close();
    driver.renew?.();
    await driver.close?.();
    expect(await sql`select 1 as n`).toMatchObject([{ n: 1 }]);
    await sql.end();
  });

  test("[PG6] an app's sql that gives columns other names is refused; what it does with values does no harm", async () => {
    expect(() => postgresJsDriver({ sql: postgres(url(), { transform: postgres.camel }) })).toThrow(
      "`transform`",
    );
    const value = { from: () => "another", to: (text: unknown) => text };
    const sql = postgres(url(), { max: 1, transform: { undefined: null, value } });
    const rows = await postgresJsDriver({ sql }).query("select $1 as of_it, null as none", ["x"]);
    expect(rows).toEqual([{ of_it: "x", none: null }]);
    await sql.end();
  });

  test("[PG3] a line whose connection ends says so once, and is not mended", async () => {
    const driver = postgresJsDriver({ url: url() });
    const { heard, lost, events } = hearing();
    await driver.listen("lost", events);
    await driver.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen \"lost\"'",
      [],
    );
    await vi.waitFor(() => expect(lost).toHaveLength(1));
    await driver.query("select pg_notify('lost', 'late')", []);
    expect([heard, lost.length]).toEqual([[], 1]);
    await driver.close?.();
  });

  test("[PG5] what is given up leaves its connections, and the server ends long statements itself", async () => {
    const driver = postgresJsDriver({ url: url(), connections: 1, statementTimeout: 50, prepare: false });
    await expect(driver.query("select pg_sleep(60)", [])).rejects.toMatchObject({ code: "57014" });
    const giveUp = new AbortController();
    const call = driver.query("select pg_sleep(60)", [], giveUp.signal).catch((error: unknown) => error);
    giveUp.abort();
    expect(await driver.query("select 1 as n", [])).toEqual([{ n: "1" }]);
    expect(await call).toBeInstanceOf(Error);
    await driver.close?.();
  });
});
