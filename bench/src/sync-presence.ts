// What one who comes or goes on a sync topic costs for each who watches, beside how many are there: CPU time of the server and
// bytes to each watcher, as ratios within one process. With `maxPresenceList` lifted, and as it is.
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

export async function syncPresence(quick: boolean): Promise<Micro[number]> {
  const rows = [["work", "CPU ms", "beside it", "ratio", "must be", ""]];
  const [samples, events] = quick ? [3, 100] : [25, 400];
  for (const [limit, title] of [
    [Infinity, "all listed"],
    [1_000, "above 1,000 counted"],
  ] as const) {
    const sizes = [100, 1_000, 10_000];
    const rooms: Room[] = [];
    for (const members of sizes) rooms.push(await room(members, limit));
    for (const one of rooms) comeAndGo(one, events);
    const costs = sizes.map((): number[] => []);
    const bytes = sizes.map(() => 0);
    for (let i = 0; i < samples; i++)
      for (const [at, one] of rooms.entries()) {
        const sent = one.bytes;
        costs[at]!.push(cpu(() => comeAndGo(one, events)) / events / WATCHERS);
        bytes[at]! += (one.bytes - sent) / events / WATCHERS / samples;
      }
    const few = median(costs[0]!);
    for (const [at, members] of sizes.entries()) {
      const cost = median(costs[at]!);
      const ratio = Math.max(cost / few, bytes[at]! / bytes[0]!);
      rows.push([
        `one comes or goes on a sync topic where ${members.toLocaleString("en")} are, ${title}; for each of ${WATCHERS} who watch`,
        (cost / 1_000).toFixed(5),
        `${bytes[at]!.toFixed(1)} bytes to each`,
        ratio.toFixed(2),
        at === 0 ? "" : "≤ 1.3",
        at === 0 ? "" : ratio <= 1.3 ? "met" : "**missed**",
      ]);
    }
  }
  return { title: "Presence of sync topics: what a change costs each who watches", rows };
}
