#!/usr/bin/env node
// `npm create calla`.
import { answerTo } from "./ask.ts";
import { main } from "./cli.ts";

const { stdin, stdout, env } = process;
const asks = stdin.isTTY && stdout.isTTY;

process.exitCode = await main(process.argv.slice(2), {
  print: (text) => void stdout.write(text),
  ask: asks ? (question) => answerTo(question, stdin, stdout) : undefined,
  npmTemplate: env["npm_config_template"],
});
