// One seeded run, from its plan to the verdict; the same run again; and the smallest one that still fails.
import { messageOf } from "@calla/shared";
import type { AnyUser } from "@calla/server";
import type { Wiring } from "@calla/shared";
import { checkHistory } from "../history/check.ts";
import type { History, Violation } from "../history/history.ts";
import { drawPlan } from "./plan.ts";
import type { Plan } from "./plan.ts";
import type { SimulationSetup } from "./setup.ts";
import { placesOf, World } from "./world.ts";

/** What one seed gave: its plan, its history, and the rules that it breaks. */
export interface SimulationReport {
  readonly plan: Plan;
  readonly violations: readonly Violation[];
  readonly history: History | undefined;
  /** How often each step, resync, refusal and so on happened. */
  readonly fired: ReadonlyMap<string, number>;
}

/**
 * Runs one seed: clients and servers of your wiring, your actions, every fault, then quiet, then the history's rules.
 * The same seed is the same run, wherever it runs.
 *
 * @example
 * const report = await simulate(42, { wiring, serialiser, server: (s) => s.handle(board, { public: true }), actions });
 * expect(report.violations).toEqual([]);
 */
export function simulate<W extends Wiring, User extends AnyUser>(
  seed: number,
  setup: SimulationSetup<W, User>,
): Promise<SimulationReport> {
  return runPlan(drawPlan(seed, setup as never, placesOf(setup as never).length), setup);
}

/**
 * Runs a plan as it is: a shrunk one, or one kept from a failure.
 *
 * @example
 * const again = await runPlan(failure.plan, setup);
 */
export async function runPlan<W extends Wiring, User extends AnyUser>(
  plan: Plan,
  setup: SimulationSetup<W, User>,
): Promise<SimulationReport> {
  const strays: unknown[] = [];
  const stray = (error: unknown): void => void strays.push(error);
  process.on("unhandledRejection", stray);
  const world = new World<W>(setup as never, plan);
  try {
    const history = await world.run();
    const violations = [...checkHistory(history), ...strays.map(strayed)];
    return { plan, violations, history, fired: world.fired };
  } catch (error) {
    const what = stackOf(error);
    return {
      plan,
      violations: [{ rule: "HC15", what: `the run threw: ${what}` }],
      history: undefined,
      fired: world.fired,
    };
  } finally {
    process.off("unhandledRejection", stray);
  }
}

/** Where it was thrown; of what has no stack its text. */
const stackOf = (thrown: unknown): string => {
  const { stack } = (thrown ?? {}) as { readonly stack?: unknown };
  return typeof stack === "string" ? stack : messageOf(thrown);
};

const strayed = (error: unknown): Violation => ({
  rule: "HC15",
  what: `unhandled rejection: ${stackOf(error)}`,
});

/**
 * The smallest plan found that still breaks the same rule (the first, unless one is named): steps are left out, by
 * halves and then one by one.
 *
 * @example
 * const small = await shrink(report, setup);
 * console.log(describePlan(small.plan));
 */
export async function shrink<W extends Wiring, User extends AnyUser>(
  failed: SimulationReport,
  setup: SimulationSetup<W, User>,
  {
    attempts = 400,
    rule = failed.violations[0]?.rule,
  }: { readonly attempts?: number; readonly rule?: string } = {},
): Promise<SimulationReport> {
  let best = failed;
  let tried = 0;
  /** Whether the rule is broken without these steps too; then that is the best. */
  const holdsWithout = async (at: number, size: number): Promise<boolean> => {
    tried++;
    const { steps } = best.plan;
    // The time that the steps took passes all the same: before what comes after them.
    const gone = steps.slice(at, at + size).reduce((sum, { after }) => sum + after, 0);
    const [next, ...rest] = steps.slice(at + size);
    const behind = next === undefined ? [] : [{ ...next, after: next.after + gone }, ...rest];
    const report = await runPlan({ ...best.plan, steps: [...steps.slice(0, at), ...behind] }, setup);
    const holds = report.violations.some((violation) => violation.rule === rule);
    if (holds) best = report;
    return holds;
  };
  let size = best.plan.steps.length;
  do {
    size = Math.ceil(size / 2);
    for (let at = 0; at < best.plan.steps.length;) {
      if (tried >= attempts) return best;
      if (!(await holdsWithout(at, size))) at += size;
    }
  } while (size > 1);
  return best;
}

/**
 * A plan as text, a line per step, to be read and to be kept.
 *
 * @example
 * console.log(describePlan(report.plan));
 */
export function describePlan({ seed, config, steps }: Plan): string {
  const lines = steps.map(({ after, ...step }) => `  +${after} ${JSON.stringify(step)}`);
  return [`seed ${seed}`, `config ${JSON.stringify(config)}`, `${steps.length} steps:`, ...lines].join("\n");
}
