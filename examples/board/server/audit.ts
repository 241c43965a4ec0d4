// Who did what to which board, in a table of its own: written by a consumer of the log, so nothing is missing in it,
// whatever crashes, and nothing stands in it twice.
import Database from "better-sqlite3";
import type { Server } from "@calla/server";
import { board } from "../shared/wiring.ts";
import type { wiring } from "../shared/wiring.ts";

/** Begins to write, from where it stopped the last time. Returns its stop. */
export function keepAudit(
  server: Pick<Server<typeof wiring, { readonly id: string }>, "consume">,
  file: string,
): () => Promise<void> {
  const table = new Database(file);
  table.pragma("journal_mode = WAL");
  table.exec(`CREATE TABLE IF NOT EXISTS audit (
    key TEXT PRIMARY KEY, -- what happened, by its name: told again, it is known
    at TEXT NOT NULL, board TEXT NOT NULL, client TEXT, what TEXT NOT NULL)`);
  const insert = table.prepare(
    "INSERT OR IGNORE INTO audit (key, at, board, client, what) VALUES (?, ?, ?, ?, ?)",
  );
  const stop = server.consume(board, { name: "audit" }, (entry) => {
    const { key, at, topic } = entry;
    const client = entry.gone === undefined ? (entry.author?.clientId ?? null) : null;
    const what = entry.gone ?? JSON.stringify(entry.model ?? entry.messages);
    // Durable when this returns; only then does the consumer's position move on.
    insert.run(key, new Date(at).toISOString(), topic, client, what);
  });
  return async () => {
    await stop();
    table.close();
  };
}
