import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { automatic, CallaError, customJson, defineClass, json, plain } from "@calla/shared";
import { customBinary, messagePack } from "@calla/shared/messagepack";
import Database from "better-sqlite3";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import {
  appendOf,
  at,
  fill,
  ORIGIN,
  record,
  recordsAfter,
  row,
  snapshot,
} from "../../testing/log-contract/kit.ts";
import { logContract } from "../../testing/log-contract/index.ts";
import type { LogStorage } from "../log.ts";
import { executor } from "./executor.ts";
import { executorOptions, sqliteWith } from "./sqlite-with.ts";
import { sqlite } from "./sqlite.ts";
import type { SqliteLog, SqliteOptions } from "./sqlite.ts";
import { MIGRATIONS, OLDEST } from "./tables.ts";

const folder = mkdtempSync(join(tmpdir(), "calla-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = (): string => join(folder, `${++files}.db`);

const logs = new Map<LogStorage, string>();
const open = (file: string, options: SqliteOptions = {}, pragmas: readonly string[] = []): SqliteLog => {
  const log = sqliteWith(file, options, pragmas);
  logs.set(log, file);
  return log;
};
afterEach(async () => {
  await Promise.all([...logs.keys()].map((log) => log.close()));
  logs.clear();
});
/** Looks into a file as a person would. */
const peek = <T>(file: string, sql: string): T[] => {
  const db = new Database(file);
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
};
const here: SqliteOptions = { thread: "main" };
/** The `details.code` of the error that this rejects with. */
const problem = async (run: Promise<unknown>): Promise<string> => {
  const error = await run.then(
    () => expect.fail("it did not reject"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CallaError);
  const { code, details, message } = error as CallaError & { details: { code: string } };
  expect(code).toBe("storage");
  expect(message).toMatch(/^The database .*\. .*\.$/);
  return details.code;
};

describe("[SQ1] a SQLite log keeps the contract of logs", () => {
  const kinds: readonly [string, SqliteOptions][] = [
    ["writing wherever it is quick", {}],
    ["writing in a worker", { thread: "worker" }],
    ["writing in this thread", here],
    ["without retention", { ...here, retention: 0 }],
  ];
  for (const [name, options] of kinds)
    describe(name, () => {
      for (const check of logContract)
        test(check.name, () =>
          check.run({
            create: () => open(fresh(), options),
            reopen: (log) => open(logs.get(log)!, options),
          }),
        );
    });
  describe("in memory", () => {
    for (const check of logContract) test(check.name, () => check.run({ create: () => sqlite(":memory:") }));
  });
});

describe("[SQ2] durability", () => {
  test.each([
    ["power-loss", 2],
    ["process-crash", 1],
  ] as const)("%s (S27)", (durability, synchronous) => {
    const options = executorOptions(fresh(), { durability, check: "quick", busyTimeout: 9 }, []);
    const { db, close } = executor(Database, options);
    const told = ["journal_mode", "synchronous", "fullfsync"].map((name) =>
      db.pragma(name, { simple: true }),
    );
    expect(told).toEqual(["wal", synchronous, synchronous - 1]);
    close();
  });
});

describe("[SQ4] values", () => {
  class Point {
    readonly x: number;
    constructor(x: number) {
      this.x = x;
    }
  }
  const point = defineClass("Point", Point, { encode: ({ x }) => x, decode: (x) => new Point(x) });
  const bytes = new Uint8Array([0, 255]);
  const value = { type: "moved", to: new Point(3), on: new Date(5), left: 7n, bytes };
  const codec = {
    encodeMessage: ({ type, ...fields }: { type: string }) => [type, fields],
    decodeMessage: ([type, fields]: [string, object]) => ({ type, ...fields }),
    encodeModel: (model: unknown) => [model],
    decodeModel: ([model]: [unknown]) => model,
  };
  const serialisers = {
    "JSON, with a class": automatic(json()).with({ classes: [point] }),
    "MessagePack, with a class": automatic(messagePack()).with({ classes: [point] }),
    "plain JSON": plain(json()),
    "customJson, whose messages are arrays": customJson(codec as never),
    "customBinary, whose messages are bytes": customBinary({
      encodeMessage: (message) => Buffer.from(JSON.stringify(message)),
      decodeMessage: (encoded) => JSON.parse(Buffer.from(encoded).toString()) as unknown,
      encodeModel: (model) => Buffer.from(JSON.stringify(model)),
      decodeModel: (encoded) => JSON.parse(Buffer.from(encoded).toString()) as unknown,
    }),
  };
  test.each(Object.entries(serialisers))(
    "[LG23] %s: what the wire carries comes back after a restart",
    async (name, serialiser) => {
      const file = fresh();
      const log = open(file, here);
      log.carryWith!(serialiser);
      const tagged = { type: "plain", n: 1, due: { $: "date", v: 1 } };
      const message = name.startsWith("custom")
        ? { type: "plain", n: 1 }
        : name === "plain JSON"
          ? tagged
          : value;
      const whole = record(2, { messages: [], model: { value: message } });
      const details = name === "plain JSON" ? tagged : { bytes, on: new Date(5) };
      const outcomes = [
        { mid: 1, id: "a", sequence: 1, messages: [message] },
        { mid: 2, id: "b", sequence: 2, messages: [message, message] },
        { mid: 3, id: "c", from: "app" as const, code: "no", details },
      ];
      const records = [record(1, { messages: [message, message] }), whole];
      await log.append([
        {
          target: "t",
          expected: ORIGIN,
          records,
          rows: [{ was: 0, ...row("ann", 3, { settled: 0, outcomes }) }],
          at: 9,
        },
      ]);
      await log.saveSnapshot("t", snapshot(2, { model: message }));
      await log.close();
      const again = open(file, here);
      again.carryWith!(serialiser);
      expect(await again.read("t", ORIGIN, 9)).toEqual({ status: "records", records });
      expect((await again.open("t"))?.snapshot?.model).toEqual(message);
      expect((await again.client("t", "ann"))?.outcomes).toEqual(outcomes);
    },
  );

  test("are readable by hand: names, times and JSON", async () => {
    const file = fresh();
    const log = open(file);
    const message = { type: "cardAdded", text: "milk", due: new Date(1_763) };
    await log.append([
      {
        target: "board:42",
        expected: ORIGIN,
        records: [record(1, { messages: [message] })],
        rows: [{ was: 0, ...row("ann", 1) }],
        at: 9,
      },
    ]);
    const [seen] = peek<object>(
      file,
      `SELECT name, records.sequence, author, user, records.mid, messages, last, outcomes
       FROM records JOIN targets ON targets.id = records.target
       JOIN clients ON clients.target = name AND client = author`,
    );
    expect(seen).toEqual({
      name: "board:42",
      sequence: 1,
      author: "ann",
      user: "u1",
      mid: 1,
      messages: `[{"type":"cardAdded","text":"milk","due":{"$":"date","v":1763}}]`,
      last: 1,
      outcomes: `[{"mid":1,"id":"id-1","sequence":1}]`,
    });
  });

  test("what cannot be written is unknown for its own target alone", async () => {
    const log = open(fresh(), here);
    const bad = { ...appendOf("bad", 0, 1), records: [record(1, { messages: [value] })] };
    const results = await log.append([appendOf("a", 0, 1), bad, appendOf("b", 0, 1)]);
    expect(results.map(({ status }) => status)).toEqual(["appended", "unknown", "appended"]);
    expect(results[1]).toMatchObject({ error: { code: "invalid-value" } });
    expect(await log.open("bad")).toBeUndefined();
  });

  test("[SQ3] a row that is too long for a text keeps no other target of its turn from being appended", async () => {
    const log = open(fresh(), here);
    // JSON needs six characters for each of these.
    const item = "\u0001".repeat(1_000_000);
    const outcomes = Array.from({ length: 95 }, (_, i) => ({
      mid: i + 1,
      id: `id-${i + 1}`,
      from: "app" as const,
      code: "missing",
      details: { item },
    }));
    const alone = (target: string, one: ReturnType<typeof row>) => ({
      target,
      expected: ORIGIN,
      records: [],
      rows: [{ was: 0, ...one }],
      at: 1,
    });
    const results = await log.append([
      alone("good", row("ann", 1)),
      alone("bad", row("mallory", 95, { settled: 0, outcomes })),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["appended", "unknown"]);
  });

  test("[LG13] names that differ in halves of surrogate pairs, quotes or NUL stay apart", async () => {
    const log = open(fresh(), here);
    const names = ["#\ud800", "#\ud801", `"`, `"a"`, "a", "a\u0000b", "a\u0000c", "\ufffd"];
    const rows = names.map((name, i) => row(name, i + 1));
    const records = [record(1, { author: { clientId: "ann", userId: "\udfff" } })];
    const writes = rows.map((one) => ({ was: 0, ...one }));
    await log.append([{ target: "t", expected: ORIGIN, records, rows: writes, at: 9 }]);
    for (const one of rows) expect(await log.client("t", one.clientId)).toEqual(one);
    expect(await log.read("t", ORIGIN, 1)).toEqual({ status: "records", records });
  });
});

describe("[SQ5] opening", () => {
  test("a file that is no database is refused as such, and stays as it is", async () => {
    const file = fresh();
    writeFileSync(file, "not a database, but longer than its header would be ".repeat(50));
    for (const thread of ["main", "worker"] as const)
      expect(await problem(open(file, { thread }).opened())).toBe("not-a-database");
  });

  test("another program's database is refused, and nothing is written into it", async () => {
    const file = fresh();
    peek(file, "SELECT 1");
    new Database(file).exec("CREATE TABLE theirs (x)").close();
    expect(await problem(open(file).opened())).toBe("foreign");
    expect(peek(file, "SELECT name FROM sqlite_master")).toEqual([{ name: "theirs" }]);
    expect(peek(file, "PRAGMA journal_mode")).toEqual([{ journal_mode: "delete" }]);
  });

  test("a file of a newer Calla is refused, also when it became so while it was open", async () => {
    const file = fresh();
    const log = open(file);
    await fill(log, "t", 0, 1);
    new Database(file).exec(`PRAGMA user_version = ${OLDEST + MIGRATIONS.length}`).close();
    expect(await problem(log.append([appendOf("t", 1, 1)]))).toBe("newer");
    expect((await log.open("t"))?.sequence).toBe(1);
    expect(await problem(open(file).opened())).toBe("newer");
  });

  test("a file of before the first release is refused with its version, and stays as it is", async () => {
    const file = fresh();
    const log = open(file);
    await fill(log, "t", 0, 1);
    await log.close();
    new Database(file).exec(`PRAGMA user_version = 1`).close();
    for (const thread of ["main", "worker"] as const) {
      const refused = open(file, { thread });
      await expect(refused.opened()).rejects.toThrow(
        /version 1, .* takes 2 and later\. .* name another file/,
      );
      expect(await problem(refused.append([appendOf("t", 1, 1)]))).toBe("older");
    }
    expect(peek(file, "PRAGMA user_version")).toEqual([{ user_version: 1 }]);
    expect(peek(file, "SELECT sequence FROM targets")).toEqual([{ sequence: 1 }]);
  });

  test("a folder that is not there is reported, and once it is there the next call opens the file", async () => {
    const file = join(folder, "later", "calla.db");
    const log = open(file);
    expect(await problem(log.open("t"))).toBe("cannot-open");
    const { mkdirSync } = await import("node:fs");
    mkdirSync(join(folder, "later"));
    await fill(log, "t", 0, 1);
  });

  test.each(["quick", "full"] as const)(
    "damage is found by the %s check, before anything is written",
    async (check) => {
      const file = fresh();
      const log = open(file, here);
      await log.append([{ ...appendOf("t", 0, 1), records: recordsAfter(0, 500) }]);
      await log.close();
      const { openSync, writeSync, closeSync } = await import("node:fs");
      const fd = openSync(file, "r+");
      // A page in the middle of the records.
      writeSync(fd, Buffer.alloc(2_048, 0x5a), 0, 2_048, 10 * 4_096);
      closeSync(fd);
      expect(await problem(open(file, { check }).opened())).toBe("corrupt");
      expect(await problem(open(file, { check }).append([appendOf("t", 500, 1)]))).toBe("corrupt");
    },
  );

  test("wrong options are refused at once", () => {
    const wrong = [
      { retention: -1 },
      { retention: 1.5 },
      { topics: { "a:*": { retention: Number.NaN } } },
      { topics: { "a::b": {} } },
      { busyTimeout: -1 },
      { shared: true, topics: { "a:*": { durability: "memory" as const } } },
    ];
    for (const options of wrong)
      expect(() => sqlite("x.db", options)).toThrow(expect.objectContaining({ code: "wiring" }));
  });
});

describe("[SQ6] trouble while writing", () => {
  const appendsAndReads = async (log: SqliteLog, expected: string, target = "t"): Promise<void> => {
    expect(await problem(log.append([appendOf(target, 1, 1)]))).toBe(expected);
    expect(await log.read(target, ORIGIN, 9)).toEqual({ status: "records", records: recordsAfter(0, 1) });
    expect((await log.open(target))?.sequence).toBe(1);
  };

  for (const thread of ["main", "worker", "auto"] as const) {
    test(`locked (${thread}): the append is refused, reads go on, and after it appends do`, async () => {
      const file = fresh();
      const log = open(file, { thread, busyTimeout: 20 });
      await fill(log, "t", 0, 1);
      const other = new Database(file);
      other.exec("BEGIN IMMEDIATE");
      await appendsAndReads(log, "locked");
      other.exec("COMMIT");
      other.close();
      await fill(log, "t", 1, 1);
    });

    test(`full (${thread}): the append is refused whole, reads go on`, async () => {
      const log = open(fresh(), { thread }, ["max_page_count = 20"]);
      await fill(log, "t", 0, 1);
      const large = record(2, { messages: [{ type: "t", text: "x".repeat(200_000) }] });
      const append = { ...appendOf("t", 1, 1), records: [large] };
      expect(await problem(log.append([append, appendOf("u", 0, 1)]))).toBe("full");
      expect(await log.open("u")).toBeUndefined();
      expect((await log.open("t"))?.sequence).toBe(1);
      await fill(log, "t", 1, 1);
    });

    test(`read-only (${thread}): the append is refused, reads go on`, async () => {
      const file = fresh();
      const before = open(file, here);
      await fill(before, "t", 0, 1);
      await before.close();
      await appendsAndReads(open(file, { thread }, ["query_only = ON"]), "read-only");
    });
  }

  test("what comes together and fails for a reason of its own does not fail the rest", async () => {
    const log = open(fresh());
    await log.opened();
    // Not of this type's values, and so refused by the table.
    const poison = appendOf("p", 0, 1, { mid: "no number" as unknown as number });
    const all = await Promise.allSettled([
      log.append([appendOf("a", 0, 1)]),
      log.append([poison]),
      log.append([appendOf("b", 0, 1)]),
    ]);
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await log.open("p")).toBeUndefined();
    expect((await log.open("b"))?.sequence).toBe(1);
  });

  test("[SQ10] when the worker ends, what was asked is unknown, and the next call starts another", async () => {
    const log = open(fresh());
    const posts = vi.spyOn(Worker.prototype, "postMessage");
    await fill(log, "t", 0, 1);
    const lost = log.append([appendOf("t", 1, 1)]);
    await vi.waitFor(() => expect(posts.mock.calls.length).toBeGreaterThan(1));
    void (posts.mock.contexts.at(-1) as Worker).terminate();
    posts.mockRestore();
    const told = await lost.catch((error: unknown) => error);
    if (told instanceof CallaError) expect(told.details).toMatchObject({ code: "worker" });
    const head = await log.open("t");
    await fill(log, "t", head!.sequence, 1);
    expect(await log.read("t", ORIGIN, 9)).toMatchObject({ records: { length: head!.sequence + 1 } });
  });

  test("after close every call is refused, what was asked before it is done, and closing twice is closing", async () => {
    const file = fresh();
    const log = open(file);
    await log.opened();
    const last = log.append([appendOf("t", 0, 1)]);
    await Promise.all([log.close(), log.close()]);
    expect(await last).toMatchObject([{ status: "appended" }]);
    await expect(log.open("t")).rejects.toMatchObject({ code: "closed" });
    await expect(log.append([appendOf("t", 1, 1)])).rejects.toMatchObject({ code: "closed" });
    expect(peek(file, "SELECT sequence FROM targets")).toEqual([{ sequence: 1 }]);
    await open(fresh()).close(); // never used
  });
});

describe("[SQ7] compaction", () => {
  test("keeps at least `retention` records behind the snapshot, by topic where that says so, and deletes the others", async () => {
    const file = fresh();
    const topics = {
      "long:*": { retention: 8 },
      "all:*": { retention: Infinity },
      session: { retention: 0 },
    };
    const log = open(file, { ...here, retention: 3, topics });
    const begins = { t: 9, "long:1": 3, "all:1": 0, "@ann": 12 };
    for (const [target, from] of Object.entries(begins)) {
      for (let sequence = 0; sequence < 12; sequence += 3) {
        await fill(log, target, sequence, 3);
        await log.saveSnapshot(target, snapshot(sequence + 3));
      }
      expect((await log.history(target, 99, 99)).from, target).toBe(from);
      expect(await log.read(target, at(from), 20)).toMatchObject({ records: { length: 12 - from } });
      if (from > 0) expect(await log.read(target, at(from - 1), 20)).toEqual({ status: "compacted" });
    }
    await log.close();
    const counts =
      "SELECT name, count(r.id) AS n FROM targets t LEFT JOIN records r ON t.id = target GROUP BY name";
    expect(peek(file, counts)).toEqual([
      { name: "@ann", n: 0 },
      { name: "all:1", n: 12 },
      { name: "long:1", n: 9 },
      { name: "t", n: 3 },
    ]);
    expect(peek(file, "SELECT * FROM garbage")).toEqual([]);
  });

  test("what grows for ever is kept to about twice its retention", async () => {
    const file = fresh();
    const log = open(file, { ...here, retention: 100 });
    for (let sequence = 0; sequence < 2_000; sequence += 20) {
      await fill(log, "t", sequence, 20);
      await log.saveSnapshot("t", snapshot(sequence + 20));
      expect((await log.history("t", 9_999, 999)).records.length).toBeLessThanOrEqual(240);
    }
    await log.close();
    expect(peek<{ n: number }>(file, "SELECT count(*) AS n FROM records")[0]!.n).toBeLessThanOrEqual(240);
    expect(peek<{ n: number }>(file, "SELECT count(*) AS n FROM snapshots")[0]!.n).toBeLessThanOrEqual(3);
  });

  test("[LG40] what consumers have not had stays in the file until they have, also of expired sessions", async () => {
    const file = fresh();
    const log = open(file, { ...here, retention: 0 });
    const claim = { owner: "o", now: 0, until: 1, from: "beginning" } as const;
    await log.claimConsumer("r", claim);
    await fill(log, "t", 0, 5);
    await log.saveSnapshot("t", snapshot(5));
    await fill(log, "@s", 0, 2);
    await log.expire({ at: 9, sessions: Infinity, rows: 0, tombstones: 0, consumers: 0, limit: 9 });
    await fill(log, "@s", 0, 1);
    await log.remove("t", 9);
    await log.expire({ at: 9, sessions: 0, rows: 0, tombstones: 10, consumers: 0, limit: 9 });
    const { changes, position } = await log.changes("", 99);
    expect(changes.map((one) => `${one.target} ${"record" in one ? one.record.sequence : one.gone}`)).toEqual(
      [
        ...[1, 2, 3, 4, 5].map((sequence) => `t ${sequence}`),
        "@s 1",
        "@s 2",
        "@s expired",
        "@s 1",
        "t removed",
      ],
    );
    expect(await log.advanceConsumer("r", { owner: "o", position, until: 1 })).toBe(true);
    await expect.poll(() => peek(file, "SELECT 1 FROM garbage UNION ALL SELECT 1 FROM gone")).toEqual([]);
    expect(peek(file, "SELECT name, count(*) AS n FROM records JOIN targets t ON t.id = target")).toEqual([
      { name: "@s", n: 1 },
    ]);
    expect(peek(file, "SELECT name FROM targets")).toEqual([{ name: "@s" }]);
  });

  test("[LG39] positions go on where they were, whatever was deleted", async () => {
    const file = fresh();
    const log = open(file, here);
    await fill(log, "t", 0, 3);
    const { position } = await log.changes("", 9);
    await log.remove("t", 9);
    await log.close();
    const again = open(file, here);
    await fill(again, "u", 0, 1);
    expect((await again.changes(position, 9)).changes).toMatchObject([{ target: "u" }]);
    await expect(again.changes("what?", 1)).rejects.toThrow(RangeError);
  });

  test("takes a large backlog in parts; killed between them, the rest goes when the file is opened (S40)", async () => {
    const file = fresh();
    const log = open(file, { ...here, retention: 0 });
    await log.append([{ ...appendOf("t", 0, 1), records: recordsAfter(0, 5_000) }]);
    await log.saveSnapshot("t", snapshot(5_000));
    await log.close(); // which ends the sweep
    // As if killed right after the snapshot was saved: history is right at any point of the deletion.
    const db = new Database(file);
    const id = db.prepare("SELECT id FROM targets").pluck().get();
    for (let sequence = 1; sequence <= 4_321; sequence += 7)
      db.prepare(
        `INSERT OR IGNORE INTO records VALUES (NULL, ?, ?, 1, 1, 1, NULL, NULL, 0, 'x', '[]', NULL)`,
      ).run(id, sequence);
    db.prepare("INSERT OR IGNORE INTO garbage VALUES (?, 0)").run(id);
    db.close();
    const again = open(file, { retention: 0 });
    expect(await again.open("t")).toMatchObject({ sequence: 5_000, snapshot: { sequence: 5_000 } });
    expect(await again.read("t", ORIGIN, 10)).toEqual({ status: "compacted" });
    expect(await again.read("t", { sequence: 8, mark: 1 }, 10)).toEqual({ status: "compacted" });
    await again.saveSnapshot("t", { ...snapshot(8), mark: 1 }); // vouched for by a leftover only
    expect((await again.open("t"))?.snapshot?.sequence).toBe(5_000);
    await fill(again, "t", 5_000, 1);
    await expect
      .poll(() => peek<{ n: number }>(file, "SELECT count(*) AS n FROM records")[0]!.n, { timeout: 5_000 })
      .toBe(1);
    expect(peek(file, "SELECT * FROM garbage")).toEqual([]);
  });
});

describe("[SQ8] topics in memory", () => {
  test("never reach the file, are appended in the same batch, and do not wait for the file's trouble", async () => {
    const file = fresh();
    const log = open(file, { busyTimeout: 10, topics: { "trail:*": { durability: "memory" } } });
    expect(log.shared).toBe(false);
    const batch = [appendOf("trail:1", 0, 1), appendOf("board:1", 0, 1), appendOf("trail:1x", 0, 1)];
    expect((await log.append(batch)).map(({ status }) => status)).toEqual(batch.map(() => "appended"));
    expect((await log.open("trail:1"))?.sequence).toBe(1);
    const other = new Database(file);
    other.exec("BEGIN IMMEDIATE");
    const results = await log.append([appendOf("board:1", 1, 1), appendOf("trail:1", 1, 1)]);
    expect(results.map(({ status }) => status)).toEqual(["unknown", "appended"]);
    other.exec("ROLLBACK");
    other.close();
    expect(peek(file, "SELECT name FROM targets")).toEqual([{ name: "board:1" }]);
  });

  test("[LG55] are listed with those in the file, once each", async () => {
    const file = fresh();
    const log = open(file, { topics: { "trail:*": { durability: "memory" } } });
    const names = ["trail:1", "a", "board:1", "trail:2", "z"];
    for (const name of names) await log.append([appendOf(name, 0, 1)]);
    for (const limit of [1, 2, 5]) {
      const found: string[] = [];
      let next: string | undefined;
      do {
        const page = await log.list("", next, limit);
        found.push(...page.targets.map(({ target }) => target));
        ({ next } = page);
      } while (next !== undefined);
      expect(found.toSorted()).toEqual(names.toSorted());
    }
    expect(await log.bytes!()).toBeGreaterThan(4_096);
  });
});

describe("[SQ9] several connections to one file", () => {
  test("[LG6] appends that race from two logs: exactly one is taken each time, and both read the same", async () => {
    const file = fresh();
    const both = [open(file), open(file)];
    expect(both.map(({ shared }) => shared)).toEqual([true, true]);
    await Promise.all(both.map((log) => log.opened()));
    const wins = [0, 0];
    for (let i = 0; i < 30; i++) {
      const results = await Promise.all(both.map((log) => log.append([appendOf("t", i, 1)])));
      const taken = results.map(([result]) => result!.status === "appended");
      expect(taken.filter(Boolean)).toHaveLength(1);
      wins[taken.indexOf(true)]!++;
    }
    const reads = await Promise.all(both.map((log) => log.read("t", ORIGIN, 99)));
    expect(reads[0]).toEqual({ status: "records", records: recordsAfter(0, 30) });
    expect(reads[1]).toEqual(reads[0]);
    expect(await both[0]!.secret()).toEqual(await both[1]!.secret());
  });

  test("a new file that many open at once is made once", async () => {
    const file = fresh();
    const many = Array.from({ length: 6 }, () => open(file));
    await Promise.all(many.map((log) => log.opened()));
    const results = await Promise.all(many.map((log, i) => log.append([appendOf(`t${i}`, 0, 1)])));
    expect(results.flat().every(({ status }) => status === "appended")).toBe(true);
    expect(peek(file, "SELECT count(*) AS n FROM targets")).toEqual([{ n: 6 }]);
  });
});
