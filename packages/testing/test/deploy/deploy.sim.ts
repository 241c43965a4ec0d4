// A rolling deploy of two server processes over one SQLite file, to a version with another model and other messages, in
// both orders, under load of real clients of both versions over real sockets. Then the history is judged. CALLA_FROM sets
// another seed.
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sqlite } from "@calla/server/sqlite";
import { CallaError, sessionKey } from "@calla/shared";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkHistory, seededRandom } from "../../src/index.ts";
import type { HistoryEvent, Quiet } from "../../src/index.ts";
import { Witness } from "../kill/witness.ts";
import { olderSetup } from "../older-wiring.ts";
import { bundled } from "../processes.ts";
import { wiring } from "../wiring.ts";
import { Fleet } from "./fleet.ts";
import { Tab } from "./tab.ts";

const FROM = Number(process.env["CALLA_FROM"] ?? 1);
const PADS = ["1", "2"];
/** Milliseconds that each stage of a deploy lasts, and outcomes that are told in it, however busy the machine is. */
const STAGE = 700;
const TOLD = 60;
const LONGEST_REST = 20_000;
/** As server.ts has it. */
const STALENESS = 1_000;

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Each begins with two older servers and ends with two newer ones. */
const ORDERS: Readonly<Record<string, (fleet: Fleet, stage: () => Promise<void>) => Promise<void>>> = {
  async "each older one ends before its successor begins"(fleet, stage) {
    for (let i = 0; i < 2; i++) {
      await fleet.replaceFirst();
      await fleet.start(2);
      await stage();
    }
  },
  async "each newer one begins beside the older ones"(fleet, stage) {
    for (let i = 0; i < 2; i++) {
      await fleet.start(2);
      await stage();
      await fleet.replaceFirst();
    }
  },
};

