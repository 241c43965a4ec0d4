// The conversation: attempts, handshake, heartbeat, resync, what the server may say last.
import { describe, expect, test, vi } from "vitest";
import {
  connectedAs,
  giveSnapshot,
  handshake,
  items,
  list,
  messagesIn,
  settledFrame,
  setUp,
  snapshotFrame,
  turn,
  updateFrame,
} from "./kit.ts";
import { added, live, reconnect } from "./live.ts";

// ------------------------------------------------------------------------------------------------------ attempts (CL2)

test("[CL2] [CL33] S22 the late events of a superseded attempt touch nothing", async () => {
  const setup = await live();
  const old = setup.connection;
  const connection = await reconnect(setup);
  await giveSnapshot(connection, "list:1", 1, items("new"));
  const count = connection.sent.length;
  old.say(updateFrame("list:1", 1, [["c2", 1, "x", added("old")]]));
  old.drop(1006, "late");
  old.open();
  await turn();
  expect(setup.client.status.connection).toBe("open");
  expect(setup.topic.state).toMatchObject({ status: "live", model: items("new") });
  expect([connection.sent.length, old.closed]).toEqual([count, true]);
});

/** Milliseconds, to the next hundred, from here to the next attempt. */
async function untilNext({
  server,
  clock,
}: Pick<ReturnType<typeof setUp>, "server" | "clock">): Promise<number> {
  const count = server.connections.length;
  for (let waited = 0; waited <= 100_000; waited += 100) {
    await clock.advance(waited === 0 ? 0 : 100);
    await turn();
    if (server.connections.length > count) return waited;
  }
  throw new Error("no other attempt");
}

