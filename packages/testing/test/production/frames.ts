// A bundle for production looks at less of a server's frames than one with all guards. Both are built and hold the same
// conversations, in which most packets have a mistake in them; they must stay alike in all that can be seen.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { converse, newTally, SEEN } from "./frames-peer.ts";
import type * as Build from "./frames-twin.ts";
import { KINDS } from "./mutations.ts";

/** Mutated packets in all, and a conversation's: a client that is told so much wrong is not to be told the rest of it. */
const COUNT = Number(process.env["CALLA_FRAMES"] ?? 1_000_000);
const EACH = 1_000;
const SEED = Number(process.env["CALLA_SEED"] ?? 1);

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** `part` of so many `parts`, each a file of its own, so that they run side by side. */
export function mutatedFrames(part: number, parts: number): void {
  let folder = "";
  let builds: { readonly production: typeof Build; readonly guarded: typeof Build };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "calla-frames-"));
    const built = async (name: string, conditions: readonly string[]): Promise<typeof Build> => {
      const outfile = join(folder, `${name}.mjs`);
      await build({
        entryPoints: [here("frames-twin.ts")],
        outfile,
        bundle: true,
        platform: "neutral",
        mainFields: ["module", "main"],
        format: "esm",
        target: "es2022",
        conditions: ["calla-source", ...conditions],
        define: { "process.env.NODE_ENV": '"production"' },
        logLevel: "error",
      });
      return (await import(pathToFileURL(outfile).href)) as typeof Build;
    };
    builds = {
      production: await built("production", ["browser", "production"]),
      guarded: await built("guarded", []),
    };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("[CL58] the two builds are two: one looks at a snapshot's version", () => {
    const odd = JSON.stringify({ type: "Snapshot", target: "a", sequence: 1, mark: 1, version: "?" });
    const { production, guarded } = builds;
    expect([production, guarded].map(({ passes }) => passes(odd, "json"))).toEqual([true, false]);
  });

  const count = Math.ceil(COUNT / parts);
  test(`[CL48] [CL58] ${count} mutated packets change nothing in production that they would not change with all guards`, async () => {
    const tally = newTally();
    const { stackTraceLimit } = Error;
    // Most of them end in an error: where it was made takes as long as all the rest. A seed that fails says so by itself.
    Error.stackTraceLimit = 0;
    try {
      for (let done = 0, seed = SEED + part; done < count; done += EACH, seed += parts)
        await converse(builds, seed, Math.min(EACH, count - done), tally);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    const least = (share: number): number => Math.floor(count * share);
    expect(Object.keys(tally.kinds).toSorted()).toEqual(KINDS.toSorted());
    for (const [kind, made] of Object.entries(tally.kinds))
      expect([kind, made >= least(0.5 / KINDS.length)]).toEqual([kind, true]);
    const { refused, taken, overlooked, changing, types } = tally;
    expect(refused + taken + overlooked).toBe(count);
    expect(refused).toBeGreaterThan(least(0.3));
    expect(taken).toBeGreaterThan(least(0.1));
    expect(overlooked).toBeGreaterThan(least(0.01));
    expect(changing).toBeGreaterThan(least(0.02));
    expect(Object.keys(tally.seen).toSorted()).toEqual(SEEN.toSorted());
    expect(tally.seen["stored"]).toBeGreaterThan(least(0.01));
    // Of each type something was taken in spite of a mistake in it.
    expect(Object.keys(types)).toHaveLength(13);
  }, 3_600_000);
}
