// The campaign: a range of seeds in chunks, so that progress is visible, and what it must have met on the way.
// CALLA_SEEDS sets how many runs there are in all (1,000 by default), CALLA_FROM the first seed.
import { afterAll, describe, expect, test } from "vitest";
import { describeMet, FAULTS, runSeeds, tooRare } from "../src/index.ts";
import type { CampaignReport } from "../src/index.ts";
import { CUT_POINTS } from "../src/index.ts";
import { testedLog } from "./tested-log.ts";
import { olderSetup } from "./older-wiring.ts";
import { setup as newest } from "./wiring.ts";
import { guests } from "./guests.ts";

const setup = { ...newest, older: olderSetup, guests };

export const SEEDS = Number(process.env["CALLA_SEEDS"] ?? 1_000);
export const FROM = Number(process.env["CALLA_FROM"] ?? 1);
const CHUNK = 100;

/** None of these may stay under 1 % of the runs: what is never met is not tested. */
const EXPECTED: readonly string[] = [
  ...FAULTS,
  "track",
  "untrack",
  ...CUT_POINTS.map((point) => `cut ${point}`),
  ...["fail", "lose", "delay", "answerAfter", "frozen"].map((fault) => `log: ${fault}`),
  ...["drop", "delay", "double"].map((fault) => `doorbell: ${fault}`),
  ...["lost", "failed"].map((fault) => `disk: ${fault}`),
  "resync: current (current)",
  "resync: records (missed)",
  "resync: records (slow)",
  ...["first", "cheaper", "compacted", "other-history"].map((reason) => `resync: snapshot (${reason})`),
  ...["missing", "poor", "forbidden", "update-threw", "cancelled", "mid-conflict"].map(
    (code) => `rejected: ${code}`,
  ),
  ...["busy", "gap", "rate", "storage"].map((code) => `paused: ${code}`),
  "a page told of a newer version",
  "migrated",
  "paused: version",
  "unsubscribed: version",
  "a message that means nothing any more",
  "resync: snapshot (reset)",
  "closing: stopping",
  "closing: draining",
  ...["unsubscribed", "rate", "storage"].map((code) => `unsubscribed: ${code}`),
  "amended",
  "a model stored",
  "a stored model shown",
  "crashed before a commit",
  "crashed after a commit",
  "conflict",
  "served",
  "the log replaced by a backup",
  ...["acts", "cut", "moves", "away", "reloads", "revoked"].map((step) => `guest-${step}`),
  ...["applied", "rejected (missing)", "ended (closed)"].map((told) => `guest: ${told}`),
  "a write into a file that is elsewhere",
];

export function campaign(name: string, from: number, count: number): void {
  let met = new Map<string, number>();
  let runs = 0;
  describe(`S30 ${name}`, () => {
    for (let first = from; first < from + count; first += CHUNK) {
      const size = Math.min(CHUNK, from + count - first);
      test(
        `seeds ${first} to ${first + size - 1} keep every rule of their history`,
        { timeout: 600_000 },
        async () => {
          const printed: string[] = [];
          const report = await runSeeds(
            { from: first, count: size, print: (text) => printed.push(text) },
            testedLog === undefined ? setup : { ...setup, log: testedLog },
          );
          runs += report.runs;
          met = added(met, report.met);
          expect(printed.join("\n\n")).toBe("");
        },
      );
    }
    // A share of few runs says nothing.
    test.runIf(count >= 500)(
      "met every fault, resync, conflict and refusal in at least 1 % of the runs",
      () => {
        const whole: CampaignReport = { runs, met, failures: [] };
        expect(tooRare(whole, EXPECTED)).toEqual([]);
      },
    );
    afterAll(() => {
      // oxlint-disable-next-line no-console -- reason: the campaign's figures are part of its result
      console.log(`${name}: ${runs} runs met\n${describeMet({ runs, met, failures: [] }, EXPECTED)}`);
    });
  });
}

function added(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Map<string, number> {
  const sum = new Map(a);
  for (const [name, times] of b) sum.set(name, (sum.get(name) ?? 0) + times);
  return sum;
}
