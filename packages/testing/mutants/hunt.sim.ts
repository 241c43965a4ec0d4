// What a mutant is hunted with: the campaign's seeds, one after another, until one breaks a rule that is looked for.
// Bundled with the mutated sources and run by run.mjs; says what it found as one line of JSON.
import { simulate } from "../src/index.ts";
import { olderSetup } from "../test/older-wiring.ts";
import { guests } from "../test/guests.ts";
import { setup as newest } from "../test/wiring.ts";

const [rules = "", first = "1", seeds = "200"] = process.argv.slice(2);
const wanted = new Set(rules.split(",").filter((rule) => rule !== ""));
// Rolling deploys only where versions are the point, and where all must hold: the others are found sooner without.
const versions = wanted.size === 0 || wanted.has("HC18") ? { ...newest, older: olderSetup } : newest;
// And guests where all must hold, or theirs.
const visited = wanted.size === 0 || wanted.has("HC20") ? { ...versions, guests } : versions;
// And consumers, which only runs over an engine that fails have.
const setup = wanted.has("HC22") ? { ...visited, engine: 1 } : visited;
/** Rules that were broken on the way and not looked for, with the first seed. */
const others: Record<string, number> = {};
let found: { readonly rule: string; readonly what: string; readonly seed: number } | undefined;
let ran = 0;
for (let seed = Number(first); seed < Number(first) + Number(seeds) && found === undefined; seed++) {
  ran++;
  const { violations } = await simulate(seed, setup);
  for (const { rule, what } of violations) {
    if (wanted.size === 0 || wanted.has(rule)) found ??= { rule, what, seed };
    else others[rule] ??= seed;
  }
}
process.stdout.write(`${JSON.stringify({ found, others, ran })}\n`);
