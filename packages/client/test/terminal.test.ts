// What topics show, and promises tell, when the server will not have the client back (CL30, CL31).
import type { UnsubscribedCode } from "@calla/shared";
import { expect, test } from "vitest";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { keepModels } from "../src/storage/kept-models.ts";
import { giveSnapshot, handshake, items, list, setUp, settledFrame, turn } from "./kit.ts";
import type { Connection } from "./kit.ts";
import { added, live } from "./live.ts";

const ends: readonly (readonly [string, (connection: Connection) => void])[] = [
  [
    "unauthenticated",
    (one) => one.say({ type: "Closing", code: "unauthenticated", retryable: false, within: 0 }),
  ],
  ["origin", (one) => one.drop(4002, "origin")],
  ["version", (one) => one.say({ type: "Version", protocol: 9, slices: {}, terminal: true })],
];

test.each(ends)(
  "[CL30] [CL50] [CL56] S17 S41 refused for good (%s): a topic with a model keeps it and what is pending, as stale with the code; one without is refused; connect() begins anew",
  async (code, end) => {
    const { client, topic, connection, server, clock } = await live({}, 3, "a");
    const other = client.topic(list, "2");
    const seen: unknown[] = [];
    other.onChange(({ status }) => seen.push(status));
    await turn();
    const write = topic.dispatch(added("b"));
    let settled = false;
    void write.rejection.then(() => (settled = true));
    await turn();
    end(connection);
    await turn();
    expect(topic.state).toMatchObject({
      status: "stale",
      code,
      model: items("a", "b"),
      pending: [{ id: write.id }],
    });
    expect([other.state.status, other.state.model, seen.at(-1)]).toEqual(["refused", undefined, "refused"]);
    expect((other.state as { code: string }).code).toBe(code);
    // What comes to be wanted now is told at once, and what nobody wants is as it was.
    const later = client.topic(list, "3");
    expect(later.state.status).toBe("loading");
    later.retain();
    expect(later.state).toMatchObject({ status: "refused", code });
    // The message waits: it is stored, and a later page or connection sends it.
    await clock.advance(60_000);
    expect([settled, write.state, client.status.pending, client.status.reason]).toEqual([
      false,
      "sent",
      1,
      code,
    ]);
    client.connect();
    await turn();
    expect(topic.state).toMatchObject({ status: "stale", code: "" });
    expect([other.state.status, later.state.status]).toEqual(["loading", "loading"]);
    const next = await handshake({ server });
    next.say(settledFrame("list:1", next.ref("list:1"), { sequence: 3, resync: "current" }));
    await giveSnapshot(next, "list:2", 0, items("x"));
    expect([topic.state.status, other.state.status]).toEqual(["live", "live"]);
    next.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 4 });
    expect(write.state).toBe("applied");
  },
);

test("[CL30] refused before it was ever let in: no topic stays loading, and a stored model is shown with the code", async () => {
  const storage = memoryStorage({ models: keepModels() });
  const first = await live({ storage, user: null }, 3, "a");
  await first.clock.advance(2_000);
  await first.client.close();
  const { client, server } = setUp({ storage, user: null });
  const [kept, fresh] = [client.topic(list, "1"), client.topic(list, "2")];
  kept.retain();
  fresh.retain();
  await turn();
  server.connection.open();
  await turn();
  server.connection.say({ type: "Closing", code: "unauthenticated", retryable: false, within: 0 });
  await turn();
  expect(kept.state).toMatchObject({ status: "stale", code: "unauthenticated", model: items("a") });
  expect(fresh.state).toMatchObject({ status: "refused", code: "unauthenticated", model: undefined });
  await client.close();
});

test("[CL30] an app's own disconnect and close say nothing of the kind", async () => {
  const { client, topic } = await live({}, 1, "a");
  const other = client.topic(list, "2");
  other.retain();
  client.disconnect();
  await turn();
  expect([topic.state.status, (topic.state as { code: string }).code, other.state.status]).toEqual([
    "stale",
    "",
    "loading",
  ]);
});

