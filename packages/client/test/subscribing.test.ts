// Subscriptions: who wants a topic, what the server makes of it, and what the app is shown.
import { expect, expectTypeOf, test, vi } from "vitest";
import {
  connectedAs,
  cursors,
  fullWiring,
  giveSnapshot,
  handshake,
  items,
  list,
  session,
  settledFrame,
  setUp,
  setUpWith,
  shouts,
  turn,
  updateFrame,
} from "./kit.ts";
import { authorTag } from "@calla/shared";
import type { ServerFrames } from "@calla/shared";
import type { TopicState } from "../src/topic.ts";
import { added, live, reconnect, removed } from "./live.ts";

test("[CL7] S15 looking a topic up subscribes to nothing; a listener does, and a drop before the first frame loses nothing", async () => {
  const setup = setUp();
  const topic = setup.client.topic(list, "1");
  expect(setup.client.topic(list, "1")).toBe(topic);
  await turn();
  const first = setup.server.connection;
  first.open();
  expect(first.last("Hello").targets).toEqual([]);
  first.drop();
  topic.onChange(() => {});
  await setup.clock.advance(1_000);
  const connection = await handshake(setup);
  expect(connection.last("Hello").targets).toMatchObject([{ target: "list:1" }]);
});

test("[CL7] S15 after the last listener and the linger the topic is unsubscribed, and stays so after a reconnect", async () => {
  const setup = setUp({ linger: 1_000 });
  const topic = setup.client.topic(list, "1");
  const listener = setup.client.topic(shouts);
  const stop = topic.onChange(() => {});
  const stopShouts = listener.onPush(() => {});
  const connection = await handshake(setup);
  await giveSnapshot(connection, "list:1", 0, items("a"));
  const refs = [connection.ref("list:1"), connection.ref("shouts")];
  connection.take();
  stop();
  stop();
  stopShouts();
  await setup.clock.advance(1_000);
  expect(connection.take()).toEqual([
    { type: "Unsubscribe", target: "list:1", ref: refs[0] },
    { type: "Unsubscribe", target: "shouts", ref: refs[1] },
  ]);
  expect(topic.state).toMatchObject({ status: "loading", model: undefined });
  connection.say(updateFrame("list:1", 0, [["c2", 1, "x", added("late")]]));
  expect(topic.state.status).toBe("loading");
  const next = await reconnect(setup);
  expect(next.last("Hello").targets).toEqual([]);
});

test("[CL7] [CL37] S15 an ephemeral topic survives a reconnect", async () => {
  const setup = setUp();
  setup.client.topic(cursors, "1").retain();
  await handshake(setup);
  const next = await reconnect(setup);
  expect(next.last("Hello").targets).toEqual([
    { target: "cursors:1", ref: expect.any(Number), settled: 0, sent: 0 },
  ]);
});

test("[CL7] [CL37] S15 what is wanted, or not any more, between Hello and Connected is said right after", async () => {
  const setup = setUp({ linger: 0 });
  const stop = setup.client.topic(list, "1").onChange(() => {});
  setup.client.topic(list, "2").onChange(() => {});
  await turn();
  const { connection } = setup.server;
  connection.open();
  const [first, second] = connection.last("Hello").targets;
  setup.client.topic(list, "3").onChange(() => {});
  stop();
  await setup.clock.advance(0);
  connection.take();
  connection.say(connectedAs("c1"));
  expect(connection.take()).toMatchObject([
    { type: "Subscribe", target: "list:3" },
    { type: "Unsubscribe", target: "list:1", ref: first?.ref },
  ]);
  expect(second?.target).toBe("list:2");
});

test("[CL7] S43 subscribing again before the answer: only the last asking counts", async () => {
  const setup = setUp({ linger: 0 });
  const topic = setup.client.topic(list, "1");
  const connection = await handshake(setup);
  topic.retain()();
  await setup.clock.advance(0);
  topic.retain();
  const subscribes = connection.take().filter(({ type }) => type !== "Hello");
  expect(subscribes).toMatchObject([
    { type: "Subscribe", ref: 1 },
    { type: "Unsubscribe", ref: 1 },
    { type: "Subscribe", ref: 2 },
  ]);
  connection.say(settledFrame("list:1", 1, { sequence: 3 }));
  connection.say({ type: "Unsubscribed", target: "list:1", ref: 1, code: "forbidden", retryable: false });
  expect(topic.state.status).toBe("loading");
  connection.say({ type: "Unsubscribed", target: "list:1", ref: 2, code: "forbidden", retryable: false });
  expect(topic.state).toMatchObject({ status: "refused", code: "forbidden" });
});

