// Nothing that a file has is forgotten, and nothing is copied to where it cannot stand.
import Database from "better-sqlite3";
import { afterAll, describe, expect, test } from "vitest";
import { testedEngines } from "../../../test/postgres/engines.ts";
import { MIGRATIONS } from "../../log/sqlite/tables.ts";
import { migrationOf } from "../schema/migration.ts";
import { MUTABLE, RECORDS, TARGETS } from "./tables.ts";

const ALL = [RECORDS, TARGETS, ...MUTABLE];
/** What a file has for its own sake: the identity and secret in `settings` move by themselves. */
const OWN: readonly string[] = ["settings", "garbage", "sqlite_sequence"];

describe("[MV1] what is copied", () => {
  const db = new Database(":memory:");
  for (const migration of MIGRATIONS) db.exec(migration);
  afterAll(() => void db.close());

  test("is every table and every column of a file but what is the file's own", () => {
    const tables = db
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .pluck()
      .all()
      .filter((name) => !OWN.includes(name));
    const texts = ALL.map(({ rows, columns }) => ({
      table: rows.split(" ")[0]!,
      text: `${columns.map(({ from }) => from).join(" ")} ${rows}`,
    }));
    expect(new Set(texts.map(({ table }) => table))).toEqual(new Set(tables));
    const forgotten = tables.flatMap((table) =>
      (db.pragma(`table_info(${table})`) as { readonly name: string }[])
        .map(({ name }) => `${table}.${name}`)
        .filter((_, i, names) => {
          const column = names[i]!.split(".")[1]!;
          return !texts.some((one) => one.table === table && one.text.split(/\W+/).includes(column));
        }),
    );
    expect(forgotten).toEqual(["clients.day"]);
  });

  test.each(ALL)("can be asked of the file: $name", ({ columns, rows, keys }) => {
    const from = columns.map((column) => column.from).join(", ");
    const order = columns
      .slice(0, keys)
      .map((column) => column.from)
      .join(", ");
    expect(db.prepare(`SELECT ${from} FROM ${rows} ORDER BY ${order}`).all()).toEqual([]);
  });
});

const lite = testedEngines().find(({ name }) => name === "pglite")!;
test("[MV1] it fills every column of the schema but what is the schema's own", async () => {
  const driver = lite.make();
  await driver.query(`DO $x$ BEGIN EXECUTE $made$${migrationOf("moved")}$made$; END $x$`, []);
  const found = await driver.query(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'moved'",
    [],
  );
  const unfilled = found.flatMap((row) => {
    const table = ALL.find(({ name }) => name === row["table_name"]);
    if (table === undefined || table.columns.some(({ name }) => name === row["column_name"])) return [];
    return [`${row["table_name"]}.${row["column_name"]}`];
  });
  expect(unfilled).toEqual(["targets.bare"]);
});