test("[CL2] attempts back off: the first within base, then by base × 2^n; being let in is no success", async () => {
  const setUps = { refused: false, "let in and dropped": true };
  for (const letIn of Object.values(setUps)) {
    const it = setUp();
    const { server, clock, client } = it;
    await turn();
    const delays: number[] = [];
    for (let i = 0; i < 7; i++) {
      server.connection.open();
      if (letIn) server.connection.say(connectedAs("c1"));
      await clock.advance(letIn ? 900 : 0);
      server.connection.drop();
      expect(client.status).toMatchObject({ connection: "waiting" });
      delays.push(await untilNext(it));
    }
    expect(delays[0]).toBeLessThanOrEqual(1_000);
    expect(delays.slice(1)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
  }
});

test("[CL2] [CL32] a connection that lasts as long as it was waited for begins the delays anew, each time; one of a second does once", async () => {
  const it = setUp();
  const { server, clock } = it;
  await turn();
  const delays: number[] = [];
  for (const lasts of [0, 0, 999, 1_999, 3_999, 8_000, 1_000, 999, 1_000, 0]) {
    server.connection.open();
    server.connection.say(connectedAs("c1"));
    await clock.advance(lasts);
    server.connection.drop();
    delays.push(await untilNext(it));
  }
  const anew = [0, 5, 6, 8];
  expect(delays.filter((delay, i) => anew.includes(i) && delay > 1_000)).toEqual([]);
  expect(delays.filter((_, i) => !anew.includes(i))).toEqual([1_000, 2_000, 4_000, 8_000, 1_000, 1_000]);
});

test("[CL59] S29 the same bad frame again and again: each wait is longer, however long the connection lasted, and a good end begins anew", async () => {
  for (const lasts of [0, 60_000]) {
    const it = setUp();
    const { server, clock, client } = it;
    await turn();
    const delays: number[] = [];
    for (let i = 0; i < 8; i++) {
      server.connection.open();
      server.connection.say(connectedAs("c1"));
      for (let left = lasts; left > 0; left -= 20_000) {
        await clock.advance(20_000);
        server.connection.say({ type: "Pong" });
      }
      server.connection.raw(`{"type":"Pong","spread":-1}`);
      expect(client.status).toMatchObject({ connection: "waiting", reason: "unreadable" });
      delays.push(await untilNext(it));
    }
    expect(delays[0]).toBeLessThanOrEqual(1_000);
    expect(delays.slice(1)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    // Lost after it had lasted: it was one.
    server.connection.open();
    server.connection.say(connectedAs("c1"));
    await clock.advance(20_000);
    server.connection.drop();
    expect(await untilNext(it)).toBeLessThanOrEqual(1_000);
  }
});

test("[CL2] [CL34] an attempt that hangs is given up", async () => {
  const { server, clock } = setUp();
  await clock.advance(10_000);
  expect(server.connections[0]?.closed).toBe(true);
  await clock.advance(1_000);
  expect(server.connections).toHaveLength(2);
});

test("[CL2] [CL34] S25 a token that rejects, throws or hangs costs its attempt and no more", async () => {
  const token = vi
    .fn<() => unknown>()
    .mockRejectedValueOnce(new Error("no"))
    .mockImplementationOnce(() => {
      throw new Error("thrown");
    })
    .mockImplementationOnce(() => new Promise(() => {}))
    .mockResolvedValue("t");
  const { server, clock, errors } = setUp({ token });
  await clock.advance(1_000);
  await clock.advance(2_000);
  await clock.advance(10_000 + 4_000);
  expect(server.connections).toHaveLength(1);
  server.connection.open();
  expect(server.connection.last("Hello").token).toBe("t");
  expect(errors).toMatchObject([{ code: "transport" }, { code: "transport" }]);
});

test("[CL12] [CL49] S25 asked for another token it says it; a callback that rejects, throws or hangs changes nothing", async () => {
  const token = vi
    .fn<() => unknown>()
    .mockResolvedValueOnce("first")
    .mockRejectedValueOnce(new Error("no"))
    .mockImplementationOnce(() => {
      throw new Error("thrown");
    })
    .mockImplementationOnce(() => new Promise(() => {}))
    .mockResolvedValue("second");
  const setup = setUp({ token });
  await handshake(setup);
  const { connection } = setup.server;
  for (let asked = 1; asked <= 3; asked++) {
    connection.say({ type: "Expiring", within: 1_000 });
    await turn();
  }
  expect(connection.sent.filter(({ type }) => type === "Authenticate")).toEqual([]);
  expect(setup.errors).toHaveLength(2);
  connection.say({ type: "Expiring", within: 1_000 });
  await turn();
  expect(connection.last("Authenticate")).toEqual({ type: "Authenticate", token: "second" });
  expect(setup.client.status.connection).toBe("open");
});

describe("[PR7] a code that this client does not know, of a newer server", () => {
  /** What the compiler would not let a server of this version say. */
  const UNKNOWN = "quite-new" as never;

  test("a Closing is taken as its `retryable` says, and shown as it came", async () => {
    const first = await live();
    first.connection.say({ type: "Closing", code: UNKNOWN, retryable: true, within: 0 });
    expect(first.client.status).toMatchObject({ connection: "waiting", reason: "quite-new", text: "" });
    await first.clock.advance(1_000);
    expect(first.server.connections).toHaveLength(2);
    const second = await live();
    second.connection.say({ type: "Closing", code: UNKNOWN, retryable: false, within: 0 });
    await second.clock.advance(100_000);
    expect(second.client.status).toMatchObject({ connection: "closed", reason: "quite-new" });
    expect(second.server.connections).toHaveLength(1);
  });

  test("an Unsubscribed likewise", async () => {
    const { client, clock, connection } = await live();
    const ref = connection.ref("list:1");
    connection.say({ type: "Unsubscribed", target: "list:1", ref, code: UNKNOWN, retryable: true });
    await clock.advance(5_000);
    const again = connection.ref("list:1");
    expect(again).toBeGreaterThan(ref);
    connection.say({ type: "Unsubscribed", target: "list:1", ref: again, code: UNKNOWN, retryable: false });
    await turn();
    expect(client.topic(list, "1").state).toMatchObject({ status: "refused", code: "quite-new" });
  });

  test("a message that is paused is sent again, one that is rejected is rolled back", async () => {
    const { client, clock, connection } = await live();
    const topic = client.topic(list, "1");
    const write = topic.dispatch(added("a"));
    const ended = write.applied.catch((error: unknown) => error);
    await turn();
    connection.take();
    connection.say({ type: "Paused", target: "list:1", from: 1, code: UNKNOWN, retryAfter: 200 });
    await clock.advance(1_000);
    const sent = connection.take().filter(({ type }) => type === "TopicMessage");
    expect(sent).toMatchObject([{ mid: 1, id: write.id }]);
    connection.say({
      type: "Rejected",
      target: "list:1",
      mid: 1,
      id: write.id,
      from: "calla",
      code: UNKNOWN,
      details: {},
    });
    expect(await ended).toMatchObject({ code: "quite-new", from: "calla" });
    expect([write.state, topic.state.pending]).toEqual(["rejected", []]);
  });
});

test("[CL23] what is heard of a connection's end and is none of Calla's codes is a text beside the code", async () => {
  const { server, client } = await live();
  server.connections.at(-1)!.drop(1006, "read ECONNRESET");
  expect(client.status).toMatchObject({ connection: "waiting", reason: "lost", text: "read ECONNRESET" });
  const coded = await live();
  coded.server.connections.at(-1)!.drop(4001, "stopping");
  expect(coded.client.status).toMatchObject({ connection: "waiting", reason: "stopping", text: "" });
});

test("[CL12] a connection closed for good by its code alone is not tried again", async () => {
  const { server, clock, client } = setUp();
  await turn();
  server.connection.drop(4002, "origin");
  await clock.advance(120_000);
  expect(client.status).toMatchObject({ connection: "closed", reason: "origin" });
  expect(server.connections).toHaveLength(1);
});

test("[CL2] [CL35] waking up tries at once when waiting, and asks at once when open", async () => {
  let wake = (): void => {};
  const setup = setUp({
    wakeUps: (run) => {
      wake = run;
      return () => {};
    },
  });
  const { server } = setup;
  await handshake(setup);
  server.connection.take();
  wake();
  expect(server.connection.take()).toMatchObject([{ type: "Ping" }]);
  server.connection.drop();
  wake();
  await turn();
  expect(server.connections).toHaveLength(2);
  wake();
  await turn();
  expect(server.connections).toHaveLength(2);
});

test("[CL2] nothing connects before connect(), or after disconnect()", async () => {
  const { server, client, clock } = setUp({ connect: false });
  await clock.advance(60_000);
  expect([server.connections.length, client.status.connection]).toEqual([0, "offline"]);
  client.connect();
  await turn();
  expect(client.status.connection).toBe("connecting");
  client.disconnect();
  await clock.advance(60_000);
  expect([server.connections.length, client.status.connection]).toEqual([1, "offline"]);
  client.connect();
  await turn();
  expect(server.connections).toHaveLength(2);
});

test("[CL2] hooks: connect, disconnect, reconnect", async () => {
  const calls: unknown[] = [];
  const hook =
    (name: string) =>
    (value: unknown): void => {
      calls.push([name, value]);
      throw new Error("hooks are contained");
    };
  const setup = await live({
    onConnect: hook("connect"),
    onDisconnect: hook("disconnect"),
    onReconnect: hook("reconnect"),
  });
  setup.connection.drop(1001, "going");
  await setup.clock.advance(1_000);
  await handshake(setup);
  expect(calls).toEqual([
    ["connect", { clientId: "c1", userId: null }],
    ["disconnect", { code: 1001, reason: "going" }],
    ["reconnect", { clientId: "c1", userId: null }],
  ]);
  expect(setup.errors).toHaveLength(3);
});

// -------------------------------------------------------------------------------------------------------- resync (CL3)

test("[CL3] S12 a duplicate is ignored, a gap asks once for what is missing", async () => {
  const { topic, connection } = await live();
  const first = updateFrame("list:1", 0, [
    ["c2", 1, "1", added("a")],
    ["c2", 2, "2", added("b")],
  ]);
  connection.say(first, first, updateFrame("list:1", 0, [["c2", 1, "1", added("a")]]));
  expect(topic.state.model?.items).toEqual(["a", "b"]);
  connection.take();
  connection.say(
    updateFrame("list:1", 3, [["c2", 4, "4", added("d")]]),
    updateFrame("list:1", 4, [["c2", 5, "5", added("e")]]),
  );
  const ref = connection.ref("list:1");
  expect(connection.take()).toEqual([
    { type: "Subscribe", target: "list:1", ref, cursor: { sequence: 2, mark: 20 }, settled: 0, sent: 0 },
  ]);
  await turn();
  expect(topic.state).toMatchObject({ status: "stale", model: items("a", "b") });
  connection.say(
    settledFrame("list:1", ref, { sequence: 5, resync: "records", reason: "missed" }),
    updateFrame(
      "list:1",
      2,
      ["c", "d", "e"].map((text, i) => ["c2", i + 3, `${i + 3}`, added(text)] as const),
    ),
  );
  expect(topic.state).toMatchObject({ status: "live", model: items("a", "b", "c", "d", "e") });
});

test("[CL3] S12 an overlap is a gap too: nothing is folded twice", async () => {
  const { topic, connection } = await live();
  connection.say(updateFrame("list:1", 0, [["c2", 1, "1", added("a")]]));
  connection.say(
    updateFrame("list:1", 0, [
      ["c2", 1, "1", added("a")],
      ["c2", 2, "2", added("b")],
    ]),
  );
  expect(topic.state.model?.items).toEqual(["a"]);
  expect(connection.last("Subscribe").cursor).toEqual({ sequence: 1, mark: 10 });
});

test("[CL3] S14 S37 another history is seen by its mark, at the same place, behind and ahead", async () => {
  for (const [after, from, mark] of [
    [1, 99, 20],
    [0, 0, 98],
  ] as const) {
    const { topic, connection } = await live({}, 1, "a");
    connection.say(updateFrame("list:1", after, [["c2", 1, "1", added("b")]], { from, mark }));
    expect(topic.state.model?.items).toEqual(["a"]);
    expect(connection.last("Subscribe").cursor).toEqual({ sequence: 1, mark: 10 });
  }
});

test("[CL3] S13 after a reconnect the cursor is sent, and records continue what there was", async () => {
  const onSnapshot = vi.fn();
  const setup = await live({ onSnapshot }, 3, "a");
  expect(onSnapshot.mock.calls).toEqual([[{ target: "list:1", reason: "first", sequence: 3 }]]);
  const connection = await reconnect(setup);
  expect(connection.last("Hello")).toMatchObject({
    identity: { clientId: "c1", secret: "secret of c1" },
    targets: [{ target: "list:1", cursor: { sequence: 3, mark: 30 }, settled: 0, sent: 0 }],
  });
  expect(setup.topic.state).toMatchObject({ status: "stale", model: items("a") });
  connection.say(
    settledFrame("list:1", connection.ref("list:1"), { sequence: 3, resync: "current", reason: "current" }),
  );
  expect(setup.topic.state.status).toBe("live");
  expect(onSnapshot).toHaveBeenCalledTimes(1);
});

test("[CL3] S13 a snapshot of a restored backup replaces what there was, and pending is replayed on it", async () => {
  const onSnapshot = vi.fn();
  const setup = await live({ onSnapshot }, 9, "lost");
  setup.topic.dispatch(added("mine"));
  await turn();
  const connection = await reconnect(setup);
  await giveSnapshot(connection, "list:1", 4, items("old"), { reason: "other-history" });
  expect(setup.topic.state).toMatchObject({ status: "live", model: items("old", "mine") });
  expect(onSnapshot).toHaveBeenLastCalledWith({ target: "list:1", reason: "other-history", sequence: 4 });
});

test("[CL3] S37 a dispatch acknowledged in a history that was cut off is over, and no longer shown", async () => {
  const setup = await live({}, 4, "old");
  const { topic, connection: first } = setup;
  const write = topic.dispatch(added("mine"));
  await turn();
  first.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 5 });
  const connection = await reconnect(setup);
  const ref = connection.ref("list:1");
  connection.say(settledFrame("list:1", ref, { sequence: 3, resync: "snapshot", reason: "other-history" }));
  expect(topic.state.model).toEqual(items("old", "mine")); // until the snapshot: both are shown as one (CL5)
  connection.say(snapshotFrame("list:1", 3, 33, items("older")));
  await expect(write.applied).resolves.toMatchObject({ sequence: 5 });
  expect(topic.state).toMatchObject({ status: "live", model: items("older"), pending: [] });
});