test("[CL7] [CL38] a refused topic says so, shows nothing, and is not asked for again by a reconnect", async () => {
  const setup = await live({}, 2, "a");
  const write = setup.topic.dispatch(added("b"));
  await turn();
  setup.connection.say({
    type: "Unsubscribed",
    target: "list:1",
    ref: setup.connection.ref("list:1"),
    code: "forbidden",
    retryable: false,
  });
  await turn();
  expect(setup.states.at(-1)).toMatchObject({ status: "refused", model: undefined, code: "forbidden" });
  const connection = await reconnect(setup);
  expect(connection.last("Hello").targets).toEqual([]);
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 3 });
  await expect(write.applied).resolves.toMatchObject({ sequence: 3 });
});

const unsubscribed = (ref: number, code: string, more: object = { retryable: false }) =>
  ({ type: "Unsubscribed", target: "list:1", ref, code, ...more }) as ServerFrames["Unsubscribed"];

test("[CL18] what is missing says so, and is asked for again when the server says there is one, with no flicker", async () => {
  const setup = setUp();
  const connection = await handshake(setup);
  const topic = setup.client.topic(list, "1");
  const seen: string[] = [];
  topic.onChange(({ status }) => seen.push(status));
  connection.say(unsubscribed(1, "missing"));
  await setup.clock.advance(20_000);
  expect(topic.state).toMatchObject({ status: "refused", code: "missing", model: undefined });
  connection.take();
  // Of another asking: not meant.
  connection.say(unsubscribed(7, "created", { retryable: true }));
  expect(connection.take()).toEqual([]);
  connection.say(unsubscribed(1, "created", { retryable: true }));
  expect(connection.take()).toMatchObject([{ type: "Subscribe", target: "list:1", ref: 2 }]);
  // Twice: the first has been acted on.
  connection.say(unsubscribed(1, "created", { retryable: true }));
  expect(connection.take()).toEqual([]);
  await setup.clock.advance(0);
  expect(topic.state.status).toBe("refused");
  connection.say(settledFrame("list:1", 2, { sequence: 1 }), {
    type: "Snapshot",
    target: "list:1",
    sequence: 1,
    mark: 10,
    version: 1,
    model: items("a"),
  });
  await setup.clock.advance(0);
  expect(topic.state).toMatchObject({ status: "live", model: items("a") });
  expect(seen).toEqual(["refused", "live"]);
});

test("[CL18] what is missing is asked for by each new connection, and no more once nobody holds it", async () => {
  const setup = setUp();
  const connection = await handshake(setup);
  const topic = setup.client.topic(list, "1");
  const release = topic.retain();
  connection.say(unsubscribed(1, "missing"));
  const next = await reconnect(setup);
  expect(next.last("Hello").targets).toMatchObject([{ target: "list:1", ref: 2 }]);
  await setup.clock.advance(0);
  expect(topic.state).toMatchObject({ status: "refused", code: "missing" });
  next.say(unsubscribed(2, "missing"));
  next.take();
  release();
  await setup.clock.advance(5_000);
  // So that the server remembers it no longer.
  expect(next.take()).toMatchObject([{ type: "Unsubscribe", target: "list:1", ref: 2 }]);
  next.say(unsubscribed(2, "created", { retryable: true }));
  expect(next.take()).toEqual([]);
  expect((await reconnect(setup)).last("Hello").targets).toEqual([]);
});

test("[CL18] while its last holder lingers it is asked for again and then unsubscribed", async () => {
  const setup = setUp();
  const connection = await handshake(setup);
  const topic = setup.client.topic(list, "1");
  const release = topic.retain();
  connection.say(unsubscribed(1, "missing"));
  release();
  connection.take();
  connection.say(unsubscribed(1, "created", { retryable: true }));
  expect(connection.take()).toMatchObject([{ type: "Subscribe", ref: 2 }]);
  await setup.clock.advance(5_000);
  expect(connection.take().filter(({ type }) => type !== "Ping")).toMatchObject([
    { type: "Unsubscribe", ref: 2 },
  ]);
});

