// The channels as a whole, at their worst: what CW1 to CW12 promise, whatever clients, handlers, lines and nodes do. Seeded:
// CALLA_SEED runs one seed again, CALLA_CHANNELS says how many.
import { expect, it } from "vitest";
import type { Json } from "../../src/channels/index.ts";
import type { ClientMessage } from "../../src/channels/wire/message.ts";
import { Boom, tell } from "./app.ts";
import type { Act } from "./app.ts";
import { BrokenRule } from "./record.ts";
import { KINDS, MOST_WAITING, World } from "./world.ts";
import type { Client } from "./world.ts";

const STEPS = 90;
const TOPICS = ["room:1", "room:2", "room:__proto__"];
const NAMES = ["ada", "bob", "eve", "kim"];
const ACTS: readonly Act[] = [
  ...(["push", "all", "all", "others", "odd", "info", "keep", "answer"] as const),
  ...(["reply", "reply", "reply", "reply"] as const),
  ...(["fragile", "throw", "stop", "shutdown", "fail", "disconnect"] as const),
];
const JOINS = [
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "slow",
  "slow",
  "late",
  "refuse",
  "throw",
  "reject",
  "disconnect",
];

async function run(seed: number): Promise<ReadonlyMap<string, number>> {
  const world = new World(seed);
  const { recorder, hand } = world;
  let counted = 0;
  for (let i = 0; i < 1 + (seed % 3); i++) world.addNode();

  // Whoever does this often lives too short a time to do much else.
  const rarely = <T>(one: T, rare: T, instead: T): T => (one === rare && world.upTo(8) > 0 ? instead : one);
  const acts = (): Act[] => {
    const all: Act[] = [];
    for (let i = world.upTo(4); i >= 0; i--)
      all.push(
        world.upTo(5) === 0 ? { sleep: world.upTo(400) } : rarely(world.one(ACTS), "disconnect", "all"),
      );
    return all;
  };
  const message = (client: Client): ClientMessage => {
    const topic = world.one(TOPICS);
    const m = ++counted;
    const ref = `m${m}`;
    const its = client.joins.get(topic);
    const record = recorder.sockets.indexOf(client.record);
    const what = world.upTo(100);
    if (its === undefined ? what < 70 : what < 6) {
      const joinRef = its !== undefined && world.upTo(4) === 0 ? its : `j${m}`;
      client.joins.set(topic, joinRef);
      const payload = {
        how: rarely(world.one(JOINS), "disconnect", "ok"),
        joinRef,
        takes: world.upTo(5_000),
        record,
      };
      return { joinRef, ref, topic, event: "phx_join", payload: payload as never };
    }
    const joinRef: Json = what > 96 ? null : what > 93 ? "stale" : (its ?? null);
    if (what < 12) {
      client.joins.delete(topic);
      return { joinRef, ref, topic, event: "phx_leave", payload: {} };
    }
    if (what < 15) return { joinRef: null, ref, topic: "phoenix", event: "heartbeat", payload: {} };
    return { joinRef, ref, topic, event: "do", payload: { m, acts: acts() } as never };
  };

  async function step(): Promise<void> {
    const alive = world.clients.filter(({ record }) => !record.over);
    const node = world.upTo(world.nodes.length);
    const { channels, app, drained } = world.nodes[node]!;
    const act = world.upTo(100);
    const client = alive.length === 0 ? undefined : world.one(alive);
    if (client === undefined || (act < 12 && alive.length < 12)) {
      if (!drained) await world.connect(world.one(KINDS), node, world.one(NAMES));
    } else if (act < 66)
      client.say(Array.from({ length: 1 + world.upTo(act < 20 ? 12 : 4) }, () => message(client)));
    else if (act < 69) client.drop();
    else if (act < 71) client.takes = world.upTo(10);
    else if (act < 80) {
      const topic = world.one(TOPICS);
      const event = world.one(["all", "odd", "fragile"]);
      tell(app, { topic, event, by: `node ${node} ${topic}` }, (payload) =>
        world.upTo(3) === 0
          ? channels.localBroadcast(topic, event, payload)
          : channels.broadcast(topic, event, payload),
      );
    } else if (act < 82) channels.sendInfo(client.record.id ?? "", world.one(TOPICS), { m: counted });
    else if (act < 84) {
      const name = world.one(NAMES);
      recorder.disconnected.add(name);
      channels.disconnect(name);
    } else if (act < 87) {
      const name = world.one(NAMES);
      if (!world.banned.delete(name)) world.banned.add(name);
      channels.reauthorise(world.upTo(3) === 0 ? undefined : name);
    } else if (act === 87 && !drained) {
      world.nodes[node] = { ...world.nodes[node]!, drained: true };
      void channels.drain({ over: world.upTo(2) * 500 });
      world.addNode();
    } else await hand.advance(world.upTo(act < 96 ? 200 : 4_000));
    if (world.upTo(3) > 0) await hand.settle();
  }

  for (recorder.step = 0; recorder.step < STEPS; recorder.step++) {
    await step();
    if (recorder.first !== undefined) throw recorder.first;
  }
  await hand.advance(40_000);
  recorder.settled();

  // What waits is counted as it is: there is room for so many and no more.
  for (const client of world.clients) {
    if (client.record.over || client.kind === "poll") continue;
    client.takes = Infinity;
    const record = recorder.sockets.indexOf(client.record);
    const say = (event: string, more: object): void => {
      const m = ++counted;
      client.say([
        {
          joinRef: "jc",
          ref: `m${m}`,
          topic: `room:count ${record}`,
          event,
          payload: { m, ...more } as never,
        },
      ]);
    };
    say("phx_join", { how: "ok", joinRef: "jc", takes: 0, record, m: undefined });
    await hand.advance(1_000);
    say("do", { acts: [{ sleep: 10 }] });
    for (let i = 0; i < MOST_WAITING; i++) say("do", { acts: [] });
    if (client.record.over) recorder.broken("CW11", `${client.record.name} is closed, though there was room`);
    say("do", { acts: [] });
    if (!client.record.over) recorder.broken("CW11", `${client.record.name} has more room than there is`);
  }

  for (const client of world.clients) client.drop();
  await hand.advance(60_000);
  for (const { channels, polls } of world.nodes) {
    if (channels.sockets + polls.connections > 0) recorder.broken("CW11", "a connection is left");
    await channels.stop();
    await polls.close();
  }
  if (world.listening > 0)
    recorder.broken("CW11", `${world.listening} topics are listened to, and nobody is there`);
  for (const { ch, ended } of recorder.channels)
    if (ended === undefined) recorder.broken("CW8", `${ch} is never terminated`);
  if (recorder.first !== undefined) throw recorder.first;
  const other = world.errors.find((error) => !(error instanceof Boom));
  if (other !== undefined) throw new BrokenRule("CW12: the engine has thrown", { cause: other });
  return recorder.met;
}

