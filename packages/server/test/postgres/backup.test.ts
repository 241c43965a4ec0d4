// A backup that is put back under the hands of a node, by Postgres's own programs, as docs/scaling.md tells it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { automatic, json } from "@calla/shared";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { findPostgres } from "../../../../scripts/postgres/binaries.mjs";
import { pgDriver } from "../../src/postgres/driver/pg-driver.ts";
import { postgresLog } from "../../src/postgres/log/create.ts";
import { createServer } from "../../src/server.ts";
import { list, wiring } from "../wired.ts";
import { hasServer, ownDatabase } from "./engines.ts";
import { apart } from "./nodes.ts";

// Of a server that the user names nobody knows whose programs fit.
const isNamed = (process.env["CALLA_POSTGRES_URL"] ?? "") !== "";
const bin = findPostgres(process.env["CALLA_POSTGRES_VERSION"])?.bin ?? "";
const hasPrograms = hasServer && !isNamed && ["pg_dump", "psql"].every((name) => existsSync(join(bin, name)));
const until = { timeout: 20_000, interval: 50 };

// reason: psql and pg_dump are not in every package of Postgres.
describe.skipIf(!hasPrograms)("a backup", () => {
  apart("ordered");
  const url = ownDatabase();
  const run = (program: string, ...args: readonly string[]) =>
    execFileSync(join(bin, program), [...args, url()], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });

  test("[PL10] [PL12] [PL20] is made and put back while a node works, which goes on from it, and so do its consumers", async () => {
    const folder = mkdtempSync(join(tmpdir(), "calla-backup-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "calla.sql");
    const driver = pgDriver({ url: url() });
    const told: unknown[] = [];
    const log = postgresLog({ driver, onError: () => undefined });
    const server = createServer({
      wiring,
      serialiser: automatic(json()),
      log,
      limits: { maxStaleness: 200 },
      onError: (error) => void told.push(error),
    });
    onTestFinished(async () => {
      await server.stop();
      await driver.close?.();
    });
    server.handle(list, { public: true });
    const consumed: string[] = [];
    server.consume(list, { name: "all" }, (entry) => {
      if (entry.gone === undefined)
        for (const { item } of entry.messages as readonly { readonly item: string }[]) consumed.push(item);
    });
    const topic = server.topic(list, "1");
    const add = (item: string) => topic.dispatch({ type: "added", item });
    for (const item of ["a", "b", "c"]) await add(item);
    await vi.waitFor(() => expect(consumed).toHaveLength(3), until);
    run("pg_dump", "--schema", "calla", "--file", file);
    expect(readFileSync(file, "utf8")).toContain("CREATE FUNCTION calla.append");
    for (const item of ["lost 1", "lost 2"]) await add(item);
    await vi.waitFor(() => expect(consumed).toHaveLength(5), until);

    run("psql", "--quiet", "--command", "DROP SCHEMA calla CASCADE");
    await expect(log.open("list:1")).rejects.toMatchObject({ details: { code: "other" } });
    run("psql", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", "--file", file);
    await vi.waitFor(async () => expect((await topic.read()).model.items).toEqual(["a", "b", "c"]), until);
    for (const item of ["new 1", "new 2"]) await add(item);
    expect((await topic.read()).sequence).toBe(5);
    await vi.waitFor(() => expect(consumed.slice(5)).toEqual(["new 1", "new 2"]), until);
    // Of the log's being away it was told, and of its coming back.
    expect(told.length).toBeGreaterThan(0);
  }, 60_000);
});