test("[CL18] where the server cannot remember who waits, it is asked for after the time it gives", async () => {
  const setup = setUp();
  const connection = await handshake(setup);
  const topic = setup.client.topic(list, "1");
  topic.retain();
  connection.say(unsubscribed(1, "missing", { retryable: true, retryAfter: 30_000 }));
  connection.take();
  await setup.clock.advance(0);
  expect(topic.state).toMatchObject({ status: "refused", code: "missing" });
  for (let waited = 0; waited < 29_000; waited += 1_000) {
    await setup.clock.advance(1_000);
    expect(connection.take().filter(({ type }) => type === "Subscribe")).toEqual([]);
    connection.say({ type: "Pong" });
  }
  await setup.clock.advance(1_000);
  expect(connection.take()).toMatchObject([{ type: "Subscribe", target: "list:1" }]);
});

test("[CL18] another refusal takes its place: it is not asked for again", async () => {
  const setup = setUp();
  const connection = await handshake(setup);
  const topic = setup.client.topic(list, "1");
  topic.retain();
  connection.say(unsubscribed(1, "missing"), unsubscribed(1, "created", { retryable: true }));
  connection.say(unsubscribed(2, "forbidden"));
  await setup.clock.advance(0);
  expect(topic.state).toMatchObject({ status: "refused", code: "forbidden" });
  expect((await reconnect(setup)).last("Hello").targets).toEqual([]);
});

test("[CL7] [CL38] what was refused for now is asked for again, with backoff", async () => {
  const { connection, clock, topic } = await live({}, 2, "a");
  for (const [least, most] of [
    [1, 1_000],
    [1_000, 1_000],
    [2_000, 2_000],
  ] as const) {
    connection.say({
      type: "Unsubscribed",
      target: "list:1",
      ref: connection.ref("list:1"),
      code: "busy",
      retryable: true,
    });
    connection.take();
    await clock.advance(least - 1);
    expect(connection.take()).toEqual([]);
    await clock.advance(most - least + 1);
    expect(connection.sent).toMatchObject([{ type: "Subscribe", cursor: { sequence: 2, mark: 20 } }]);
  }
  expect(topic.state).toMatchObject({ status: "stale", model: items("a") });
});

test("[CL7] once it was answered again, the backoff of a topic that is refused for now begins anew", async () => {
  const { connection, clock } = await live({}, 2, "a");
  const refuse = (): void =>
    connection.say({
      type: "Unsubscribed",
      target: "list:1",
      ref: connection.ref("list:1"),
      code: "busy",
      retryable: true,
    });
  for (const delay of [1_000, 1_000, 2_000]) {
    refuse();
    await clock.advance(delay);
  }
  connection.say(
    settledFrame("list:1", connection.ref("list:1"), { sequence: 2, resync: "current", reason: "current" }),
  );
  refuse();
  connection.take();
  await clock.advance(1_000);
  expect(connection.sent).toMatchObject([{ type: "Subscribe" }]);
});

test("[CL7] [CL39] a topic to which the server subscribed us stays subscribed until the server says otherwise", async () => {
  const setup = setUp();
  const connection = await handshake(setup);
  const topic = setup.client.topic(list, "9");
  connection.say(settledFrame("list:9", 0, { sequence: 1 }));
  connection.say({
    type: "Snapshot",
    target: "list:9",
    sequence: 1,
    mark: 10,
    version: 1,
    model: items("granted"),
  });
  expect(topic.state).toMatchObject({ status: "live", model: items("granted") });
  topic.retain()();
  await setup.clock.advance(10_000);
  expect(topic.state.status).toBe("live");
  const next = await reconnect(setup);
  expect(next.last("Hello").targets).toMatchObject([{ target: "list:9", cursor: { sequence: 1 } }]);
  next.say(settledFrame("list:9", next.ref("list:9"), { sequence: 1, resync: "current" }));
  next.say({
    type: "Unsubscribed",
    target: "list:9",
    ref: next.ref("list:9"),
    code: "unsubscribed",
    retryable: false,
  });
  expect(topic.state).toMatchObject({ status: "loading", model: undefined });
});

test("[CL10] an asking that nobody answers is repeated", async () => {
  const setup = setUp({ heartbeat: 600_000 });
  setup.client.topic(list, "1").retain();
  const connection = await handshake(setup);
  const { length } = connection.sent;
  await setup.clock.advance(10_000);
  expect(connection.sent.slice(length)).toMatchObject([{ type: "Subscribe", target: "list:1" }]);
  await giveSnapshot(connection, "list:1", 0, items());
  connection.take();
  await setup.clock.advance(60_000);
  expect(connection.take()).toEqual([]);
});

