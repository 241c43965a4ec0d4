// What a group of 1,000 topics costs beside a broadcast to each of them, by CPU time of one process over sockets that write
// nowhere. socket.io's list of rooms beside its loop: its packets name no room, so each socket is sent the same one.
import { createChannels, defineChannel } from "@calla/server/channels";
import type { JsonObject } from "@calla/server/channels";
import { createGroups } from "@calla/server/groups";
import { Server } from "socket.io";
import { apart } from "./apart.ts";
import type { Works } from "./apart.ts";
import { cpu, cpuOf } from "./cpu.ts";
import { median } from "./median.ts";
import type { Micro } from "./report.ts";

const TOPICS = 1_000;
const topics = Array.from({ length: TOPICS }, (_, n) => `room:${n}`);

interface Side {
  /** To the group, by one call. */
  one(payload: JsonObject): void;
  /** To each topic, by a loop. */
  each(payload: JsonObject): void;
  sent(): number;
}

function calla(members: number): Side {
  let sent = 0;
  const limits = { joinRate: Infinity, joinBurst: Infinity, maxConnectionsPerAddress: Infinity };
  const channels = createChannels({ limits }).register(defineChannel("room:*"));
  for (const topic of topics)
    for (let n = 0; n < members; n++) {
      const request = { url: "/socket?vsn=2.0.0", headers: {}, remoteAddress: `10.0.0.${n}` };
      const socket = { send: () => void sent++, close: () => undefined, request };
      channels.connect(socket).incoming(JSON.stringify(["1", "1", topic, "phx_join", {}]));
    }
  const groups = createGroups({ channels });
  groups.create("team");
  for (const topic of topics) groups.add("team", topic);
  return {
    one: (payload) => void groups.broadcast("team", "said", payload),
    each(payload) {
      for (const topic of topics) channels.broadcast(topic, "said", payload);
    },
    sent: () => sent,
  };
}

function socketIo(members: number): Side {
  let sent = 0;
  const io = new Server();
  const { adapter, sockets } = io.of("/");
  for (const room of topics)
    for (let n = 0; n < members; n++) {
      const id = `${room} ${n}`;
      sockets.set(id, { id, client: { writeToEngine: () => void sent++ } } as never);
      void adapter.addAll(id, new Set([room]));
    }
  return {
    one: (payload) => void io.to(topics).emit("said", payload),
    each(payload) {
      for (const topic of topics) io.to(topic).emit("said", payload);
    },
    sent: () => sent,
  };
}

type Told = { readonly one: number; readonly each: number };

/** CPU µs of one telling, median. What a turn puts together is sent at its end. */
async function measure(
  { one, each, sent }: Side,
  payload: JsonObject,
  members: number,
  samples: number,
): Promise<Told> {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const costs = { one: [] as number[], each: [] as number[] };
  await turn();
  for (let i = 0; i < samples + 3; i++)
    for (const [name, tell] of [
      ["one", one],
      ["each", each],
    ] as const) {
      const before = sent();
      const spent = cpu(() => tell(payload)) + (await cpuOf(turn));
      if (sent() - before !== TOPICS * members) throw new Error(`${sent() - before} were sent`);
      // The first warm up.
      if (i >= 3) costs[name].push(spent);
    }
  return { one: median(costs.one), each: median(costs.each) };
}

const PAYLOADS = [10, 300, 1_500].map((length) => ({ id: 7, text: "x".repeat(length) }));
const SIDES = { "a Calla group of 1,000 topics": calla, "1,000 rooms of socket.io": socketIo };
const bytesOf = (payload: JsonObject): number => JSON.stringify(payload).length;

/** By the members of a topic. */
export const groupWorks: Works<Told> = Object.fromEntries(
  Object.entries(SIDES).flatMap(([name, side]) =>
    PAYLOADS.map((payload) => [
      `${name}, ${bytesOf(payload)} bytes`,
      (members: number, samples: number) => measure(side(members), payload, members, samples),
    ]),
  ),
);

export async function groups(quick: boolean): Promise<Micro[number]> {
  const rows = [["work", "members of a topic", "at once, ms", "one by one, ms", "ratio", "must be", ""]];
  const sizes = [1, 10];
  for (const work of Object.keys(groupWorks)) {
    const measured = await apart(groupWorks, work, sizes, quick);
    for (const [at, { one, each }] of measured.entries()) {
      const ratio = one / each;
      rows.push([
        work,
        String(sizes[at]),
        (one / 1_000).toFixed(2),
        (each / 1_000).toFixed(2),
        ratio.toFixed(2),
        ...(work.includes("Calla") ? ["≤ 0.7", ratio <= 0.7 ? "met" : "**missed**"] : ["", ""]),
      ]);
    }
  }
  return { title: "Groups: telling many topics at once", rows };
}
