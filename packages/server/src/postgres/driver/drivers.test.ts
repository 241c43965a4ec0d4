// Every driver gives and takes the same, over a real server and over PGlite.
import { describe, expect, test, vi } from "vitest";
import { testedEngines } from "../../../test/postgres/engines.ts";
import { hearing } from "../../../test/postgres/hearing.ts";
import { postgresText } from "./text.ts";
import type { PostgresValue } from "./text.ts";

for (const { name, skipped, make } of testedEngines())
  describe.skipIf(skipped)(`by ${name}`, () => {
    test("[PG1] values arrive as they are, and come back as Postgres writes them", async () => {
      const driver = make();
      const values: readonly (readonly [PostgresValue, string])[] = [
        ["a\"b'c\\d € 𝄞", "text"],
        ["", "text"],
        [9_007_199_254_740_993n, "bigint"],
        [-1.25, "double precision"],
        [null, "bigint"],
        [[1, 2], "bigint[]"],
        [[true, false, null], "boolean[]"],
        [["a,b", "", null, 'q"\\', "€"], "text[]"],
        [[], "text[]"],
      ];
      for (const [value, type] of values) {
        const [row] = await driver.query(`select $1::${type} as it`, [postgresText(value)]);
        const [same] = await driver.query(
          `select $1::${type} is not distinct from $2::text::${type} as same`,
          [postgresText(value), postgresText(value)],
        );
        expect([value, same?.["same"]]).toEqual([value, "t"]);
        if (!Array.isArray(value)) expect(row?.["it"]).toBe(value === null ? null : String(value));
      }
      expect(
        await driver.query(
          `select $1::text::boolean as b, $2::text::jsonb as j, 1.5::float8 as f, array[true, null] as l, pg_snapshot_xmin(pg_current_snapshot()) > '1'::xid8 as x`,
          ["true", '{"a":["b"]}'],
        ),
      ).toEqual([{ b: "t", j: '{"a": ["b"]}', f: "1.5", l: "{t,NULL}", x: "t" }]);
    });

    test("[PG1] there are as many rows as there are, with every column, and none where nothing is given back", async () => {
      const driver = make();
      const rows = await driver.query("select n, $1 as t from generate_series(1, 3) as n", ["x"]);
      expect(rows).toEqual(["1", "2", "3"].map((n) => ({ n, t: "x" })));
      expect(await driver.query("select 1 as n where false", [])).toEqual([]);
      expect(await driver.query("create table if not exists empty (n int)", [])).toEqual([]);
    });

    test("[PG2] what Postgres refuses rejects with its code, and the next call works", async () => {
      const driver = make();
      await expect(driver.query("select 1 / $1::int", ["0"])).rejects.toMatchObject({ code: "22012" });
      await expect(
        driver.query("do $$ begin raise 'mine' using errcode = 'CA001'; end $$", []),
      ).rejects.toMatchObject({ code: "CA001" });
      expect(await driver.query("select 1 as n", [])).toEqual([{ n: "1" }]);
    });

    test("[PG3] a line hears its channel alone, whatever text names it, until it is closed", async () => {
      const driver = make();
      const [one, other] = [hearing(), hearing()];
      const channel = "Calla: é";
      const line = await driver.listen(channel, one.events);
      await driver.listen("other", other.events);
      for (const payload of ["1", "2", "€"])
        await driver.query("select pg_notify($1, $2)", [channel, payload]);
      await vi.waitFor(() => expect(one.heard).toEqual(["1", "2", "€"]));
      line.close();
      line.close();
      await driver.query("select pg_notify($1, 'late'), pg_notify('other', 'last')", [channel]);
      await vi.waitFor(() => expect(other.heard).toEqual(["last"]));
      expect([one.heard, one.lost]).toEqual([["1", "2", "€"], []]);
    });
  });
