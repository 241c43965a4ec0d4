import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { hasServer, ownDatabase } from "../../../test/postgres/engines.ts";
import { apart } from "../../../test/postgres/nodes.ts";
import { fill } from "../../testing/log-contract/kit.ts";
import { sqlite } from "../../log/sqlite/sqlite.ts";
import { main } from "./cli.ts";

async function run(...args: string[]): Promise<{ readonly code: number; readonly said: string }> {
  let said = "";
  const code = await main(args, { print: (text) => void (said += text) });
  return { code, said };
}

test("[MV9] the command says how it is asked, and what is wrong, in a sentence", async () => {
  expect(await run("--help")).toMatchObject({ code: 0, said: expect.stringContaining("--undo") });
  expect((await run("--from", "calla.db")).code).toBe(1);
  expect(await run("--form", "x")).toMatchObject({ code: 1, said: expect.stringContaining("'--form'") });
  const { code, said } = await run("--from", "/nowhere/calla.db", "--to", "postgres://nowhere/");
  expect([code, said]).toEqual([1, expect.stringContaining("/nowhere/calla.db cannot be opened")]);
});

describe.skipIf(!hasServer)("the command", () => {
  apart("ordered");
  const url = ownDatabase();
  test("[MV9] moves a file, and takes it back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "calla-move-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "calla.db");
    const log = sqlite(file, { thread: "main" });
    await fill(log, "t", 0, 3);
    await log.close();
    const moved = await run("--from", file, "--to", url());
    expect(moved.said.replace(/\d+[.]\d s/, "N s")).toBe(
      `Copying, while the servers go on …
The file takes no appends any more; reading what came last …
Comparing both sides …
Done: 1 topics and sessions, 3 records, rows of 0 clients. Nothing could be appended for N s.
Start the servers over the schema calla now; ${file} takes nothing more.
`,
    );
    expect(moved.code).toBe(0);
    expect(await run("--from", file, "--to", url(), "--undo")).toEqual({
      code: 0,
      said: `${file} takes appends again, and the schema calla is no log any more.\n`,
    });
  });
});
