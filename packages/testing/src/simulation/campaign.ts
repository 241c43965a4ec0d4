// Many seeds in a row, what they met on the way, and the first failures in full.
import type { AnyUser } from "@calla/server";
import type { Wiring } from "@calla/shared";
import type { SimulationSetup } from "./setup.ts";
import { describePlan, shrink, simulate } from "./simulate.ts";
import type { SimulationReport } from "./simulate.ts";

/** Which seeds `runSeeds` runs, and what it does with failures. */
export interface CampaignOptions {
  /** The first seed; 1 by default. */
  readonly from?: number;
  readonly count: number;
  /** Failures after which it stops; 1 by default. */
  readonly stopAfter?: number;
  /** Whether failures are made smaller before they are printed. Default true. */
  readonly shrink?: boolean;
  /** Where text goes; by default nowhere. */
  readonly print?: (text: string) => void;
}

/** What `runSeeds` gave. */
export interface CampaignReport {
  readonly runs: number;
  readonly failures: readonly SimulationReport[];
  /** In how many runs each thing happened at least once. */
  readonly met: ReadonlyMap<string, number>;
}

/**
 * Runs seeds one after another. A failing one is printed with its seed, its rules and its steps.
 *
 * @example
 * const { failures, met } = await runSeeds({ count: 500, print: console.log }, setup);
 */
export async function runSeeds<W extends Wiring, User extends AnyUser>(
  { from = 1, count, stopAfter = 1, shrink: smaller = true, print = () => {} }: CampaignOptions,
  setup: SimulationSetup<W, User>,
): Promise<CampaignReport> {
  const met = new Map<string, number>();
  const failures: SimulationReport[] = [];
  let runs = 0;
  for (let seed = from; seed < from + count && failures.length < stopAfter; seed++) {
    const report = await simulate(seed, setup);
    runs++;
    for (const what of report.fired.keys()) met.set(what, (met.get(what) ?? 0) + 1);
    if (report.violations.length === 0) continue;
    const shown = smaller ? await shrink(report, setup) : report;
    failures.push(shown);
    print(describeFailure(shown, report));
  }
  return { runs, failures, met };
}

/**
 * A failure as text: seed, rules, steps.
 *
 * @example
 * console.log(describeFailure(await shrink(report, setup), report));
 */
export function describeFailure(shown: SimulationReport, whole: SimulationReport = shown): string {
  const rules = shown.violations.slice(0, 12).map(({ rule, what }) => `  ${rule}: ${what}`);
  const left = `${shown.plan.steps.length} of ${whole.plan.steps.length} steps are left`;
  return [`seed ${shown.plan.seed} FAILED (${left})`, ...rules, describePlan(shown.plan)].join("\n");
}

/**
 * What happened in how many runs, as a table; what stayed under the share (of runs) is marked.
 *
 * @example
 * console.log(describeMet(report, FAULTS));
 */
export function describeMet(
  { runs, met }: CampaignReport,
  expected: readonly string[] = [],
  share = 0.01,
): string {
  const names = [...new Set([...met.keys(), ...expected])].toSorted();
  return names
    .map((name) => {
      const times = met.get(name) ?? 0;
      const low = expected.includes(name) && times < runs * share ? "  TOO RARE" : "";
      return `${name.padEnd(44)} ${String(times).padStart(6)}  ${((100 * times) / runs).toFixed(1).padStart(5)} %${low}`;
    })
    .join("\n");
}

/**
 * Those of the expected that fewer than this share of the runs met.
 *
 * @example
 * expect(tooRare(report, FAULTS)).toEqual([]);
 */
export const tooRare = (
  { runs, met }: CampaignReport,
  expected: readonly string[],
  share = 0.01,
): readonly string[] => expected.filter((name) => (met.get(name) ?? 0) < runs * share);
