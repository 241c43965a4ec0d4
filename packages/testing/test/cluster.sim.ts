// Many nodes over an engine that fails as a shared database does, and a hot topic: everybody writes to one, wherever he is
// connected. CALLA_SEEDS as in campaign.ts: a twentieth of its runs.
import { expect, test } from "vitest";
import { runSeeds } from "../src/index.ts";
import { FROM, SEEDS } from "./campaign.ts";
import { setup } from "./wiring.ts";

const [hot] = setup.actions.flatMap(({ slice, params }) => (slice.kind === "topic" ? [params.join()] : []));
const actions = setup.actions.map((action) =>
  action.params.join() === hot ? { ...action, weight: action.weight * 8 } : action,
);
/** As good as never by chance alone. */
const LEAST = { "engine-held-back": 0.2, "engine-failover": 0.3, "engine-apart": 0.3, conflict: 0.2 };

test(
  `[HC22] [S30] ${SEEDS / 20} seeds from ${FROM} on 1 to 8 nodes keep every rule of their history`,
  { timeout: 600_000 },
  async () => {
    const printed: string[] = [];
    const { runs, met } = await runSeeds(
      { from: FROM, count: Math.ceil(SEEDS / 20), print: (text) => printed.push(text) },
      { ...setup, actions, nodes: [1, 8], clients: [3, 8], engine: 1 },
    );
    expect(printed.join("\n\n")).toBe("");
    if (runs < 50) return;
    const rare = Object.entries(LEAST).filter(([what, share]) => (met.get(what) ?? 0) < share * runs);
    expect(rare).toEqual([]);
  },
);
