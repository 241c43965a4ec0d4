// What goes wrong with a database that several nodes share, in a run's plan: drawn beside the other steps, so that a run
// without it stays the run that it was.
import type { SeededRandom } from "../doubles/random.ts";

/** What happens to the engine below the nodes, or to a node's lines to it; all of it passes. */
export type EngineStep =
  /** A node has lost its line to the log, to the other nodes, or both. Its first call may be done without an answer. */
  | {
      readonly do: "engine-apart";
      readonly node: number;
      readonly from: "log" | "pubsub" | "both";
      readonly for: number;
      readonly unanswered: boolean;
    }
  /** No node hears another one; then all are told that rings may have been lost. */
  | { readonly do: "engine-pubsub-away"; readonly for: number }
  /** Nobody is served until another machine takes over, which lacks the last so many appends, of whatever targets. */
  | { readonly do: "engine-failover"; readonly lacks: number; readonly for: number }
  /** It answers, and takes nothing, as a former primary does. */
  | { readonly do: "engine-read-only"; readonly for: number }
  /** An older write is still open: consumers are shown nothing of what came since. */
  | { readonly do: "engine-held-back"; readonly for: number }
  /** Another, empty one stands in its place, which is refused (LG59); then the right one is back. */
  | { readonly do: "engine-emptied"; readonly for: number };

/** The share of runs over an engine that fails. */
const ENGINES = 0.2;

/** Whether a run's engine fails, and how often: steps for each failure. Undefined: never. */
export const drawEngine = (random: SeededRandom, share = ENGINES): number | undefined =>
  random.chance(share) ? random.pick([8, 15, 30]) : undefined;

/** Puts the engine's failures among the steps. */
export function withEngine<S>(
  steps: readonly S[],
  random: SeededRandom,
  { engine, nodes }: { readonly engine?: number | undefined; readonly nodes: number },
): readonly (S | (EngineStep & { readonly after: number }))[] {
  if (engine === undefined) return steps;
  const found: (S | (EngineStep & { readonly after: number }))[] = steps.slice();
  for (let times = Math.ceil(steps.length / engine); times > 0; times--) {
    const step = drawStep(random.fork(times), nodes);
    found.splice(random.int(0, found.length), 0, { ...step, after: random.int(0, 20) });
  }
  return found;
}

function drawStep(random: SeededRandom, nodes: number): EngineStep {
  const time = random.chance(0.7) ? random.int(1, 400) : random.int(400, 4_000);
  const what = random.weighted({
    apart: 4,
    "pubsub-away": 2,
    failover: 3,
    "read-only": 1,
    "held-back": 3,
    emptied: 1,
  });
  switch (what) {
    case "apart":
      return {
        do: "engine-apart",
        node: random.int(0, nodes - 1),
        from: random.pick(["log", "pubsub", "both"]),
        for: time,
        unanswered: random.chance(0.5),
      };
    case "failover":
      return { do: "engine-failover", lacks: random.pick([0, 1, 2, 3, 8, 30]), for: time };
    // A writer who forgets to commit takes his time.
    case "held-back":
      return { do: "engine-held-back", for: 4 * time };
    default:
      return { do: `engine-${what}`, for: time };
  }
}