// ------------------------------------------------------------------------------------------------ what is shown (CL9)

test("[CL9] state is one object until something in it changes, and listeners hear once per turn", async () => {
  const { topic, connection, states } = await live();
  const { state } = topic;
  expect(topic.state).toBe(state);
  topic.dispatch(added("a"));
  topic.dispatch(added("b"));
  expect(topic.state).not.toBe(state);
  await turn();
  expect(states).toHaveLength(1);
  expect(states[0]).toBe(topic.state);
  connection.say(updateFrame("list:1", 0, []));
  await turn();
  expect(states).toHaveLength(1);
});

test("[CL9] a state that was looked at within the turn is the one that its end tells", async () => {
  const { topic, states } = await live();
  for (const text of ["a", "b"]) {
    topic.dispatch(added(text));
    const { state } = topic;
    await turn();
    expect(topic.state).toBe(state);
    expect(states.at(-1)).toBe(state);
  }
  expect(states).toHaveLength(2);
});

test("[CL9] what is rolled back in the turn it was shown in reaches no listener", async () => {
  const { topic, states } = await live();
  topic.dispatch(added("a")).cancel();
  await turn();
  expect(states).toEqual([]);
});

test("[CL9] what is skipped, shown and skipped again within a turn is the same state: no listener is called", async () => {
  const { topic, connection, states } = await live();
  topic.dispatch(removed("a"));
  await turn();
  const { state } = topic;
  expect(state.pending).toMatchObject([{ skipped: { code: "missing" } }]);
  states.length = 0;
  connection.say(updateFrame("list:1", 0, [["c2", 1, "x", added("a")]]));
  connection.say(updateFrame("list:1", 1, [["c2", 2, "y", removed("a")]]));
  await turn();
  expect(states).toEqual([]);
  expect(topic.state).toBe(state);
  // Looked at in between, it says so; and it is the same again when the listeners are told.
  connection.say(updateFrame("list:1", 2, [["c2", 3, "v", added("a")]]));
  expect(topic.state.pending).toMatchObject([{ skipped: undefined }]);
  connection.say(updateFrame("list:1", 3, [["c2", 4, "w", removed("a")]]));
  await turn();
  expect(states).toEqual([]);
  connection.say(updateFrame("list:1", 4, [["c2", 5, "z", added("a")]]));
  expect(topic.state.pending).toMatchObject([{ skipped: undefined }]);
  await turn();
  expect(states).toHaveLength(1);
});

test("[CL9] [CL43] select narrows: no call for an unchanged selection, by any equality", async () => {
  const { topic } = await live({}, 0, "a");
  const count = topic.select(({ model }) => model?.items.length ?? 0);
  const same = topic.select(
    ({ model }) => model?.items.map((item) => item[0]) ?? [],
    (a, b) => a.join() === b.join(),
  );
  const heard: unknown[] = [];
  count.onChange((value) => heard.push(value));
  same.onChange((value) => heard.push(value));
  expect([count.value, same.value]).toEqual([1, ["a"]]);
  expect(same.value).toBe(same.value);
  topic.dispatch([{ type: "removed", text: "a" }, added("abc")]);
  await turn();
  expect(heard).toEqual([]);
  topic.dispatch(added("b"));
  await turn();
  expect(heard).toEqual([2, ["a", "b"]]);
});

test("[CL9] [CL43] a selection sees what its pick closes over at each look, with and without a listener", async () => {
  const { topic } = await live({}, 0, "a", "b");
  let prefix = "a";
  const found = topic.select(({ model }) => model?.items.filter((item) => item.startsWith(prefix)));
  const calls: unknown[] = [];
  for (const stop of [() => {}, found.onChange((value) => calls.push(value))]) {
    prefix = "a";
    const first = found.value;
    expect(first).toEqual(["a"]);
    expect(found.value).toBe(first);
    prefix = "b";
    expect(found.value).toEqual(["b"]);
    expect(found.value).toBe(found.value);
    stop();
  }
  // Nobody is called for it: whoever has other props looks.
  expect(calls).toEqual([]);
});

