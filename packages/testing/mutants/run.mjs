// Puts each mutant (mutants.mjs) into a copy of the sources and looks whether the suite notices: seeded runs judged by
// the history checker, or the one test that it names. A suite that cannot fail proves nothing.
//
// npm run mutants --workspace packages/testing [-- --only <part of a name> --seeds 200 --quick]
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { mutants } from "./mutants.mjs";
import { mutantPlugin } from "./plugin.mjs";

/** @typedef {import("./mutants.mjs").Mutant} Mutant */
/**
 * @typedef {object} Verdict
 * @property {Mutant | undefined} mutant undefined: the sources as they are.
 * @property {boolean} ok It was caught by what it names; for the sources as they are: nothing was found.
 * @property {string} found What was found, or why nothing was.
 * @property {number | undefined} seed
 * @property {number} seconds
 */

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../../../", import.meta.url));
/** A run that takes longer than all seeds should hangs. */
const LONGEST = 240_000;

/** @type {(mutant: Mutant) => boolean} */
const byTest = ({ by }) => by.includes(" > ");

/**
 * The campaign in one file, with the mutant's change. Packages resolve to their sources, as in every test.
 * @param {Mutant | undefined} mutant
 * @param {string} outfile
 */
async function bundle(mutant, outfile) {
  let done = mutant === undefined;
  await build({
    entryPoints: [join(here, "hunt.sim.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["calla-source", "module", "development"],
    logLevel: "silent",
    plugins: [mutantPlugin(mutant, () => (done = true))],
  });
  if (!done) throw new Error(`"${mutant?.name}" changes ${mutant?.file}, which the campaign does not use.`);
}

/**
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 * @returns {Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>}
 */
const node = (args, env = {}) =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd: root, env: { ...process.env, ...env }, timeout: LONGEST, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : 1, stdout, stderr }),
    );
  });

/**
 * Seeds until a rule is broken that the mutant names; without a mutant, until any is.
 * @param {Mutant | undefined} mutant
 * @param {string} folder
 * @param {number} seeds
 * @returns {Promise<Omit<Verdict, "mutant" | "seconds">>}
 */
async function hunt(mutant, folder, seeds) {
  const outfile = join(folder, `${mutant === undefined ? "none" : mutants.indexOf(mutant)}.mjs`);
  await bundle(mutant, outfile);
  const rules = mutant === undefined ? "" : mutant.by.replaceAll(" ", ",");
  const { stdout, stderr } = await node([outfile, rules, "1", String(seeds)]);
  await rm(outfile);
  const said = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (!said.startsWith("{"))
    return { ok: false, found: `the run ended: ${stderr.slice(-600)}`, seed: undefined };
  /** @type {{ found?: { rule: string; what: string; seed: number }; others: Record<string, number> }} */
  const { found, others } = JSON.parse(said);
  if (mutant === undefined)
    return {
      ok: found === undefined,
      found: found ? `${found.rule}: ${found.what}` : `${seeds} seeds`,
      seed: found?.seed,
    };
  const besides = Object.entries(others).map(([rule, seed]) => `${rule} at ${seed}`);
  return found
    ? { ok: true, found: found.rule, seed: found.seed }
    : {
        ok: false,
        found: `${mutant.by} not in ${seeds} seeds (${besides.join(", ") || "nothing else either"})`,
        seed: undefined,
      };
}

/**
 * The test that a mutant names must fail with it.
 * @param {Mutant} mutant
 * @returns {Promise<Omit<Verdict, "mutant" | "seconds">>}
 */
async function probe(mutant) {
  const { failed, passed, why } = await vitest([mutant], mutant.name);
  if (failed.length > 0) return { ok: true, found: `test ${failed[0]?.slice(0, 60)}`, seed: undefined };
  return {
    ok: false,
    found: passed === 0 ? `no such test: ${mutant.by} ${why}` : `${mutant.by} passes`,
    seed: undefined,
  };
}

/**
 * Runs the tests that mutants name, with one of them put in, or none.
 * @param {readonly Mutant[]} named
 * @param {string} put The mutant's name; "": none.
 */
async function vitest(named, put) {
  const tests = named.map(({ by }) => by.split(" > "));
  const files = new Set(tests.map(([file]) => join("packages", file ?? "")));
  const names = tests.map(([, name = ""]) => name.replaceAll(/[[\]().*+?^$\\|]/g, String.raw`\$&`));
  const { stdout, stderr } = await node(
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--config",
      join(here, "vitest.config.ts"),
      "--reporter=json",
      "-t",
      names.join("|"),
      ...files,
    ],
    { CALLA_MUTANT: put },
  );
  const said = stdout.slice(stdout.indexOf("{"));
  /** @type {{ testResults: { message: string; assertionResults: { status: string; title: string }[] }[] }} */
  const { testResults } = said === "" ? { testResults: [] } : JSON.parse(said);
  const all = testResults.flatMap(({ assertionResults }) => assertionResults);
  const titles = (/** @type {string} */ status) =>
    all.filter((one) => one.status === status).map(({ title }) => title);
  const why = testResults.map(({ message }) => message).join(" ") || (said === "" ? stderr.slice(-600) : "");
  return { failed: titles("failed"), passed: titles("passed").length, why };
}