// ------------------------------------------------------------------------------------------------------- topic.ready

/** "open", or what it has come to. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([promise.catch((error: { code: string }) => error.code), turn().then(() => "open")]);
}

test("[CL31] ready resolves at the first model, follows the topic until then and no longer, and is one promise", async () => {
  const setup = setUp();
  const topic = setup.client.topic(list, "1");
  const { ready } = topic;
  expect(topic.ready).toBe(ready);
  expect(await outcome(ready)).toBe("open");
  const connection = await handshake(setup);
  expect(await outcome(ready)).toBe("open");
  await giveSnapshot(connection, "list:1", 1, items("a"));
  expect(await outcome(ready)).toEqual(items("a"));
  expect(topic.ready).toBe(ready);
  await setup.clock.advance(6_000);
  expect(connection.last("Unsubscribe")).toMatchObject({ target: "list:1" });
});

test("[CL31] ready resolves at a stored model while offline, and stays open where there is none", async () => {
  const storage = memoryStorage({ models: keepModels() });
  const first = await live({ storage, user: null }, 3, "a");
  await first.clock.advance(2_000);
  await first.client.close();
  const { client, clock } = setUp({ storage, user: null });
  expect(await outcome(client.topic(list, "1").ready)).toEqual(items("a"));
  const { ready } = client.topic(list, "2");
  await clock.advance(600_000);
  expect([await outcome(ready), client.topic(list, "2").ready === ready]).toEqual(["open", true]);
  await client.close();
  expect(await outcome(ready)).toBe("closed");
});

test("[CL31] [CL15] ready of a closed client rejects, whether it was asked for before or not, and leaves no timer", async () => {
  const { client, clock } = setUp({ connect: false });
  const [asked, never] = [client.topic(list, "1"), client.topic(list, "2")];
  const { ready } = asked;
  await client.close();
  const promises = [ready, asked.ready, never.ready];
  expect(await Promise.all(promises.map(outcome))).toEqual(["closed", "closed", "closed"]);
  expect([asked.ready === ready, never.ready === promises[2]]).toEqual([true, true]);
  expect(clock.waiting).toBe(0);
});

test.each(ends)(
  "[CL31] ready rejects with the code when the client is refused (%s); after connect() it is a new one",
  async (code, end) => {
    const setup = setUp();
    const topic = setup.client.topic(list, "1");
    const { ready } = topic;
    const connection = await handshake(setup);
    end(connection);
    expect(await outcome(ready)).toBe(code);
    expect(topic.ready).toBe(ready);
    // One that was asked for only afterwards says so as well.
    expect(await outcome(setup.client.topic(list, "2").ready)).toBe(code);
    setup.client.connect();
    await turn();
    const again = topic.ready;
    expect(again).not.toBe(ready);
    expect(await outcome(again)).toBe("open");
    const next = await handshake(setup);
    await giveSnapshot(next, "list:1", 1, items("b"));
    expect(await outcome(again)).toEqual(items("b"));
  },
);

test("[CL31] [CL18] ready rejects where the topic is refused, and waits for one that is only missing", async () => {
  const setup = setUp();
  const [refused, missing] = [setup.client.topic(list, "1"), setup.client.topic(list, "2")];
  const promises = [refused.ready, missing.ready];
  const connection = await handshake(setup);
  const say = (target: string, code: UnsubscribedCode, retryable: boolean) =>
    connection.say({ type: "Unsubscribed", target, ref: connection.ref(target), code, retryable });
  say("list:1", "forbidden", false);
  say("list:2", "missing", false);
  await turn();
  expect(await Promise.all(promises.map(outcome))).toEqual(["forbidden", "open"]);
  expect(missing.state).toMatchObject({ status: "refused", code: "missing" });
});
