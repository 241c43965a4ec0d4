import { automatic, json } from "@calla/shared";
import type { ClientFrame, ServerFrame } from "@calla/shared";
import type { Connection } from "@calla/server";
import { expect, test } from "vitest";
import { virtualClock } from "../doubles/clock.ts";
import type { Reachable } from "./link.ts";
import { connectionPair } from "./pair.ts";
import type { PairOptions } from "./pair.ts";

const unsubscribe = (ref: number): ClientFrame => ({ type: "Unsubscribe", target: "t", ref });
const pong: ServerFrame = { type: "Pong" };
const hello: ClientFrame = { type: "Hello", protocol: 1, slices: {}, targets: [] };

/** Two ends that write down what happens to them. */
async function joined(options: Partial<PairOptions> = {}) {
  const clock = virtualClock();
  const atServer: string[] = [];
  const atClient: string[] = [];
  let say: (frame: ServerFrame) => void = () => {};
  let hangUp: () => void = () => {};
  let reading: Pick<Connection, "pause" | "resume"> = {};
  const server: Reachable = {
    connect({ connection }) {
      atServer.push("connect");
      reading = connection;
      say = (frame) =>
        connection.send({ bytes: new TextEncoder().encode(JSON.stringify(frame)), text: true });
      hangUp = () => connection.close(4001, "bye");
      return {
        incoming: (data) =>
          void atServer.push(String((JSON.parse(data as string) as { ref?: number }).ref ?? "?")),
        disconnect: () => void atServer.push("gone"),
        drained() {},
        received() {},
      };
    },
  };
  const pair = connectionPair(server, { serialiser: automatic(json()), clock, ...options });
  const link = pair.transport.connect(
    {
      open: () => atClient.push("open"),
      receive: (data) => atClient.push((JSON.parse(data as string) as ServerFrame).type),
      close: ({ code }) => atClient.push(`closed ${code}`),
    },
    json(),
  );
  await clock.advance(100);
  const send = (...frames: ClientFrame[]): void =>
    frames.forEach((frame) => link.send(JSON.stringify(frame)));
  const seen = () => [atServer.splice(0), atClient.splice(0)];
  return {
    clock,
    pair,
    link,
    send,
    seen,
    say: (frame: ServerFrame) => say(frame),
    hangUp: () => hangUp(),
    reading: () => reading,
  };
}

test("by hand: packets wait, are seen decoded, and arrive in order when they are delivered", async () => {
  const { pair, send, say, seen } = await joined();
  expect(seen()).toEqual([["connect"], ["open"]]);
  send(unsubscribe(1), unsubscribe(2));
  say(pong);
  expect(pair.toServer.frames).toEqual([unsubscribe(1), unsubscribe(2)]);
  expect(pair.toClient.frames).toEqual([pong]);
  expect(seen()).toEqual([[], []]);
  pair.toServer.deliver(1);
  expect(seen()).toEqual([["1"], []]);
  await pair.flush();
  expect(seen()).toEqual([["2"], ["Pong"]]);
  expect(pair.toServer.sent).toHaveLength(2);
});

test("packets are dropped, doubled and swapped, those under way and the next one", async () => {
  const { pair, send, seen } = await joined();
  send(unsubscribe(1), unsubscribe(2), unsubscribe(3));
  expect([pair.toServer.drop(1), pair.toServer.drop(9)]).toEqual([true, false]);
  pair.toServer.duplicate(0);
  expect([pair.toServer.reorder(1), pair.toServer.reorder(2)]).toEqual([true, false]);
  await pair.flush();
  expect(seen()[0]).toEqual(["connect", "1", "3", "1"]);
  pair.toServer.spoilNext("drop");
  send(unsubscribe(4));
  pair.toServer.spoilNext("duplicate");
  send(unsubscribe(5));
  pair.toServer.spoilNext("reorder");
  send(unsubscribe(6), unsubscribe(7));
  await pair.flush();
  expect(seen()[0]).toEqual(["5", "5", "7", "6"]);
});

test("nothing that was sent arrives behind the end of its connection", async () => {
  const { pair, send, seen, link } = await joined();
  seen();
  send(unsubscribe(1));
  link.close();
  expect(pair.toServer.reorder(0)).toBe(false);
  await pair.flush();
  expect(seen()[0]).toEqual(["1", "gone"]);
});

