// A real standby, made by pg_basebackup, which follows its primary by streaming and takes over.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { findPostgres } from "../../../../scripts/postgres/binaries.mjs";
import { startPostgres } from "../../../../scripts/postgres/start.mjs";
import type { Engine } from "../../../../scripts/postgres/start.mjs";
import { systemClock, systemRandom } from "../../src/base/clock.ts";
import type { PostgresDriver } from "../../src/postgres/driver/driver.ts";
import { pgDriver } from "../../src/postgres/driver/pg-driver.ts";
import { postgresJsDriver } from "../../src/postgres/driver/postgres-js-driver.ts";
import { postgresLog } from "../../src/postgres/log/create.ts";
import { appendOf } from "../../src/testing/log-contract/kit.ts";
import { list, subscribe, types, wire } from "../wired.ts";
import { hasServer } from "./engines.ts";
import { openWay } from "./way.ts";
import type { Way } from "./way.ts";

const major = process.env["CALLA_POSTGRES_VERSION"];
const { bin = "" } = (hasServer && findPostgres(major)) || {};
const hasStandbys = existsSync(join(bin, "pg_basebackup"));

const ASYNCHRONOUS = /standbys are asynchronous: .*synchronous_standby_names/;
const drivers = { pg: pgDriver, postgres: postgresJsDriver } as const;
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const real = { clock: systemClock, settle, advance: settle } as unknown as Parameters<typeof wire>[1];