test("[HT13] [CL3] an answer that overtook the stream: a snapshot of another history behind it cuts nothing off by itself", async () => {
  const { topic, connection } = await live({}, 4, "old");
  const write = topic.dispatch(added("mine"));
  await turn();
  const ref = connection.ref("list:1");
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 6 });
  connection.take();
  connection.say(settledFrame("list:1", ref, { sequence: 5, resync: "snapshot", reason: "other-history" }));
  connection.say(snapshotFrame("list:1", 5, 55, items("other")));
  await turn();
  expect(topic.state).toMatchObject({ model: items("other", "mine"), pending: [{ id: write.id }] });
  // Only the answer to a question of now tells.
  const [asked] = connection.take().filter((frame) => frame.type === "Subscribe");
  expect(asked).toMatchObject({ cursor: { sequence: 5, mark: 55 } });
  const again = asked?.type === "Subscribe" ? asked.ref : 0;
  connection.say(settledFrame("list:1", again, { sequence: 6, resync: "snapshot", reason: "cheaper" }));
  connection.say(snapshotFrame("list:1", 6, 66, items("other", "mine")));
  await expect(write.applied).resolves.toMatchObject({ sequence: 6 });
  expect(topic.state).toMatchObject({ status: "live", model: items("other", "mine"), pending: [] });
});

