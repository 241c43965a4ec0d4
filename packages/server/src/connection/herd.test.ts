// What a server tells of how widely its clients are to spread their return (CV19), by frames.
import { expect, test } from "vitest";
import { hello, wire } from "../../test/wired.ts";
import type { Conversation } from "./conversation.ts";
import { Herd, spreadOf } from "./herd.ts";

test("[CV19] nothing below 500, then 0.8 ms each, at most half a minute", () => {
  expect([0, 1, 499, 500, 10_000, 37_500, 1_000_000].map(spreadOf)).toEqual([
    0, 0, 0, 400, 8_000, 30_000, 30_000,
  ]);
});

/** So many sockets, their Hellos answered. */
async function crowd(count: number) {
  const server = wire({ limits: { maxPendingHellos: 10_000 } });
  const sockets = Array.from({ length: count }, () => server.socket());
  for (const socket of sockets) socket.say(hello());
  for (let i = 0; i < 20; i++) await server.settle();
  return { ...server, sockets };
}

test("[CV19] Connected says it, a Pong where it is another; a client that was sent something very different is sent it unasked, in parts", async () => {
  const { sockets, socket, advance, settle, errors } = await crowd(3_000);
  const last = socket();
  last.say(hello());
  expect(await last.heard()).toMatchObject([{ type: "Connected", spread: 2_401 }]);
  last.say({ type: "Ping", cursors: [] });
  expect(await last.heard()).toEqual([{ type: "Pong" }]);
  const [first] = sockets;
  await first!.heard();
  first!.say({ type: "Ping", cursors: [] });
  const pong = await first!.heard();
  expect(pong[0]).toEqual(pong[0]?.type === "Pong" ? { type: "Pong", spread: 2_401 } : undefined);

  const told = async (): Promise<number> => {
    let count = 0;
    for (const one of sockets.slice(1))
      count += (await one.heard()).filter(({ type, ...more }) => type === "Pong" && "spread" in more).length;
    return count;
  };
  await told();
  for (const one of sockets.slice(2_000)) one.drop();
  await settle();
  // 1,601 is no small part of 2,401: nothing is said.
  await advance(3_000);
  expect(await told()).toBe(0);
  for (const one of sockets.slice(400, 2_000)) one.drop();
  await settle();
  await advance(1_000);
  expect(await told()).toBe(sockets.slice(1, 400).length);
  await advance(10_000);
  expect([await told(), errors]).toEqual([0, []]);
});

test("[CV19] where nothing is to be sent, nothing ticks: a server of a few wakes up for nothing", () => {
  const waiting = new Set<() => void>();
  const clock = {
    setTimeout(run: () => void) {
      waiting.add(run);
      return () => void waiting.delete(run);
    },
  };
  const tick = (): void => {
    const due = [...waiting];
    waiting.clear();
    for (const run of due) run();
  };
  const connections = new Set<Conversation>();
  const herd = new Herd(clock, connections);
  const arrive = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const one = { phase: "open", send: () => {} } as unknown as Conversation;
      connections.add(one);
      herd.welcome(one);
    }
  };
  arrive(499);
  expect(waiting.size).toBe(0);
  // A second time, too: it ends with the crowd, and begins with the next one.
  for (let time = 0; time < 2; time++) {
    arrive(2_000);
    expect(waiting.size).toBe(1);
    tick();
    tick();
    expect(waiting.size).toBe(1);
    connections.clear();
    tick();
    expect(waiting.size).toBe(0);
  }
  arrive(2_000);
  herd.stop();
  expect(waiting.size).toBe(0);
});
