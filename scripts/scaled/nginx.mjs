// nginx before the nodes, by examples/scaled/nginx.conf with other ports: the machine's own, or Debian's, unpacked and not
// installed, for the package would start one of its own on port 80.
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { root } from "../run.mjs";
import { onPath } from "../setup.mjs";
import { withUs } from "./with-us.mjs";

const CACHE = join(root, "node_modules", ".cache", "nginx");
const UNPACKED = join(CACHE, "usr", "sbin", "nginx");

const runs = (/** @type {string} */ program) => {
  try {
    execFileSync(program, ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

const unpack = () => {
  if (!onPath("apt-get") || !onPath("dpkg")) return;
  try {
    mkdirSync(CACHE, { recursive: true });
    execFileSync("apt-get", ["download", "-qq", "nginx"], { cwd: CACHE, stdio: "ignore" });
    for (const file of readdirSync(CACHE).filter((name) => name.endsWith(".deb")))
      execFileSync("dpkg", ["-x", join(CACHE, file), CACHE]);
  } catch {
    // Then there is none.
  }
};

/**
 * @param {boolean} fetch whether Debian may be asked
 * @returns {string | undefined} the program
 */
export const findNginx = (fetch) => {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/opt/homebrew/bin"];
  const find = () =>
    [...folders.map((folder) => join(folder, "nginx")), UNPACKED].find(
      (path) => existsSync(path) && runs(path),
    );
  const found = find();
  if (found || !fetch) return found;
  unpack();
  return find();
};

/**
 * @param {number} wanted 0: any
 * @returns {Promise<number>} rejects where somebody else has it, who would be taken for nginx
 */
const freePort = (wanted) =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(wanted, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : wanted));
    });
  });

/** @param {number} port */
const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
    socket.on("close", () => undefined).unref();
    socket.once("connect", () => socket.destroy());
  });

/**
 * @param {string} program
 * @param {readonly number[]} ports of the nodes
 * @param {number} wanted 0: any that is free
 */
export const startNginx = async (program, ports, wanted) => {
  const port = await freePort(wanted);
  const folder = mkdtempSync(join(tmpdir(), "calla-nginx-"));
  chmodSync(folder, 0o755); // its workers are nobody
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `  ${kind}_temp_path ${join(folder, kind)};`,
  );
  const conf = ports.reduce(
    (text, node, at) => text.replace(`node-${at + 1}:8787`, `127.0.0.1:${node}`),
    readFileSync(join(root, "examples/scaled/nginx.conf"), "utf8")
      .replace("listen 8080", `listen ${port}`)
      .replace("/tmp/nginx.pid", join(folder, "nginx.pid"))
      .replace("http {", `http {\n${places.join("\n")}`),
  );
  writeFileSync(join(folder, "nginx.conf"), conf);
  const child = spawn(
    program,
    ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf"), "-g", "daemon off;"],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  withUs(child, "SIGTERM");
  let said = "";
  // It tells of each node that it has passed over.
  child.stderr.on("data", (chunk) => {
    said = (said + String(chunk)).slice(-4_000);
  });
  const gone = new Promise((resolve) => {
    child.once("exit", resolve);
    child.once("error", resolve);
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let looks = 0; looks < 100; looks++) {
    if (child.exitCode !== null) break;
    if (await answers(port)) return { name: `nginx (${program})`, port, stop };
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  await stop();
  throw new Error(`nginx does not run: ${said.trim()}`);
};