test("[HT10] a Hello while connected asks for news: what is live stays so, and only its own answer counts", async () => {
  const { topic, connection, states } = await live({}, 4, "old");
  const before = connection.ref("list:1");
  connection.open();
  await turn();
  expect(connection.ref("list:1")).toBeGreaterThan(before);
  expect([topic.state.status, states]).toEqual(["live", []]);
  connection.say(updateFrame("list:1", 4, [["c2", 1, "1", added("early")]]));
  expect(topic.state.model).toEqual(items("old"));
  connection.say(
    settledFrame("list:1", connection.ref("list:1"), { sequence: 5, resync: "records", reason: "missed" }),
  );
  expect(topic.state.status).toBe("stale");
  connection.say(updateFrame("list:1", 4, [["c2", 1, "1", added("news")]]));
  expect(topic.state).toMatchObject({ status: "live", model: items("old", "news") });
});

test("[CL3] S37 where records continue what there was, a cut-off dispatch goes with them, not before", async () => {
  const setup = await live({}, 3, "old");
  const write = setup.topic.dispatch(added("mine"));
  await turn();
  setup.connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 5 });
  const connection = await reconnect(setup);
  const ref = connection.ref("list:1");
  connection.say(settledFrame("list:1", ref, { sequence: 4, resync: "records", reason: "missed" }));
  expect(setup.topic.state.model).toEqual(items("old", "mine"));
  connection.say(updateFrame("list:1", 3, [["c2", 1, "1", added("other")]]));
  expect(setup.topic.state).toMatchObject({ model: items("old", "other"), pending: [] });
});

