// A message's trip through Calla's server without a socket: bytes in at one end of the conversation, bytes out at the
// same. What is left of a benchmark over sockets when the system's part is taken away.
import { createServer } from "@calla/server";
import type { Connection } from "@calla/server";
import { PROTOCOL_VERSION } from "@calla/shared";
import { idOf, room, said, serialiser, wiring } from "./fixtures.ts";

/** CPU microseconds per message, of packets with so many messages each. */
export async function trip(perPacket: number, packets: number): Promise<number> {
  const server = createServer({
    wiring,
    serialiser,
    authenticate: () => ({ id: "user" }),
    strict: false,
    limits: { messageRate: Infinity, topicMessageRate: Infinity },
  });
  server.handle(room, {
    canSubscribe: ({ user }) => user !== null,
    canDispatch: ({ text }, { user }) => user !== null && text.length > 0,
  });
  let heard: (() => void) | undefined;
  const connection: Connection = {
    send: ({ bytes }) => {
      // {"type":"TopicUpdate" or {"type":"Snapshot"
      if (bytes[9] === 84 || (bytes[9] === 83 && bytes[10] === 110)) heard?.();
    },
    close: (_code, reason) => {
      throw new Error(`closed: ${reason}`);
    },
    bufferedAmount: () => 0,
  };
  const request = { url: "/", headers: {}, remoteAddress: undefined };
  const incoming = server.connect({ connection, request, format: "json" });
  const say = (frames: unknown): Promise<void> =>
    new Promise((resolve) => {
      heard = resolve;
      incoming.incoming(JSON.stringify(frames));
    });
  const target = "room:1";
  await say({
    type: "Hello",
    protocol: PROTOCOL_VERSION,
    slices: wiring.versions(),
    targets: [{ target, ref: 1, settled: 0, sent: 0 }],
  });
  let mid = 0;
  const run = async (count: number): Promise<number> => {
    // Made beforehand: what the client does is not counted.
    const texts = Array.from({ length: count }, () => {
      const settled = mid;
      return JSON.stringify(
        Array.from({ length: perPacket }, () => {
          mid++;
          return { type: "TopicMessage", target, mid, id: idOf(1, mid), settled, message: said(1, mid) };
        }),
      );
    });
    const before = process.cpuUsage();
    for (const text of texts) {
      await new Promise<void>((resolve) => {
        heard = resolve;
        incoming.incoming(text);
      });
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (count * perPacket);
  };
  await run(Math.ceil(packets / 2));
  const cost = await run(packets);
  incoming.disconnect();
  await server.stop();
  return cost;
}
