import { PROTOCOL_VERSION } from "@calla/shared";
import type { ServerFrame } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { cursors, list, other, say, subscribe, types, unsubscribe, wire } from "../../test/wired.ts";

const small = { collapseBytes: 1_000 };
const added = (item: string) => ({ type: "added", item });

/** A server with a topic that `slow` has subscribed and cannot be sent updates of: its buffer is full. */
async function stuck(limits: object = {}, handlers: object = {}, topic = "list:1") {
  const it = wire({ limits: { ...small, ...limits } });
  it.server.handle(list, { public: true, ...handlers });
  it.server.handle(other, { public: true });
  it.server.handle(cursors, { public: true });
  const slow = await it.client();
  slow.say(subscribe(topic));
  await slow.heard();
  slow.stuff(1_001);
  slow.say({ type: "Ping", cursors: [] }); // the frame that finds it full
  expect(types(await slow.heard())).toEqual(["Pong"]);
  return { ...it, slow, topic: it.server.topic(list, "1") };
}

const items = (said: readonly ServerFrame[]): unknown[] =>
  said.flatMap((frame) =>
    frame.type === "TopicUpdate"
      ? frame.records.map(([, , , , [message]]) => (message as { item: string }).item)
      : [],
  );

describe("a slow consumer", () => {
  test("[SC1] S24 gets nothing while its buffer is full, others everything; then the records it was not shown, once", async () => {
    const { slow, client, topic, done } = await stuck();
    const bob = await client();
    bob.say(subscribe("list:1"));
    await bob.heard();
    for (const item of ["a", "b", "c"]) await done(topic.dispatch({ type: "added", item }));
    expect(await slow.heard()).toEqual([]);
    expect(items(await bob.heard())).toEqual(["a", "b", "c"]);
    slow.drain();
    const said = await slow.heard();
    expect(said).toMatchObject([
      { type: "Settled", ref: 1, resync: "records", reason: "slow", sequence: 3 },
      { type: "TopicUpdate", after: 0 },
    ]);
    expect(items(said)).toEqual(["a", "b", "c"]);
    await done(topic.dispatch({ type: "added", item: "d" }));
    expect(items(await slow.heard())).toEqual(["d"]);
  });

  test("[SC1] S24 many updates become one snapshot, whichever format", async () => {
    const { slow, topic, done } = await stuck({ maxCatchUp: 20 });
    for (let i = 0; i < 50; i++) await done(topic.dispatch({ type: "added", item: `${i}` }));
    slow.drain();
    expect(await slow.heard()).toMatchObject([
      { type: "Settled", resync: "snapshot", reason: "slow" },
      { type: "Snapshot", sequence: 50 },
    ]);
  });

  test("[SC1] that a history was replaced meanwhile is sent as such", async () => {
    const { slow, topic, done } = await stuck();
    await done(topic.dispatch({ type: "added", item: "a" }));
    await done(topic.remove());
    const [gone] = await slow.heard();
    expect(gone).toMatchObject({ type: "Unsubscribed", code: "removed" });
    slow.drain();
    expect(await slow.heard()).toEqual([]);
  });

  test("[SC1] looks after transports that do not say that they drained", async () => {
    const { slow, topic, done, advance } = await stuck();
    await done(topic.dispatch({ type: "added", item: "a" }));
    slow.drain(true);
    await advance(1_000);
    expect(items(await slow.heard())).toEqual(["a"]);
  });

  test("[SC2] S39 gets every outcome: refusals at once, what was accepted by Settled", async () => {
    const { slow, client } = await stuck();
    slow.say(say("list:1", 1, added("mine")), say("list:1", 2, { type: "removed", item: "nothing" }));
    expect(await slow.heard()).toMatchObject([{ type: "Rejected", mid: 2, code: "missing" }]);
    // Another client takes over the screen: what it is shown contains mine.
    const bob = await client();
    bob.say(say("list:1", 1, added("bob's")));
    await bob.heard();
    slow.drain();
    const [settled, update] = await slow.heard();
    expect(settled).toMatchObject({ type: "Settled", next: 3 });
    expect((settled as unknown as { outcomes: unknown[] }).outcomes).toMatchObject([
      [1, "id-1", 1, [], null, null, null],
      [2, "id-2", 0, [], "app", "missing", { item: "nothing" }],
    ]);
    expect(items([update!])).toEqual(["mine", "bob's"]);
  });

  test("[SC2] of a topic without a subscription it gets Acknowledge, slow or not", async () => {
    const { slow } = await stuck();
    slow.say(say("other:1", 1, { type: "bumped" }));
    expect(await slow.heard()).toMatchObject([{ type: "Acknowledge", mid: 1, sequence: 1 }]);
  });

  test("[SC3] what it asks for waits; the newest request counts, and is answered with the outcomes of meanwhile", async () => {
    const { slow } = await stuck();
    slow.say(subscribe("other:1", 2), subscribe("other:2", 3), subscribe("other:1", 4));
    slow.say(say("other:1", 1, { type: "bumped" }), unsubscribe("other:2", 3));
    expect(types(await slow.heard())).toEqual(["Acknowledge"]); // a topic that nobody has in memory yet
    slow.drain();
    expect(await slow.heard()).toMatchObject([
      {
        type: "Settled",
        target: "other:1",
        ref: 4,
        next: 2,
        outcomes: [[1, "id-1", 1, [], null, null, null]],
      },
      { type: "Snapshot", target: "other:1" },
    ]);
  });

  test("[SC3] is caught up on one target after the other, as it takes them in", async () => {
    const { slow, server, done } = await stuck();
    slow.drain();
    slow.say(subscribe("list:2", 2), subscribe("list:3", 3));
    await slow.heard();
    slow.stuff(1_001);
    slow.say({ type: "Ping", cursors: [] });
    for (const name of ["1", "2", "3"])
      await done(server.topic(list, name).dispatch({ type: "added", item: "x" }));
    await slow.heard();
    const targets: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      slow.stuff(0);
      slow.drain();
      slow.stuff(1_001); // the first thing said fills it again
      targets.push((await slow.heard()).map((frame) => "target" in frame && frame.target));
    }
    expect(targets).toEqual([
      ["list:1", "list:1"],
      ["list:2", "list:2"],
      ["list:3", "list:3"],
    ]);
  });

  test("[SC3] that becomes slow while its answer is made has to wait for it", async () => {
    const { slow, server, done, advance } = await stuck();
    slow.drain();
    slow.say(subscribe("other:9", 2));
    slow.stuff(1_001);
    slow.say({ type: "Ping", cursors: [] }); // while the topic is being opened
    expect(types(await slow.heard())).toEqual(["Pong"]);
    await done(server.topic(other, "9").dispatch({ type: "bumped" }));
    slow.drain();
    await advance(0);
    expect(await slow.heard()).toMatchObject([
      { type: "Settled", ref: 2, reason: "first" },
      { type: "Snapshot", sequence: 1 },
    ]);
  });

  test("[SC4] that takes nothing in is closed, retryable; one that moves is not", async () => {
    const { slow, client, advance } = await stuck({ stallTimeout: 5_000 });
    const line = await client();
    line.stuff(2_000);
    line.say({ type: "Ping", cursors: [] });
    for (let second = 1; second <= 8; second++) {
      line.stuff(2_000 - second);
      await advance(1_000);
    }
    expect(slow.closed).toEqual([{ code: 4001, reason: "slow" }]);
    expect(line.closed).toEqual([]);
  });

  test("[SC4] that moves only by what the system took of one large write is not closed", async () => {
    const { server, advance } = wire({ limits: { ...small, stallTimeout: 5_000 } });
    let flushed = 0;
    const closed: string[] = [];
    const incoming = server.connect({
      connection: {
        send: () => {},
        close: (_, reason) => void closed.push(reason),
        bufferedAmount: () => 50_000,
        flushed: () => flushed,
      },
      request: { url: "/ws", headers: {}, remoteAddress: undefined },
      format: "json",
    });
    incoming.incoming(
      JSON.stringify({
        type: "Hello",
        protocol: PROTOCOL_VERSION,
        slices: server.wiring.versions(),
        targets: [],
      }),
    );
    for (let second = 0; second < 9; second++) {
      flushed += 100;
      await advance(1_000);
    }
    expect(closed).toEqual([]);
    await advance(6_000);
    expect(closed).toEqual(["slow"]);
  });

  test("[SC5] misses pushes; of a topic that keeps the latest it gets them when it has drained", async () => {
    const { slow, client } = await stuck({}, {}, "cursors:1");
    const bob = await client();
    bob.say(subscribe("cursors:1"), say("cursors:1", 0, { type: "moved", x: 1 }));
    await bob.heard();
    bob.say(say("cursors:1", 0, { type: "moved", x: 2 }));
    await bob.heard();
    slow.say(say("cursors:1", 0, { type: "moved", x: 9 }));
    expect(await slow.heard()).toEqual([]);
    expect(await bob.heard()).toMatchObject([
      { type: "Push", pushes: [[expect.any(Number), null, [{ x: 9 }]]] },
    ]);
    slow.drain();
    const [settled, push] = await slow.heard();
    expect(settled).toMatchObject({ type: "Settled", reason: "ephemeral" });
    expect(push).toMatchObject({
      type: "Push",
      pushes: [
        [expect.any(Number), null, [{ x: 2 }]],
        [expect.any(Number), null, [{ x: 9 }]],
      ],
    });
  });

  test("[SC6] may leave: its hooks run once each, and its topic stays in memory until then", async () => {
    const ran: string[] = [];
    const { slow, topic, done, advance } = await stuck(
      { targetIdle: 1_000, stallTimeout: 60_000 },
      { onSubscribe: () => void ran.push("on"), onUnsubscribe: () => void ran.push("off") },
    );
    await done(topic.dispatch({ type: "added", item: "a" }));
    await advance(5_000);
    slow.say(unsubscribe("list:1"));
    await slow.heard();
    expect(ran).toEqual(["on", "off"]);
    slow.drain();
    expect(await slow.heard()).toEqual([]);
  });

  test("[SC6] that is revoked hears so at once, and is asked about again", async () => {
    let allowed = true;
    const { slow, server, topic, done } = await stuck({}, { canSubscribe: () => allowed });
    await done(topic.dispatch({ type: "added", item: "secret" }));
    allowed = false;
    server.unsubscribe(slow.identity.clientId, list, "1");
    expect(types(await slow.heard())).toEqual(["Unsubscribed"]);
    slow.drain();
    slow.say(subscribe("list:1", 2));
    expect(await slow.heard()).toMatchObject([{ type: "Unsubscribed", code: "forbidden" }]);
  });

  test("[SC6] whose connection ends leaves nothing behind", async () => {
    const { slow, topic, done, server, advance } = await stuck({ targetIdle: 1_000 });
    await done(topic.dispatch({ type: "added", item: "a" }));
    slow.drop();
    slow.drain();
    expect(await slow.heard()).toEqual([]);
    await advance(3_000);
    await done(server.stop());
  });
});

