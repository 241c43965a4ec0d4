// What a page for production carries that uses `plain`: bundled as size-limit does it, and the parts listed.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const packages = fileURLToPath(new URL("../../../", import.meta.url));

/** The modules of a page's bundle that have code in it, from their package on. */
async function bundled(serialiser: string): Promise<readonly string[]> {
  const { metafile } = await build({
    stdin: {
      resolveDir: packages,
      contents: `
        import { createClient } from "./client/src/index.ts";
        import { webSocket } from "./client/src/transports/websocket.ts";
        import { ${serialiser}, json, defineWiring, defineTopic } from "./shared/src/index.ts";
        console.log(createClient, webSocket, ${serialiser}, json, defineWiring, defineTopic);`,
    },
    absWorkingDir: packages,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    conditions: ["calla-source", "production"],
    write: false,
    metafile: true,
  });
  const [output] = Object.values(metafile.outputs);
  return Object.entries(output!.inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => path);
}

const ofDomain = (paths: readonly string[]): readonly string[] =>
  paths.filter((path) => /\/values\/(to-plain|from-plain|walk|classes|base64|normalise)\.ts$/.test(path));

test("[CO35] a page that uses plain carries no code of the value domain", async () => {
  const paths = await bundled("plain");
  expect(paths).toContain("shared/src/wire/plain-serialiser.ts");
  expect(ofDomain(paths)).toEqual([]);
  // Its sentences are development's.
  expect(paths.filter((path) => /\/dev\/|not-in-json/.test(path))).toEqual([]);
  // And the list is that of the modules there are.
  expect(ofDomain(await bundled("automatic"))).toHaveLength(6);
});
