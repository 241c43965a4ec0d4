// What is this driver's alone; what all drivers do: drivers.test.ts.
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { describe, expect, test, vi } from "vitest";
import { hasServer, ownDatabase } from "../../../test/postgres/engines.ts";
import { pgDriver } from "./pg-driver.ts";

describe.skipIf(!hasServer)("pgDriver", () => {
  const url = ownDatabase();

  test("[PG6] an app's pool is used, also to listen, and not closed", async () => {
    const pool = new pg.Pool({ connectionString: url() });
    const driver = pgDriver({ pool });
    const heard: string[] = [];
    const line = await driver.listen("own", {
      heard: (payload) => void heard.push(payload),
      lost: () => undefined,
    });
    await driver.query("select pg_notify('own', 'x')", []);
    await vi.waitFor(() => expect(heard).toEqual(["x"]));
    line.close();
    driver.renew?.();
    await driver.close?.();
    expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    expect(pool.idleCount).toBe(pool.totalCount);
    await pool.end();
  });

  test("[PG2] a connection that ends within a call rejects it, one that ends between calls nobody", async () => {
    const driver = pgDriver({ url: url() });
    await expect(driver.query("select pg_terminate_backend(pg_backend_pid())", [])).rejects.toMatchObject({
      code: "57P01",
    });
    const [row] = await driver.query("select pg_backend_pid() as pid", []);
    const other = pgDriver({ url: url() });
    await other.query("select pg_terminate_backend($1::int)", [row?.["pid"] ?? null]);
    await vi.waitFor(async () => expect(await driver.query("select 1 as n", [])).toEqual([{ n: "1" }]));
    await driver.close?.();
    await other.close?.();
  });

  test("[PG5] what is given up while it waits for a connection takes none from those that come behind it", async () => {
    const pool = new pg.Pool({ connectionString: url(), max: 1 });
    const driver = pgDriver({ pool });
    const [row] = await driver.query("select pg_backend_pid() as pid", []);
    const held = await pool.connect();
    const giveUp = new AbortController();
    const calls = Array.from({ length: 3 }, async () => driver.query("select 1 as n", [], giveUp.signal));
    giveUp.abort();
    const behind = driver.query("select pg_backend_pid() as pid", []);
    held.release();
    for (const call of calls) await expect(call).rejects.toThrow("given up");
    expect(await behind).toEqual([row]);
    await pool.end();
  });

  test("[PG4] who waits for a connection while the pool is renewed has one of the next", async () => {
    const driver = pgDriver({ url: url(), connections: 1, connectTimeout: 300 });
    const long = driver.query("select pg_sleep(0.6)", []);
    const waiting = driver.query("select 1 as n", []);
    driver.renew?.();
    expect(await waiting).toEqual([{ n: "1" }]);
    await long;
    await driver.close?.();
  });

  test("[PG5] what is given up leaves its connection, and the server ends long statements itself", async () => {
    const driver = pgDriver({ url: url(), connections: 1, statementTimeout: 50 });
    await expect(driver.query("select pg_sleep(60)", [])).rejects.toMatchObject({ code: "57014" });
    const giveUp = new AbortController();
    const call = driver.query("set statement_timeout = 0; select pg_sleep(60)", [], giveUp.signal);
    giveUp.abort();
    await expect(call).rejects.toThrow();
    expect(await driver.query("select 1 as n", [])).toEqual([{ n: "1" }]);
    await driver.close?.();
  });

  const prepared = `select count(*) as n from pg_prepared_statements where name like 'calla@_%' escape '@'`;

  test("[PG7] a connection prepares a statement once, and nothing for one without values", async () => {
    const driver = pgDriver({ url: url(), connections: 1 });
    for (const value of ["1", "2"])
      expect(await driver.query("select $1::int + 1 as n", [value])).toEqual([{ n: `${Number(value) + 1}` }]);
    expect(await driver.query(prepared, [])).toEqual([{ n: "1" }]);
    await driver.close?.();
    const without = pgDriver({ url: url(), connections: 1, prepare: false });
    await without.query("select $1::int + 1 as n", ["1"]);
    expect(await without.query(prepared, [])).toEqual([{ n: "0" }]);
    await without.close?.();
  });

  test("[PG7] where a connection has lost a statement, the call is done all the same, and later ones have no name", async () => {
    const driver = pgDriver({ url: url(), connections: 1 });
    const ask = (): Promise<unknown> => driver.query("select $1::int as n", ["1"]);
    await ask();
    await driver.query("deallocate all", []);
    expect(await ask()).toEqual([{ n: "1" }]);
    expect(await driver.query("select $1::int + 1 as n", ["1"])).toEqual([{ n: "2" }]);
    expect(await driver.query(prepared, [])).toEqual([{ n: "0" }]);
    await driver.close?.();
  });

  test("[PG7] a statement whose function gives other columns by now gives these", async () => {
    const driver = pgDriver({ url: url(), connections: 1 });
    const give = (columns: string, values: string): Promise<unknown> =>
      driver.query(
        `drop function if exists given(int); create function given(a int) returns table (${columns}) language sql as $$ select ${values} $$`,
        [],
      );
    await give("one int", "a");
    const ask = (): Promise<unknown> => driver.query("select * from given($1::int)", ["3"]);
    expect(await ask()).toEqual([{ one: "3" }]);
    await give("one int, two int", "a, a + 1");
    expect(await ask()).toEqual([{ one: "3", two: "4" }]);
    await driver.close?.();
  });
});

test("[PG2] a server that ends in the moment in which it takes a connection ends no process", async () => {
  const said = (type: string, ...bytes: readonly (string | number)[]): Buffer => {
    const body = Buffer.concat(bytes.map((one) => Buffer.from(typeof one === "string" ? one : [one])));
    const head = Buffer.alloc(5, type);
    head.writeUInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const ends = ["SFATAL", 0, "C57P01", 0, "Mterminating connection", 0, 0];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    // In one piece: who is let in, that it may ask, and that all is over.
    socket.once("data", () =>
      socket.end(Buffer.concat([said("R", 0, 0, 0, 0), said("Z", "I"), said("E", ...ends)])),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const driver = pgDriver({ url: `postgres://calla@127.0.0.1:${port}/calla` });
  const died = vi.fn();
  process.once("uncaughtException", died);
  await expect(driver.query("select 1", [])).rejects.toThrow();
  await driver.close?.();
  process.off("uncaughtException", died);
  server.close();
  expect(died).not.toHaveBeenCalled();
});