describe("[HC] [VE3] [VE4] [VE7] [SV8] S11 S38 a rolling deploy", () => {
  // Beside the sources, so that what the bundle leaves out is found.
  let folder: string;
  let bundle: string;
  beforeAll(async () => {
    folder = await mkdtemp(fileURLToPath(new URL(".deployed-", import.meta.url)));
    bundle = join(folder, "server.mjs");
    await bundled(fileURLToPath(new URL("server.ts", import.meta.url)), bundle);
  }, 60_000); // 10 s were not enough on a busy machine
  afterAll(() => rm(folder, { recursive: true, force: true }));

  for (const [seed, [order, deploy]] of Object.entries(ORDERS).entries())
    test(
      `in which ${order}: no message is lost or applied twice, all end alike`,
      { timeout: 180_000 },
      async () => {
        const random = seededRandom(FROM + seed);
        const file = join(folder, `${seed}.db`);
        const events: HistoryEvent[] = [];
        const record = (event: HistoryEvent): void => void events.push(event);
        const fleet = new Fleet(bundle, file, random.fork("fleet"));
        const tabs: Tab[] = [];
        const open = (version: 1 | 2): void => {
          const index = tabs.length;
          tabs.push(
            new Tab({
              index,
              version,
              url: fleet.url,
              pads: PADS,
              random: random.fork(`tab ${index}`),
              record,
            }),
          );
        };
        /** Some time in which what is dispatched is decided. */
        const stage = async (): Promise<void> => {
          const told = (): number => events.filter(({ type }) => type === "told").length;
          const before = told();
          await wait(STAGE);
          while (told() < before + TOLD) await wait(20);
        };
        const busy = setInterval(() => {
          for (const { person } of tabs) if (random.chance(0.3)) person.act();
        }, 4);
        try {
          await Promise.all([fleet.start(1), fleet.start(1)]);
          for (let i = 0; i < 4; i++) open(1);
          open(2); // its page is newer than all servers
          await stage();
          const early = tabs[4]!.person;
          expect([early.client.status.connection, early.client.clientId]).not.toContain("open");
          await deploy(fleet, stage);
          open(2);
          await stage();
          clearInterval(busy);

          const problem = await rest(tabs);
          const servers: Quiet["servers"][number][] = [];
          for (const [node, { process }] of fleet.running.entries()) {
            process.say({ type: "read", pads: PADS });
            const { models } = (await process.hear("models"))!;
            servers.push(...models.map((said, i) => ({ node, target: `pad:${PADS[i]}`, ...said })));
          }
          const clients: Quiet["clients"] = tabs.flatMap(({ person, reloads }, client) =>
            person.topics.map(({ id, state: { status, model, pending } }) => {
              return { client, page: reloads, target: id, status, model, pending: pending.length };
            }),
          );
          // Older pages were told and reloaded once; newer ones never heard of it.
          expect(tabs.map(({ version, reloads }) => [version, reloads])).toEqual(
            [1, 1, 1, 1, 0, 0].map((reloads) => [2, reloads]),
          );
          for (const { told } of tabs.slice(0, 4)) expect(told[1]).toBeGreaterThan(0);
          for (const { told } of tabs) expect(told[2]).toBe(0);
          while (fleet.running.length > 0) await fleet.replaceFirst();
          for (const process of fleet.ended)
            for (const { code, error } of process.all("reported"))
              record({
                type: "reported",
                by: "server",
                error: new CallaError(code as "storage", {} as never, error),
              });

          const witness = new Witness(olderSetup.wiring, wiring);
          const sessions = new Set(
            events.flatMap((event) => (event.type === "sent" ? sessionKey(event.clientId) : [])),
          );
          const stored = await witness.testify(sqlite(file), [...PADS.map((id) => `pad:${id}`), ...sessions]);
          const { archive } = witness;
          const appended = [...archive].map(([target, { paths }]): HistoryEvent => {
            return { type: "appended", target, path: 0, sequence: paths[0]!.places.length - 1 };
          });
          const violations = checkHistory({
            events: [...appended, ...events],
            archive,
            quiet: { problem, servers, persisted: stored, clients },
            users: tabs.map((_, index) => `user ${index}`),
          });
          expect([...witness.violations, ...violations].slice(0, 10)).toEqual([]);

          const records = [...archive.values()].flatMap(({ paths }) =>
            paths[0]!.places.flatMap(({ record: one }) => one ?? []),
          );
          const versions = [1, 2].map((version) => records.filter((one) => one.version === version).length);
          const migrated = records.filter(({ id }) => id.startsWith("migrated-1-2-")).length;
          // Shown from what the older page had stored, before the newer one has heard of anything.
          const kept = events.filter(
            (event) =>
              event.type === "listens" && event.page > 0 && firstShown(events, event)?.status === "stale",
          ).length;
          const dropped = events.filter(
            (event) => event.type === "hooked" && event.code === "version",
          ).length;
          // oxlint-disable-next-line no-console -- reason: the run's figures are part of its result
          console.log(
            `${order}: ${versions.join(" + ")} records, ${migrated} migrations, ${dropped} dropped, ${kept} stored models shown, ${fleet.rings} rings`,
          );
          expect(Math.min(...versions)).toBeGreaterThan(TOLD / 2);
          expect(migrated).toBeGreaterThanOrEqual(PADS.length);
          expect(kept).toBeGreaterThan(PADS.length);
        } finally {
          clearInterval(busy);
          for (const { person } of tabs) await person.client.close();
          await fleet.end();
        }
      },
    );
});

type Of<T extends HistoryEvent["type"]> = Extract<HistoryEvent, { type: T }>;

const firstShown = (
  events: readonly HistoryEvent[],
  { client, page, target }: Of<"listens">,
): Of<"shown"> | undefined =>
  events.find(
    (event): event is Of<"shown"> =>
      event.type === "shown" &&
      event.client === client &&
      event.page === page &&
      event.target === target &&
      event.model !== undefined,
  );

/** Why there is no rest, or undefined. A node that no bell has reached looks within `STALENESS` (SV6). */
async function rest(tabs: readonly Tab[]): Promise<string | undefined> {
  const problem = await still(tabs);
  if (problem !== undefined) return problem;
  await wait(STALENESS + 500);
  return still(tabs);
}

async function still(tabs: readonly Tab[]): Promise<string | undefined> {
  const until = performance.now() + LONGEST_REST;
  for (;;) {
    const problem = tabs.map((tab) => tab.restless).find((one) => one !== undefined);
    if (problem === undefined || performance.now() > until) return problem;
    await wait(20);
  }
}
