// A Postgres that flushes to the disk, as one that is to lose nothing: the one that the user names, or one of our own.
import { startPostgres } from "../../scripts/postgres/start.mjs";
import type { Micro } from "./report.ts";

type Engine = NonNullable<Awaited<ReturnType<typeof startPostgres>>>;

/** Where there is none and none to be had, that is what is told, and nothing is measured. */
export async function flushingPostgres(): Promise<Engine> {
  const engine = await startPostgres({
    settings: { fsync: "on", synchronous_commit: "on", full_page_writes: "on" },
  });
  if (engine !== undefined) return engine;
  tell([{ title: "Postgres: none found and none to be had; not run", rows: [] }]);
  throw new Error("no Postgres");
}

/** To the process that writes the report, or to whoever has started this one by hand; then the process ends. */
export function tell(micro: Micro): void {
  if (process.send !== undefined) return void process.send(micro, () => process.exit());
  process.stdout.write(`${JSON.stringify(micro, null, 1)}\n`);
  process.exit();
}