test("[CL10] a snapshot that the server announced by itself and that does not come is asked for", async () => {
  const setup = await live({}, 1, "a");
  const { connection, clock } = setup;
  const ref = connection.ref("list:1");
  await clock.advance(10_000);
  connection.take();
  connection.say(settledFrame("list:1", ref, { sequence: 1, resync: "snapshot", reason: "other-history" }));
  await clock.advance(10_000);
  expect(connection.take().map(({ type }) => type)).toContain("Subscribe");
});

test("[CL10] S37 what became known while the target was asked for, and lies beyond the answer, is asked for again", async () => {
  const setup = await live({}, 1, "a");
  const write = setup.topic.dispatch(added("mine"));
  await turn();
  const connection = await reconnect(setup);
  const ref = connection.ref("list:1");
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 2 });
  connection.say(settledFrame("list:1", ref, { sequence: 1, resync: "current", reason: "current" }));
  expect(setup.topic.state.status).toBe("stale");
  await setup.clock.advance(20_000);
  const again = connection.ref("list:1");
  connection.say(settledFrame("list:1", again, { sequence: 1, resync: "current", reason: "current" }));
  expect(setup.topic.state).toMatchObject({ status: "live", model: items("a"), pending: [] });
});

test("[CL10] of two acknowledgements that overtake each other the farther one is waited for", async () => {
  const { connection, topic, clock } = await live({}, 1, "a");
  const [first, second] = [topic.dispatch(added("1")), topic.dispatch(added("2"))];
  await turn();
  connection.say({ type: "Acknowledge", target: "list:1", mid: 2, id: second.id, sequence: 3 });
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: first.id, sequence: 2 });
  connection.say(updateFrame("list:1", 1, [["c1", 1, first.id, added("1")]]));
  expect(topic.state).toMatchObject({ status: "live", model: items("a", "1", "2") });
  connection.take();
  await clock.advance(20_000);
  expect(connection.take().map(({ type }) => type)).toContain("Subscribe");
});

test("[CL10] an outcome beyond the place of the answer that brings it is asked for", async () => {
  const setup = await live({}, 1, "a");
  const write = setup.topic.dispatch(added("mine"));
  await turn();
  const connection = await reconnect(setup);
  connection.say(
    settledFrame("list:1", connection.ref("list:1"), {
      sequence: 1,
      resync: "current",
      reason: "current",
      outcomes: [[1, write.id, 2, [], null, null, null]],
    }),
  );
  expect(setup.topic.state.status).toBe("stale");
  connection.take();
  await setup.clock.advance(20_000);
  expect(connection.take().map(({ type }) => type)).toContain("Subscribe");
});

