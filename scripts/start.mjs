// `npm start`, `npm run react`, `npm run chat` and `npm run bridge`: installs and builds what is missing, then serves an example and prints its URL.
import { spawn } from "node:child_process";
import { root, show } from "./run.mjs";
import { ensureInstalled } from "./setup.mjs";

const examples = {
  board: { folder: "examples/board", port: "8787" },
  bridge: { folder: "examples/phoenix-board", port: "8789" },
  chat: { folder: "examples/phoenix-chat", port: "8788" },
  react: { folder: "examples/board-react", port: "8790" },
};
const wanted = process.argv[2] ?? "board";
const example = examples[/** @type {keyof typeof examples} */ (wanted)];
if (!example) {
  console.log(`There is no example "${wanted}". There are: ${Object.keys(examples).join(", ")}.`);
  process.exit(1);
}

if (!(await ensureInstalled())) process.exit(1);
for (const [title, command] of [
  ["build the packages", "npm run --silent build"],
  [`build the ${wanted}`, `npm run --silent build:${wanted}`],
])
  if (!(await show(title ?? "", command ?? ""))) process.exit(1);

const server = spawn(process.execPath, [`${example.folder}/dist/server/main.js`], {
  cwd: root,
  env: { ...process.env, PORT: process.env.PORT ?? example.port },
  stdio: "inherit",
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.on(signal, () => server.kill(signal));
server.on("exit", (code) => process.exit(code ?? 0));
