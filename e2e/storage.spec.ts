// The browser's storage in a real browser: the same contract as in Node, and how fast it is.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "./fixtures.ts";

declare const contract: () => Promise<string[]>;
declare const queued: (durability: "strict" | "relaxed", count: number) => Promise<number[]>;

const bundle = async (): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("storage-page.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    conditions: ["calla-source"],
  });
  return outputFiles[0]!.text;
};

test("[OB6] [TB8] the contract of storages holds in the browser's own IndexedDB and Web Locks", async ({
  page,
  server,
}) => {
  await page.goto(`http://localhost:${server.port}/#`);
  await page.evaluate(await bundle());
  const found = await page.evaluate(() => contract());
  expect(found).toEqual([expect.stringMatching(/^\d+ checks$/)]);
});

test("[TB8] a dispatch is queued within a moment, by strict and by relaxed durability", async ({
  page,
  server,
}) => {
  await page.goto(`http://localhost:${server.port}/#`);
  await page.evaluate(await bundle());
  for (const durability of ["strict", "relaxed"] as const) {
    const times = (await page.evaluate((how) => queued(how, 200), durability)).toSorted((a, b) => a - b);
    const [p50, p99] = [times[100]!, times[198]!];
    console.log(`dispatch to queued, ${durability}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
    // Generous: the machine may be busy. The figures are what is read.
    expect(p50).toBeLessThan(250);
  }
});