describe.skipIf(!hasStandbys)("a standby that pg_basebackup has made", () => {
  let way: Way;
  let primary: Engine;
  let standby: Engine;
  const engines: Engine[] = [];
  const start = async (options: Parameters<typeof startPostgres>[0]): Promise<Engine> => {
    const engine = await startPostgres({ own: true, major, ...options });
    if (engine === undefined) throw new Error("It did not start.");
    engines.push(engine);
    return engine;
  };
  const closing: PostgresDriver[] = [];
  const kept = (driver: PostgresDriver): PostgresDriver => {
    closing.push(driver);
    return driver;
  };
  /** Asks a server itself, by no way. */
  const ask = async (engine: Engine, text: string) => {
    const driver = pgDriver({ url: engine.url, connections: 1 });
    try {
      return await driver.query(text, []);
    } finally {
      await driver.close?.();
    }
  };
  /** Whoever follows it has what there is by now. */
  const followed = async (engine: Engine): Promise<void> => {
    const [now] = await ask(engine, "select pg_current_wal_lsn() as lsn");
    await vi.waitFor(async () => {
      const text = `select 1 from pg_stat_replication where state = 'streaming' and replay_lsn >= '${now!["lsn"]}'`;
      expect(await ask(engine, text)).toHaveLength(1);
    }, 10_000);
  };
  const promoted = (engine: Engine) => ask(engine, "select pg_promote()");

  beforeAll(async () => {
    way = await openWay();
    primary = await start({});
    way.lead(primary.url);
    standby = await start({ standbyOf: primary.url });
  }, 60_000);
  afterAll(async () => {
    await Promise.all(closing.map((driver) => driver.close?.()));
    way.close();
    await Promise.all(engines.map((engine) => engine.stop()));
  });

  test.each(["pg", "postgres"] as const)(
    "[PL18] by %s no node takes it, at its start or later; it goes on by itself once its way leads to the primary",
    async (name) => {
      const log = postgresLog({
        driver: kept(drivers[name]({ url: way.of(primary.url) })),
        schema: `of ${name}`,
        onError: () => undefined,
      });
      const refused = { code: "storage", details: { code: "standby" } };
      way.lead(standby.url);
      await expect(log.opened()).rejects.toMatchObject(refused);
      way.lead(primary.url); // the connections stand
      await log.opened();
      expect(await log.append([appendOf("t", 0, 1)])).toMatchObject([{ status: "appended" }]);
      await followed(primary);
      way.lead(standby.url);
      way.cut();
      // Of the calls that meet the connections which were cut nobody knows anything.
      const next = () => log.append([appendOf("t", 1, 1)]).catch((error: unknown) => error);
      await vi.waitFor(async () => expect(await next()).toMatchObject(refused), 10_000);
      await expect(log.open("t")).rejects.toMatchObject(refused); // what it has may be old
      way.lead(primary.url);
      expect(await log.append([appendOf("t", 1, 1)])).toMatchObject([{ status: "appended" }]);
      await log.close();
    },
  );

  /** Two nodes that are written to, each by a writer of its own, until the writers are told to end. */
  async function twoNodes(schema: string) {
    const told: string[] = [];
    const nodes = ["a", "b"].map((by) => {
      const driver = kept(drivers[by === "a" ? "pg" : "postgres"]({ url: way.of(primary.url) }));
      const log = postgresLog({
        driver,
        schema,
        onError: (error) => void told.push((error as Error).message),
      });
      const node = wire({ log, random: systemRandom, strict: false }, real);
      node.server.handle(list, { public: true });
      return { ...node, by, log };
    });
    onTestFinished(async () => {
      for (const { server } of nodes) await server.stop();
    });
    for (const { log } of nodes) await log.opened();
    /** What was acknowledged, in the order of that. */
    const acknowledged: string[] = [];
    const state = { writing: true };
    const writers = nodes.map(async ({ server, by }) => {
      for (let n = 0; state.writing; n++)
        try {
          await server.topic(list, "1").dispatch({ type: "added", item: `${by}${n}` });
          acknowledged.push(`${by}${n}`);
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
    });
    const more = async (count: number): Promise<readonly string[]> => {
      const from = acknowledged.length;
      await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThanOrEqual(from + count), {
        timeout: 15_000,
        interval: 5,
      });
      return acknowledged.slice(from);
    };
    const end = async (): Promise<readonly string[]> => {
      state.writing = false;
      await Promise.all(writers);
      const models = await Promise.all(nodes.map(({ server }) => server.topic(list, "1").read()));
      expect(models[1]).toEqual(models[0]);
      const { items } = models[0]!.model as { readonly items: readonly string[] };
      const { changes } = await nodes[0]!.log.changes("", 10_000);
      expect(
        changes.flatMap((change) =>
          "record" in change
            ? (change.record.messages as unknown as readonly { readonly item: string }[]).map(
                ({ item }) => item,
              )
            : [],
        ),
      ).toEqual(items);
      expect(new Set(items).size).toBe(items.length);
      for (const by of ["a", "b"]) {
        expect(acknowledged.some((item) => item.startsWith(by))).toBe(true);
        const own = items.filter((item) => item.startsWith(by)).map((item) => Number(item.slice(1)));
        expect(own).toEqual(own.toSorted((one, other) => one - other));
      }
      return items;
    };
    return { nodes, told, acknowledged, more, end };
  }

  test("[PL13] a node whose user is nobody special is told too", async () => {
    await ask(primary, "create role app login password 'app'");
    await ask(primary, "grant create on database postgres to app");
    const url = new URL(primary.url);
    url.username = url.password = "app";
    const told: string[] = [];
    const log = postgresLog({
      driver: kept(pgDriver({ url: url.href })),
      schema: "of app",
      onError: (error) => void told.push((error as Error).message),
    });
    await log.opened();
    await log.close();
    expect(told.filter((one) => ASYNCHRONOUS.test(one))).toHaveLength(1);
  });

  /** The primary dies, the standby takes over, and the way leads there. */
  const failover = async (): Promise<void> => {
    await primary.down("SIGKILL");
    way.lead(standby.url);
    way.cut();
    await promoted(standby);
    primary = standby;
  };

  test("[PL12] [PL13] a failover to one that is synchronous loses nothing that was acknowledged, whoever writes meanwhile", async () => {
    await ask(primary, "alter system set synchronous_standby_names = '*'");
    await ask(primary, "select pg_reload_conf()");
    await followed(primary);
    const { told, acknowledged, more, end } = await twoNodes("synchronous");
    expect(told.filter((one) => ASYNCHRONOUS.test(one))).toEqual([]);
    await more(30);
    await failover();
    await more(30);
    const items = new Set(await end());
    expect(acknowledged.filter((item) => !items.has(item))).toEqual([]);
  });

  test("[PL12] [PL13] to one that is asynchronous it may lose something: nodes are told of that at connect, and who has seen what was lost is given the model", async () => {
    standby = await start({ standbyOf: primary.url });
    await followed(primary);
    const { nodes, told, acknowledged, more, end } = await twoNodes("asynchronous");
    expect(told.filter((one) => ASYNCHRONOUS.test(one))).toHaveLength(nodes.length);
    await more(20);
    const reader = await nodes[0]!.client();
    reader.say(subscribe("list:1"));
    const safe = [...acknowledged];
    await followed(primary);
    await ask(standby, "alter system set primary_conninfo = ''");
    await ask(standby, "select pg_reload_conf()");
    await vi.waitFor(
      async () => expect(await ask(standby, "select 1 from pg_stat_wal_receiver")).toEqual([]),
      10_000,
    );
    await more(1); // under way as it ended
    const lost = await more(20);
    const seen = await reader.heard();
    await failover();
    await more(20);
    const items = await end();
    const kept = new Set(items);
    expect(safe.filter((item) => !kept.has(item))).toEqual([]);
    expect(lost.filter((item) => kept.has(item))).toEqual([]);
    expect(lost.some((item) => JSON.stringify(seen).includes(`"${item}"`))).toBe(true);
    expect(types(await reader.heard())).toContain("Snapshot");
  });
});
