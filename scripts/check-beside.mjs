// `npm run check:beside`: a production file of 100 lines and more has its unit test beside it, `name.test.ts`.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { root } from "./run.mjs";

const LINES = 100;

/** Types, tables and lists of names: there is nothing to run. */
const declarations = new Set([
  "shared/src/codes/closing-codes.ts",
  "shared/src/codes/error-codes.ts",
  "shared/src/codes/rejection-codes.ts",
  "client/src/engine/records.ts",
  "server/src/log/log.ts",
  "server/src/channels/channels-api.ts",
  "server/src/channels/engine/host.ts",
  "server/src/channels/definition/channel-types.ts", // define-channel.test-d.ts
  "server/src/server-api.ts",
  "server/src/supervision/tree/supervisor-api.ts", // supervise.test-d.ts
  "shared/src/index.ts",
  "shared/src/wire/server-frames.ts", // pinned, with every frame's bytes, in protocol.test.ts
  "shared/src/wiring/slice.ts",
  "testing/src/history/history.ts",
]);

/** Tests themselves: the contract of logs, run over each log (memory, a file in each of its ways, faulty, rewindable). */
const contract = new Set([
  "server/src/testing/log-contract/append.ts",
  "server/src/testing/log-contract/index.ts",
  "server/src/testing/log-contract/outcomes.ts",
  "server/src/testing/log-contract/past.ts",
]);

/** Tests themselves, too: the checks of the conformance kit, a list by id; table.test.ts holds the whole list. */
const checks = /^conformance[/]src[/]checks[/]/;

const files = readdirSync(join(root, "packages")).flatMap((pkg) => {
  const src = join(root, "packages", pkg, "src");
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !/[.](?:test|test-d|arbitrary|d)[.]ts$/.test(name))
    .map((name) => join(src, name));
});
const bare = files
  .filter((path) => readFileSync(path, "utf8").split("\n").length > LINES)
  .filter((path) => !existsSync(path.replace(/[.]ts$/, ".test.ts")))
  .map((path) => relative(join(root, "packages"), path).replaceAll(sep, "/"));

const findings = [
  ...bare
    .filter((name) => !declarations.has(name) && !contract.has(name) && !checks.test(name))
    .map((name) => `packages/${name} has ${LINES} lines or more and no unit test beside it.`),
  ...[...declarations, ...contract]
    .filter((name) => !bare.includes(name))
    .map(
      (name) =>
        `${name} has its test, is short or is gone: take it off the list in scripts/check-beside.mjs.`,
    ),
];
if (findings.length > 0) {
  console.log(findings.join("\n"));
  process.exitCode = 1;
}
