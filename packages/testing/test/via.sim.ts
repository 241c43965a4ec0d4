// S30 over HTTP with streams, with polls, and over all there is in turns: what a fault of the network costs differs, what
// may come of it does not. CALLA_SEEDS and CALLA_FROM as in campaign.ts; a fifth of its runs for each.
import { describe, expect, test } from "vitest";
import { runSeeds } from "../src/index.ts";
import type { Via } from "../src/index.ts";
import { FROM, SEEDS } from "./campaign.ts";
import { setup } from "./wiring.ts";

const CASES: readonly { name: string; via: readonly (readonly Via[])[] }[] = [
  { name: "HTTP with streams", via: [["http"]] },
  { name: "HTTP with polls", via: [["poll"]] },
  {
    name: "sockets, streams and polls, mixed",
    via: [["socket", "http"], ["http", "poll"], ["socket"], ["poll", "socket", "http"]],
  },
];
const CHUNK = 50;

describe.each(CASES)("S30 [HT8] [AT1] $name", ({ via }) => {
  for (let first = FROM; first < FROM + SEEDS / 5; first += CHUNK)
    test(
      `seeds ${first} to ${first + CHUNK - 1} keep every rule of their history`,
      { timeout: 600_000 },
      async () => {
        const printed: string[] = [];
        await runSeeds({ from: first, count: CHUNK, print: (text) => printed.push(text) }, { ...setup, via });
        expect(printed.join("\n\n")).toBe("");
      },
    );
});
