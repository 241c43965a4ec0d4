// What is copied and how both sides are compared.
import type { Row, Source, Tally } from "./source.ts";
import { MUTABLE, RECORDS, TARGETS } from "./tables.ts";
import type { CopiedTable } from "./tables.ts";
import type { MoveTarget } from "./target.ts";

/** Records are written once, and in their order, so what is behind the last that has come has not. */
export async function copyRecords(
  source: Source,
  target: MoveTarget,
  copied: (records: number) => void,
): Promise<void> {
  let after: Row = [await target.position()];
  for (let last = false; !last;) {
    const page = source.page(RECORDS, after);
    await target.put(RECORDS, page.rows);
    copied(page.rows.length);
    after = [page.rows.at(-1)?.[0] ?? 0];
    last = page.last;
  }
}

/**
 * Records that were swept since they were copied go, and so do those of a target that has expired: another one may have got
 * its number. What differs after that is copied anew.
 */
export async function mendRecords(source: Source, target: MoveTarget): Promise<void> {
  for (const { target: id, is, was } of await unequalTallies(source, target)) {
    await target.removeRecords(id, is?.first ?? 1, is?.last ?? 0);
    const [now] = is === undefined || was === undefined ? [] : await target.tallies(id - 1, id);
    if (is === undefined || (now !== undefined && sameTally(is, now))) continue;
    for (let after = 0, last = false; !last;) {
      const page = source.records(id, after);
      await target.put(RECORDS, page.rows);
      after = Number(page.rows.at(-1)?.[2] ?? after);
      last = page.last;
    }
  }
}

interface UnequalTally {
  readonly target: number;
  /** In the file. */
  readonly is: Tally | undefined;
  /** In Postgres. */
  readonly was: Tally | undefined;
}

async function unequalTallies(source: Source, target: MoveTarget): Promise<readonly UnequalTally[]> {
  const unequal: UnequalTally[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const here: readonly Tally[] = source.tallies(after);
    const upTo: number | undefined = here.at(-1)?.target;
    const there = new Map((await target.tallies(after, upTo)).map((tally) => [tally.target, tally]));
    for (const is of here) {
      const was = there.get(is.target);
      there.delete(is.target);
      if (was === undefined || !sameTally(is, was)) unequal.push({ target: is.target, is, was });
    }
    for (const was of there.values()) unequal.push({ target: was.target, is: undefined, was });
    after = upTo;
  }
  return unequal;
}

const sameTally = (a: Tally, b: Tally): boolean =>
  a.first === b.first &&
  a.last === b.last &&
  a.count === b.count &&
  a.positions === b.positions &&
  a.marks === b.marks;

/** Copies what differs, and removes what the file has no more. */
export async function copyMutable(source: Source, target: MoveTarget, table: CopiedTable): Promise<void> {
  for await (const { missing, extra } of comparedPages(source, target, table)) {
    await target.remove(table, extra);
    await target.put(table, missing);
  }
}

/** Their names wander from one row to another, so no part of them may be there before. */
export async function copyTargets(source: Source, target: MoveTarget): Promise<void> {
  await target.empty(TARGETS);
  let after: Row = [];
  for (let last = false; !last;) {
    const page = source.page(TARGETS, after);
    await target.put(TARGETS, page.rows);
    after = keyOf(TARGETS, page.rows.at(-1) ?? []);
    last = page.last;
  }
}

/** What both sides do not have alike, in words. */
export async function differences(source: Source, target: MoveTarget): Promise<readonly string[]> {
  const wrong: string[] = [];
  const say = (count: number, what: string): void => void (count > 0 && wrong.push(`${count} ${what}`));
  say((await unequalTallies(source, target)).length, "targets' records");
  for (const table of [TARGETS, ...MUTABLE]) {
    let count = 0;
    for await (const { missing, extra } of comparedPages(source, target, table))
      count += missing.length + extra.length;
    say(count, table.name);
  }
  say(await target.looseHeads(), "heads without their record");
  return wrong;
}

interface Compared {
  readonly missing: readonly Row[];
  /** Keys as Postgres has them. */
  readonly extra: readonly (readonly (string | null)[])[];
}

async function* comparedPages(
  source: Source,
  target: MoveTarget,
  table: CopiedTable,
): AsyncGenerator<Compared> {
  let after: Row = [];
  for (let last = false; !last;) {
    const page = source.page(table, after);
    const upTo = page.last ? undefined : keyOf(table, page.rows.at(-1)!);
    const there = new Map<string, readonly (string | null)[]>();
    for (const row of await target.rows(table, after, upTo)) there.set(wordOf(table, row), row);
    const missing = page.rows.filter((row) => {
      const word = wordOf(table, row);
      const found = there.get(word);
      there.delete(word);
      return found === undefined || !sameRow(table, row, found);
    });
    const extra = [...there.values()].map((row) => row.slice(0, table.keys));
    yield { missing, extra };
    after = upTo ?? [];
    last = page.last;
  }
}

const keyOf = ({ keys }: CopiedTable, row: Row): Row => row.slice(0, keys);
const wordOf = (table: CopiedTable, row: Row): string => JSON.stringify(keyOf(table, row).map(String));

/** Postgres writes numbers in its own way. */
const sameRow = ({ columns }: CopiedTable, here: Row, there: readonly (string | null)[]): boolean =>
  there.every((cell, i) => {
    const own = here[i]!;
    const { type } = columns[i]!;
    if (cell === null || own === null) return cell === own;
    if (type === "text") return cell === own;
    return type === "boolean" ? (cell === "t") === (own === 1) : Number(cell) === own;
  });