test("[CL9] [CL43] what a pick makes anew stays the same object for one state, an instance of a class too", async () => {
  class Shown {
    readonly #status: string;
    constructor(status: string) {
      this.#status = status;
    }
    get status(): string {
      return this.#status;
    }
  }
  const { topic } = await live({}, 0, "a");
  const picks = [
    topic.select(({ status, model }) => ({ status, deep: { items: model?.items } })),
    topic.select(({ model }) => new Map([["items", model?.items]])),
    topic.select(({ status }) => new Shown(status)),
    topic.select(
      ({ status }) =>
        () =>
          status,
    ),
  ];
  const before = picks.map((pick) => pick.value);
  picks.forEach((pick, i) => expect(pick.value).toBe(before[i]));
  topic.dispatch(added("b"));
  await turn();
  picks.forEach((pick, i) => expect(pick.value).not.toBe(before[i]));
  const after = picks.map((pick) => pick.value);
  picks.forEach((pick, i) => expect(pick.value).toBe(after[i]));
});

test("[CL9] status: connection, reason and how many wait; listeners are called when one of them changes", async () => {
  const setup = setUp();
  const statuses: unknown[] = [];
  setup.client.onStatus((status) => statuses.push(status));
  await handshake(setup);
  expect(setup.client.status).toMatchObject({ connection: "open", reason: "", pending: 0 });
  const write = setup.client.topic(list, "1").dispatch(added("a"));
  await turn();
  expect(setup.client.status).toEqual({
    connection: "open",
    reason: "",
    text: "",
    pending: 1,
    held: [],
    storage: "working",
  });
  setup.server.connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 1 });
  await turn();
  expect(setup.client.status.pending).toBe(0);
  expect(statuses.at(-1)).toBe(setup.client.status);
});

test("[CL9] a listener that throws is contained", async () => {
  const { topic, errors } = await live();
  const heard = vi.fn();
  topic.onChange(() => {
    throw new Error("mine");
  });
  topic.onChange(heard);
  topic.dispatch(added("a"));
  await turn();
  expect(heard).toHaveBeenCalledOnce();
  expect(errors).toEqual([new Error("mine")]);
});

// ---------------------------------------------------------------------------------- pushes and ephemeral topics (CL13)

test("[CL13] a push reaches listeners and no model; an invalid one is reported", async () => {
  const { topic, connection, errors } = await live();
  const heard: unknown[] = [];
  topic.onPush((pushed) => heard.push(pushed));
  connection.say({
    type: "Push",
    target: "list:1",
    pushes: [
      [null, null, [added("hi")]],
      [5, "ann", [{ type: "added" }]],
      [7, "bob", [added("ho")]],
    ],
  });
  expect(heard).toEqual([
    { message: added("hi"), from: null, userId: null },
    { message: added("ho"), from: 7, userId: "bob" },
  ]);
  expect(errors).toMatchObject([{ code: "invalid" }]);
  expect(topic.state.model?.items).toEqual([]);
});

test("[CL13] [CL46] [BN3] keep latest: one message per author, gone with its author, one's own not among them", async () => {
  const setup = setUp();
  const topic = setup.client.topic(cursors, "1");
  const heard: unknown[] = [];
  topic.onChange((state) => {
    expect(state).toBe(topic.state);
    heard.push([state.status, [...state.latest.keys()]]);
  });
  expect([topic.state.status, topic.state.latest.size]).toEqual(["loading", 0]);
  const connection = await handshake(setup);
  connection.say(
    settledFrame("cursors:1", connection.ref("cursors:1"), { resync: "current", reason: "ephemeral" }),
  );
  await turn();
  const own = authorTag("c1", "cursors:1");
  connection.say({
    type: "Push",
    target: "cursors:1",
    pushes: [
      [1, "ann", [{ type: "moved", x: 1 }]],
      [2, null, [{ type: "moved", x: 2 }]],
      [own, null, [{ type: "moved", x: 3 }]],
      [1, "ann", [{ type: "moved", x: 4 }]],
    ],
  });
  const { latest } = topic.state;
  expect([...latest]).toEqual([
    [2, { message: { type: "moved", x: 2 }, userId: null }],
    [1, { message: { type: "moved", x: 4 }, userId: "ann" }],
  ]);
  await turn();
  connection.say({ type: "Push", target: "cursors:1", pushes: [[2, null, []]] });
  await turn();
  expect(heard).toEqual([
    ["live", []],
    ["live", [2, 1]],
    ["live", [1]],
  ]);
  expect(latest.size).toBe(2);
  const next = await reconnect(setup);
  expect([topic.state.status, topic.state.latest.size]).toEqual(["stale", 1]);
  next.say(settledFrame("cursors:1", next.ref("cursors:1"), { resync: "current", reason: "ephemeral" }));
  expect([topic.state.status, topic.state.latest.size]).toEqual(["live", 0]);
});

