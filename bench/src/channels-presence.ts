// What presence of channels costs where few and many are on a topic: one who joins and leaves, told to all, as ratios within
// one process by CPU time and by bytes; with the limit of lists, and with that limit lifted. Beside it the same as an app
// writes it over socket.io's rooms: it keeps the metas itself, and says who came, who went and, to who comes, who is there.
import { createChannels, defineChannel } from "@calla/server/channels";
import { Server } from "socket.io";
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

async function measured(
  what: string,
  open: (members: number) => Room | Promise<Room>,
  bar: boolean,
  samples: number,
): Promise<string[][]> {
  const rooms = await Promise.all(SIZES.map(open));
  const timesOf = (members: number): number => Math.max(4, 40_000 / members);
  // All of them first, so that none is measured while the others' code is still slow.
  for (const [at, { comeAndGo }] of rooms.entries()) await comeAndGo(2 * timesOf(SIZES[at]!));
  const spent = SIZES.map((): number[] => []);
  for (const { room } of rooms) room.bytes = 0;
  // Each of the two is an event that all members hear.
  const events = SIZES.map((members) => 2 * timesOf(members) * members);
  for (let i = 0; i < samples; i++)
    for (const [at, { comeAndGo }] of rooms.entries())
      spent[at]!.push((await cpuOf(() => comeAndGo(timesOf(SIZES[at]!)))) / events[at]!);
  const costs = spent.map(median);
  const bytes = rooms.map(({ room }, at) => room.bytes / samples / events[at]!);
  for (const { stop } of rooms) await stop();
  return SIZES.map((members, at) => {
    const ratio = Math.max(costs[at]! / costs[0]!, bytes[at]! / bytes[0]!);
    return [
      `one joins or leaves ${what} where ${members.toLocaleString("en")} are`,
      (costs[at]! * 1_000).toFixed(0),
      `${bytes[at]!.toFixed(0)} bytes`,
      ratio.toFixed(2),
      at === 0 || !bar ? "" : "≤ 1.3",
      at === 0 || !bar ? "" : ratio <= 1.3 ? "met" : "**missed**",
    ];
  });
}

/** What one event costs for each who hears of it. */
export async function channelsPresence(quick: boolean): Promise<Micro[number]> {
  const samples = quick ? 3 : 15;
  return {
    title: "Presence of channels: one who comes and goes",
    rows: [
      ["work", "CPU ns for each member", "sent to each", "ratio", "must be", ""],
      ...(await measured(
        "a channel without a limit of lists",
        (many) => full(many, Infinity),
        true,
        samples,
      )),
      ...(await measured("a channel", (many) => full(many, 1_000), true, samples)),
      ...(await measured("a room of socket.io", socketIo, false, samples)),
    ],
  };
}
