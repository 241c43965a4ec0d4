// `npm run scaled`: builds what is missing, then serves the boards by three nodes over one Postgres, and does to them what
// is typed.
import { createInterface } from "node:readline";
import { show } from "../run.mjs";
import { ensureInstalled } from "../setup.mjs";
import { startCluster } from "./cluster.mjs";

if (!(await ensureInstalled())) process.exit(1);
for (const [title, command] of [
  ["build the packages", "npm run --silent build"],
  ["build the board", "npm run --silent build:scaled"],
])
  if (!(await show(title ?? "", command ?? ""))) process.exit(1);

const cluster = await startCluster({
  port: Number(process.env.PORT ?? 8791),
  fetch: true,
  env: { NODE_ENV: process.env.NODE_ENV ?? "production" },
}).catch((/** @type {Error} */ { message }) => {
  console.error(message);
  process.exit(1);
});
const { nodes } = cluster;
console.log(`
Below: ${cluster.engine}. ${process.env.CALLA_POSTGRES_URL ? "" : "Its boards go with it: to keep them, CALLA_POSTGRES_URL names a database of yours."}
Before: ${cluster.balancer}, without sticky sessions.
${nodes.map(({ port }, at) => `Node ${at + 1}: http://localhost:${port}/readyz, /healthz and /metrics`).join("\n")}

Boards are at http://localhost:${cluster.port}

  roll      replaces the nodes one by one, as a deploy does
  kill 2    kills node 2 (SIGKILL); it is started again
  stop 2    has node 2 stand still (SIGSTOP), go 2 has it go on
  quit      ends it all`);

let rolling = false;
const roll = async () => {
  if (rolling) return;
  rolling = true;
  await cluster.roll();
  rolling = false;
};
let ending = false;
const quit = async () => {
  if (ending) return;
  ending = true;
  await cluster.stop();
  process.exit(0);
};
const signals = /** @type {const} */ ({ kill: "SIGKILL", stop: "SIGSTOP", go: "SIGCONT" });
createInterface(process.stdin).on("line", (line) => {
  const [word = "", which = ""] = line.trim().split(/\s+/);
  const node = nodes[Number(which) - 1];
  if (word === "roll") void roll();
  else if (word === "quit") void quit();
  else if (word in signals && node) node.kill(signals[/** @type {keyof typeof signals} */ (word)]);
  else if (word !== "") console.log("roll, kill 1-3, stop 1-3, go 1-3 or quit");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => void quit());
