// What a JSON Patch costs between two models that share what has not changed, beside two libraries on the same models, in one
// process. A library that has not answered in a second is ended.
import { runInNewContext } from "node:vm";
import fastJsonPatch from "fast-json-patch";
import { createPatch } from "rfc6902";
import { median } from "./median.ts";
import type { Micro } from "./report.ts";

// What of packages/server/src/bridge/patch/patch.ts is called here.
type Patch = readonly { readonly op: string }[];
type PatchOf = (
  before: unknown,
  after: unknown,
  budget?: { readonly maxLooks: number; readonly maxShare: number },
) => {
  readonly ok: boolean;
  readonly patch?: Patch;
  readonly looks: number;
};

interface Card {
  readonly id: string;
  readonly text: string;
  readonly done: boolean;
}
interface Model {
  readonly title: string;
  readonly cards: readonly Card[];
}

const cardOf = (n: number): Card => ({
  id: `card-${n}`,
  text: `What is to be done, number ${n}`,
  done: false,
});
const modelOf = (count: number): Model => ({
  title: "A board",
  cards: Array.from({ length: count }, (_, n) => cardOf(n)),
});

type Edit = (cards: readonly Card[]) => readonly Card[];
/** What is done, and how many operations that may be. */
const EDITS: Readonly<Record<string, readonly [Edit, (cards: number) => number]>> = {
  "insert at the head": [(cards) => [cardOf(-1), ...cards], () => 1],
  "edit the last": [(cards) => [...cards.slice(0, -1), { ...cards.at(-1)!, done: true }], () => 1],
  "move the first to the end": [([first, ...others]) => [...others, first!], () => 1],
  "remove the one in the middle": [(cards) => cards.toSpliced(cards.length >> 1, 1), () => 1],
  "swap two": [(cards) => cards.with(10, cards.at(-10)!).with(cards.length - 10, cards[10]!), () => 2],
  "move every fiftieth to the end": [
    (cards) => [...cards.filter((_, n) => n % 50 !== 0), ...cards.filter((_, n) => n % 50 === 0)],
    (cards) => cards / 50,
  ],
};

const LIMIT_MS = 1_000;

interface Measured {
  readonly ms: number;
  readonly operations: number;
}

/** CPU milliseconds of one call, median; undefined: the first was ended. */
function measured(patch: () => Patch | undefined, samples: number): Measured | undefined {
  let operations = 0;
  const first = cpu(() => {
    // Elsewhere nothing ends what runs too long.
    operations =
      (runInNewContext("patch()", { patch }, { timeout: LIMIT_MS }) as Patch | undefined)?.length ?? -1;
  });
  if (operations < 0 || first === undefined) return undefined;
  // A sample is some milliseconds long.
  const calls = Math.max(1, Math.round(10 / first));
  const some = first > LIMIT_MS / 10 ? 1 : samples;
  const times = Array.from({ length: some }, () => {
    const ms = cpu(() => {
      for (let i = 0; i < calls; i++) patch();
    });
    return ms! / calls;
  });
  return { ms: median(times), operations };
}

/** Milliseconds of the processor; undefined: it threw. */
function cpu(run: () => void): number | undefined {
  const before = process.cpuUsage();
  try {
    run();
  } catch {
    return undefined;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

export async function patches(quick: boolean): Promise<Micro[number]> {
  const bundle: string = "./patch.mjs";
  const { patchOf } = (await import(bundle)) as { patchOf: PatchOf };
  const rows = [
    ["items", "work", "operations", "ms", "values looked at"]
      .concat(["fast-json-patch: operations", "ms", "times ours"])
      .concat(["rfc6902: operations", "ms", "times ours", "must be", ""]),
  ];
  for (const count of quick ? [200] : [200, 10_000]) {
    const before = modelOf(count);
    for (const [name, [edit, most]] of Object.entries(EDITS)) {
      const after = { ...before, cards: edit(before.cards) };
      const result = patchOf(before, after);
      const ours = measured(() => patchOf(before, after).patch, quick ? 3 : 25);
      if (!result.ok || ours === undefined) throw new Error(`${name}: refused`);
      const beside = (library: () => Patch): string[] => {
        const its = measured(library, quick ? 1 : 5);
        return its === undefined
          ? ["", `> ${LIMIT_MS}`, `> ${(LIMIT_MS / ours.ms).toFixed(0)}`]
          : [its.operations.toLocaleString("en"), its.ms.toFixed(2), (its.ms / ours.ms).toFixed(1)];
      };
      rows.push([
        count.toLocaleString("en"),
        name,
        ours.operations.toLocaleString("en"),
        ours.ms.toFixed(3),
        result.looks.toLocaleString("en"),
        ...beside(() => fastJsonPatch.compare(before, after)),
        ...beside(() => createPatch(before, after)),
        `≤ ${most(count)} operations`,
        ours.operations <= most(count) ? "met" : "**missed**",
      ]);
    }
  }
  return { title: "Patches: from one model to the next, which shares what has not changed", rows };
}
