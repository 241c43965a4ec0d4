import { defineTopic } from "@calla/shared";
import { expect, test } from "vitest";
import * as z from "zod";
import {
  fullWiring,
  giveSnapshot,
  handshake,
  items,
  list,
  messagesIn,
  setUp,
  setUpWith,
  turn,
} from "../test/kit.ts";
import { live } from "../test/live.ts";
import { memoryStorage } from "./storage/memory-storage.ts";

const added = (text: string) => ({ type: "added", text }) as const;

test("[CL24] [CL9] status is the same object until something in it changes, and is told once a turn", async () => {
  const { client, ...setup } = setUp();
  const told: unknown[] = [];
  client.onStatus(({ connection, pending }) => told.push([connection, pending]));
  const first = client.status;
  expect([client.status, first.connection]).toEqual([first, "offline"]);
  expect(client.status).toBe(first);
  await handshake(setup);
  expect([client.clientId, told]).toEqual([
    "c1",
    [
      ["connecting", 0],
      ["open", 0],
    ],
  ]);
  const topic = client.topic(list, "1");
  topic.dispatch(added("a"));
  topic.dispatch(added("b"));
  expect(client.status.pending).toBe(2);
  await turn();
  expect(told.slice(2)).toEqual([["open", 2]]);
});

test("[WR3] a topic's handle is one object for one topic; what is not in the wiring, or makes no topic, is refused", () => {
  const { client } = setUp({ connect: false });
  expect(client.topic(list, "1")).toBe(client.topic(list, "1"));
  expect(client.topic(list, "1")).not.toBe(client.topic(list, "2"));
  const stranger = defineTopic("stranger", {
    model: z.object({}),
    initial: () => ({}),
    messages: {},
    update: {},
  });
  expect(() => (client.topic as (slice: unknown) => unknown)(stranger)).toThrow(
    expect.objectContaining({ code: "wiring" }),
  );
  expect(() => client.topic(list, "")).toThrow(expect.objectContaining({ code: "topic" }));
});

test("[CL7] the session is subscribed from the first Hello, and the local slice needs no connection", async () => {
  const setup = setUpWith(fullWiring, {});
  setup.client.local.dispatch({ type: "toggled" });
  expect(setup.client.local.model).toEqual({ open: true });
  const connection = await handshake(setup);
  expect(connection.last("Hello").targets).toMatchObject([{ target: "@" }]);
  await giveSnapshot(connection, "@", 0, { name: "anna" });
  expect(setup.client.session.state.model).toEqual({ name: "anna" });
});

test("[CL2] offline after disconnect(), until connect(); what is dispatched meanwhile waits and is sent", async () => {
  const { client, server, clock, topic, connection } = await live();
  client.disconnect();
  expect([connection.closed, client.status.connection]).toEqual([true, "offline"]);
  const write = topic.dispatch(added("a"));
  await clock.advance(600_000);
  expect([server.connections.length, write.state, topic.state.status]).toEqual([1, "queued", "stale"]);
  client.connect();
  const next = await handshake({ server });
  expect(messagesIn(next.sent)).toMatchObject([{ mid: 1, id: write.id }]);
});

test("[CL2] disconnect() before what is stored has been read connects nothing", async () => {
  const { client, server, clock } = setUp({ storage: memoryStorage() });
  client.disconnect();
  await clock.advance(10_000);
  expect(server.connections).toEqual([]);
});

test("[CL15] closed once and for good: one end for all that ask, nothing connects again, and dispatch says so", async () => {
  const { client, server, clock, topic, connection } = await live();
  const write = topic.dispatch(added("a"));
  const closing = client.close();
  expect(client.close()).toBe(closing);
  await closing;
  expect([connection.closed, client.status.connection]).toEqual([true, "closed"]);
  await expect(write.applied).rejects.toMatchObject({ code: "closed" });
  expect(() => topic.dispatch(added("b"))).toThrow(expect.objectContaining({ code: "closed" }));
  client.connect();
  await clock.advance(60_000);
  expect([server.connections.length, clock.waiting]).toEqual([1, 0]);
  await expect(client.forget()).rejects.toMatchObject({ code: "closed" });
});

test("[OB12] forget() gives what had no outcome, ends the client, and the next page finds nothing", async () => {
  const storage = memoryStorage();
  const { client, topic } = await live({ storage, user: null });
  topic.dispatch(added("a"));
  await turn();
  expect((await client.forget()).map(({ messages }) => messages)).toEqual([[added("a")]]);
  expect(client.status.connection).toBe("closed");
  const next = setUp({ storage, user: null });
  const connection = await handshake(next, "c2");
  expect(connection.last("Hello")).not.toHaveProperty("identity");
  expect(next.client.pending).toEqual([]);
});

test("[OB34] without a storage forget({ everyone: true }) counts what this page had", async () => {
  const { client, topic } = await live();
  topic.dispatch(added("a"));
  await expect(client.forget({ everyone: true })).resolves.toEqual({ unsent: 1 });
});

test("[CL24] an onError that throws disturbs nothing", async () => {
  const { topic, connection } = await live({
    onError: () => {
      throw new Error("of the app");
    },
  });
  topic.onChange(() => {
    throw new Error("of a listener");
  });
  topic.dispatch(added("a"));
  await turn();
  expect(messagesIn(connection.sent)).toHaveLength(1);
  expect(topic.state.model).toEqual(items("a"));
});
