// The schema that a log is moved to: whose turn it is to write there, and when it is a log.
import { beforeAll, describe, expect, test } from "vitest";
import { handClock } from "../../../test/wired.ts";
import { testedEngines } from "../../../test/postgres/engines.ts";
import { postgresCalls } from "../driver/calls.ts";
import type { PostgresDriver } from "../driver/driver.ts";
import type { Row } from "./source.ts";
import { MUTABLE, RECORDS } from "./tables.ts";
import { MoveTarget } from "./target.ts";

const consumers = MUTABLE.find(({ name }) => name === "consumers")!;
const rowOf = (name: string, position = 1): Row => [name, position, 0, 0, "o", 9];
const WORDS: Row = [null, null, 0, "id", "[]", null];
const recordOf = (position: number, target = 1, sequence = position): Row => {
  const numbers: Row = [position, target, sequence, sequence * 10, 1, 5];
  return numbers.concat(WORDS);
};
const codeOf = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => "fine",
    (error: { details?: { code?: string } }) => error.details?.code ?? error,
  );

const lite = testedEngines().find(({ name }) => name === "pglite")!;
describe("a schema that a log is moved to", () => {
  let driver: PostgresDriver;
  let schemas = 0;
  beforeAll(() => void (driver = lite.make()));
  /** Runs of one move, to a schema of the test's own. */
  const runs = () => {
    const schema = `to ${schemas++}`;
    const calls = postgresCalls({ driver, clock: handClock().clock, deadline: 10_000 });
    return { schema, run: (run: string) => new MoveTarget({ calls, schema, run }) };
  };

  test("[MV4] is none before, half-moved until it is whole, and not begun where a log stands", async () => {
    const { schema, run } = runs();
    const target = run("one");
    expect(await target.found()).toBeUndefined();
    await target.begin("move", "log");
    expect(await target.found()).toMatchObject({ move: "move", source: "log", done: false });
    await target.complete("log", "ab");
    expect(await target.found()).toMatchObject({ done: true });
    const settings = await driver.query(`SELECT identity, secret FROM "${schema}".settings`, []);
    expect(settings).toEqual([{ identity: "log", secret: "ab" }]);
    await driver.query(`DROP TABLE "${schema}".moving`, []);
    expect(await codeOf(run("two").begin("move", "log"))).toBe("used");
  });

  test("[MV5] takes the writes of the run that began last, and of none once it is whole", async () => {
    const { run } = runs();
    const [one, two] = [run("one"), run("two")];
    await one.begin("move", "log");
    await one.put(consumers, [rowOf("a")]);
    await two.begin("move", "log");
    expect(await codeOf(one.put(consumers, [rowOf("b")]))).toBe("taken");
    expect(await codeOf(one.remove(consumers, [["a"]]))).toBe("taken");
    expect(await codeOf(one.complete("log", undefined))).toBe("taken");
    await two.complete("log", undefined);
    expect(await codeOf(two.empty(consumers))).toBe("taken");
    expect(await two.rows(consumers, [], undefined)).toHaveLength(1);
  });

  test("[MV1] keeps a row for each key, gives those between two keys, and lets go of what is named", async () => {
    const { run } = runs();
    const target = run("one");
    await target.begin("move", "log");
    await target.put(consumers, [rowOf("a"), rowOf("b"), rowOf("c")]);
    await target.put(consumers, [rowOf("b", 7)]);
    await target.put(consumers, []);
    const names = async (after: Row, upTo?: Row) =>
      (await target.rows(consumers, after, upTo)).map(([name, position]) => `${name}${position}`).toSorted();
    expect(await names([])).toEqual(["a1", "b7", "c1"]);
    expect([await names(["a"]), await names([], ["b"]), await names(["a"], ["b"])]).toEqual([
      ["b7", "c1"],
      ["a1", "b7"],
      ["b7"],
    ]);
    await target.remove(consumers, [["a"], ["c"]]);
    expect(await names([])).toEqual(["b7"]);
  });

  test("[MV8] counts what records of a target there are, and lets go of those outside of two places", async () => {
    const { run } = runs();
    const target = run("one");
    await target.begin("move", "log");
    expect(await target.position()).toBe(0);
    await target.put(RECORDS, [recordOf(1), recordOf(2), recordOf(3), recordOf(4, 2, 1)]);
    expect(await target.position()).toBe(4);
    await target.removeRecords(1, 2, 2);
    const short = (await target.tallies(0, undefined)).toSorted((a, b) => a.target - b.target);
    expect(short).toEqual([
      { target: 1, first: 2, last: 2, count: 1, positions: "2", marks: "20" },
      { target: 2, first: 1, last: 1, count: 1, positions: "4", marks: "10" },
    ]);
    expect(await target.tallies(1, 2)).toHaveLength(1);
  });

  test("[MV7] is half-moved again where nothing was written since it was whole", async () => {
    const { schema, run } = runs();
    const target = run("one");
    await target.begin("move", "log");
    await target.put(consumers, [rowOf("a")]);
    await target.complete("log", undefined);
    await target.revert();
    await target.revert();
    expect(await target.found()).toMatchObject({ done: false });
    await target.complete("log", undefined);
    await driver.query(`UPDATE "${schema}".consumers SET owner = 'other'`, []);
    expect(await codeOf(target.revert())).toBe("used");
    expect(await target.found()).toMatchObject({ done: true });
  });
});