test("[CL10] an acknowledged dispatch that confirmed does not reach is asked for", async () => {
  const { topic, connection, clock, states } = await live({}, 1, "a");
  const write = topic.dispatch(added("mine"));
  await turn();
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 2 });
  await turn();
  // The record comes next, or by another line (HTTP): nothing is known to be missing yet.
  expect([topic.state.status, states.length]).toEqual(["live", 1]);
  connection.take();
  await clock.advance(10_000);
  expect(connection.take().map(({ type }) => type)).toContain("Subscribe");
  expect(topic.state.status).toBe("stale");
});

test("[CL9] [HT13] [CL44] S26 acknowledgements that overtake their records leave the topic live, write after write, and applied waits for the record", async () => {
  const { topic, connection, states } = await live({}, 1, "a");
  const seen: string[] = [];
  topic.onChange(({ status }) => seen.push(status));
  let applied = 0;
  for (const sequence of [2, 3, 4]) {
    const write = topic.dispatch(added(`${sequence}`));
    void write.applied.then(() => applied++);
    await turn();
    connection.say({ type: "Acknowledge", target: "list:1", mid: sequence - 1, id: write.id, sequence });
    await turn();
    expect([topic.state.status, applied]).toEqual(["live", sequence - 2]);
    connection.say(
      updateFrame("list:1", sequence - 1, [["c1", sequence - 1, write.id, added(`${sequence}`)]]),
    );
    await turn();
    expect(applied).toBe(sequence - 1);
  }
  expect([new Set(seen), states.length]).toEqual([new Set(["live"]), 6]);
  // What others have written and this replica has not is another matter: the server said how far it is.
  connection.say(settledFrame("list:1", connection.ref("list:1"), { sequence: 9, resync: "records" }));
  expect(topic.state.status).toBe("stale");
});

// ---------------------------------------------------------------------------------------------------- refs (CL4, CL5)

test("[CL4] S43 between asking and its answer the target's frames are ignored, and always the answers to older refs", async () => {
  const setup = await live({}, 1, "a");
  const connection = await reconnect(setup);
  const ref = connection.ref("list:1");
  connection.say(updateFrame("list:1", 1, [["c2", 1, "1", added("early")]]));
  connection.say(
    settledFrame("list:1", ref - 1, { sequence: 5 }),
    snapshotFrame("list:1", 5, 50, items("old")),
  );
  connection.say({
    type: "Unsubscribed",
    target: "list:1",
    ref: ref - 1,
    code: "forbidden",
    retryable: false,
  });
  expect(setup.topic.state).toMatchObject({ status: "stale", model: items("a") });
  connection.say(snapshotFrame("list:1", 5, 50, items("unannounced")));
  expect(setup.topic.state.model?.items).toEqual(["a"]);
  await giveSnapshot(connection, "list:1", 2, items("b"));
  expect(setup.topic.state).toMatchObject({ status: "live", model: items("b") });
});

test("[CL5] the server may announce a snapshot at any time; updates wait until it is there", async () => {
  const { topic, connection } = await live({}, 5, "a");
  const ref = connection.ref("list:1");
  connection.say(settledFrame("list:1", ref, { sequence: 2, reason: "reset" }));
  connection.say(updateFrame("list:1", 5, [["c2", 1, "1", added("of the old history")]]));
  expect(topic.state).toMatchObject({ status: "stale", model: items("a") });
  connection.say(
    snapshotFrame("list:1", 2, 20, items("b")),
    updateFrame("list:1", 2, [["c2", 1, "1", added("c")]]),
  );
  expect(topic.state).toMatchObject({ status: "live", model: items("b", "c") });
});

test("[CL5] an outcome of another history does not take a dispatch out before that history is shown", async () => {
  const setup = await live({}, 9, "a");
  const write = setup.topic.dispatch(added("mine"));
  await turn();
  const connection = await reconnect(setup);
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 3 });
  await turn();
  expect(setup.topic.state.model?.items).toEqual(["a", "mine"]);
  await giveSnapshot(connection, "list:1", 4, items("mine", "b"), { reason: "other-history" });
  await expect(write.applied).resolves.toMatchObject({ sequence: 3 });
  expect(setup.topic.state.model?.items).toEqual(["mine", "b"]);
});

