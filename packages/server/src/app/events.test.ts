import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { cursors, hello, list, other, say, subscribe, wire } from "../../test/wired.ts";
import type { ServerEvent } from "./events.ts";
import { healthHandler } from "../health.ts";
import { faultyLog } from "../testing/faulty-log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const added = (mid: number, item = `${mid}`) => say("list:1", mid, { type: "added", item });

function watched(options: object = {}) {
  const events: ServerEvent[] = [];
  const it = wire({ observe: (event) => void events.push(event), ...options });
  for (const slice of [list, other, cursors]) it.server.handle(slice as typeof list, { public: true });
  const of = <T extends ServerEvent["type"]>(type: T) =>
    events.filter((event): event is Extract<ServerEvent, { type: T }> => event.type === type);
  return { ...it, events, of };
}

describe("an observer", () => {
  test("[OV1] [OV7] hears of comings, goings, catching up and appends, with kind, reason and time", async () => {
    const it = watched();
    const anna = await it.client();
    const { clientId } = anna.identity;
    anna.say(subscribe("list:1"), added(1));
    await anna.heard();
    await it.advance(500);
    anna.drop();
    expect(it.events).toEqual([
      { type: "connected", clientId, userId: null, fresh: true },
      {
        type: "resync",
        target: "list:1",
        clientId,
        resync: "snapshot",
        reason: "first",
        bytes: expect.any(Number),
      },
      {
        type: "appended",
        targets: 1,
        records: 1,
        conflicts: 0,
        failed: false,
        queued: 0,
        took: expect.any(Number),
      },
      { type: "created", target: "list:1", slice: "list:*" },
      { type: "disconnected", clientId, userId: null, code: "", lasted: 500 },
    ]);
  });

  test("[OV1] hears of refusals, limits, pauses, slow consumers and errors", async () => {
    const it = watched({ limits: { collapseBytes: 100, topicMessageBurst: 2, topicMessageRate: 1 } });
    const anna = await it.client();
    anna.say(say("list:1", 1, { type: "cleared" }), say("list:1", 3, { type: "stamped" }), added(4));
    await anna.heard();
    expect(it.of("refused")).toMatchObject([{ code: "rate" }, { code: "server-only", target: "list:1" }]);
    expect(it.of("limited")).toMatchObject([{ limit: "topicMessageRate", target: "list:1" }]);
    expect(it.of("paused")).toMatchObject([{ code: "gap", target: "list:1" }]);
    anna.stuff(101);
    anna.say({ type: "Ping", cursors: [] });
    await it.advance(300);
    anna.drain();
    expect(it.of("slow")).toMatchObject([{ waiting: 101 }]);
    expect(it.of("caught-up")).toMatchObject([{ after: 300 }]);
    anna.sayRaw("nonsense");
    expect(it.of("disconnected")).toMatchObject([{ code: "undecodable" }]);
  });

  test("[OV1] hears why a connection was turned away", async () => {
    const it = watched({ limits: { maxConnectionsPerAddress: 1, maxPendingHellos: 1 } });
    const on = { remoteAddress: "192.0.2.1" };
    it.socket(on);
    it.socket(on);
    it.socket();
    expect(it.of("limited")).toMatchObject([
      { limit: "maxConnectionsPerAddress" },
      { limit: "maxPendingHellos" },
    ]);
  });

  test("[OV1] [OV7] hears of an append that failed", async () => {
    let fails = 1;
    const log = faultyLog(memoryLog(), {
      clock: wire().clock,
      plan: ({ method }) => (method === "append" && fails-- > 0 ? "fail" : undefined),
    });
    const it = watched({ log });
    const anna = await it.client();
    anna.say(added(1));
    await anna.heard();
    expect(it.of("appended")).toMatchObject([
      { failed: true, records: 0 },
      { failed: false, records: 1 },
    ]);
    expect(it.of("error")).toHaveLength(1);
  });

  test("[OV2] that throws is reported and changes nothing; several hear the same", async () => {
    const heard: ServerEvent[] = [];
    const it = wire({
      observe: [
        () => {
          throw new Error("in observe");
        },
        (event) => void heard.push(event),
      ],
    });
    await it.client();
    expect(heard).toMatchObject([{ type: "connected" }]);
    expect(it.errors).toMatchObject([{ message: "in observe" }]);
  });

  test("[OV3] no event holds a message, a model or a token", async () => {
    const it = watched({ authenticate: () => ({ id: "anna" }) });
    const anna = it.socket();
    anna.say(hello({ token: "SECRET" }));
    await anna.heard();
    anna.say(
      added(1, "SECRET"),
      subscribe("list:1"),
      say("list:1", 2, { type: "removed", item: "SECRET 2" }),
    );
    await anna.heard();
    expect(it.events.length).toBeGreaterThan(3);
    expect(JSON.stringify(it.events)).not.toContain("SECRET");
  });
});

test("[OV4] inspect() counts what there is", async () => {
  const it = watched({ limits: { collapseBytes: 100 } });
  it.socket();
  const [anna, bob] = [await it.client(), await it.client()];
  anna.say(subscribe("list:1"), subscribe("list:2", 2), added(1));
  bob.say(subscribe("list:1"));
  await anna.heard();
  bob.stuff(101);
  bob.say({ type: "Ping", cursors: [] });
  await it.done(it.server.topic(list, "1").dispatch({ type: "added", item: "x" }));
  expect(it.server.inspect()).toEqual({
    ready: true,
    connections: { all: 3, pending: 1, slow: 1, unwritten: 101 },
    targets: { open: 2, subscribed: 2, queued: 0 },
    topics: [
      { topic: "list:1", subscribers: 2, behind: 1, sequence: 2, queued: 0 },
      { topic: "list:2", subscribers: 1, behind: 0, sequence: 0, queued: 0 },
    ],
    memory: { heapUsed: expect.any(Number), rss: expect.any(Number) },
  });
  expect(it.server.inspect({ topics: 1 }).topics).toHaveLength(1);
});

test("[OV6] health says that it lives, readiness whether to send people", async () => {
  const { server, done, client, advance } = watched();
  const health = healthHandler(server);
  const http = createHttpServer((request, response) => {
    if (!health(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const status = async (path: string, method = "GET"): Promise<number> =>
    (await fetch(base + path, { method })).status;
  expect([await status("/healthz"), await status("/readyz?x"), await status("/other")]).toEqual([
    200, 200, 404,
  ]);
  expect(await status("/readyz", "POST")).toBe(404);
  await client();
  const drained = server.drain({ over: 1_000 });
  expect([await status("/healthz", "HEAD"), await status("/readyz")]).toEqual([200, 503]);
  await advance(1_000);
  await done(drained);
  http.close();
});
