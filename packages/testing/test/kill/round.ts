// One round: some clients, one database, many lives and deaths of its server; then a last life in which all comes to
// rest, and the history of the whole is judged.
import { CallaError, OWN_SESSION, sameValue, sessionKey } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import { checkHistory, seededRandom } from "../../src/index.ts";
import type { HistoryEvent, Quiet, Violation } from "../../src/index.ts";
import { wiring } from "../wiring.ts";
import { Person } from "../people.ts";
import { BridgedPerson } from "./bridged-person.ts";
import { POINTS } from "./points.ts";
import type { Death, Point } from "./points.ts";
import { ServerProcess } from "../processes.ts";
import type { Order, Word } from "./server.ts";
import { Witness } from "./witness.ts";

export interface RoundOptions {
  readonly seed: number;
  readonly bundle: string;
  readonly file: string;
  readonly deaths: number;
  /** The log says that it has appended before it has. */
  readonly lies?: boolean;
}

export interface RoundReport {
  /** Where the lives ended. */
  readonly died: ReadonlyMap<Point, number>;
  readonly violations: readonly Violation[];
  readonly records: number;
  readonly told: number;
  /** How many messages were held: a server that dies while it appends may die of the same one again and again by chance. */
  readonly held: number;
}

const PADS = ["1", "2"];
/** Milliseconds: a life that has not come to its point by then ends all the same. */
const LONGEST_LIFE = 3_000;
const LONGEST_REST = 30_000;
/** Who was lied to may never come to rest. */
const LONGEST_REST_AFTER_LIES = 2_000;

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

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
  let held = 0;
  let port = 1;
  const people = Array.from(
    { length: random.int(2, 5) },
    (_, index) =>
      new Person({
        index,
        user: `user ${index}`,
        seed: random.int(1, 1_000_000),
        url: () => `ws://127.0.0.1:${port}/ws`,
        pads: PADS,
        record,
        onHeld: () => void held++,
      }),
  );
  const bridged = Array.from(
    { length: random.int(1, 2) },
    (_, index) =>
      new BridgedPerson({
        index: people.length + index,
        user: `user ${people.length + index}`,
        seed: random.int(1, 1_000_000),
        origin: () => `ws://127.0.0.1:${port}`,
        pads: PADS,
        record,
      }),
  );
  const everybody = [...people, ...bridged];
  const busy = setInterval(() => {
    for (const person of everybody) if (random.chance(0.7)) person.act();
  }, 2);

  const made = (): ServerProcess<Order, Word> => new ServerProcess(bundle);
  let next = made();
  async function begin(death: Death | undefined): Promise<ServerProcess<Order, Word>> {
    const life = next;
    if (death !== undefined) next = made();
    await life.hear("loaded");
    life.say({ type: "begin", file, death });
    port = (await life.hear("listening"))?.port ?? port;
    return life;
  }
  const after = (life: ServerProcess<Order, Word>): Promise<Quiet["persisted"]> => {
    for (const { code, error } of life.all("reported"))
      record({
        type: "reported",
        by: "server",
        error: new CallaError(code as "storage", {} as never, error),
      });
    const sessions = people.flatMap(({ client: { clientId } }) =>
      clientId === undefined ? [] : sessionKey(clientId),
    );
    return witness.testify(file, [...PADS.map((id) => `pad:${id}`), ...sessions]);
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
    clearInterval(busy);
    const last = await begin(undefined);
    const problem = await rest(people, bridged, lies ? LONGEST_REST_AFTER_LIES : LONGEST_REST);
    const clients: Quiet["clients"][number][] = people.flatMap(({ topics }, client) =>
      topics.map(({ id, state: { status, model, pending } }) => {
        return { client, page: 0, target: id, status, model, pending: pending.length };
      }),
    );
    for (const [index, { topics }] of bridged.entries())
      for (const { id: target, synced } of topics) {
        const { confirmed: model, pending, status } = synced;
        const who = { client: people.length + index, page: 0, target };
        clients.push({
          ...who,
          status: status === "joined" ? "live" : status,
          model,
          pending: pending.length,
        });
      }
    last.say({ type: "end", pads: PADS });
    const models = (await last.hear("models"))?.models ?? [];
    const stored = await after(last);
    const quiet: Quiet = {
      problem,
      servers: models.map((said, i) => ({ node: 0, target: `pad:${PADS[i]}`, ...said })),
      persisted: stored,
      clients,
    };
    const { archive } = witness;
    // What was appended is read after the death, so it stands first: that nothing is told too early is HC3 here, for
    // what was told and is not there when the next life begins was never durable.
    const appended = [...archive].map(([target, { paths }]): HistoryEvent => {
      return { type: "appended", target, path: 0, sequence: paths[0]!.places.length - 1 };
    });
    const users = everybody.map((_, index) => `user ${index}`);
    return {
      died,
      violations: [
        ...witness.violations,
        ...checkHistory({ events: [...appended, ...events], archive, quiet, users }),
      ],
      records: [...archive.values()].reduce((sum, { paths }) => sum + paths[0]!.places.length - 1, 0),
      told: events.filter(({ type }) => type === "told").length,
      held,
    };
  } finally {
    clearInterval(busy);
    for (const one of bridged) one.close();
    for (const { client } of people) await client.close();
    await next.dead(0);
  }
}

/** Whoever is live may have an update under way to it: rest is when all show the same. */
function apart(people: readonly Person[], bridged: readonly BridgedPerson[]): string | undefined {
  const shown = new Map<TargetKey, unknown>();
  for (const { id, synced } of bridged.flatMap(({ topics }) => topics)) {
    if (!shown.has(id)) shown.set(id, synced.visible);
    else if (!sameValue(shown.get(id), synced.visible)) return `${id} is not the same for all of Phoenix`;
  }
  for (const { id, state } of people.flatMap(({ topics }) => topics)) {
    if (!shown.has(id)) shown.set(id, state.model);
    else if (id !== OWN_SESSION && !sameValue(shown.get(id), state.model))
      return `${id} is not the same for all`;
  }
  return undefined;
}

/** Why there is no rest, or undefined. */
async function rest(
  people: readonly Person[],
  bridged: readonly BridgedPerson[],
  longest: number,
): Promise<string | undefined> {
  const until = performance.now() + longest;
  for (;;) {
    const problem =
      [...people, ...bridged].map((person) => person.restless).find((one) => one !== undefined) ??
      apart(people, bridged);
    if (problem === undefined || performance.now() > until) return problem;
    await wait(20);
  }
}
