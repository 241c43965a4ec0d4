// One round: three nodes over one Postgres, some clients by every way, and what befalls them all; then all comes to rest, and
// the history of the whole is judged.
import { seededRandom } from "../../src/index.ts";
import type { HistoryEvent, Quiet } from "../../src/index.ts";
import { Crowd } from "../kill/crowd.ts";
import type { Point } from "../kill/points.ts";
import { verdictOf } from "../kill/verdict.ts";
import type { Verdict } from "../kill/verdict.ts";
import { Witness } from "../kill/witness.ts";
import { Proxy } from "../transports/proxy.ts";
import { wiring } from "../wiring.ts";
import type { TestedEngine } from "./engine.ts";
import { befall, FAULTS } from "./faults.ts";
import type { Fault } from "./faults.ts";
import { Nodes } from "./nodes.ts";

export interface NodesRoundOptions {
  readonly seed: number;
  readonly bundle: string;
  readonly engine: TestedEngine;
  readonly faults: number;
  /** Which may befall. Default: all. */
  readonly only?: readonly Fault[];
  /** Milliseconds until there must be rest. */
  readonly longestRest?: number;
}

export interface NodesRoundReport extends Verdict {
  readonly died: ReadonlyMap<Point, number>;
  readonly befell: ReadonlyMap<Fault, number>;
  /** Milliseconds after a fault until people were told of outcomes again: the longest. */
  readonly longest: ReadonlyMap<Fault, number>;
  readonly held: number;
  /** Lives in which nobody's rings were heard. */
  readonly deaf: number;
}

const PADS = ["1", "2"];
const WAYS = ["socket", "http", "poll"] as const;
/** What two ended connections had carried waits for up to 10 s (OB37), and may have to once more. */
const LONGEST_REST = 60_000;
/** Outcomes that are told between two faults, and milliseconds until they must have been. */
export const TOLD = 25;
const LONGEST_PAUSE = 20_000;

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export async function nodesRound(options: NodesRoundOptions): Promise<NodesRoundReport> {
  const { seed, bundle, engine, faults, only = FAULTS } = options;
  const random = seededRandom(seed);
  const events: HistoryEvent[] = [];
  const run: { told: number; problem: string | undefined } = { told: 0, problem: undefined };
  const record = (event: HistoryEvent): void => {
    events.push(event);
    if (event.type === "told") run.told++;
  };
  const witness = new Witness(wiring);
  const nodes = new Nodes({ bundle, url: engine.url, random: random.fork("nodes"), record });
  const proxy = new Proxy(nodes.port);
  const at = await proxy.listen();
  await nodes.begin();
  const crowd = new Crowd({
    random: random.fork("crowd"),
    ways: [...WAYS, random.pick(WAYS)],
    bridged: 1,
    origin: () => `127.0.0.1:${at}`,
    pads: PADS,
    record,
    pace: 20,
  });
  const testify = (): Promise<Quiet["persisted"]> =>
    witness.testify(engine.log(), [...PADS.map((id) => `pad:${id}` as const), ...crowd.sessions]);

  const befell = new Map<Fault, number>();
  const longest = new Map<Fault, number>();
  /** Some time in which outcomes are told. */
  const pause = async (after?: Fault): Promise<void> => {
    const [begun, before] = [performance.now(), run.told];
    while (run.told < before + TOLD && run.problem === undefined) {
      await wait(10);
      if (performance.now() > begun + LONGEST_PAUSE)
        run.problem = `hardly anybody was told of anything after: ${after}`;
    }
    if (after === undefined) return;
    longest.set(after, Math.max(longest.get(after) ?? 0, Math.round(performance.now() - begun)));
  };

  try {
    await pause();
    const still: Promise<void>[] = [];
    let deck: Fault[] = [];
    for (let i = 0; i < faults && run.problem === undefined; i++) {
      if (deck.length === 0) deck = random.shuffle(only);
      const fault = deck.pop()!;
      await befall(fault, { nodes, engine, proxy, random }, (end) => void still.push(end));
      befell.set(fault, (befell.get(fault) ?? 0) + 1);
      // What was committed must still be there, before anybody has built much on it.
      await Promise.all([pause(fault), ...(fault.startsWith("engine") ? [testify()] : [])]);
    }
    await Promise.all(still);
    await nodes.calm();
    crowd.calm();
    run.problem ??= await crowd.rest(options.longestRest ?? LONGEST_REST);
    const clients = crowd.shown;
    const said = await nodes.read(PADS);
    const servers = said.flatMap(({ models }, node) =>
      models.map((one, i) => ({ node, target: `pad:${PADS[i]}` as const, ...one })),
    );
    const quiet: Quiet = { problem: run.problem, servers, persisted: await testify(), clients };
    const verdict = verdictOf(witness, events, quiet, crowd.users);
    return { ...verdict, died: nodes.died, befell, longest, held: crowd.held, deaf: nodes.deaf };
  } finally {
    await crowd.leave();
    await nodes.end();
    proxy.close();
  }
}
