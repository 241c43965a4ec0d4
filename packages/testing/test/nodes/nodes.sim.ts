// Three equal server processes over one Postgres, in real time: nodes are killed and stand still, the engine is restarted and
// killed, connections are cut, and a proxy sends each one anywhere. CALLA_FAULTS sets how much befalls them (18 by default),
// CALLA_FROM the first seed.
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundled } from "../processes.ts";
import { TestedEngine } from "./engine.ts";
import { FAULTS } from "./faults.ts";
import type { Fault } from "./faults.ts";
import { nodesRound, TOLD } from "./round.ts";

const ALL = Number(process.env["CALLA_FAULTS"] ?? 18);
const FROM = Number(process.env["CALLA_FROM"] ?? 1);
const FAULTS_OF_A_ROUND = 18;

const TIMEOUT = 240_000;

describe("S7 S27 [PL1] [HC] equal nodes over one Postgres", () => {
  // Beside the sources, so that what the bundle leaves out is found.
  let folder: string;
  let bundle: string;
  const befell = new Map<Fault, number>();
  const died = new Map<string, number>();
  const longest = new Map<Fault, number>();
  let version = "none";
  const sums = { records: 0, told: 0, held: 0, deaf: 0 };
  beforeAll(async () => {
    folder = await mkdtemp(fileURLToPath(new URL(".killed-", import.meta.url)));
    bundle = join(folder, "server.mjs");
    await bundled(fileURLToPath(new URL("../kill/server.ts", import.meta.url)), bundle);
  }, 60_000); // 10 s are not enough on a busy machine
  afterAll(() => rm(folder, { recursive: true, force: true }));

  for (let seed = FROM; seed < FROM + Math.ceil(ALL / FAULTS_OF_A_ROUND); seed++)
    test(
      `seed ${seed}: whatever befalls nodes, engine and lines, nothing is lost, doubled or reordered, and all agree`,
      { timeout: TIMEOUT },
      async ({ skip }) => {
        const engine = await TestedEngine.start();
        if (engine === undefined) return skip("no Postgres is to be had");
        ({ version } = engine);
        try {
          const report = await nodesRound({ seed, bundle, engine, faults: FAULTS_OF_A_ROUND });
          for (const [fault, times] of report.befell) befell.set(fault, (befell.get(fault) ?? 0) + times);
          for (const [point, times] of report.died) died.set(point, (died.get(point) ?? 0) + times);
          for (const name of ["records", "told", "held", "deaf"] as const) sums[name] += report[name];
          for (const [fault, time] of report.longest)
            longest.set(fault, Math.max(longest.get(fault) ?? 0, time));
          expect(report.violations.slice(0, 10)).toEqual([]);
          for (const fault of FAULTS) expect(report.befell.get(fault) ?? 0, fault).toBeGreaterThan(1);
        } finally {
          await engine.stop();
        }
      },
    );

  test(
    "an engine that acknowledges before it is durable is found out",
    { timeout: TIMEOUT },
    async ({ skip }) => {
      const engine = await TestedEngine.start({ synchronous_commit: "off", wal_writer_delay: "10s" });
      if (engine === undefined) return skip("no Postgres is to be had");
      try {
        const only = ["engine killed"] as const;
        const { violations } = await nodesRound({
          seed: FROM,
          bundle,
          engine,
          faults: 2,
          only,
          longestRest: 2_000,
        });
        expect(violations.map(({ rule }) => rule)).toContain("HC3");
      } finally {
        await engine.stop();
      }
    },
  );

  afterAll(() => {
    // oxlint-disable-next-line no-console -- reason: the campaign's figures are part of its result
    console.log(
      `nodes over Postgres ${version}: ${sums.records} records, ${sums.told} outcomes told, ${sums.held} held, ${sums.deaf} lives that heard no rings; ` +
        JSON.stringify({ befell: Object.fromEntries(befell), died: Object.fromEntries(died) }) +
        ` milliseconds until ${TOLD} outcomes were told again, at most: ${JSON.stringify(Object.fromEntries(longest))}`,
    );
  });
});
