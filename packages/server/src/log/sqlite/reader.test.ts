// What a file says, read by hand: rows are put there by the statements of the writer, or spoilt on purpose.
import { automatic, defineClass, json } from "@calla/shared";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { appendOf, at, ORIGIN, record, row, snapshot } from "../../testing/log-contract/kit.ts";
import type { ClientRow, RowWrite } from "../log.ts";
import { executor } from "./executor.ts";
import type { Executor, Group } from "./executor.ts";
import {
  appendGroup,
  claimGroup,
  expireSessionGroup,
  removeGroup,
  saveGroup,
  secretGroup,
  touchGroup,
} from "./jobs.ts";
import { Reader } from "./reader.ts";
import { executorOptions } from "./sqlite-with.ts";
import { DAY } from "./tables.ts";
import { plainText, textCodec } from "../text.ts";

const text = plainText();
let writer: Executor;
let reader: Reader;
beforeEach(() => {
  const options = { durability: "process-crash", check: "off", busyTimeout: 0 } as const;
  writer = executor(Database, executorOptions(":memory:", options, []));
  reader = new Reader(writer.db);
});
afterEach(() => writer.close());

const run = (group: Group): void => {
  expect(writer.run([[group]])).toMatchObject([{ given: [expect.any(Number)] }]);
};
const append = (...given: Parameters<typeof appendOf>): void => run(appendGroup(appendOf(...given), text));
const save = (target: string, sequence: number, retention = 0): void =>
  run(saveGroup(target, snapshot(sequence), retention, text));
const sql = (change: string): void => void writer.db.exec(change);
const expiry = { at: 50, sessions: 0, rows: 0, tombstones: 0, consumers: 0, limit: 9 };

