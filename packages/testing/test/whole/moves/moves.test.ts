// A reader can follow a dispatch to its acknowledgement: how often control changes from one file of the client to another
// on the way. Shared files are left out.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { MoveCounter } from "./counter.ts";
import { instrumented } from "./instrument.ts";
import type { trip as Trip } from "./trip.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const sources = fileURLToPath(new URL("../../../../client/src/", import.meta.url));
/** More, and the way has become longer for whoever reads it. */
const MOST = 60;

test("the instrument counts calls and returns between files, and nothing within one", () => {
  const moves = new MoveCounter();
  const run = (file: string, body: string): string => instrumented(body, file, "moves");
  const source = [
    run("b.ts", "const b = (n) => (n > 0 ? b(n - 1) : 7);"),
    run("a.ts", "function a() { return b(2) + b(0); } class A { get x() { return a(); } }"),
    "return new A().x;",
  ].join("\n");
  expect(new Function("moves", source)(moves)).toBe(14);
  expect(moves.trail).toEqual(["a.ts > b.ts", "b.ts > a.ts", "a.ts > b.ts", "b.ts > a.ts"]);
});

test(`a dispatch reaches its acknowledgement by at most ${MOST} moves between the client's files`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "calla-moves-"));
  try {
    await build({
      entryPoints: [join(here, "trip.ts")],
      outfile: join(folder, "trip.mjs"),
      bundle: true,
      format: "esm",
      platform: "node",
      conditions: ["calla-source", "production"],
      logLevel: "warning",
      plugins: [
        {
          name: "moves",
          setup: ({ onLoad }) =>
            onLoad({ filter: /[.]ts$/ }, ({ path }) =>
              path.startsWith(sources)
                ? {
                    contents: instrumented(
                      readFileSync(path, "utf8"),
                      relative(sources, path),
                      "globalThis.callaMoves",
                    ),
                    loader: "ts",
                  }
                : undefined,
            ),
        },
      ],
    });
    const { trip } = (await import(pathToFileURL(join(folder, "trip.mjs")).href)) as { trip: typeof Trip };
    const { trail, shown } = await trip();
    expect(shown).toContainEqual(["live", 2, 1]);
    expect(shown).toContainEqual(["live", 2, 0]);
    expect(trail.length, trail.join("\n")).toBeLessThanOrEqual(MOST);
    expect(trail.length).toBeGreaterThan(10);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
