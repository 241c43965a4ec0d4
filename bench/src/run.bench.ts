// Starts everything: interleaved rounds of the systems, each in fresh processes, server and load pinned to a core each
// where that is possible; then the medians, as a table here and in RESULTS.md.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SYSTEMS } from "./dialects.ts";
import type { System } from "./dialects.ts";
import { topFunctions } from "./profile.ts";
import { report } from "./report.ts";
import type { Micro, Results } from "./report.ts";
import { PIN, WORKS } from "./scenarios.ts";
import type { Assignment, Measured, Work } from "./scenarios.ts";

const HELP = `npm run bench -- [flags]
  --only a,b       of: ${WORKS.map(({ name }) => name).join(", ")}, micro, frames, reload, durable, postgres-log, postgres-ring, postgres-delivery, greedy (ack, idle and clients name all of theirs)
  --systems a,b    of: ${SYSTEMS.join(", ")}
  --rounds N       interleaved rounds, 3 unless given; some works have 5 at least
  --patience N     a run during which others used more than a tenth of the machine is done again, N times at most
  --quick          one short round, to see that everything works; writes no RESULTS.md
  --profile        where the CPU of each server goes, of one more round (of the real clients, where the work is theirs); alone with --rounds 0`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    systems: { type: "string" },
    rounds: { type: "string", default: "3" },
    patience: { type: "string", default: "2" },
    quick: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (flags.help) {
  console.log(HELP);
  process.exit();
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const wanted = flags.only?.split(",");
const chosen = WORKS.filter(
  ({ name }) =>
    wanted === undefined || wanted.some((one) => one === name || one === name.replace(/\d+$|-.*$/, "")),
);
const systems = SYSTEMS.filter((name) => flags.systems?.split(",").includes(name) ?? true);
/** A machine is quiet when others use no more of it than this. */
const QUIET = 0.1;
const asked = Number(flags.rounds);
const pinned = cpus().length >= 2 && spawnSync(PIN[0], [...PIN.slice(1), "0", "true"]).status === 0;

/** Runs a bundle, on the second core if cores can be chosen; resolves to what it tells. */
function start<Told>(bundle: string, { pin }: { pin: boolean }, ...args: string[]): Promise<Told> {
  return new Promise((resolve, reject) => {
    const command = [process.execPath, here(bundle), ...args];
    if (pinned && pin) command.unshift(...PIN, "1");
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, NODE_ENV: "production" },
    });
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`${bundle} ${args.join(" ")} ended with ${code}`)));
  });
}

function loadOf(system: System, { load }: Work): string {
  if (load === "clients") return `clients-${system}`;
  return system === "calla-client" ? "client" : load;
}

const run = (system: System, work: Work, profile?: string): Promise<Measured> =>
  start(
    `${loadOf(system, work)}.mjs`,
    { pin: true },
    JSON.stringify({
      system,
      scenario: work.name,
      quick: flags.quick,
      serverCore: pinned ? 0 : undefined,
      profile,
    } satisfies Assignment),
  );

/** The quietest of a few runs, or the first quiet one: what other processes take is not the system's fault. */
async function runQuietly(system: System, work: Work): Promise<Measured> {
  let best = await run(system, work);
  for (let more = flags.quick ? 0 : Number(flags.patience); more > 0 && best.others > QUIET; more--) {
    const again = await run(system, work);
    if (again.others < best.others) best = again;
  }
  return best;
}

const results: Results = new Map();
const failures: string[] = [];
for (const work of chosen) {
  const able = work.systems.filter((system) => systems.includes(system));
  const bySystem = new Map<System, Measured[]>(able.map((system) => [system, []]));
  results.set(work, bySystem);
  const rounds = flags.quick ? 1 : Math.max(asked, work.rounds ?? 0);
  for (let round = 1; round <= rounds; round++) {
    for (const system of able) {
      try {
        const measured = await runQuietly(system, work);
        bySystem.get(system)!.push(measured);
        const told = work.figures.flatMap(({ key, unit, digits }) =>
          measured[key] === undefined ? [] : [`${measured[key].toFixed(digits)} ${unit}`],
        );
        const busy = [measured.serverBusy, measured.loadBusy, measured.others].map(
          (part) => `${(100 * part).toFixed(0)} %`,
        );
        console.log(
          `${work.name} ${round}/${rounds} ${system}: ${told.join(", ")}`,
          `[busy: server ${busy[0]}, load ${busy[1]}, others ${busy[2]}]`,
        );
      } catch (error) {
        failures.push(String(error));
        console.log(String(error));
      }
    }
  }
}

const micro: Micro | undefined =
  wanted === undefined || wanted.includes("micro") || wanted.includes("codec") || wanted.includes("rebase")
    ? await start("micro.mjs", { pin: true }, flags.quick ? "quick" : "")
    : undefined;

const frames: Micro =
  wanted === undefined || wanted.includes("frames")
    ? await start("frames.mjs", { pin: true }, flags.quick ? "quick" : "")
    : [];

const reload: Micro =
  wanted === undefined || wanted.includes("reload")
    ? await start("reload.mjs", { pin: false }, flags.quick ? "quick" : "")
    : [];

// Its writer is a thread of its own, so it is not kept on one core.
const durable: Micro =
  wanted === undefined || wanted.includes("durable")
    ? await start("durable.mjs", { pin: false }, flags.quick ? "quick" : "")
    : [];

// Beside it runs the server that it asks.
const postgresLog: Micro =
  wanted === undefined || wanted.includes("postgres-log")
    ? await start("postgres-log.mjs", { pin: false }, flags.quick ? "quick" : "")
    : [];

const postgresRing: Micro =
  wanted === undefined || wanted.includes("postgres-ring")
    ? await start("postgres-ring.mjs", { pin: false }, flags.quick ? "quick" : "")
    : [];

const postgresDelivery: Micro =
  wanted === undefined || wanted.includes("postgres-delivery")
    ? await start("postgres-delivery.mjs", { pin: false }, flags.quick ? "quick" : "")
    : [];

const greedy: Micro =
  wanted === undefined || wanted.includes("greedy")
    ? await start("greedy.mjs", { pin: false }, flags.quick ? "quick" : "")
    : [];

const text = report(
  results,
  [
    ...(micro ?? []),
    ...frames,
    ...reload,
    ...durable,
    ...postgresLog,
    ...postgresRing,
    ...postgresDelivery,
    ...greedy,
  ],
  {
    rounds: flags.quick ? 1 : asked,
    pinned,
    cores: availableParallelism(),
  },
);
console.log(`\n${text}`);
if (wanted === undefined && flags.systems === undefined && !flags.quick && failures.length === 0)
  writeFileSync(here("../RESULTS.md"), text);

if (flags.profile) {
  mkdirSync(here("profiles"), { recursive: true });
  for (const work of chosen.filter(({ name }) => !name.startsWith("idle"))) {
    for (const system of results.get(work)!.keys()) {
      const file = here(`profiles/${work.name}-${system}.cpuprofile`);
      await run(system, work, file);
      const whose = work.load === "clients" ? "the clients" : "the server";
      console.log(`\n${work.name}, ${system}: self time in ${whose}\n${topFunctions(file, 25)}`);
    }
  }
}
process.exitCode = failures.length === 0 ? 0 : 1;
