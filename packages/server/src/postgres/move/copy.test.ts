// How both sides are compared, and what is copied for it, over two sides of a test's own.
import { expect, test } from "vitest";
import { copyMutable, copyRecords, differences, mendRecords } from "./copy.ts";
import type { Cell, Row, Source, Tally } from "./source.ts";
import { MUTABLE } from "./tables.ts";
import type { CopiedTable } from "./tables.ts";
import type { MoveTarget } from "./target.ts";

const consumers = MUTABLE.find(({ name }) => name === "consumers")!;
const PAGE = 2;
const behind = (row: Row, key: Row): boolean => key.length === 0 || String(row[0]) > String(key[0]);
type Rows = Record<string, Row[]>;

/** A file of these rows, by table, in pages of two. */
const sourceOf = (rows: Rows): Source =>
  ({
    page({ name }: CopiedTable, after: Row) {
      const found = (rows[name] ?? []).filter((row) => behind(row, after));
      return { rows: found.slice(0, PAGE), last: found.length <= PAGE };
    },
    records(target: number, after: number) {
      const found = (rows["records"] ?? []).filter((row) => row[1] === target && Number(row[2]) > after);
      return { rows: found.slice(0, PAGE), last: found.length <= PAGE };
    },
    tallies: (after: number) => talliesOf(rows["records"] ?? []).filter(({ target }) => target > after),
  }) as Partial<Source> as Source;

/** A schema of these rows; Postgres gives texts. */
const targetOf = (rows: Rows, calls: string[] = []) => {
  const of = ({ name }: Pick<CopiedTable, "name">): Row[] => (rows[name] ??= []);
  const target = {
    position: async () => Math.max(0, ...(rows["records"] ?? []).map(([position]) => Number(position))),
    async rows(table: CopiedTable, after: Row, upTo: Row | undefined) {
      const found = of(table).filter((row) => behind(row, after) && (!upTo || !behind(row, upTo)));
      return found.map((row) => row.map((cell) => (cell === null ? null : String(cell))));
    },
    async put(table: CopiedTable, more: readonly Row[]) {
      for (const row of more) {
        calls.push(`put ${row[0]}`);
        const at = of(table).findIndex(([key]) => key === row[0]);
        of(table).splice(at < 0 ? of(table).length : at, at < 0 ? 0 : 1, row);
      }
    },
    async remove(table: CopiedTable, keys: readonly (readonly Cell[])[]) {
      for (const [key] of keys) {
        calls.push(`remove ${key}`);
        rows[table.name] = of(table).filter((row) => row[0] !== key);
      }
    },
    async removeRecords(target: number, first: number, last: number) {
      calls.push(`keep ${target}: ${first} to ${last}`);
      rows["records"] = (rows["records"] ?? []).filter(
        (row) => row[1] !== target || (Number(row[2]) >= first && Number(row[2]) <= last),
      );
    },
    tallies: async (after: number, upTo = Infinity) =>
      talliesOf(rows["records"] ?? []).filter((one) => one.target > after && one.target <= upTo),
    looseHeads: async () => 0,
  };
  return target as Partial<MoveTarget> as MoveTarget;
};
function talliesOf(records: readonly Row[]): readonly Tally[] {
  const targets = [...new Set(records.map((row) => Number(row[1])))].toSorted((a, b) => a - b);
  return targets.map((target) => {
    const own = records.filter((row) => row[1] === target);
    const sum = (at: number): string => String(own.reduce((all, row) => all + Number(row[at]), 0));
    const sequences = own.map((row) => Number(row[2]));
    const [first, last] = [Math.min(...sequences), Math.max(...sequences)];
    return { target, first, last, count: own.length, positions: sum(0), marks: sum(3) };
  });
}
const consumer = (name: string, position = 1): Row => [name, position, 0, 0, "o", 9];
const recordOf = (position: number, target: number, sequence: number): Row => [
  position,
  target,
  sequence,
  sequence,
];

test("[MV5] records are copied behind the last that has come, in pages", async () => {
  const records = [1, 2, 3, 4, 5].map((position) => recordOf(position, 1, position));
  const calls: string[] = [];
  const there: Rows = { records: records.slice(0, 2) };
  const counts: number[] = [];
  await copyRecords(sourceOf({ records }), targetOf(there, calls), (count) => counts.push(count));
  expect([calls, counts]).toEqual([
    ["put 3", "put 4", "put 5"],
    [2, 1],
  ]);
  expect(there["records"]).toEqual(records);
});

test("[MV5] [MV8] of what may change only what differs is written, over the ends of pages, and what is gone goes", async () => {
  const here = ["a", "b", "c", "d", "e"].map((name) => consumer(name));
  const calls: string[] = [];
  const there: Rows = {
    consumers: [consumer("a"), consumer("b", 7), consumer("bb"), consumer("d"), consumer("z")],
  };
  const source = sourceOf({ consumers: here });
  const target = targetOf(there, calls);
  expect(await differences(source, target)).toEqual(["5 consumers"]);
  await copyMutable(source, target, consumers);
  expect(calls.toSorted()).toEqual(["put b", "put c", "put e", "remove bb", "remove z"]);
  expect(await differences(source, target)).toEqual([]);
  await copyMutable(source, target, consumers);
  expect(calls).toHaveLength(5);
});

test("[MV8] records that were swept go, and those of a target that has got another's number are copied anew", async () => {
  const here = [
    recordOf(3, 1, 3),
    recordOf(4, 1, 4),
    recordOf(9, 2, 1),
    recordOf(10, 2, 2),
    recordOf(11, 2, 3),
  ];
  const calls: string[] = [];
  const there: Rows = {
    records: [...[1, 2, 3, 4].map((one) => recordOf(one, 1, one)), recordOf(5, 2, 1), recordOf(6, 3, 1)],
  };
  const [source, target] = [sourceOf({ records: here }), targetOf(there, calls)];
  expect(await differences(source, target)).toEqual(["3 targets' records"]);
  await mendRecords(source, target);
  expect(calls.filter((call) => call.startsWith("keep"))).toEqual([
    "keep 1: 3 to 4",
    "keep 2: 1 to 3",
    "keep 3: 1 to 0",
  ]);
  expect(calls.filter((call) => call.startsWith("put"))).toEqual(["put 9", "put 10", "put 11"]);
});
