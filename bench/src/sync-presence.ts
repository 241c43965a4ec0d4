// What one who comes or goes on a sync topic costs for each who watches, beside how many are there: CPU time of the server and
// bytes to each watcher, as ratios. With `maxPresenceList` lifted, and as it is.
import { createServer } from "@calla/server";
import {
  automatic,
  defineEphemeral,
  definePresence,
  defineWiring,
  json,
  PROTOCOL_VERSION,
} from "@calla/shared";
import type { ClientFrame } from "@calla/shared";
import * as z from "zod";
import { apart, flat } from "./apart.ts";
import type { Sized, Works } from "./apart.ts";
import { cpu } from "./cpu.ts";
import { handClock } from "./hand-clock.ts";
import { median } from "./median.ts";
import type { Micro } from "./report.ts";

const lounge = defineEphemeral("lounge:*", {
  messages: {},
  presence: definePresence(z.object({ name: z.string() })),
});
const wiring = defineWiring({ topics: [lounge] });
const TOPIC = "lounge:1";
const WATCHERS = 50;
const SIZES = [100, 1_000, 10_000];

interface Room {
  readonly hand: ReturnType<typeof handClock>;
  readonly guest: (frame: ClientFrame) => void;
  /** Bytes that watchers were sent. */
  bytes: number;
}

/** So many are listed, and some watch. */
async function room(members: number, maxPresenceList: number): Promise<Room> {
  const hand = handClock();
  const lifted = {
    messageRate: Infinity,
    topicMessageRate: Infinity,
    joinRate: Infinity,
    identityRate: Infinity,
  };
  const server = createServer({
    wiring,
    serialiser: automatic(json()),
    clock: hand.clock,
    limits: { ...lifted, maxConnectionsPerAddress: Infinity, maxPendingHellos: Infinity, maxPresenceList },
  });
  server.handle(lounge, { public: true });
  const made: Room = { hand, guest: () => undefined, bytes: 0 };
  const connect = async (counts: boolean): Promise<Room["guest"]> => {
    const incoming = server.connect({
      connection: {
        send: ({ bytes }) => void (made.bytes += counts ? bytes.length : 0),
        close: () => undefined,
        bufferedAmount: () => 0,
      },
      request: { url: "/", headers: {}, remoteAddress: undefined },
      format: "json",
    });
    const say = (frame: ClientFrame): void => {
      incoming.incoming(JSON.stringify(frame));
      hand.settle();
    };
    say({ type: "Hello", protocol: PROTOCOL_VERSION, slices: wiring.versions(), targets: [] });
    // Its identity is signed.
    await new Promise((resolve) => void setImmediate(resolve));
    hand.settle();
    say({ type: "Subscribe", target: TOPIC, ref: 1, settled: 0, sent: 0 });
    return say;
  };
  for (let n = 0; n < members; n++)
    (await connect(false))({ type: "Track", target: TOPIC, meta: { name: `member ${n}` }, watch: false });
  for (let n = 0; n < WATCHERS; n++) (await connect(true))({ type: "Track", target: TOPIC, watch: true });
  return Object.assign(made, { guest: await connect(false) });
}

/** So many who come and go, one after the other, each in a turn of its own, 20 a second. */
function comeAndGo({ hand, guest }: Room, events: number): void {
  for (let i = 0; i < events / 2; i++) {
    guest({ type: "Track", target: TOPIC, meta: { name: "guest" }, watch: false });
    hand.pass(50);
    hand.settle();
    guest({ type: "Track", target: TOPIC, watch: false });
    hand.pass(50);
    hand.settle();
  }
}

/** As much of it, and nobody comes or goes: the upkeep of so many connections is no cost of an event. */
function timePasses({ hand }: Room, events: number): void {
  for (let i = 0; i < events; i++) {
    hand.settle();
    hand.pass(50);
    hand.settle();
  }
}

async function measured(members: number, limit: number, samples: number): Promise<Sized> {
  const events = 400;
  const one = await room(members, limit);
  for (let i = 0; i < 4; i++) comeAndGo(one, events);
  const sent = one.bytes;
  const costs: number[] = [];
  const idle: number[] = [];
  for (let i = 0; i < samples; i++) {
    costs.push(cpu(() => comeAndGo(one, events)) / events / WATCHERS);
    idle.push(cpu(() => timePasses(one, events)) / events / WATCHERS);
  }
  return { cost: median(costs) - median(idle), bytes: (one.bytes - sent) / events / WATCHERS / samples };
}

/** What one event costs for each who watches, by how many are there. */
export const syncWorks: Works<Sized> = {
  "all listed": (members, samples) => measured(members, Infinity, samples),
  "above 1,000 counted": (members, samples) => measured(members, 1_000, samples),
};

export async function syncPresence(quick: boolean): Promise<Micro[number]> {
  const rows = [["work", "CPU ms", "beside it", "ratio", "must be", ""]];
  for (const work of Object.keys(syncWorks)) {
    const sizes = await apart(syncWorks, work, SIZES, quick);
    for (const [at, { cost, bytes }] of sizes.entries())
      rows.push([
        `one comes or goes on a sync topic where ${SIZES[at]!.toLocaleString("en")} are, ${work}; for each of ${WATCHERS} who watch`,
        (cost / 1_000).toFixed(5),
        `${bytes.toFixed(1)} bytes to each`,
        ...flat(sizes, at, true),
      ]);
  }
  return { title: "Presence of sync topics: what a change costs each who watches", rows };
}