test("[CL5] a snapshot in parts is put together", async () => {
  const { topic, connection } = await live({}, 1, "a");
  const chunks = JSON.stringify(items("b😀")).match(/.{1,9}/gsu) ?? [];
  connection.say(settledFrame("list:1", connection.ref("list:1"), { sequence: 2 }));
  for (const [part, chunk] of chunks.entries()) {
    expect(topic.state.model?.items).toEqual(["a"]);
    connection.say({
      type: "Snapshot",
      target: "list:1",
      sequence: 2,
      mark: 20,
      version: 1,
      part,
      parts: chunks.length,
      chunk,
    });
  }
  expect(topic.state).toMatchObject({ status: "live", model: items("b😀") });
});

// ----------------------------------------------------------------------------------------------------- heartbeat (CL6)

test("[CL6] S23 a half-open connection is found within two heartbeats, although sends succeed", async () => {
  const { clock, client, connection, topic } = await live();
  await clock.advance(20_000);
  topic.dispatch(added("a"));
  await clock.advance(5_000);
  expect(connection.last("Ping")).toEqual({ type: "Ping", cursors: [["list:1", 0, 0]] });
  await clock.advance(9_999);
  expect(client.status.connection).toBe("unsure");
  await clock.advance(1);
  expect(client.status).toMatchObject({ connection: "waiting", reason: "silent" });
  expect(connection.closed).toBe(true);
});

test("[CL6] any frame is life, and only silence is asked about", async () => {
  const { clock, client, connection } = await live();
  await clock.advance(24_000);
  connection.say({ type: "Pong" });
  connection.take();
  await clock.advance(24_999);
  expect(connection.take()).toEqual([]);
  await clock.advance(1);
  expect(connection.take()).toMatchObject([{ type: "Ping" }]);
  await clock.advance(9_000);
  connection.say(updateFrame("list:1", 0, []));
  await clock.advance(24_000);
  expect(client.status.connection).toBe("open");
});

// ------------------------------------------------------------------------------------------------ the last word (CL12)

test("[CL12] Closing: retryable spreads the return, terminal ends it", async () => {
  const first = await live();
  first.connection.say({ type: "Closing", code: "draining", retryable: true, within: 20_000 });
  expect(first.client.status).toMatchObject({ connection: "waiting", reason: "draining" });
  const back = (): number => first.server.connections.length;
  for (let waited = 0; back() === 1 && waited < 20_000; waited += 100) await first.clock.advance(100);
  expect(back()).toBe(2);
  const second = await live();
  second.connection.say({ type: "Closing", code: "superseded", retryable: false, within: 0 });
  await second.clock.advance(100_000);
  expect(second.client.status).toMatchObject({ connection: "closed", reason: "superseded" });
  expect(second.server.connections).toHaveLength(1);
});

test("[CL12] [CL47] Version: terminal stops and is reported once, otherwise another node is tried and nothing is flushed", async () => {
  const onVersionMismatch = vi.fn();
  const setup = setUp({ onVersionMismatch });
  const { server, clock, client } = setup;
  client.topic(list, "1").dispatch(added("a"));
  await turn();
  server.connection.open();
  server.connection.say({ type: "Version", protocol: 1, slices: {}, terminal: false });
  await clock.advance(1_000);
  expect([server.connections.length, messagesIn(server.connections[0]?.sent ?? [])]).toEqual([2, []]);
  expect(onVersionMismatch).not.toHaveBeenCalled();
  server.connection.open();
  server.connection.say(
    { type: "Version", protocol: 2, slices: { "list:*": 2 }, terminal: true },
    { type: "Closing", code: "version", retryable: false, within: 0 },
  );
  await clock.advance(100_000);
  expect(client.status.connection).toBe("outdated");
  expect(onVersionMismatch.mock.calls).toEqual([[{ protocol: 2, slices: { "list:*": 2 } }]]);
  expect(server.connections).toHaveLength(2);
});

test("[CL12] [CL48] S29 data that is no frame is reported and costs the connection, not the client", async () => {
  for (const raw of [
    "nonsense",
    "{}",
    '{"type":"Settled"}',
    '[{"type":"Pong"},7]',
    '{"type":"Hello"}',
    '{"type":"__proto__"}',
  ]) {
    const { connection, client, errors, topic } = await live({}, 0, "a");
    connection.raw(raw);
    expect(errors).toMatchObject([{ code: "undecodable" }]);
    expect(client.status).toMatchObject({ connection: "waiting", reason: "unreadable" });
    expect(topic.state.model?.items).toEqual(["a"]);
  }
});

