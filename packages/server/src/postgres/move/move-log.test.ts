// A log that has all there can be in one, moved whole, killed at every statement, repeated and taken back.
import Database from "better-sqlite3";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { testedEngines } from "../../../test/postgres/engines.ts";
import { apart } from "../../../test/postgres/nodes.ts";
import { appendOf, at, fill, record, REMOVED_AT, row, tombstone } from "../../testing/log-contract/kit.ts";
import type { LogStorage } from "../../log/log.ts";
import { sqlite } from "../../log/sqlite/sqlite.ts";
import type { PostgresDriver } from "../driver/driver.ts";
import { postgresLog } from "../log/create.ts";
import { quoted } from "../schema/names.ts";
import { moveLog, undoMove } from "./move-log.ts";
import type { MoveOptions, MoveProgress } from "./move-log.ts";

const STRANGE = 'odd:"\u0000\ud800';
const LEASE = { now: 1, until: 9_999_999_999_999 };

/** With compaction, sweeps held back by a consumer, tombstones, what came back, what expired, rows of all kinds. */
async function fillAll(log: LogStorage): Promise<void> {
  await log.secret();
  await fill(log, "short", 0, 3);
  await log.claimConsumer("all", { owner: "o", ...LEASE, from: "beginning" });
  await fill(log, "long", 0, 12);
  const saved = (sequence: number) => ({ ...at(sequence), version: 1, at: 5, model: { n: sequence } });
  for (const sequence of [4, 8, 11]) await log.saveSnapshot("long", saved(sequence));
  await fill(log, "dead", 0, 4);
  await log.remove("dead", REMOVED_AT);
  await fill(log, "back", 0, 2);
  await log.remove("back", REMOVED_AT);
  const whole = record(3, { messages: [], model: { value: { n: 1 } } });
  await log.append([
    { target: "back", expected: tombstone(2), records: [whole], rows: [], at: REMOVED_AT + 1 },
    appendOf(STRANGE, 0, 2, { author: { clientId: "\u0000", userId: "\ud800" } }),
    appendOf("@ann", 0, 2, { rows: [row("ann", 2)] }),
    { ...appendOf("never", 0, 0), rows: [{ ...row("bob", 1), was: 0 }] },
  ]);
  await fill(log, "@old", 0, 2);
  const none = { rows: 0, tombstones: 0, consumers: 0 };
  await log.expire({ ...none, at: REMOVED_AT, sessions: 1_900_000_000_003, limit: 10 });
  const { changes } = await log.changes("", 1_000);
  const position = changes[4]!.position;
  await log.advanceConsumer("all", { owner: "o", position, until: LEASE.until });
  // A client that settles late, so that outcomes lie apart.
  for (let mid = 1; mid <= 4; mid++) {
    const outcome = { mid, id: "i".repeat(400), sequence: mid };
    const late = { clientId: "late", was: mid - 1, last: mid, settled: 0, outcomes: [outcome] };
    await log.append([{ ...appendOf("rows", mid - 1, 1), rows: [late] }]);
  }
}

/** All that a server can ask, without positions, which are a log's own. */
async function allOf(log: LogStorage): Promise<unknown> {
  const { targets } = await log.list("", undefined, 1_000);
  const of = await Promise.all(
    targets.map(async (listed) => ({
      listed,
      head: await log.open(listed.target),
      history: await log.history(listed.target, Infinity, 1_000),
      resumed: await log.read(listed.target, at(1), 1_000),
      saved: await log.snapshotAt(listed.target, 9),
    })),
  );
  const rows = await Promise.all(
    [["@ann", "ann"] as const, ["never", "bob"] as const, ["rows", "late"] as const].map(([target, client]) =>
      log.client(target, client),
    ),
  );
  const consumers = await Promise.all(
    (await log.consumers()).map(async ({ position, ...consumer }) => ({
      ...consumer,
      changes: (await log.changes(position, 1_000)).changes.map((change) => ({ ...change, position: "" })),
    })),
  );
  return { of, rows, consumers, identity: await log.identity?.(), secret: await log.secret() };
}

let folder: string;
let full: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "calla-move-"));
  full = join(folder, "full.db");
  const log = openFile(full);
  await fillAll(log);
  await log.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const openFile = (file: string) =>
  sqlite(file, { thread: "main", retention: 3, durability: "process-crash" });
let files = 0;
const freshFile = (): string => {
  const file = join(folder, `${files++}.db`);
  copyFileSync(full, file);
  return file;
};

/** A process that ends at a statement: it is not done, or done and not answered. */
function dying(driver: PostgresDriver, statement: number): PostgresDriver & { readonly died: () => boolean } {
  let asked = 0;
  return {
    ...driver,
    died: () => asked >= statement,
    async query(text, values) {
      asked++;
      if (asked > statement || (asked === statement && statement % 2 === 0)) throw new Error("killed");
      const rows = await driver.query(text, values);
      if (asked === statement) throw new Error("killed");
      return rows;
    },
  };
}
const codeOf = async (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => "fine",
    (error: { details?: { code?: string } }) => error.details?.code ?? error,
  );

