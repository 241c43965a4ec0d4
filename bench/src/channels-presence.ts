// What presence of channels costs where few and many are on a topic: one who joins and leaves, told to all, as ratios by CPU
// time and by bytes; with the limit of lists, and with that limit lifted. Beside it the same as an app
// writes it over socket.io's rooms: it keeps the metas itself, and says who came, who went and, to who comes, who is there.
import { createChannels, defineChannel } from "@calla/server/channels";
import { Server } from "socket.io";
import { apart, flat } from "./apart.ts";
import type { Sized, Works } from "./apart.ts";
import { cpuOf } from "./cpu.ts";
import { median } from "./median.ts";
import type { Micro } from "./report.ts";

const SIZES = [100, 1_000, 10_000];
const TOPIC = "room:1";
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A topic with so many members, all of this process; what they are sent is counted. */
async function full(members: number, maxPresenceList: number) {
  const lifted = { maxConnectionsPerAddress: Infinity, maxConnectsPerAddress: Infinity };
  const rates = { messageRate: Infinity, joinRate: Infinity, channelRate: Infinity };
  const channels = createChannels({ limits: { ...lifted, ...rates, maxPresenceList } }).register(
    defineChannel("room:*")
      .presence({ key: ({ socketId }) => socketId, state: false })
      .handleIn("come", (_, { presence }) => {
        presence.pushState();
        presence.track({ device: "desk" });
      }),
  );
  // Before anybody hears of it: filling the topic is not what is measured.
  for (let n = 0; n < members; n++)
    channels.presence.track(TOPIC, `member ${n}`, `member ${n}`, { device: "desk" });
  const room = { bytes: 0 };
  const connect = () => {
    const wired = channels.connect({
      send: (data) => void (room.bytes += data.length),
      close: () => wired.disconnect(),
      request: { url: "/socket/websocket?vsn=2.0.0", headers: {}, remoteAddress: "127.0.0.1" },
    });
    return wired;
  };
  const join = (client: ReturnType<typeof connect>) => client.incoming(`["1","1","${TOPIC}","phx_join",{}]`);
  const clients = Array.from({ length: members }, connect);
  for (const client of clients) join(client);
  await turn();
  const guest = connect();
  return {
    room,
    stop: () => channels.stop(),
    /** One who comes and goes, each told by itself. */
    async comeAndGo(times: number): Promise<void> {
      for (let i = 0; i < times; i++) {
        join(guest);
        guest.incoming(`["1","2","${TOPIC}","come",{}]`);
        await turn();
        guest.incoming(`["1","3","${TOPIC}","phx_leave",{}]`);
        await turn();
      }
    },
  };
}

/** The same over socket.io, whose sockets write nowhere. */
function socketIo(members: number) {
  const room = { bytes: 0 };
  const io = new Server();
  const { adapter, sockets } = io.of("/");
  const metas = new Map<string, object>();
  const enter = (id: string): void => {
    const writeToEngine = (packets: readonly string[]): void => {
      for (const { length } of packets) room.bytes += length;
    };
    sockets.set(id, { id, client: { writeToEngine } } as never);
    void adapter.addAll(id, new Set([id, TOPIC]));
    metas.set(id, { device: "desk" });
  };
  for (let n = 0; n < members; n++) enter(`member ${n}`);
  return {
    room,
    stop: () => Promise.resolve(),
    async comeAndGo(times: number): Promise<void> {
      for (let i = 0; i < times; i++) {
        enter("guest");
        io.to("guest").emit("presence_state", Object.fromEntries(metas));
        io.to(TOPIC).emit("presence_diff", { joins: { guest: metas.get("guest") }, leaves: {} });
        await turn();
        void adapter.delAll("guest");
        sockets.delete("guest");
        io.to(TOPIC).emit("presence_diff", { joins: {}, leaves: { guest: metas.get("guest") } });
        metas.delete("guest");
        await turn();
      }
    },
  };
}

type Room = ReturnType<typeof socketIo>;

async function measured(room: Room, members: number, samples: number): Promise<Sized> {
  const times = Math.max(4, 40_000 / members);
  // Each of the two is an event that all members hear.
  const events = 2 * times * members;
  await room.comeAndGo(4 * times);
  room.room.bytes = 0;
  const spent: number[] = [];
  for (let i = 0; i < samples; i++) spent.push(await cpuOf(() => room.comeAndGo(times)));
  const bytes = room.room.bytes / samples / events;
  await room.stop();
  return { cost: median(spent) / events, bytes };
}

/** What one event costs for each who hears of it, by how many are there. */
export const channelWorks: Works<Sized> = {
  "a channel without a limit of lists": async (members, samples) =>
    measured(await full(members, Infinity), members, samples),
  "a channel": async (members, samples) => measured(await full(members, 1_000), members, samples),
  "a room of socket.io": (members, samples) => measured(socketIo(members), members, samples),
};

export async function channelsPresence(quick: boolean): Promise<Micro[number]> {
  const rows = [["work", "CPU ns for each member", "sent to each", "ratio", "must be", ""]];
  for (const work of Object.keys(channelWorks)) {
    const sizes = await apart(channelWorks, work, SIZES, quick);
    for (const [at, { cost, bytes }] of sizes.entries())
      rows.push([
        `one joins or leaves ${work} where ${SIZES[at]!.toLocaleString("en")} are`,
        (cost * 1_000).toFixed(0),
        `${bytes.toFixed(0)} bytes`,
        ...flat(sizes, at, !work.includes("socket.io")),
      ]);
  }
  return { title: "Presence of channels: one who comes and goes", rows };
}
