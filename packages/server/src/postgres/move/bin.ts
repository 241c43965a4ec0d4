#!/usr/bin/env node
// `npx calla-move`.
import { main } from "./cli.ts";

process.exitCode = await main(process.argv.slice(2), { print: (text) => void process.stdout.write(text) });