test("what is held back for a swap arrives in front of the end", async () => {
  const { pair, send, seen, link } = await joined();
  seen();
  pair.toServer.spoilNext("reorder");
  send(unsubscribe(1));
  link.close();
  await pair.flush();
  expect(seen()[0]).toEqual(["1", "gone"]);
});

test("by latency: packets travel, keep their order, and wait behind a delayed one", async () => {
  const { clock, pair, send, seen } = await joined({ latency: () => 10 });
  seen();
  send(unsubscribe(1));
  await clock.advance(9);
  expect(seen()[0]).toEqual([]);
  await clock.advance(1);
  expect(seen()[0]).toEqual(["1"]);
  pair.toServer.delay(50);
  send(unsubscribe(2), unsubscribe(3));
  await clock.advance(49);
  expect(seen()[0]).toEqual([]);
  await clock.advance(1);
  expect(seen()[0]).toEqual(["2", "3"]);
});

test("a half-open connection takes everything and brings nothing; a cut is noticed by whom it is told", async () => {
  const { pair, send, say, seen } = await joined();
  seen();
  pair.halfOpen("to-client");
  send(unsubscribe(1));
  say(pong);
  await pair.flush();
  expect(seen()).toEqual([["1"], []]);
  pair.cut("server");
  send(unsubscribe(2));
  await pair.flush();
  expect(seen()).toEqual([["gone"], []]);
  pair.cut("client");
  pair.cut();
  expect(seen()).toEqual([[], ["closed 1006"]]);
});

test("either end closes behind what it has said", async () => {
  const client = await joined();
  client.send(unsubscribe(1));
  client.link.close();
  await client.pair.flush();
  expect(client.seen()[0]).toEqual(["connect", "1", "gone"]);
  const server = await joined();
  server.say(pong);
  server.hangUp();
  await server.pair.flush();
  expect(server.seen()).toEqual([
    ["connect", "gone"],
    ["open", "Pong", "closed 4001"],
  ]);
});

test("a cut at a named moment happens once, in front of the packet, and loses it", async () => {
  const cuts: string[] = [];
  const { pair, send, say, seen } = await joined({ onCut: (point) => cuts.push(point) });
  seen();
  pair.cutAt("before-connected");
  say(pong);
  await pair.flush();
  expect(seen()).toEqual([[], ["Pong"]]);
  pair.cutAt("before-hello");
  send(unsubscribe(1), hello, unsubscribe(2));
  await pair.flush();
  expect(seen()).toEqual([["1", "gone"], ["closed 1006"]]);
  expect(cuts).toEqual(["before-hello"]);
});

test("an unreachable server ends the attempt; another one is reached by the next", async () => {
  const clock = virtualClock();
  const reached: string[] = [];
  const named = (name: string): Reachable => ({
    connect: () => {
      reached.push(name);
      return { incoming() {}, disconnect() {}, drained() {}, received() {} };
    },
  });
  const pair = connectionPair(named("a"), { serialiser: automatic(json()), clock });
  const said: string[] = [];
  const attempt = () =>
    pair.transport.connect(
      { open: () => said.push("open"), receive() {}, close: ({ code }) => said.push(`closed ${code}`) },
      json(),
    );
  pair.reachable = false;
  attempt();
  await clock.settle();
  pair.reachable = true;
  pair.reach(named("b"));
  attempt();
  await clock.settle();
  expect([reached, said]).toEqual([["b"], ["closed 1006", "open"]]);
});

test("a server that pauses a connection gets nothing until as many resumes, then all of it in order", async () => {
  const { pair, send, seen, reading } = await joined();
  reading().pause?.();
  reading().pause?.();
  send(unsubscribe(1), unsubscribe(2));
  await pair.flush();
  reading().resume?.();
  send(unsubscribe(3));
  await pair.flush();
  expect(seen()[0]).toEqual(["connect"]);
  reading().resume?.();
  await pair.flush();
  expect(seen()[0]).toEqual(["1", "2", "3"]);
  reading().resume?.();
  send(unsubscribe(4));
  await pair.flush();
  expect(seen()[0]).toEqual(["4"]);
});
