#!/usr/bin/env node
// `npx @calla/phoenix-conformance`.
import { main } from "./cli.ts";

process.exitCode = await main(process.argv.slice(2), {
  print: (text) => void process.stdout.write(text),
  interrupted: async () => {
    await new Promise((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
    });
  },
  colour: process.stdout.isTTY,
});
