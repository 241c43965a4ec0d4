// Keeps one PgBouncer for tests (kept.mjs). It is there once it is up.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cache, owner } from "./cache.mjs";
import { freePort, keep } from "./kept.mjs";

/** @type {{ path: string, url: string }} */
const { path, url } = JSON.parse(process.argv[2] ?? "{}");
const behind = new URL(url);
const as = owner();
const folder = mkdtempSync(join(cache(), "pgbouncer-"));

/** Few connections for many clients, so that hardly any two calls of one are by the same. */
const settings = (/** @type {number} */ port) => `
[databases]
* = host=${behind.hostname} port=${behind.port || 5432} user=${behind.username} password='${decodeURIComponent(behind.password).replaceAll("'", "''")}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 400
log_connections = 0
log_disconnections = 0
log_pooler_errors = 0
`;

let ending = false;
/** @type {import("node:child_process").ChildProcess | undefined} */
let pooler;
const end = (/** @type {number} */ code) => {
  if (ending) return;
  ending = true;
  const gone = () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(code);
  };
  if (pooler === undefined || pooler.exitCode !== null || pooler.signalCode !== null) return gone();
  pooler.once("exit", gone);
  pooler.kill("SIGKILL"); // It holds nothing, and some versions wait for their clients.
};

const START = 3;

const start = async (again = START) => {
  const port = await freePort();
  const file = join(folder, "pgbouncer.ini");
  writeFileSync(file, settings(port), { mode: 0o600 });
  if (as.uid !== undefined) execFileSync("chown", ["-R", `${as.uid}:${as.gid}`, folder]);
  let said = "";
  let ready = false;
  const starting = spawn(path, [file], { ...as, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
  pooler = starting;
  starting.stderr.on("data", (/** @type {Buffer} */ chunk) => {
    if (ready) return;
    said += chunk.toString();
    if (!said.includes("process up")) return;
    ready = true;
    const at = new URL(url);
    at.host = `127.0.0.1:${port}`;
    process.stdout.write(`${JSON.stringify({ url: at.href })}\n`);
  });
  starting.once("exit", () => {
    if (ending || ready) return;
    if (again > 0) return void start(again - 1); // Somebody has taken the port.
    process.stderr.write(said);
    end(1);
  });
};

keep({ end });
await start();
