// A message's trip through Calla's server without a socket: bytes in at one end of the conversation, bytes out at the
// same. What is left of a benchmark over sockets when the system's part is taken away.
import { createServer } from "@calla/server";
import type { Connection } from "@calla/server";
import { applyMessages, PROTOCOL_VERSION } from "@calla/shared";
import type { Message } from "@calla/shared";
import { idOf, list, moved, movedRecord, records, room, said, serialiser, wiring } from "./fixtures.ts";

/** What is said, to which topic. */
const kinds = {
  room: { slice: room, target: "room:1", message: said },
  list: { slice: list, target: "list:1", message: moved },
  records: { slice: records, target: "records:1", message: movedRecord },
} as const;
export type Kind = keyof typeof kinds;

/** CPU microseconds of the update alone: the same messages, one after the other, and nothing else. */
export function updateAlone(kind: Kind, count: number): number {
  const { slice, message } = kinds[kind];
  let model: unknown = slice.initial();
  const run = (messages: readonly Message[]): number => {
    const before = process.cpuUsage();
    for (const one of messages) {
      const applied = applyMessages(
        slice,
        model,
        [one],
        { at: 0, userId: null, visitor: "", messageId: "id" },
        { strict: false },
      );
      if (!applied.ok) throw new Error("refused");
      ({ model } = applied);
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / messages.length;
  };
  const messages = Array.from({ length: count }, (_, i): Message => ({ ...message(1, i + 1) }));
  run(messages.slice(0, Math.ceil(count / 2)));
  return run(messages);
}

/** CPU microseconds per message, of packets with so many messages each. */
export async function trip(perPacket: number, packets: number, kind: Kind = "room"): Promise<number> {
  const { target, message } = kinds[kind];
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
  for (const slice of [list, records]) server.handle(slice, { public: true });
  let heard: (() => void) | undefined;
  let over = false;
  const connection: Connection = {
    send: ({ bytes }) => {
      // {"type":"TopicUpdate" or {"type":"Snapshot"
      if (bytes[9] === 84 || (bytes[9] === 83 && bytes[10] === 110)) heard?.();
    },
    close: (_code, reason) => {
      if (!over) throw new Error(`closed: ${reason}`);
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
          const messages = [message(1, mid)];
          return { type: "TopicMessage", target, mid, id: idOf(1, mid), settled, messages };
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
  over = true;
  incoming.disconnect();
  await server.stop();
  return cost;
}
