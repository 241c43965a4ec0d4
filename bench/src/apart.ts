// What is measured by how many there are: each size in a process of its own, in rounds. Within one process the sizes spoil each
// other: the collector walks the objects of the largest while the smallest is measured, and it came out at twice its cost.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median } from "./median.ts";

/** What was measured, by names. */
export type Figures = Readonly<Record<string, number>>;
/** CPU microseconds, and bytes, of one event for each who hears of it. */
export type Sized = { readonly cost: number; readonly bytes: number };

/** By names, which rows show. */
export type Works<F extends Figures = Figures> = {
  readonly [work: string]: (size: number, samples: number) => Promise<F>;
};

/** Medians of the rounds, for each size. `works` has it, and so has one-size.bench.ts. */
export async function apart<F extends Figures>(
  works: Works<F>,
  work: string,
  sizes: readonly number[],
  quick: boolean,
): Promise<F[]> {
  if (works[work] === undefined) throw new Error(`There is no work ${work}.`);
  const rounds: F[][] = sizes.map(() => []);
  for (let round = quick ? 1 : 5; round > 0; round--)
    for (const [at, size] of sizes.entries()) rounds[at]!.push(await oneSize<F>(work, size, quick ? 3 : 15));
  return rounds.map((all) => {
    const names = Object.keys(all[0]!);
    return Object.fromEntries(names.map((name) => [name, median(all.map((one) => one[name]!))])) as F;
  });
}

function oneSize<F extends Figures>(work: string, size: number, samples: number): Promise<F> {
  return new Promise((resolve, reject) => {
    const bundle = fileURLToPath(new URL("one-size.mjs", import.meta.url));
    const child = spawn(process.execPath, [bundle, work, String(size), String(samples)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    child.once("message", (told) => resolve(told as F));
    child.once("exit", (code) => reject(new Error(`${work} of ${size} ended with ${code}`)));
  });
}

/** The ratio to the first size, and what it must be. */
export function flat(sizes: readonly Sized[], at: number, bar: boolean): [string, string, string] {
  const [few, here] = [sizes[0]!, sizes[at]!];
  const ratio = Math.max(here.cost / few.cost, here.bytes / few.bytes);
  if (at === 0 || !bar) return [ratio.toFixed(2), "", ""];
  return [ratio.toFixed(2), "≤ 1.3", ratio <= 1.3 ? "met" : "**missed**"];
}
