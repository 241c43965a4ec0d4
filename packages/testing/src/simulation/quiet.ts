// Waits until a world has come to rest, and takes down what everybody then says of every target.
import { OWN_SESSION, sameInOrder, sessionKey } from "@calla/shared";
import type { LogStorage } from "@calla/server";
import type { TargetKey, Wiring } from "@calla/shared";
import type { Archived, ArchivedLog } from "../history/archive.ts";
import type { Quiet } from "../history/history.ts";
import type { VirtualClock } from "../doubles/clock.ts";
import type { Consumption } from "./consumption.ts";
import type { Guests } from "./guests.ts";
import type { Nodes } from "./nodes.ts";
import type { Pages, PagePlace } from "./pages.ts";
import { astray, presentOf } from "./present.ts";
import { modelNow, placeAfter } from "../history/versions.ts";
import type { Versioned } from "../history/versions.ts";

/** As much of a world as comes to rest. */
interface Resting<W extends Wiring> {
  readonly clock: VirtualClock;
  readonly nodes: Nodes<W>;
  readonly pages: readonly Pages<W>[];
  readonly places: readonly PagePlace[];
  readonly guests: Pick<Guests<W>, "restless" | "shown">;
  readonly consumption: Pick<Consumption, "restless">;
}

const LONGEST = 120;

export async function quietOf<W extends Wiring>(world: Resting<W>): Promise<Quiet> {
  let problem: string | undefined = "the first second is not over";
  // Twice in a row: what is decided may still be on its way to a disk and to its caller.
  for (let second = 0, still = 0; second < LONGEST && still < 2; second++) {
    await world.clock.advance(1_000);
    problem = restless(world) ?? world.guests.restless() ?? world.consumption.restless ?? astray(world);
    still = problem === undefined ? still + 1 : 0;
  }
  const clients = asClients(world);
  // Of the same moment: later somebody may have another connection.
  const present = presentOf(world);
  const servers = problem === undefined ? await asServers(world) : [];
  await world.nodes.reopen();
  return {
    problem: problem === undefined ? undefined : `after ${LONGEST} s without faults ${problem}`,
    servers,
    persisted: problem === undefined ? await asPersisted(world.nodes.log) : [],
    clients,
    guests: world.guests.shown,
    present,
  };
}

const asClients = <W extends Wiring>(world: Resting<W>): Quiet["clients"] =>
  world.pages.flatMap((pages, client) =>
    pages.subscribed.map((target) => {
      const { status, model, pending } = stateOf(world, client, target);
      return { client, page: pages.page, target, status, model, pending: pending.length };
    }),
  );

const stateOf = <W extends Wiring>(
  { pages, places, nodes }: Resting<W>,
  client: number,
  target: TargetKey,
) => {
  const place = places.find(({ key }) => key === target);
  const slice = nodes.all[0]!.server.wiring.session;
  return pages[client]!.topic(place ?? { slice: slice!, params: [] }).state;
};

/** What is not at rest, or undefined. */
function restless<W extends Wiring>(world: Resting<W>): string | undefined {
  for (const [client, { client: page, subscribed, untold }] of world.pages.entries()) {
    if (page.status.connection !== "open")
      return `client ${client} is ${page.status.connection} (${page.status.reason})`;
    if (untold > 0) return `client ${client} has ${untold} dispatches whose callers wait`;
    if (page.status.pending > 0)
      return `client ${client} has ${page.status.pending} dispatches without an outcome`;
    for (const target of subscribed) {
      const { status, model, pending } = stateOf(world, client, target);
      if (pending.length > 0) return `client ${client}'s ${target} has ${pending.length} pending`;
      if (status === "loading" || status === "stale") return `client ${client}'s ${target} is ${status}`;
      if (status === "refused") continue;
      const key = target === OWN_SESSION ? sessionKey(page.clientId ?? "") : target;
      const archived = world.nodes.log.archive.get(key);
      const tip = archived?.paths.at(-1)?.places.at(-1);
      if (tip !== undefined && !sameInOrder(modelNow(archived!.slices, tip), model))
        return `client ${client}'s ${target} is not at ${tip.sequence}`;
    }
  }
  return undefined;
}

async function asServers<W extends Wiring>({ nodes, places, clock }: Resting<W>): Promise<Quiet["servers"]> {
  const said: Quiet["servers"][number][] = [];
  for (const [node, { server }] of nodes.all.entries()) {
    for (const { slice, params, key } of places) {
      const topic = (
        server.topic as unknown as (
          slice: unknown,
          ...params: readonly string[]
        ) => {
          read(): Promise<{ model: unknown; sequence: number }>;
        }
      )(slice, ...params);
      void topic.read().then(({ model, sequence }) => said.push({ node, target: key, model, sequence }));
      await clock.advance(10);
    }
  }
  return said;
}

async function asPersisted(log: ArchivedLog): Promise<Quiet["persisted"]> {
  const said: Quiet["persisted"][number][] = [];
  for (const [target, archived] of log.archive) said.push(await persisted(log, target, archived));
  return said;
}

/** Folds what a server would find if it were started now. */
export async function persisted(
  log: Pick<LogStorage, "open" | "read">,
  target: TargetKey,
  { slices, paths }: Archived,
): Promise<Quiet["persisted"][number]> {
  const origin = paths[0]!.places[0]!;
  const head = await log.open(target);
  let at: Versioned = head?.snapshot ?? origin;
  for (;;) {
    const read = await log.read(target, at, 100);
    const { sequence, mark, model } = at;
    if (read.status !== "records")
      return {
        target,
        model,
        sequence,
        mark,
        problem: `the records after its snapshot at ${sequence} are ${read.status}`,
      };
    if (read.records.length === 0) return { target, model, sequence, mark, problem: undefined };
    for (const record of read.records) at = placeAfter(slices, target, at, record);
  }
}