test("[SC3] S24 a hundred stuck consumers of a hot topic hold one small buffer each, whatever is said", async () => {
  const it = wire({ limits: { collapseBytes: 10_000 }, strict: false });
  it.server.handle(list, { public: true });
  // Sockets that take nothing in: what is sent stays, and is counted.
  const queued: number[] = [];
  for (let i = 0; i < 100; i++) {
    queued.push(0);
    const incoming = it.server.connect({
      connection: {
        send: ({ bytes }) => void (queued[i]! += bytes.length),
        close: () => {},
        bufferedAmount: () => queued[i]!,
      },
      request: { url: "/ws", headers: {}, remoteAddress: undefined },
      format: "json",
    });
    incoming.incoming(
      JSON.stringify([
        { type: "Hello", protocol: PROTOCOL_VERSION, slices: it.server.wiring.versions(), targets: [] },
      ]),
    );
    await it.settle();
    incoming.incoming(JSON.stringify([subscribe("list:1")]));
    await it.settle();
  }
  const topic = it.server.topic(list, "1");
  const item = "x".repeat(1_000);
  for (let i = 0; i < 200; i++) {
    topic.push({ type: "removed", item });
    await it.settle();
  }
  for (let i = 0; i < 300; i++) await it.done(topic.dispatch({ type: "stamped" }));
  expect(Math.max(...queued)).toBeLessThan(12_000);
});
