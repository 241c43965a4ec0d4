// Whether a server can hold a log at all: asked before anything is looked for or written there.
import type { PostgresCalls } from "../driver/calls.ts";
import { refusal } from "./refusals.ts";
import { isTrue } from "./rows.ts";

const CHECK = `SELECT current_setting('server_encoding') AS encoding,
  current_setting('server_version_num')::int >= 130000 AS fit,
  current_setting('server_version') AS version, current_setting('transaction_isolation') AS isolation,
  pg_is_in_recovery() AS standby`;

/** @throws CallaError `storage`, as a rejection: `standby`, `outdated`, `encoding` or `isolation`, with what to do. */
export async function refuseUnfit(calls: PostgresCalls, schema: string): Promise<void> {
  const ask = async () => (await calls.query(CHECK))[0];
  let row = await ask();
  if (row !== undefined && isTrue(row, "standby")) {
    calls.renew();
    row = await ask();
  }
  if (row === undefined) return;
  if (isTrue(row, "standby")) throw refusal("standby", schema, "the server is a standby, which only reads");
  if (!isTrue(row, "fit")) throw refusal("outdated", schema, `this is Postgres ${row["version"]}`);
  if (row["encoding"] !== "UTF8")
    throw refusal("encoding", schema, `the database's encoding is ${row["encoding"]}`);
  if (row["isolation"] !== "read committed")
    throw refusal("isolation", schema, `transactions are ${row["isolation"]} here`);
}