const first = Number(process.env["CALLA_SEED"] ?? 1);
const seeds = process.env["CALLA_SEED"] === undefined ? Number(process.env["CALLA_CHANNELS"] ?? 120) : 1;

it("[CW1] [CW2] [CW3] [CW4] [CW5] [CW6] [CW7] [CW8] [CW9] [CW10] [CW11] [CW12] hold, whatever happens", async () => {
  const met = new Map<string, number>();
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      for (const [what, times] of await run(seed)) met.set(what, (met.get(what) ?? 0) + times);
    } catch (thrown) {
      throw new Error(`CALLA_SEED=${seed}: ${String(thrown)}`, { cause: thrown });
    }
  }
  if (process.env["CALLA_TOLD"]) process.stdout.write(JSON.stringify([...met]));
  if (seeds < 60) return;
  // It was not quiet for nothing.
  const rare = EXPECTED.filter((what) => (met.get(what) ?? 0) < seeds / 20);
  expect(rare, JSON.stringify([...met])).toEqual([]);
}, 1_200_000);

const EXPECTED = [
  "ended: left",
  "ended: stopped by itself",
  "ended: stopped",
  "ended: error",
  "ended: duplicate-join",
  "ended: closed",
  "ended: disconnected",
  "ended: draining",
  "ended: inactive",
  "ended: rights",
  "ended: timeout",
  "closed: 1001",
  "closed: 1012",
  "closed: 1013",
  "pubsub: lost",
  "pubsub: twice",
  "pubsub: arrived",
  "poll: an answer lost",
  "poll: a POST twice",
  "a broadcast in the midst of another",
  "informed",
];
