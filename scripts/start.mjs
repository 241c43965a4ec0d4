// `npm start`: installs and builds what is missing, then serves the board example and prints its URL.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root, show } from "./run.mjs";
import { ensureInstalled } from "./setup.mjs";

const port = process.env.PORT ?? "8787";

if (!(await ensureInstalled())) process.exit(1);
if (!existsSync(join(root, "examples/board/server/main.ts"))) {
  console.log("The board example is not here yet: examples/board/server/main.ts is missing.");
  process.exit(0);
}
for (const [title, command] of [
  ["build the packages", "npm run --silent build"],
  ["build the board", "npm run --silent build:board"],
])
  if (!(await show(title ?? "", command ?? ""))) process.exit(1);

const server = spawn(process.execPath, ["examples/board/dist/server/main.js"], {
  cwd: root,
  env: { ...process.env, PORT: port },
  stdio: "inherit",
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.on(signal, () => server.kill(signal));
server.on("exit", (code) => process.exit(code ?? 0));
