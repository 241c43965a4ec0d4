// One round: some clients, one database, many lives and deaths of its server; then a last life in which all comes to
// rest, and the history of the whole is judged.
import { seededRandom } from "../../src/index.ts";
import type { HistoryEvent, Quiet } from "../../src/index.ts";
import { sqlite } from "@calla/server/sqlite";
import { wiring } from "../wiring.ts";
import { Crowd } from "./crowd.ts";
import { POINTS } from "./points.ts";
import type { Death, Point } from "./points.ts";
import { ServerProcess } from "../processes.ts";
import type { Order, Word } from "./server.ts";
import { reported, verdictOf } from "./verdict.ts";
import type { Verdict } from "./verdict.ts";
import { Witness } from "./witness.ts";

export interface RoundOptions {
  readonly seed: number;
  readonly bundle: string;
  readonly file: string;
  readonly deaths: number;
  /** The log says that it has appended before it has. */
  readonly lies?: boolean;
}

export interface RoundReport extends Verdict {
  /** Where the lives ended. */
  readonly died: ReadonlyMap<Point, number>;
  /** How many messages were held. */
  readonly held: number;
}

const PADS = ["1", "2"];
/** Milliseconds: a life that has not come to its point by then ends all the same. */
const LONGEST_LIFE = 3_000;
const LONGEST_REST = 30_000;
/** Who was lied to may never come to rest. */
const LONGEST_REST_AFTER_LIES = 2_000;

export async function round({
  seed,
  bundle,
  file,
  deaths,
  lies = false,
}: RoundOptions): Promise<RoundReport> {
  const random = seededRandom(seed);
  const events: HistoryEvent[] = [];
  const record = (event: HistoryEvent): void => void events.push(event);
  const died = new Map<Point, number>();
  const witness = new Witness(wiring);
  let port = 1;
  const crowd = new Crowd({
    random,
    ways: Array.from({ length: random.int(2, 5) }, () => "socket" as const),
    bridged: random.int(1, 2),
    origin: () => `127.0.0.1:${port}`,
    pads: PADS,
    record,
    pace: 2,
  });

  const made = (): ServerProcess<Order, Word> => new ServerProcess(bundle);
  let next = made();
  async function begin(death: Death | undefined): Promise<ServerProcess<Order, Word>> {
    const life = next;
    if (death !== undefined) next = made();
    await life.hear("loaded");
    life.say({ type: "begin", kept: { file }, death });
    port = (await life.hear("listening"))?.port ?? port;
    return life;
  }
  const after = (life: ServerProcess<Order, Word>): Promise<Quiet["persisted"]> => {
    for (const word of life.all("reported")) record(reported(word));
    return witness.testify(sqlite(file), [...PADS.map((id) => `pad:${id}` as const), ...crowd.sessions]);
  };

  try {
    for (let i = 0; i < deaths; i++) {
      const point = random.pick(POINTS);
      const calls = point.startsWith("snapshot") ? random.int(0, 1) : random.int(0, 12);
      const life = await begin({ point, calls, into: random.int(0, 30) / 10, lies });
      const how = await life.dead(point === "any time" ? random.int(1, 120) : LONGEST_LIFE);
      const ended: Point = how === "itself" ? point : "any time";
      died.set(ended, (died.get(ended) ?? 0) + 1);
      await after(life);
    }
    crowd.calm();
    const last = await begin(undefined);
    const problem = await crowd.rest(lies ? LONGEST_REST_AFTER_LIES : LONGEST_REST);
    const clients = crowd.shown;
    last.say({ type: "end", pads: PADS });
    const models = (await last.hear("models"))?.models ?? [];
    const stored = await after(last);
    const quiet: Quiet = {
      problem,
      servers: models.map((said, i) => ({ node: 0, target: `pad:${PADS[i]}`, ...said })),
      persisted: stored,
      clients,
    };
    return { died, held: crowd.held, ...verdictOf(witness, events, quiet, crowd.users) };
  } finally {
    await crowd.leave();
    await next.dead(0);
  }
}