test("[LG45] no question goes through a whole table that grows, nor sorts what it finds", () => {
  const asked: string[] = [];
  const listening = {
    prepare(statement: string) {
      asked.push(statement);
      return writer.db.prepare(statement);
    },
  };
  expect(new Reader(listening as never)).toBeInstanceOf(Reader);
  expect(asked.length).toBeGreaterThan(15);
  for (const statement of asked) {
    const parameters = Array.from(statement.matchAll(/\?/g), () => null);
    const named = statement.includes("@day") ? [{ day: null, rows: null, limit: null }] : parameters;
    const plan = writer.db
      .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${statement}`)
      .all(...named);
    const through = plan
      .map(({ detail }) => detail)
      .filter((detail) => /^SCAN (?:targets|records|snapshots|clients|gone)\b/.test(detail));
    expect(through, statement).toEqual([]);
    // What is asked for in an order stands in it: so a step that finds nothing too old costs nothing.
    expect(plan.map(({ detail }) => detail).join(), statement).not.toMatch(/TEMP B-TREE/);
  }
});

describe("a head", () => {
  test("[LG1] [LG33] is none, or the last record's place and time, with the newest snapshot", () => {
    expect(reader.open("t", text)).toBeUndefined();
    append("t", 0, 5);
    const { sequence, mark, version, at: time } = record(5);
    const head = { sequence, mark, version, at: time, removed: false };
    expect(reader.open("t", text)).toEqual({ ...head, snapshot: undefined });
    save("t", 2, 10);
    save("t", 4, 10);
    expect(reader.open("t", text)).toEqual({ ...head, snapshot: snapshot(4) });
    expect(reader.open("T", text)).toBeUndefined();
  });

  test("[LG19] of a tombstone says so, and has no snapshot", () => {
    append("t", 0, 2);
    save("t", 2);
    run(removeGroup("t", 90, Infinity));
    expect(reader.open("t", text)).toMatchObject({
      sequence: 2,
      removed: true,
      snapshot: undefined,
      at: record(2).at,
    });
  });
});

describe("records after a cursor", () => {
  const read = (after: { sequence: number; mark: number }, limit = 9) => {
    const result = reader.read("t", after, limit, text);
    return result.status === "records" ? result.records.map(({ sequence }) => sequence) : result.status;
  };

  test("[LG1] [LG9] of a target that never was: at the origin none, elsewhere another history", () => {
    expect(read(ORIGIN)).toEqual([]);
    expect(read(at(1))).toBe("other-history");
    expect(read({ sequence: 0, mark: 1 })).toBe("other-history");
    expect(read({ sequence: 1, mark: 0 })).toBe("other-history");
  });

  test("[LG8] [LG9] come in order and by the limit, if the mark is the log's", () => {
    append("t", 0, 5);
    expect([read(ORIGIN), read(at(2)), read(at(2), 2), read(at(5))]).toEqual([
      [1, 2, 3, 4, 5],
      [3, 4, 5],
      [3, 4],
      [],
    ]);
    expect([read({ sequence: 2, mark: 9 }), read({ sequence: 5, mark: 9 }), read(at(6))]).toEqual([
      "other-history",
      "other-history",
      "other-history",
    ]);
    expect(reader.read("t", at(4), 9, text)).toEqual({ status: "records", records: [record(5)] });
  });

  test("[LG16] below where they begin are compacted, also where some have not been deleted yet", () => {
    append("t", 0, 6);
    save("t", 4);
    expect([read(ORIGIN), read(at(1)), read(at(3)), read(at(4)), read(at(5))]).toEqual([
      "compacted",
      "compacted",
      "compacted",
      [5, 6],
      [6],
    ]);
    // What lies below vouches for nothing: whoever is there may be of this history or of another one.
    expect(read({ sequence: 3, mark: 9 })).toBe("compacted");
    expect(read({ sequence: 4, mark: 9 })).toBe("other-history");
    expect(read({ sequence: 0, mark: 9 })).toBe("other-history");
    sql("DELETE FROM records WHERE sequence < 5");
    expect([read(at(3)), read(at(4))]).toEqual(["compacted", [5, 6]]);
  });

  test("[LG10] [LG20] come back as they were: nobody's, a whole model's; one author of a page is one object", () => {
    const authors = [
      { clientId: "c", userId: "u" },
      null,
      { clientId: "c", userId: "u" },
      { clientId: "c", userId: null },
      { clientId: "c", userId: null },
    ];
    const records = authors.map((author, i) =>
      record(i + 1, { author, ...(i === 1 ? { messages: [], model: { value: null } } : {}) }),
    );
    run(appendGroup({ ...appendOf("t", 0, 5), records }, text));
    const result = reader.read("t", ORIGIN, 9, text);
    if (result.status !== "records") throw new Error(result.status);
    expect(result.records).toEqual(records);
    const [first, , third, fourth, fifth] = result.records.map(({ author }) => author);
    expect([first === third, third === fourth, fourth === fifth]).toEqual([true, false, true]);
    expect(Object.hasOwn(result.records[0]!, "model")).toBe(false);
  });

  test("[LG36] of the past are the newest up to a sequence, with the place from which they are there", () => {
    const past = (upTo: number, limit = 9) => {
      const { records, from } = reader.history("t", upTo, limit, text);
      return [records.map(({ sequence }) => sequence), from];
    };
    expect(past(9)).toEqual([[], 0]);
    append("t", 0, 6);
    expect([past(4), past(4, 2), past(0), past(99, 1)]).toEqual([
      [[1, 2, 3, 4], 0],
      [[3, 4], 0],
      [[], 0],
      [[6], 0],
    ]);
    save("t", 3);
    expect([past(9), past(3)]).toEqual([
      [[4, 5, 6], 3],
      [[], 3],
    ]);
  });

  test("[LG37] the snapshot at a sequence is the newest at or below it", () => {
    expect(reader.snapshotAt("t", 9, text)).toBeUndefined();
    append("t", 0, 6);
    save("t", 2, 99);
    save("t", 4, 99);
    expect([1, 2, 3, 4, 9].map((sequence) => reader.snapshotAt("t", sequence, text)?.sequence)).toEqual([
      undefined,
      2,
      2,
      4,
      4,
    ]);
    expect(reader.snapshotAt("t", 4, text)).toEqual(snapshot(4));
  });
});

describe("[LG48] a client's row", () => {
  const write = (given: Partial<RowWrite> & Pick<ClientRow, "last">): void => {
    const one = { was: given.last - 1, ...row("ann", given.last), settled: 0, ...given };
    run(appendGroup({ target: "t", expected: ORIGIN, records: [], rows: [one], at: 5 }, text));
  };
  const mids = () => reader.client("t", "ann", text)?.outcomes.map(({ mid }) => mid);

  test("has its own outcomes, then those that are apart, in order; what is settled is not among them", () => {
    expect(reader.client("t", "ann", text)).toBeUndefined();
    const first = [1, 2].map((mid) => ({ mid, id: `id-${mid}`, sequence: mid }));
    write({ last: 2, was: 0, outcomes: first, whole: true });
    for (let last = 3; last <= 12; last++) write({ last });
    expect(reader.client("t", "ann", text)).toMatchObject({ clientId: "ann", last: 12, settled: 0 });
    expect(mids()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    write({ last: 13, settled: 2 });
    expect(mids()).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect([reader.client("t", "bob", text), reader.client("u", "ann", text)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test("that says it has no others is not looked further for", () => {
    write({ last: 1, was: 0, whole: true });
    sql("INSERT INTO clients (target, client, mid, outcomes) VALUES ('t', 'ann', 7, 'no JSON')");
    expect(mids()).toEqual([1]);
    sql("UPDATE clients SET more = 2 WHERE last IS NOT NULL");
    expect(() => mids()).toThrow(SyntaxError);
  });
});

describe("changes", () => {
  const changes = (after: number, limit = 9, wanted?: (target: string) => boolean) => {
    const found = reader.changes(after, limit, text, wanted);
    return [
      found.changes.map(
        (one) => `${one.position} ${one.target} ${"record" in one ? one.record.sequence : one.gone}`,
      ),
      found.position,
    ];
  };

  test("[LG39] are of all targets in one order, and go on from the last, or from where the log stands", () => {
    expect(changes(0)).toEqual([[], "0"]);
    append("t", 0, 2);
    append("u", 0, 1);
    run(claimGroup("r", { owner: "o", now: 0, until: 9, from: "beginning" }));
    run(removeGroup("t", 90, Infinity));
    append("u", 1, 1);
    const all = ["1 t 1", "2 t 2", "3 u 1", "4 t removed", "5 u 2"];
    expect(changes(0)).toEqual([all, "5"]);
    expect(changes(0, 3)).toEqual([all.slice(0, 3), "3"]);
    expect(changes(3, 1)).toEqual([["4 t removed"], "4"]);
    expect(changes(3)).toEqual([all.slice(3), "5"]);
    expect([changes(5), changes(7)]).toEqual([
      [[], "5"],
      [[], "7"],
    ]);
    expect(reader.changes(3, 1, text).changes).toEqual([
      { position: "4", target: "t", gone: "removed", sequence: 2, at: 90 },
    ]);
  });

  test("[LG40] leave out what was compacted, but not what a consumer has not had", () => {
    append("t", 0, 3);
    save("t", 2);
    expect(changes(0)).toEqual([["3 t 3"], "3"]);
    sql("INSERT INTO readers VALUES ('r', 1, 'o', 9)");
    expect(changes(0)).toEqual([["2 t 2", "3 t 3"], "3"]);
    sql("INSERT INTO gone VALUES (1, 'x', 'expired', 4, 9)");
    expect(changes(0)[0]).toEqual(["2 t 2", "3 t 3"]);
    sql("UPDATE readers SET position = 0");
    expect(changes(0)[0]).toEqual(["1 t 1", "1 x expired", "2 t 2", "3 t 3"]);
  });

  test("[LG40] of a session that has expired have its name as it was", () => {
    append("@s", 0, 1, { at: 10 });
    run(claimGroup("r", { owner: "o", now: 0, until: 9, from: "beginning" }));
    run(expireSessionGroup("@s", { ...expiry, sessions: 11 }));
    expect(changes(0)).toEqual([["1 @s 1", "2 @s expired"], "2"]);
  });

  test("of targets that are not wanted need not be readable, and are passed", () => {
    append("t", 0, 1);
    append("u", 0, 1);
    sql("UPDATE records SET messages = 'no JSON' WHERE position = 1");
    expect(() => changes(0)).toThrow(SyntaxError);
    expect(changes(0, 9, (target) => target === "u")).toEqual([["2 u 1"], "2"]);
    expect(changes(0, 1, (target) => target === "u")).toEqual([[], "1"]);
  });
});

describe("[LG55] a list", () => {
  test("is of the names that begin so, page by page in the columns' own order, escaped or not", () => {
    const names = ["a", "a:1", "a:2", 'a:"', "b", '"q', "#\ud800", "#\ud801x", "\u{10ffff}"];
    for (const name of names) append(name, 0, 1);
    run(removeGroup("a:2", 90, Infinity));
    const page = (prefix: string, from?: string, limit = 9) => {
      const { targets, next } = reader.list(prefix, from, limit);
      return [targets.map(({ target }) => target), next];
    };
    expect(page("a")).toEqual([["a", 'a:"', "a:1", "a:2"], undefined]);
    expect(page("a:")).toEqual([['a:"', "a:1", "a:2"], undefined]);
    expect(page("a", undefined, 2)).toEqual([["a", 'a:"'], 'a:"']);
    expect(page("a", 'a:"', 2)).toEqual([["a:1", "a:2"], "a:2"]);
    expect(page("a", "a:2", 2)).toEqual([[], undefined]);
    expect(page('"')).toEqual([['"q'], undefined]);
    expect(page("#\ud800")).toEqual([["#\ud800"], undefined]);
    expect(page("\u{10ffff}")).toEqual([["\u{10ffff}"], undefined]);
    const all: unknown[] = [];
    for (let from: string | undefined = ""; from !== undefined;) {
      const [found, next] = page("", from, 1) as [string[], string | undefined];
      all.push(...found);
      from = next;
    }
    expect(all.toSorted()).toEqual(names.toSorted());
    expect(reader.list("a:2", undefined, 1).targets).toEqual([
      { target: "a:2", sequence: 1, at: record(1).at, used: 90, removed: true },
    ]);
  });
});

describe("what is too old", () => {
  test("[LG43] [LG44] [LG45] is found by its last use, the oldest first, so many at a time", () => {
    for (const [name, time] of [
      ["@b", 20],
      ["@a", 10],
      ["@c", 30],
      ["t", 5],
      ["A", 5],
    ] as const)
      append(name, 0, 1, { at: time });
    run(touchGroup("@a", 25));
    const sessions = (limit: number, until: number) =>
      reader.expired({ ...expiry, sessions: until, limit }).sessions;
    expect([sessions(9, 31), sessions(9, 30), sessions(1, 31), sessions(9, 20)]).toEqual([
      ["@b", "@a", "@c"],
      ["@b", "@a"],
      ["@b"],
      [],
    ]);
    run(removeGroup("t", 40, Infinity));
    run(removeGroup("@c", 35, Infinity));
    const { tombstones, sessions: left } = reader.expired({ ...expiry, sessions: 99, tombstones: 41 });
    expect([tombstones, left]).toEqual([
      ["@c", "t"],
      ["@b", "@a"],
    ]);
    expect(reader.expired({ ...expiry, tombstones: 40 }).tombstones).toEqual(["@c"]);
    run(claimGroup("r", { owner: "o", now: 0, until: 9, from: "beginning" }));
    expect([10, 9].map((consumers) => reader.expired({ ...expiry, consumers }).consumers)).toEqual([
      ["r"],
      [],
    ]);
  });

  test("[LG35] of client rows is what its day says, for somebody to look at its time", () => {
    const times = [DAY - 1, DAY, DAY + 5, 3 * DAY];
    const rows = times.map((_, i) => ({ was: 0, ...row(`c${i}`, 1) }));
    for (const [i, one] of rows.entries())
      run(appendGroup({ target: "t", expected: ORIGIN, records: [], rows: [one], at: times[i]! }, text));
    const aged = (until: number, limit = 9) =>
      reader.aged({ ...expiry, rows: until, limit }).map(({ client }) => client);
    expect(aged(DAY)).toEqual(["c0"]);
    expect(aged(DAY + 1)).toEqual(["c0", "c1"]);
    expect(aged(DAY + 6, 2)).toEqual(["c0", "c1"]);
    // Of an earlier day by its column, written since: it is told, with its time.
    sql("UPDATE clients SET day = 0 WHERE client = 'c3'");
    expect(reader.aged({ ...expiry, rows: DAY }).find(({ client }) => client === "c3")).toEqual({
      target: "t",
      client: "c3",
      at: 3 * DAY,
    });
  });
});

test("[LG41] consumers come by name, escaped names as they were given", () => {
  for (const name of ["z", "\ud800"])
    run(claimGroup(name, { owner: `${name}!`, now: 0, until: 9, from: "now" }));
  expect(reader.consumers()).toEqual([
    { name: "\ud800", position: "0", owner: "\ud800!", until: 9 },
    { name: "z", position: "0", owner: "z!", until: 9 },
  ]);
});

test("[LG22] the secret is none, or its bytes; the file's size is counted in pages", () => {
  expect(reader.secret()).toBeUndefined();
  run(secretGroup("00ff10"));
  expect(reader.secret()).toEqual(Uint8Array.of(0, 255, 16));
  const before = reader.bytes();
  append("t", 0, 1, { messages: [{ type: "t", text: "x".repeat(100_000) }] });
  expect(reader.bytes() - before).toBeGreaterThan(90_000);
});

test("[SQ4] what a serialiser does not know is refused as such, not read as something else", () => {
  class Point {
    readonly x: number;
    constructor(x: number) {
      this.x = x;
    }
  }
  const point = defineClass("Point", Point, { encode: ({ x }) => x, decode: (x) => new Point(x as number) });
  const knows = textCodec(automatic(json()).with({ classes: [point] }));
  run(appendGroup(appendOf("t", 0, 1, { messages: [{ type: "moved", to: new Point(3) }] }), knows));
  expect(reader.read("t", ORIGIN, 9, knows)).toMatchObject({
    records: [{ messages: [{ to: new Point(3) }] }],
  });
  expect(() => reader.read("t", ORIGIN, 9, text)).toThrow(expect.objectContaining({ code: "undecodable" }));
});
