// Keeps one Postgres for tests (kept.mjs), and removes its data behind it. It is there once it takes connections. Orders:
// `down` and a signal ends the server, `up` starts it again, on its port and over its data; each is answered once it is so.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { cache, owner } from "./cache.mjs";
import { freePort, keep } from "./kept.mjs";

/** @type {{ bin: string, version: string, settings: Record<string, string>, standbyOf?: string }} */
const { bin, version, settings, standbyOf } = JSON.parse(process.argv[2] ?? "{}");
const as = owner();
/** @type {import("node:child_process").ExecFileSyncOptions} */
const quiet = { ...as, stdio: ["ignore", "ignore", "pipe"], cwd: "/" };
const TEMPLATE = join(cache(), `template-${version}`);
const folder = mkdtempSync(join(cache(), "run-"));
// It was made by this process, and is the server's.
if (as.uid !== undefined) execFileSync("chown", [`${as.uid}:${as.gid}`, folder]);
const data = join(folder, "data");

/** A data folder is the same each time: it is made once and copied. */
const template = () => {
  if (existsSync(TEMPLATE)) return;
  const fresh = join(folder, "template");
  const secret = join(folder, "password");
  const password = randomBytes(12).toString("hex");
  writeFileSync(secret, password, { mode: 0o644 });
  execFileSync(
    join(bin, "initdb"),
    [
      "-D",
      join(fresh, "data"),
      "-U",
      "calla",
      "-A",
      "password",
      "--pwfile",
      secret,
      "-E",
      "UTF8",
      "-N",
    ].concat(["--locale=C", "--wal-segsize=4"]),
    quiet,
  );
  writeFileSync(join(fresh, "password"), password);
  try {
    renameSync(fresh, TEMPLATE);
  } catch {
    // Another run has been quicker.
  }
};

/** A copy of another server, which follows it. */
const follow = (/** @type {string} */ url) =>
  execFileSync(
    join(bin, "pg_basebackup"),
    ["-d", url, "-D", data, "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"],
    quiet,
  );

/** @type {import("node:child_process").ChildProcess | undefined} */
let server;
let ending = false;
const end = (/** @type {number} */ code) => {
  if (ending) return;
  ending = true;
  const gone = () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(code);
  };
  if (server === undefined || server.exitCode !== null || server.signalCode !== null) return gone();
  server.once("exit", gone);
  server.kill("SIGQUIT"); // At once: its data goes anyway.
};

const args = (/** @type {number} */ port) =>
  Object.entries({
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    fsync: "off",
    full_page_writes: "off",
    shared_buffers: "32MB",
    max_connections: "120",
    logging_collector: "off",
    ...settings,
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

/** Its port, once it has taken connections: it comes back there. */
let port = 0;
/** Starts that may still fail. */
const START = 3;
const RESTART = 200;
const PAUSE = 50;

const start = async (again = port === 0 ? START : RESTART) => {
  const at = port || (await freePort());
  let said = "";
  let ready = false;
  const starting = spawn(join(bin, "postgres"), ["-D", data, ...args(at)], {
    ...as,
    cwd: "/",
    stdio: ["ignore", "ignore", "pipe"],
  });
  server = starting;
  starting.stderr.on("data", (/** @type {Buffer} */ chunk) => {
    if (ready) return;
    said += chunk.toString();
    if (!/ready to accept (?:read-only )?connections/.test(said)) return;
    ready = true;
    port = at;
    const password = readFileSync(join(TEMPLATE, "password"), "utf8");
    const url = `postgres://calla:${password}@127.0.0.1:${port}/postgres`;
    process.stdout.write(`${JSON.stringify({ url, pid: starting.pid, data, port })}\n`);
  });
  starting.once("exit", () => {
    if (ending || ready) return;
    // Of one that was killed some processes live on for a moment, and nobody starts beside them.
    if (again > 0 && port !== 0) return void setTimeout(() => void start(again - 1), PAUSE);
    if (again > 0 && said.includes("could not bind")) return void start(again - 1);
    process.stderr.write(said);
    end(1);
  });
};

const down = (/** @type {string} */ signal) => {
  server?.once("exit", () => process.stdout.write(`${JSON.stringify({ down: signal })}\n`));
  server?.kill(/** @type {NodeJS.Signals} */ (signal));
};

keep({
  end,
  order(line) {
    const [order, signal = ""] = line.split(" ");
    if (order === "down") down(signal);
    if (order === "up") void start();
  },
});
try {
  template();
  if (standbyOf === undefined) execFileSync("cp", ["-a", join(TEMPLATE, "data"), data], quiet);
  else follow(standbyOf);
  await start();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  end(1);
}