test("[CL12] a big outbox leaves in packets below the limit", async () => {
  const setup = setUp();
  const topic = setup.client.topic(list, "1");
  for (let i = 0; i < 250; i++) topic.dispatch(Array.from({ length: 10 }, () => added("x".repeat(20))));
  const connection = await handshake(setup);
  expect(messagesIn(connection.sent).map(({ mid }) => mid)).toEqual(
    Array.from({ length: 250 }, (_, i) => i + 1),
  );
  expect(connection.packets.length).toBeGreaterThan(2);
  expect(Math.max(...connection.packets.map((packet) => packet.length))).toBeLessThan(65_536);
});

// --------------------------------------------------------------------------------------------------------- close (CL15)

test("[CL15] close ends everything: no timer, no listener, no dispatch", async () => {
  const { client, clock, connection, topic } = await live();
  topic.dispatch(added("a"));
  client.topic(list, "2").retain()();
  await turn();
  await client.close();
  await client.close();
  await turn();
  expect([clock.waiting, connection.closed, client.status.connection]).toEqual([0, true, "closed"]);
  expect(() => topic.dispatch(added("b"))).toThrow(expect.objectContaining({ code: "closed" }));
  client.connect();
  topic.onChange(() => {});
  await clock.advance(100_000);
  expect(client.status.connection).toBe("closed");
});

test("[CL12] [CL2] a server that sends away whoever greets it is not asked without a pause", async () => {
  const { server, clock } = setUp();
  const greeted = async (): Promise<void> => {
    await turn();
    server.connection.open();
    await turn();
    server.connection.say({ type: "Closing", code: "authentication-failed", retryable: true, within: 0 });
    await turn();
  };
  for (let i = 0; i < 3; i++) {
    await greeted();
    await clock.advance(i === 0 ? 0 : 999);
    expect(server.connections).toHaveLength(i + 1);
    await clock.advance(5_000);
  }
});

// ---------------------------------------------------------------------------------- what goes on and on (CL2, CL12, CL16)

test("[CL12] [CL2] [CL32] a server that lets in and ends at once (a token that is over) is come back to at once, then ever later", async () => {
  const { server, clock } = setUp();
  await turn();
  const attempts: number[] = [];
  const start = clock.now();
  for (let i = 0; i < 6; i++) {
    const count = server.connections.length;
    attempts.push(clock.now() - start);
    server.connection.open();
    server.connection.say(connectedAs("c1"));
    server.connection.say({ type: "Closing", code: "token-expired", retryable: true, within: 0 });
    for (let waited = 0; server.connections.length === count && waited < 60_000; waited += 500) {
      await clock.advance(waited === 0 ? 0 : 500);
      await turn();
    }
  }
  expect(attempts.map((at) => Math.ceil(at / 1_000))).toEqual([0, 0, 1, 3, 7, 15]);
});

test("[CL12] after a connection that lasted it is at once again", async () => {
  const { server, clock } = setUp();
  await turn();
  for (let i = 0; i < 4; i++) {
    server.connection.open();
    server.connection.say(connectedAs("c1"));
    await clock.advance(2_000);
    const count = server.connections.length;
    server.connection.say({ type: "Closing", code: "not-here", retryable: true, within: 0 });
    await clock.advance(0);
    await turn();
    expect(server.connections).toHaveLength(count + 1);
  }
});

test("[CL2] [CL34] S25 a token that no format carries costs its attempt, is reported and throws at nobody", async () => {
  const token = vi.fn<() => unknown>().mockReturnValueOnce(10n).mockReturnValue("t");
  const { server, clock, errors, client } = setUp({ token });
  await turn();
  expect(() => server.connection.open()).not.toThrow();
  expect([client.status.connection, errors.length]).toEqual(["waiting", 1]);
  await clock.advance(1_000);
  server.connection.open();
  expect(server.connection.last("Hello").token).toBe("t");
});

test("[CL6] S23 a user who comes and goes does not put off that a dead connection is found", async () => {
  let wake = (): void => {};
  const setup = setUp({
    wakeUps: (run) => {
      wake = run;
      return () => {};
    },
  });
  await handshake(setup);
  for (let i = 0; i < 4; i++) {
    wake();
    await setup.clock.advance(4_000);
  }
  expect(setup.server.connections).not.toHaveLength(1);
});