test("[CL13] [CL46] ephemeral messages are sent with their turn or never, the latest only where the slice says so", async () => {
  const setup = setUp();
  const cursor = setup.client.topic(cursors, "1");
  const shout = setup.client.topic(shouts);
  cursor.dispatch({ type: "moved", x: 0 });
  const connection = await handshake(setup);
  connection.take();
  for (const x of [1, 2, 3]) cursor.dispatch({ type: "moved", x });
  for (const text of ["a", "b"]) shout.dispatch({ type: "shouted", text });
  await turn();
  expect(connection.take()).toMatchObject([
    { target: "cursors:1", mid: 0, settled: 0, messages: [{ type: "moved", x: 3 }] },
    { target: "shouts", mid: 0, messages: [{ type: "shouted", text: "a" }] },
    { target: "shouts", mid: 0, messages: [{ type: "shouted", text: "b" }] },
  ]);
  expect(() => cursor.dispatch({ type: "moved" } as never)).toThrow(
    expect.objectContaining({ code: "invalid" }),
  );
  expect(setup.client.status.pending).toBe(0);
});

// ---------------------------------------------------------------------------------------------- session, local (CL14)

test("[CL14] the session is always subscribed and its records come back as session updates", async () => {
  const setup = setUpWith(fullWiring);
  const connection = await handshake(setup);
  expect(connection.last("Hello").targets).toMatchObject([{ target: "@" }]);
  await giveSnapshot(connection, "@", 0, { name: "" });
  const write = setup.client.session.dispatch({ type: "renamed", name: "ann" });
  await turn();
  expect(connection.last("TopicMessage")).toEqual({
    type: "TopicMessage",
    target: "@",
    mid: 1,
    id: write.id,
    settled: 0,
    messages: [{ type: "renamed", name: "ann" }],
  });
  const {
    target: _,
    type: __,
    ...update
  } = updateFrame("@", 0, [["c1", 1, write.id, { type: "renamed", name: "ann" }]]);
  connection.say({ type: "TopicUpdate", target: "@", ...update });
  await expect(write.applied).resolves.toMatchObject({ sequence: 1 });
  expect(setup.client.session.state).toMatchObject({ status: "live", model: { name: "ann" }, pending: [] });
});

test("[CL14] the local slice applies at once, calls its listeners once per turn, and is never sent", async () => {
  const setup = setUpWith(fullWiring);
  const connection = await handshake(setup);
  connection.take();
  const { local } = setup.client;
  const heard: unknown[] = [];
  local.onChange((model) => heard.push(model));
  local.select(({ open }) => open).onChange((open) => heard.push(open));
  local.dispatch({ type: "toggled" });
  expect(local.model).toEqual({ open: true });
  await turn();
  local.dispatch({ type: "kept" });
  local.dispatch([{ type: "toggled" }, { type: "toggled" }]);
  await turn();
  expect(heard).toEqual([{ open: true }, true, { open: true }]);
  expect(connection.take()).toEqual([]);
  expect(() => local.dispatch({ type: "nothing" } as never)).toThrow(
    expect.objectContaining({ code: "invalid" }),
  );
});

test("[CL14] types follow from the slices", () => {
  const { client } = setUp({ connect: false });
  expectTypeOf(client.topic(list, "1").state).toEqualTypeOf<TopicState<typeof list>>();
  expectTypeOf(setUpWith(fullWiring, { connect: false }).client.session.state.model).toEqualTypeOf<
    { name: string } | undefined
  >();
  expect(session.name).toBe("session");
});

test("[CL9] [CL43] the listener of a selection is called once for NaN, and for -0 after 0", async () => {
  const { topic } = await live({}, 0, "a");
  let value = Number.NaN;
  const heard: number[] = [];
  topic.select(() => value).onChange((selected) => heard.push(selected));
  for (const next of [Number.NaN, 0, -0, -0]) {
    value = next;
    topic.dispatch(added(String(heard.length)));
    await turn();
  }
  expect(heard).toEqual([0, -0]);
});

test("[OB5] a dispatch with a hole is invalid before anything has happened", async () => {
  const { topic, client } = await live();
  const messages: unknown[] = [];
  messages[1] = added("a");
  expect(() => topic.dispatch(messages as never)).toThrow(expect.objectContaining({ code: "invalid" }));
  expect([client.pending, topic.state.pending]).toEqual([[], []]);
});
