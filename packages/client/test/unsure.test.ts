// Nobody answers: when the server is asked, when it shows, and what it ends (CL21), on a virtual clock.
import { afterEach, expect, test, vi } from "vitest";
import { added, live } from "./live.ts";
import { giveSnapshot, handshake, items, list, setUp, turn } from "./kit.ts";

afterEach(() => vi.unstubAllGlobals());
const pings = (sent: readonly { readonly type: string }[]) =>
  sent.filter(({ type }) => type === "Ping").length;

test("[CL21] [CL51] a message without an answer: asked after 1.5 s, unsure after 1.5 s more, ended by heartbeatTimeout alone", async () => {
  const { client, connection, topic, clock, server } = await live();
  topic.dispatch(added("a"));
  await turn();
  await clock.advance(1_499);
  expect(pings(connection.sent)).toBe(0);
  await clock.advance(1);
  expect(connection.last("Ping").cursors).toEqual([]);
  await clock.advance(1_499);
  expect(client.status.connection).toBe("open");
  await clock.advance(1);
  expect(client.status).toMatchObject({ connection: "unsure", reason: "silent", pending: 1 });
  expect(topic.state.status).toBe("live");
  await clock.advance(20_000);
  expect([pings(connection.sent), connection.closed]).toEqual([1, false]);
  // 25 s of silence, and 10 s for the question (CL6).
  await clock.advance(12_100);
  expect([connection.closed, client.status.connection === "unsure"]).toEqual([true, false]);
  await clock.advance(1_000);
  expect(server.connections).toHaveLength(2);
});

test("[CL21] [CL51] a server that stalls for 5 s loses nobody, and whatever it says is an answer; at the second stall too", async () => {
  const { client, connection, topic, clock, server } = await live();
  const seen: string[] = [];
  client.onStatus(({ connection: now }) => void (seen.at(-1) === now || seen.push(now)));
  for (let mid = 1; mid <= 3; mid++) {
    const { id } = topic.dispatch(added(`${mid}`));
    await turn();
    await clock.advance(5_000);
    expect(client.status.connection).toBe("unsure");
    connection.say({ type: "Acknowledge", target: "list:1", mid, id, sequence: mid });
    await turn();
    expect(client.status).toMatchObject({ connection: "open", reason: "" });
  }
  expect([seen, server.connections.length]).toEqual([
    ["open", "unsure", "open", "unsure", "open", "unsure", "open"].slice(seen[0] === "open" ? 0 : 1),
    1,
  ]);
});

test("[CL21] [CL52] a slow decision of a server that is there shows nothing, and is asked about ever more rarely", async () => {
  const { client, connection, topic, clock } = await live();
  topic.dispatch(added("a"));
  await turn();
  const before = connection.sent.length;
  for (let second = 0; second < 60; second++) {
    await clock.advance(500);
    connection.say({ type: "Pong" });
    await clock.advance(500);
    expect(client.status.connection).toBe("open");
  }
  expect(pings(connection.sent.slice(before))).toBe(0);
});

test("[CL21] [CL52] questions cost nothing while nothing is awaited, and five in a minute of waiting", async () => {
  const idle = await live();
  idle.connection.take();
  await idle.clock.advance(24_900);
  expect(idle.connection.sent).toEqual([]);
  const { connection, topic, clock } = await live();
  topic.dispatch(added("a"));
  await turn();
  for (let waited = 0; waited < 60_000; waited += 100) {
    const asked = pings(connection.sent);
    await clock.advance(100);
    if (pings(connection.sent) > asked) connection.say({ type: "Pong" });
  }
  expect(pings(connection.sent)).toBeGreaterThan(2);
  expect(pings(connection.sent)).toBeLessThanOrEqual(25);
});

test("[CL21] whoever sends on hears of a silence that begins later, in the same time", async () => {
  const { client, connection, topic, clock } = await live();
  for (let mid = 1; mid <= 20; mid++) {
    const { id } = topic.dispatch(added(`${mid}`));
    await turn();
    await clock.advance(200);
    connection.say({ type: "Acknowledge", target: "list:1", mid, id, sequence: mid });
  }
  await turn();
  expect([pings(connection.sent), client.status.connection]).toEqual([0, "open"]);
  topic.dispatch(added("last"));
  await turn();
  await clock.advance(3_000);
  expect(client.status.connection).toBe("unsure");
});

test("[CL21] a subscription is awaited, too", async () => {
  const it = setUp();
  const connection = await handshake(it);
  it.client.topic(list, "2").retain();
  await it.clock.advance(3_000);
  expect([pings(connection.sent), it.client.status.connection]).toEqual([1, "unsure"]);
  await giveSnapshot(connection, "list:2", 0, items());
  expect(it.client.status.connection).toBe("open");
});

test("[CL21] the browser's offline asks at once, and shows within 1.5 s; coming back asks too", async () => {
  const heard = new Map<string, () => void>();
  const listen = { addEventListener: (type: string, run: () => void) => void heard.set(type, run) };
  vi.stubGlobal("window", { ...listen, removeEventListener: (type: string) => void heard.delete(type) });
  const it = await live({ wakeUps: undefined as never });
  for (const type of ["offline", "online"]) {
    it.connection.take();
    heard.get(type)?.();
    expect(pings(it.connection.sent)).toBe(1);
    heard.get(type)?.();
    expect(pings(it.connection.sent)).toBe(1);
    await it.clock.advance(1_500);
    expect(it.client.status.connection).toBe("unsure");
    it.connection.say({ type: "Pong" });
    await turn();
    expect(it.client.status.connection).toBe("open");
  }
  heard.get("offline")?.();
  await it.clock.advance(11_000);
  expect([it.connection.closed, it.client.status.connection]).not.toContain("unsure");
  await it.client.close();
  expect(heard.size).toBe(0);
});

test.each([
  ["no listeners and no document", {}],
  ["listeners and no document", { addEventListener() {}, removeEventListener() {} }],
  ["a document that tells nothing", { document: {} }],
])("[CL21] a window with %s is no obstacle", async (_, window) => {
  vi.stubGlobal("window", window);
  const { client, topic } = await live({ wakeUps: undefined as never });
  expect(topic.state.status).toBe("live");
  await client.close();
});

test("[CL23] status says why while it waits, also where a network says nothing", async () => {
  const it = setUp();
  await turn();
  it.server.connection.drop(1006, "");
  expect(it.client.status).toMatchObject({ connection: "waiting", reason: "unreachable" });
  await it.clock.advance(1_000);
  await handshake(it);
  it.server.connection.drop(1006, "");
  expect(it.client.status).toMatchObject({ connection: "waiting", reason: "lost" });
});
