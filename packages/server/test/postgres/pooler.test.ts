// What a PgBouncer in transaction mode does to connections, by a real one. The contracts run through it too:
// drivers.test.ts, contract.test.ts and postgres-log.test.ts.
import { automatic, json } from "@calla/shared";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { PostgresDriver } from "../../src/postgres/driver/driver.ts";
import { pgDriver } from "../../src/postgres/driver/pg-driver.ts";
import { postgresJsDriver } from "../../src/postgres/driver/postgres-js-driver.ts";
import { postgresPubSub } from "../../src/postgres/pubsub/postgres-pubsub.ts";
import { hasPooler, ownDatabase, pooled } from "./engines.ts";

/** Which connection of the server's answers, and what `postgres` prepared there; `pg` has names of its own for what it tries. */
const PREPARED = `select pg_backend_pid() as pid, $1 as said,
  (select count(*) from pg_prepared_statements where name not like 'calla@_%' escape '@') as prepared`;
const MANY = 40;

const drivers = { pg: pgDriver, postgres: postgresJsDriver } as const;

describe.skipIf(!hasPooler)("through a PgBouncer in transaction mode", () => {
  const url = ownDatabase();
  const closed = (driver: PostgresDriver): PostgresDriver => {
    onTestFinished(() => driver.close?.());
    return driver;
  };

  test.each(["pg", "postgres"] as const)(
    "[PG19] %s leaves out the settings that it refuses, of all calls that begin at once",
    async (name) => {
      const driver = closed(drivers[name]({ url: pooled(url()) }));
      const rows = await Promise.all(
        Array.from({ length: MANY }, async (_, n) => driver.query("select $1::int as n", [`${n}`])),
      );
      expect(rows).toEqual(Array.from({ length: MANY }, (_, n) => [{ n: `${n}` }]));
    },
  );

  test.each(["postgres"] as const)(
    "[PG19] %s prepares nothing there, and does on a connection of its own",
    async (name) => {
      const through = closed(drivers[name]({ url: pooled(url()) }));
      const pids = new Set<string | null | undefined>();
      for (let round = 0; round < 5; round++) {
        const calls = Array.from({ length: 8 }, async () => through.query(PREPARED, [""]));
        for (const [row] of await Promise.all(calls)) {
          expect(row?.["prepared"]).toBe("0");
          pids.add(row?.["pid"]);
        }
      }
      expect(pids.size).toBeGreaterThan(1);
      const near = closed(drivers[name]({ url: url(), connections: 1 }));
      await near.query(PREPARED, [""]);
      expect((await near.query(PREPARED, [""]))[0]?.["prepared"]).toBe("1");
    },
  );

  test.each(["pg", "postgres"] as const)(
    "[PG18] %s that listens through it is deaf: that is found, told once with the cure, and no node is ready",
    async (name) => {
      const errors: { readonly details?: object; readonly message: string }[] = [];
      const of = async (driver: PostgresDriver) => {
        const pubsub = postgresPubSub(driver, {
          heartbeat: 100,
          onError: (error) => void errors.push(error as Error),
        });
        pubsub.carryWith(automatic(json()));
        onTestFinished(() => pubsub.close());
        return pubsub;
      };
      const wrong = await of(closed(drivers[name]({ url: pooled(url()) })));
      let ready = false;
      void wrong.ready().then(() => (ready = true));
      await vi.waitFor(() => expect(errors).toHaveLength(1), { timeout: 5_000 });
      await new Promise((resolve) => setTimeout(resolve, 500)); // it is made again, and no better
      expect(errors).toMatchObject([{ details: { code: "deaf" } }]);
      expect(errors[0]!.message).toMatch(/pooler.*listenUrl/);
      expect(ready).toBe(false);

      const right = await of(closed(drivers[name]({ url: pooled(url()), listenUrl: url() })));
      await right.ready();
      expect(errors).toHaveLength(1);
    },
  );
});
