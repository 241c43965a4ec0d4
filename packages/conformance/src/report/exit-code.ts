// What a process says with its end.
import type { Report } from "../run/outcome.ts";

/**
 * 0: all that the kit can run has passed. 1: something failed, or the server lacks what it takes to run it. 2: nothing could be
 * run.
 */
export function exitCodeOf({ problem, results }: Report): 0 | 1 | 2 {
  if (problem !== undefined) return 2;
  return results.some(({ outcome, lacking }) => outcome === "failed" || lacking === true) ? 1 : 0;
}
