#!/usr/bin/env node
// `npm create calla`.
import { createInterface } from "node:readline/promises";
import { main } from "./cli.ts";

const asks = process.stdin.isTTY && process.stdout.isTTY;

process.exitCode = await main(process.argv.slice(2), {
  print: (text) => void process.stdout.write(text),
  ask: asks
    ? async (question) => {
        const line = createInterface({ input: process.stdin, output: process.stdout });
        try {
          return await line.question(question);
        } finally {
          line.close();
        }
      }
    : undefined,
});
