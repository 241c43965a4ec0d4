// One switch: the condition "production" or NODE_ENV=production, and `strict` where the checks are there. A process for
// each combination, for a process has one environment and one build.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type * as Shared from "@calla/shared";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const run = promisify(execFile);
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(here(".built-"));
  for (const condition of ["", "production"])
    await build({
      entryPoints: [here("app.ts")],
      outfile: join(folder, `app-${condition}.mjs`),
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      conditions: ["calla-source", "module", ...(condition === "" ? [] : [condition])],
      external: ["better-sqlite3", "ws", "zod", "@msgpack/msgpack"],
      logLevel: "error",
    });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function told(condition: string, environment: string | undefined, strict: string | undefined) {
  const { NODE_ENV: _, STRICT: _strict, ...env } = process.env;
  const { stdout, stderr } = await run(process.execPath, [join(folder, `app-${condition}.mjs`)], {
    env: {
      ...env,
      ...(environment === undefined ? {} : { NODE_ENV: environment }),
      ...(strict === undefined ? {} : { STRICT: strict }),
    },
  });
  return { said: JSON.parse(stdout) as object, notices: stderr.split("\n").filter((line) => line !== "") };
}

const checks = (on: boolean) => ({
  server: { impure: on, reported: on ? ["strict", "strict"] : ["update-threw"], parses: on },
  client: { impure: on },
});

describe.each([
  ["", undefined, true],
  ["", "development", true],
  ["", "production", false],
  ["production", undefined, false],
  ["production", "development", false],
  ["production", "production", false],
] as const)("[WR27] condition %j, NODE_ENV %j", (condition, environment, development) => {
  const built = condition === "";
  it.each([
    [undefined, development],
    ["true", built],
    ["false", false],
  ] as const)("strict %j: every check of server and client, or none", async (strict, on) => {
    const { said, notices } = await told(condition, environment, strict);
    expect(said).toEqual({
      ...checks(on),
      definitions: built,
      sentence: built,
      // Who asks for checks that are not there hears so.
      atStart: strict === "true" && !built ? ["wiring"] : [],
      frozen: true,
    });
    // Two servers were made, and it is said once.
    expect(notices).toEqual(development ? [expect.stringContaining("NODE_ENV=production")] : []);
  });
});

describe("[CO29] a frame that means harm", () => {
  const reads = async (...conditions: string[]): Promise<readonly string[]> => {
    const { outputFiles } = await build({
      stdin: { contents: `export { json, serverFrame } from "@calla/shared";`, resolveDir: here(".") },
      bundle: true,
      write: false,
      platform: "neutral",
      format: "esm",
      mainFields: ["main"],
      conditions: ["calla-source", ...conditions],
      external: ["@msgpack/msgpack"],
    });
    const bundle = `data:text/javascript,${encodeURIComponent(outputFiles[0]!.text)}`;
    const { json, serverFrame } = (await import(bundle)) as typeof Shared;
    const codeOf = (text: string): string => {
      try {
        return serverFrame(json().decode(text)) === undefined ? "no frame" : "taken";
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    return [`{"type":"Pong","__proto__":{}}`, "[".repeat(300) + "]".repeat(300), `{"type":"Pongo"}`].map(
      codeOf,
    );
  };
  it.each([[[]], [["node"]], [["production"]], [["node", "production"]], [["browser"]]])(
    "is refused with the conditions %j",
    async (conditions) => expect(await reads(...conditions)).toEqual(["hostile-key", "too-deep", "no frame"]),
  );
  it("[CL58] is not looked for in a page that is built for production, which takes no more than frames all the same", async () =>
    expect(await reads("browser", "production")).toEqual(["taken", "no frame", "no frame"]));
});
