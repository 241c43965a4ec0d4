import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { createServer, memoryLog } from "@calla/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepAudit } from "../server/audit.ts";
import { board, serialiser, wiring } from "../shared/wiring.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "calla-audit-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("[RD1] [RD3] the audit table has every change of every board once, also after a restart", async () => {
  const file = join(folder, "audit.db");
  const log = memoryLog();
  const rename = (title: string) => ({ type: "boardRenamed", title }) as const;
  for (const life of [1, 2]) {
    const server = createServer({ wiring, serialiser, log });
    // Before and after the consumer is there: both are in it.
    await server.topic(board, "a").dispatch(rename(`before ${life}`));
    const stop = keepAudit(server, file);
    await server.topic(board, "b").dispatch(rename(`after ${life}`));
    const rows = () => {
      const table = new Database(file, { readonly: true });
      const all = table.prepare("SELECT board, client, what FROM audit ORDER BY rowid").raw().all();
      table.close();
      return all;
    };
    await vi.waitFor(() => expect(rows()).toHaveLength(2 * life));
    if (life === 2) {
      await server.topic(board, "a").remove();
      await vi.waitFor(() => expect(rows()).toHaveLength(5));
      const said = (title: string) => JSON.stringify([rename(title)]);
      expect(rows()).toEqual([
        ["board:a", null, said("before 1")],
        ["board:b", null, said("after 1")],
        ["board:a", null, said("before 2")],
        ["board:b", null, said("after 2")],
        ["board:a", null, "removed"],
      ]);
    }
    await stop();
    await server.stop();
  }
});