const engines = testedEngines();
const ways = engines.filter(({ name }) => !name.startsWith("postgres"));
for (const { name, skipped, make } of ways)
  describe.skipIf(skipped)(`moving a log over ${name}`, () => {
    apart("ordered");
    let made: PostgresDriver | undefined;
    const driver = (): PostgresDriver => (made ??= make());
    let schemas = 0;
    const setUp = () => {
      const options: MoveOptions = {
        from: freshFile(),
        to: driver(),
        schema: `moved by ${name} ${schemas++}`,
      };
      const moved = () =>
        postgresLog({ driver: driver(), schema: options.schema!, retention: 3, onError: () => undefined });
      return { options, moved };
    };
    const withLog = async <T>(log: LogStorage, ask: (log: LogStorage) => Promise<T>): Promise<T> => {
      try {
        return await ask(log);
      } finally {
        await log.close();
      }
    };

    test("[MV1] [MV2] [MV6] all that the file has is there, and goes on", async () => {
      const { options, moved } = setUp();
      const before = await withLog(openFile(options.from), allOf);
      const steps: string[] = [];
      const counts = await moveLog({ ...options, onProgress: ({ step }) => void steps.push(step) });
      expect(counts).toMatchObject({ targets: 8, clients: 3 });
      expect([...new Set(steps)]).toEqual(["copying", "fenced", "checking", "done"]);
      await withLog(moved(), async (log) => {
        expect(await allOf(log)).toEqual(before);
        const position = (await log.consumers())[0]!.position;
        const [result] = await log.append([appendOf("short", 3, 1), appendOf("new", 0, 1)]);
        expect(result!.status).toBe("appended");
        const { changes } = await log.changes(position, 1_000);
        expect(
          changes
            .slice(-2)
            .map(({ target }) => target)
            .toSorted(),
        ).toEqual(["new", "short"]);
        expect(await log.remove("long", REMOVED_AT)).toBe(true);
      });
    });

    // What follows is the same for every way to a Postgres.
    if (name !== "pg") return;

    test("[MV3] [MV7] the file takes nothing more, in no process, until the move is taken back", async () => {
      const { options, moved } = setUp();
      const open = openFile(options.from);
      expect((await open.open("short"))?.sequence).toBe(3);
      await moveLog(options);
      await expect(open.append([appendOf("short", 3, 1)])).rejects.toThrow(
        "(moved): its log goes on in another storage. Nothing is written here any more: start the server over Postgres",
      );
      expect((await open.open("short"))?.sequence).toBe(3);
      await open.close();
      expect(await codeOf(openFile(options.from).opened())).toBe("moved");
      await undoMove(options);
      expect(await codeOf(moved().opened())).toBe("half-moved");
      await withLog(openFile(options.from), (log) => fill(log, "short", 3, 1));
      await moveLog(options);
      await withLog(moved(), async (log) => expect((await log.open("short"))?.sequence).toBe(4));
    });

    test("[MV4] [MV7] what is used there is not taken back, and nothing is written over it", async () => {
      const { options, moved } = setUp();
      await moveLog(options);
      expect((await moveLog(options)).away).toBe(0);
      await withLog(moved(), (log) => log.touch(["short"], REMOVED_AT + 9));
      expect(await codeOf(undoMove(options))).toBe("used");
      expect(await codeOf(openFile(options.from).opened())).toBe("moved");
      await moveLog(options);
      await withLog(moved(), (log) => fill(log, "short", 3, 1));
      expect(await codeOf(moveLog({ ...options, from: freshFile() }))).toBe("used");
      const another = join(folder, `${files++}.db`);
      await withLog(openFile(another), (log) => fill(log, "t", 0, 1));
      expect(await codeOf(moveLog({ ...options, from: another }))).toBe("target");
      const inUse = setUp();
      await withLog(inUse.moved(), (log) => fill(log, "t", 0, 1));
      expect(await codeOf(moveLog(inUse.options))).toBe("used");
    });

    test("[MV7] a file that was moved elsewhere stays so, unless that place is gone", async () => {
      const { options, moved } = setUp();
      await moveLog(options);
      const elsewhere = { ...options, schema: `moved ${schemas++}` };
      expect(await codeOf(moveLog(elsewhere))).toBe("elsewhere");
      expect(await codeOf(undoMove(elsewhere))).toBe("elsewhere");
      expect(await codeOf(moved().opened())).toBe("fine");
      await options.to.query(`DROP SCHEMA ${quoted(options.schema!)} CASCADE`, []);
      await moveLog({ ...options, abandon: true });
      expect(await withLog(moved(), (log) => log.open("short"))).toMatchObject({ sequence: 3 });
      await undoMove({ ...elsewhere, abandon: true });
      expect(await codeOf(openFile(options.from).opened())).toBe("fine");
      await undoMove(options); // of what is not moved it says nothing
    });

    test("[MV8] [MV2] what has changed since it was copied is mended", async () => {
      const { options, moved } = setUp();
      const kill = (): never => {
        throw new Error("killed");
      };
      const killed = { ...options, onProgress: ({ step }: MoveProgress) => step === "fenced" && kill() };
      await withLog(openFile(options.from), (log) => fill(log, "@late", 0, 5));
      await expect(moveLog(killed)).rejects.toThrow("killed");
      await undoMove(options);
      await withLog(openFile(options.from), async (log) => {
        await log.dropConsumer("all");
        await fill(log, "long", 12, 6);
        await log.saveSnapshot("long", { ...at(17), version: 1, at: 5, model: { n: 17 } });
        const none = { rows: REMOVED_AT, tombstones: REMOVED_AT + 5, consumers: 0 };
        await log.expire({ ...none, at: REMOVED_AT, sessions: REMOVED_AT, limit: 99 });
      });
      const db = new Database(options.from);
      const ids = () => db.prepare("SELECT id FROM targets ORDER BY id").pluck().all();
      await withLog(openFile(options.from), async (log) => {
        // Once the session's records are swept, its number is given to another one.
        await log.consumers();
        await vi.waitFor(() => expect(ids()).not.toContain(12));
        await fill(log, "next", 0, 3);
      });
      db.close();
      const before = await withLog(openFile(options.from), allOf);
      await moveLog(options);
      expect(await withLog(moved(), allOf)).toEqual(before);
    });

    test("[MV5] of two runs the later one goes on, and the earlier one writes nothing", async () => {
      const { options, moved } = setUp();
      let goOn: (() => void) | undefined;
      let statements = 0;
      const slow: PostgresDriver = {
        ...options.to,
        async query(text, values) {
          if (++statements === 6) await new Promise<void>((resolve) => (goOn = resolve));
          return options.to.query(text, values);
        },
      };
      const earlier = codeOf(moveLog({ ...options, to: slow }));
      await vi.waitFor(() => expect(goOn).toBeDefined(), 20_000);
      await moveLog(options);
      const there = await withLog(moved(), allOf);
      goOn!();
      expect(await earlier).toBe("taken");
      expect(await withLog(moved(), allOf)).toEqual(there);
    });

    test.each(["copying(", "completed ="])(
      "[MV5] [MV7] a run that is at %o while the move is taken back ends nothing, and the file goes on",
      async (at) => {
        const { options, moved } = setUp();
        let goOn: (() => void) | undefined;
        const slow: PostgresDriver = {
          ...options.to,
          async query(text, values) {
            if (goOn === undefined && text.startsWith("WITH") && text.includes(at))
              await new Promise<void>((resolve) => (goOn = resolve));
            return options.to.query(text, values);
          },
        };
        const run = codeOf(moveLog({ ...options, to: slow }));
        await vi.waitFor(() => expect(goOn).toBeDefined(), 20_000);
        await undoMove(options);
        goOn!();
        expect(await run).toBe("taken");
        await withLog(openFile(options.from), (log) => fill(log, "short", 3, 1));
        expect(await codeOf(moved().opened())).toBe("half-moved");
        await moveLog(options);
        await withLog(moved(), async (log) => expect((await log.open("short"))?.sequence).toBe(4));
      },
    );

    test("[MV4] [PL19] nothing is moved to where no server would take it", async () => {
      const { options } = setUp();
      const found = {
        encoding: "SQL_ASCII",
        fit: "t",
        version: "15",
        standby: "f",
        isolation: "read committed",
      };
      const asked: string[] = [];
      const to: PostgresDriver = {
        ...options.to,
        query(text, values) {
          asked.push(text);
          return text.includes("server_encoding") ? Promise.resolve([found]) : options.to.query(text, values);
        },
      };
      expect(await codeOf(moveLog({ ...options, to }))).toBe("encoding");
      expect(asked).toHaveLength(1);
      expect(await codeOf(openFile(options.from).opened())).toBe("fine");
    });

    test("[MV4] a schema whose name cannot be one is refused", async () => {
      const { options } = setUp();
      for (const schema of ["", "a$f$", "x".repeat(64), "pg_x"])
        expect(await codeOf(moveLog({ ...options, schema }))).toBe("target");
      expect(await codeOf(openFile(options.from).opened())).toBe("fine");
    });

    test("[MV5] killed at any statement it goes on, or is taken back", async () => {
      const { options: first } = setUp();
      const expected = await withLog(openFile(first.from), allOf);
      let ended = false;
      for (let statement = 1; !ended; statement += 3) {
        const { options, moved } = setUp();
        const driver = dying(options.to, statement);
        await moveLog({ ...options, to: driver }).catch(() => undefined);
        ended = !driver.died();
        if (statement > 2 && statement % 2 === 1) {
          // Whatever was done, at most one of them is a log just now.
          const [here, there] = [
            await codeOf(openFile(options.from).opened()),
            await codeOf(moved().opened()),
          ];
          expect([here, there].filter((code) => code === "fine").length).toBeLessThanOrEqual(1);
        }
        if (statement % 4 === 1) await undoMove(options);
        await moveLog(options);
        expect(await withLog(moved(), allOf), `killed at statement ${statement}`).toEqual(expected);
        await options.to.query(`DROP SCHEMA ${quoted(options.schema!)} CASCADE`, []);
      }
    }, 120_000);
  });
