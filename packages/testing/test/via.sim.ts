// S30 over HTTP with streams, with polls, and over all there is in turns: what a fault of the network costs differs, what
// may come of it does not. CALLA_SEEDS as in campaign.ts: a fortieth of its runs for each.
import { describe, expect, test } from "vitest";
import { simulate } from "../src/index.ts";
import type { Via } from "../src/index.ts";
import { FROM, SEEDS } from "./campaign.ts";
import { setup } from "./wiring.ts";

const RUNS = Math.ceil(SEEDS / 40);

interface Case {
  readonly name: string;
  readonly via: readonly (readonly Via[])[];
}
const CASES: readonly Case[] = [
  { name: "HTTP with streams", via: [["http"]] },
  { name: "HTTP with polls", via: [["poll"]] },
  {
    name: "sockets, streams and polls, mixed",
    via: [["socket", "http"], ["http", "poll"], ["socket"], ["poll", "socket", "http"]],
  },
];
/**
 * A poll asks for all that a page is subscribed to anew: less than that at once would never let it have all, and one a second
 * would end in a long run, where three pages poll for two minutes while an engine is away.
 */
const LIMITS = { joinBurst: 1_000, joinRate: 100 };

describe.each(CASES)("S30 [HT8] [HT13] [AT1] $name", ({ via }) => {
  const failed = async (seed: number): Promise<readonly string[]> => {
    const { violations } = await simulate(seed, { ...setup, via, limits: LIMITS });
    return violations.map(({ rule, what }) => `seed ${seed}: ${rule}: ${what}`);
  };

  test(`${RUNS} seeds from ${FROM} keep every rule of their history`, { timeout: 600_000 }, async () => {
    for (let seed = FROM; seed < FROM + RUNS; seed++) expect(await failed(seed)).toEqual([]);
  });
});