/**
 * Runs the mutants, two or more at a time.
 * @param {readonly Mutant[]} chosen
 * @param {{ readonly seeds?: number; readonly tell?: (verdict: Verdict) => void }} [options]
 * @returns {Promise<readonly Verdict[]>} In the given order.
 */
export async function runMutants(chosen, { seeds = 200, tell = () => {} } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "calla-mutants-"));
  /** @type {Verdict[]} */
  const verdicts = [];
  const left = [...chosen.entries()];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, mutant] = next;
      const began = performance.now();
      const result = await (byTest(mutant) ? probe(mutant) : hunt(mutant, folder, seeds)).catch(
        (/** @type {unknown} */ error) => ({
          ok: false,
          found: String(error),
          seed: undefined,
        }),
      );
      const verdict = { mutant, ...result, seconds: (performance.now() - began) / 1_000 };
      verdicts[index] = verdict;
      tell(verdict);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return verdicts;
}

/**
 * The sources as they are must pass whatever is to catch the mutants.
 * @param {readonly Mutant[]} chosen
 * @param {number} [seeds]
 * @returns {Promise<Verdict>}
 */
export async function runUnchanged(chosen, seeds = 200) {
  const began = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "calla-mutants-"));
  const named = chosen.filter(byTest);
  try {
    const [hunted, probed] = await Promise.all([
      hunt(undefined, folder, seeds),
      named.length === 0 ? { failed: [], passed: 0, why: "" } : vitest(named, ""),
    ]);
    const failed = probed.failed.map((title) => `test ${title} fails`);
    return {
      mutant: undefined,
      ok: hunted.ok && failed.length === 0,
      found: [hunted.found, ...failed, `${probed.passed} tests`].join("; "),
      seed: hunted.seed,
      seconds: (performance.now() - began) / 1_000,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * A line of the table.
 * @param {Verdict} verdict
 */
export function describeVerdict({ mutant, ok, found, seed, seconds }) {
  const name = (mutant?.name ?? "none: the sources as they are").padEnd(68);
  const verdict = mutant === undefined ? (ok ? "clean " : "BROKEN") : ok ? "caught" : "LIVES ";
  const at = seed === undefined ? "" : ` at seed ${seed}`;
  const rule = mutant === undefined ? "" : [mutant.breaks, mutant.scenario].filter(Boolean).join(" ");
  return `${verdict}  ${name} ${rule.padEnd(9)} ${found}${at}  (${seconds.toFixed(1)} s)`;
}

const USAGE = `node packages/testing/mutants/run.mjs [--only <part of a name>] [--seeds <count>] [--quick]
Without --only and --quick every mutant is tried, which takes many minutes. Default: 200 seeds.
`;

/**
 * What is asked for; undefined: it cannot be told, and nothing is run, for a full hunt takes long.
 * @param {readonly string[]} args
 * @returns {{ readonly only: string; readonly seeds: number; readonly quick: boolean } | undefined}
 */
export function readArguments(args) {
  let [only, seeds, quick] = ["", 200, false];
  for (let at = 0; at < args.length; at++) {
    if (args[at] === "--quick") quick = true;
    else if (args[at] === "--only" && args[at + 1]) only = args[++at] ?? "";
    else if (args[at] === "--seeds" && Number.isSafeInteger(Number(args[at + 1]))) seeds = Number(args[++at]);
    else return undefined;
  }
  return seeds > 0 ? { only, seeds, quick } : undefined;
}

async function main() {
  const asked = readArguments(process.argv.slice(2));
  if (asked === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const { only, seeds, quick } = asked;
  const chosen = mutants.filter(({ name, fast }) => name.includes(only) && (!quick || fast === true));
  if (chosen.length === 0) {
    process.stderr.write(`No mutant has "${only}" in its name.\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const began = performance.now();
  const say = (/** @type {string} */ line) => void process.stdout.write(`${line}\n`);
  const unchanged = await runUnchanged(chosen, seeds);
  say(describeVerdict(unchanged));
  const verdicts = await runMutants(chosen, { seeds, tell: (verdict) => say(describeVerdict(verdict)) });
  const alive = verdicts.filter(({ ok }) => !ok);
  const took = ((performance.now() - began) / 1_000).toFixed(0);
  say(
    `\n${verdicts.length - alive.length} of ${verdicts.length} mutants caught, within ${seeds} seeds, in ${took} s`,
  );
  for (const { mutant } of alive) say(`  LIVES: ${mutant?.name}`);
  process.exitCode = alive.length === 0 && unchanged.ok ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
