// Outcomes: how a dispatch ends, what is shown meanwhile, and who hears it when.
import { CallaError } from "@calla/shared";
import { expect, test, vi } from "vitest";
import { RejectedError } from "../src/base/rejected-error.ts";
import {
  giveSnapshot,
  handshake,
  items,
  list,
  messagesIn,
  setUp,
  settledFrame,
  snapshotFrame,
  turn,
  updateFrame,
} from "./kit.ts";
import { added, live, reconnect, removed, slowStorage } from "./live.ts";

test("[RB3] S2 staggered acknowledgements change no model and notify no listener of it", async () => {
  const { topic, connection } = await live();
  const texts = ["a", "b", "c"];
  const writes = texts.map((text) => topic.dispatch(added(text)));
  await turn();
  const models: unknown[] = [];
  topic.select(({ model }) => model).onChange((model) => models.push(model));
  const shown = topic.state.model;
  for (const [i, text] of texts.entries()) {
    connection.say(updateFrame("list:1", i, [["c1", i + 1, writes[i]?.id ?? "", added(text)]]));
    await turn();
    expect(topic.state.model).toBe(shown);
    expect(topic.state.pending).toHaveLength(2 - i);
  }
  expect(models).toEqual([]);
});

test("[RB2] S3 an update that comes while own messages are in flight shows them once", async () => {
  const { topic, connection } = await live();
  const { id } = topic.dispatch(added("mine"));
  await turn();
  connection.say(updateFrame("list:1", 0, [["c2", 1, "other", added("theirs")]]));
  expect(topic.state.model?.items).toEqual(["theirs", "mine"]);
  connection.say(updateFrame("list:1", 1, [["c1", 1, id, added("mine")]]));
  expect(topic.state).toMatchObject({ model: items("theirs", "mine"), pending: [] });
});

test("[CL5] S3 S39 a snapshot with own messages inside: shown once, without flicker, every outcome told", async () => {
  const setup = await live();
  const { topic, states } = setup;
  const [a, b, c] = ["a", "b", "c"].map((text) => topic.dispatch(added(text)));
  await turn();
  states.length = 0;
  const connection = await reconnect(setup);
  const ref = connection.ref("list:1");
  connection.say(
    settledFrame("list:1", ref, {
      sequence: 9,
      next: 3,
      outcomes: [
        [1, a?.id ?? "", 8, [], null, null, null],
        [2, b?.id ?? "", 0, [], "app", "missing", { text: "b" }],
      ],
    }),
  );
  await turn();
  expect(topic.state.model?.items).toEqual(["a", "b", "c"]);
  connection.say(snapshotFrame("list:1", 9, 90, items("x", "a")));
  await expect(a?.applied).resolves.toEqual({ sequence: 8, messages: [added("a")] });
  await expect(b?.applied).rejects.toMatchObject({ code: "missing", details: { text: "b" } });
  expect(c?.state).toBe("sent");
  expect(topic.state.model?.items).toEqual(["x", "a", "c"]);
  const shown = (states as { model: { items: string[] } }[]).map(({ model }) => model.items.join(""));
  expect([...new Set(shown)]).toEqual(["abc", "xac"]);
});

test("[RB5] S4 what was applied before the connection died is in Settled and applied once", async () => {
  const setup = await live();
  const write = setup.topic.dispatch(added("a"));
  await turn();
  const connection = await reconnect(setup);
  expect(messagesIn(connection.sent)).toMatchObject([{ mid: 1, id: write.id }]);
  const outcomes = [[1, write.id, 1, [], null, null, null] as const];
  connection.say(
    settledFrame("list:1", connection.ref("list:1"), {
      sequence: 2,
      next: 2,
      outcomes,
      resync: "records",
      reason: "missed",
    }),
  );
  await turn();
  expect(write.state).toBe("applied");
  expect(setup.topic.state).toMatchObject({ status: "stale", pending: [{ id: write.id }] });
  connection.say(
    updateFrame("list:1", 0, [
      ["c1", 1, write.id, added("a")],
      ["c2", 1, "other", removed("a")],
    ]),
  );
  await expect(write.applied).resolves.toMatchObject({ sequence: 1 });
  expect(setup.topic.state).toMatchObject({ status: "live", model: items(), pending: [] });
  // The answer to the message that was sent again comes late and changes nothing.
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: write.id, sequence: 1 });
  await turn();
  expect(setup.topic.state).toMatchObject({ status: "live", model: items(), pending: [] });
});

test("[OB4] S5 what the server never received is sent again, many in one packet, in order", async () => {
  const setup = await live();
  const ids = ["a", "b", "c"].map((text) => setup.topic.dispatch(added(text)).id);
  setup.server.connection.closed = true;
  const other = setup.client.topic(list, "2").dispatch(added("d"));
  await turn();
  const connection = await reconnect(setup);
  expect(connection.packets).toHaveLength(2);
  expect(messagesIn(connection.sent).map(({ target, mid, id }) => [target, mid, id])).toEqual([
    ...ids.map((id, i) => ["list:1", i + 1, id]),
    ["list:2", 1, other.id],
  ]);
});

test("[RB5] S8 a rejection rolls back, replays what is later, and reaches the caller and the hook with its reason", async () => {
  const onOutcome = vi.fn();
  const { topic, connection } = await live({ onOutcome }, 0, "x");
  const first = topic.dispatch(removed("x"));
  const second = topic.dispatch(added("x"));
  await turn();
  expect(topic.state.model?.items).toEqual(["x"]);
  connection.say({
    type: "Rejected",
    target: "list:1",
    mid: 1,
    id: first.id,
    from: "app",
    code: "missing",
    details: { text: "x" },
  });
  expect(topic.state.model?.items).toEqual(["x", "x"]);
  const error: unknown = await first.applied.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RejectedError);
  expect(error).toBeInstanceOf(CallaError);
  expect(error).toMatchObject({ from: "app", code: "missing", details: { text: "x" } });
  expect(await first.rejection).toMatchObject({ from: "app", code: "missing", details: { text: "x" } });
  expect([first.state, second.state]).toEqual(["rejected", "sent"]);
  expect(onOutcome).toHaveBeenCalledExactlyOnceWith({
    target: "list:1",
    id: first.id,
    messages: [removed("x")],
    earlier: false,
    is: "rejected",
    error,
  });
});

test("[CL15] an ignored rejection is no unhandled rejection", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  const { topic, connection, client } = await live();
  const { id } = topic.dispatch(added("a"));
  const waiting = topic.dispatch(added("b"));
  void waiting.rejection;
  await turn();
  connection.say({
    type: "Rejected",
    target: "list:1",
    mid: 1,
    id,
    from: "calla",
    code: "forbidden",
    details: {},
  });
  await client.close();
  await turn();
  process.off("unhandledRejection", unhandled);
  expect(unhandled).not.toHaveBeenCalled();
  await expect(waiting.applied).rejects.toMatchObject({ code: "closed" });
});

test("[RB2] S9 the caller receives the amended message, and the model goes there in one step", async () => {
  const { topic, connection, states } = await live();
  const write = topic.dispatch(added("a"));
  topic.dispatch(added("b"));
  await turn();
  states.length = 0;
  connection.say(updateFrame("list:1", 0, [["c1", 1, write.id, added("A")]]));
  await expect(write.applied).resolves.toEqual({ sequence: 1, messages: [added("A")] });
  expect(states).toMatchObject([{ model: items("A", "b") }]);
});

test("[RB4] S10 an update that throws while predicting or replaying is skipped; the message is sent", async () => {
  const { topic, connection, errors } = await live({}, 0, "bad");
  const write = topic.dispatch({ type: "exploded", when: "bad" });
  topic.dispatch(added("b"));
  await turn();
  expect(topic.state.model?.items).toEqual(["bad", "b"]);
  expect(errors).toMatchObject([{ code: "update-threw" }]);
  expect(messagesIn(connection.sent)).toHaveLength(2);
  connection.say(updateFrame("list:1", 0, [["c2", 1, "other", removed("bad")]]));
  expect(topic.state.model?.items).toEqual(["survived", "b"]);
  expect(topic.state.pending.map(({ id }) => id)).toContain(write.id);
});

test("[OB1] nothing leaves before it is durable; one turn is one transaction", async () => {
  const storage = slowStorage();
  const { topic, connection } = await live({ storage });
  await storage.landAll();
  const first = topic.dispatch(added("a"));
  topic.dispatch(added("b"));
  await turn();
  expect(storage.commits.map(({ changes }) => changes.map(({ type }) => type))).toEqual([
    ["entry", "entry", "target"],
  ]);
  expect([first.state, messagesIn(connection.sent)]).toEqual(["pending", []]);
  await storage.landAll();
  expect([first.state, messagesIn(connection.sent).length]).toEqual(["sent", 2]);
  await expect(first.queued).resolves.toBeUndefined();
});

test("[OB3] the outcome is durable before its caller hears it and before settled is raised", async () => {
  const storage = slowStorage();
  const { topic, connection } = await live({ storage });
  await storage.landAll();
  const write = topic.dispatch(added("a"));
  await storage.landAll();
  let told = false;
  void write.applied.then(() => (told = true));
  connection.say(updateFrame("list:1", 0, [["c1", 1, write.id, added("a")]]));
  topic.dispatch(added("b"));
  await turn();
  expect(told).toBe(false);
  expect(topic.state.pending).toHaveLength(1);
  expect(storage.commits[0]?.changes).toMatchObject([
    { type: "outcome", target: "list:1", mid: 1, sequence: 1 },
    { type: "entry", entry: { mid: 2 } },
    { type: "target", settled: 1, last: 2 },
  ]);
  await storage.landAll();
  expect(told).toBe(true);
  expect(messagesIn(connection.sent).at(-1)).toMatchObject({ mid: 2, settled: 1 });
});

test("[OB3] S34 a message that leaves while an outcome is being stored does not call it settled", async () => {
  const storage = slowStorage();
  const { topic, connection } = await live({ storage });
  await storage.landAll();
  const first = topic.dispatch(added("a"));
  await storage.landAll();
  topic.dispatch(added("b"));
  await turn();
  connection.say(updateFrame("list:1", 0, [["c1", 1, first.id, added("a")]]));
  await turn();
  await storage.commits.shift()?.land();
  // A crash here leaves the outcome unknown, so the server must still remember it.
  expect(messagesIn(connection.sent).at(-1)).toMatchObject({ mid: 2, settled: 0 });
  await storage.landAll();
  topic.dispatch(added("c"));
  await storage.landAll();
  expect(messagesIn(connection.sent).at(-1)).toMatchObject({ mid: 3, settled: 1 });
});

test("[OB3] S34 outcomes known out of order raise settled only up to the first gap", async () => {
  const { topic, connection } = await live();
  const [a, b] = ["a", "b"].map((text) => topic.dispatch(added(text)));
  await turn();
  connection.say({
    type: "Rejected",
    target: "list:1",
    mid: 2,
    id: b?.id ?? "",
    from: "calla",
    code: "forbidden",
    details: {},
  });
  await turn();
  topic.dispatch(added("c"));
  await turn();
  expect(messagesIn(connection.sent).at(-1)).toMatchObject({ mid: 3, settled: 0 });
  connection.say(updateFrame("list:1", 0, [["c1", 1, a?.id ?? "", added("a")]]));
  await turn();
  topic.dispatch(added("d"));
  await turn();
  expect(messagesIn(connection.sent).at(-1)).toMatchObject({ mid: 4, settled: 2 });
});

test("[OB4] S34 no more than maxInFlight are on their way, and the window moves with what is durable", async () => {
  const setup = await live();
  const writes = Array.from({ length: 5 }, (_, i) => setup.topic.dispatch(added(`${i}`)));
  await turn();
  setup.server.connection.drop();
  await setup.clock.advance(1_000);
  const { connection } = setup.server;
  connection.open();
  await turn();
  connection.say({ type: "Connected", clientId: "c1", secret: "s", userId: null, now: 0, maxInFlight: 2 });
  await turn();
  expect(messagesIn(connection.sent).map(({ mid }) => mid)).toEqual([1, 2]);
  connection.say({
    type: "Rejected",
    target: "list:1",
    mid: 1,
    id: writes[0]?.id ?? "",
    from: "calla",
    code: "forbidden",
    details: {},
  });
  await turn();
  expect(messagesIn(connection.sent).map(({ mid }) => mid)).toEqual([1, 2, 3]);
});

test("[RB5] [RB13] an acknowledgement waits for confirmed where the target is subscribed, and not where it is not", async () => {
  const { topic, client, connection } = await live();
  const subscribed = topic.dispatch(added("a"));
  const another = client.topic(list, "2").dispatch([added("b"), added("c")]);
  await turn();
  let told = false;
  void subscribed.applied.then(() => (told = true));
  connection.say({
    type: "Acknowledge",
    target: "list:2",
    mid: 1,
    id: another.id,
    sequence: 7,
    messages: [added("B"), added("c")],
  });
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: subscribed.id, sequence: 2 });
  await expect(another.applied).resolves.toEqual({ sequence: 7, messages: [added("B"), added("c")] });
  await turn();
  expect([told, topic.state.pending.length]).toEqual([false, 1]);
  connection.say(
    updateFrame("list:1", 0, [
      ["c2", 1, "other", added("x")],
      ["c1", 1, subscribed.id, added("a")],
    ]),
  );
  await turn();
  expect([told, topic.state.pending.length]).toEqual([true, 0]);
  expect(topic.state.model?.items).toEqual(["x", "a"]);
});

test("[OB2] a dispatch of several messages is one mid and one record", async () => {
  const { topic, connection } = await live();
  const write = topic.dispatch([added("a"), removed("a"), added("b")]);
  await turn();
  expect(messagesIn(connection.sent)).toMatchObject([
    { mid: 1, messages: [added("a"), removed("a"), added("b")] },
  ]);
  connection.say(updateFrame("list:1", 0, [["c1", 1, write.id, added("a"), removed("a"), added("b")]]));
  await expect(write.applied).resolves.toEqual({
    sequence: 1,
    messages: [added("a"), removed("a"), added("b")],
  });
  expect(topic.state.model?.items).toEqual(["b"]);
});

test("[OB5] an invalid message or a full outbox throws at dispatch and takes no mid", async () => {
  const { topic, client, connection } = await live({ maxPending: 1 });
  expect(() => topic.dispatch({ type: "added", text: "x".repeat(21) })).toThrow(
    expect.objectContaining({ code: "invalid" }),
  );
  expect(() => topic.dispatch({ type: "cleared" } as never)).toThrow(
    expect.objectContaining({ code: "invalid" }),
  );
  expect(() => topic.dispatch({ type: "nothing" } as never)).toThrow(
    expect.objectContaining({ code: "invalid" }),
  );
  expect(() => topic.dispatch([])).toThrow(expect.objectContaining({ code: "invalid" }));
  const first = topic.dispatch(added("a"));
  expect(() => topic.dispatch(added("b"))).toThrow(expect.objectContaining({ code: "queue-full" }));
  expect(topic.state.model?.items).toEqual(["a"]);
  expect(client.pending).toMatchObject([{ id: first.id }]);
  await turn();
  expect(messagesIn(connection.sent).map(({ mid, id }) => [mid, id])).toEqual([[1, first.id]]);
});

test("[RB1] S45 what is predicted, sent and stored is one frozen value, whatever becomes of the one given", async () => {
  const { topic, connection } = await live();
  const message = { type: "added" as const, text: "a\ud800" };
  topic.dispatch(message);
  message.text = "changed";
  await turn();
  expect(topic.state.model?.items).toEqual(["a\ud800"]);
  expect(messagesIn(connection.sent)).toMatchObject([{ messages: [{ text: "a\ud800" }] }]);
  expect(Object.isFrozen(topic.state.pending[0]?.messages[0])).toBe(true);
});

test("[OB7] cancelled before anything left: without a mid nothing is sent, with one a void", async () => {
  const storage = slowStorage();
  const { topic, connection, client } = await live({ storage });
  await storage.landAll();
  const withdrawn = topic.dispatch(added("a"));
  expect(withdrawn.cancel()).toBe(true);
  expect([withdrawn.cancel(), withdrawn.state]).toEqual([false, "cancelled"]);
  const second = topic.dispatch(added("b"));
  const third = topic.dispatch(added("c"));
  await turn();
  expect(second.cancel()).toBe(true);
  expect(topic.state.model?.items).toEqual(["c"]);
  let told = false;
  second.applied.catch(() => (told = true));
  await turn();
  expect(told).toBe(false); // a page that ends here leaves the message to be sent
  await storage.landAll();
  await storage.landAll();
  expect(messagesIn(connection.sent).map(({ mid, id, messages }) => [mid, id, messages])).toEqual([
    [1, second.id, []],
    [2, third.id, [added("c")]],
  ]);
  expect(third.cancel()).toBe(false);
  await expect(second.applied).rejects.toMatchObject({ code: "cancelled" });
  expect(client.status.pending).toBe(2);
  connection.say({
    type: "Rejected",
    target: "list:1",
    mid: 1,
    id: second.id,
    from: "calla",
    code: "cancelled",
    details: {},
  });
  await turn();
  expect([client.status.pending, second.state]).toEqual([1, "cancelled"]);
});

test("[OB7] [CL10] a void mid without an answer is sent again, also where nothing else uses its target", async () => {
  const storage = slowStorage();
  const { client, connection, clock } = await live({ storage });
  await storage.landAll();
  const write = client.topic(list, "2").dispatch(added("a"));
  await turn();
  write.cancel();
  await storage.landAll();
  await storage.landAll();
  expect(messagesIn(connection.take())).toMatchObject([{ mid: 1, messages: [] }]);
  await clock.advance(10_000);
  expect(messagesIn(connection.take())).toMatchObject([{ mid: 1, messages: [] }]);
});

test("[OB9] S19 a storage that fails is reported, queued rejects, the message is sent, and settled is not raised by it", async () => {
  const storage = slowStorage();
  const { topic, connection, errors } = await live({ storage });
  await storage.landAll();
  const write = topic.dispatch(added("a"));
  await turn();
  await storage.commits.pop()?.land(new Error("quota"));
  await expect(write.queued).rejects.toMatchObject({ code: "storage" });
  expect(errors).toMatchObject([{ code: "storage" }]);
  expect(messagesIn(connection.sent)).toHaveLength(1);
  connection.say(updateFrame("list:1", 0, [["c1", 1, write.id, added("a")]]));
  await turn();
  await storage.commits.pop()?.land(new Error("quota"));
  await expect(write.applied).resolves.toMatchObject({ sequence: 1 });
  topic.dispatch(added("b"));
  await turn();
  await storage.commits.pop()?.land(new Error("quota"));
  expect(messagesIn(connection.sent).at(-1)).toMatchObject({ mid: 2, settled: 0 });
  topic.dispatch(added("c"));
  await storage.landAll();
  expect(messagesIn(connection.sent).at(-1)).toMatchObject({ mid: 3, settled: 1 });
});

test("[CL11] S33 after a pause the same mids are sent again, in order, and nothing in between", async () => {
  const { topic, connection, clock } = await live();
  topic.dispatch(added("a"));
  topic.dispatch(added("b"));
  await turn();
  connection.take();
  connection.say({ type: "Paused", target: "list:1", from: 1, code: "rate", retryAfter: 500 });
  topic.dispatch(added("c"));
  await clock.advance(499);
  expect(connection.take()).toEqual([]);
  await clock.advance(1);
  expect(messagesIn(connection.take()).map(({ mid }) => mid)).toEqual([1, 2, 3]);
});

test("[CL10] what is not decided in time is sent again", async () => {
  const { topic, connection, clock } = await live();
  topic.dispatch(added("a"));
  await turn();
  connection.take();
  await clock.advance(21_000);
  expect(messagesIn(connection.take()).map(({ mid }) => mid)).toContain(1);
});

test("[RB8] a confirmed record that does not fold here is reported and healed by a snapshot", async () => {
  const { topic, connection, errors } = await live({}, 0, "a");
  connection.say(updateFrame("list:1", 0, [["c2", 1, "other", removed("gone")]]));
  await turn();
  expect(errors).toMatchObject([{ from: "app", code: "missing" }]);
  expect(topic.state).toMatchObject({ status: "stale", model: items("a") });
  expect(connection.last("Subscribe")).not.toHaveProperty("cursor");
  await giveSnapshot(connection, "list:1", 1, items("b"));
  expect(topic.state).toMatchObject({ status: "live", model: items("b") });
});

test("[RB2] S9 an array of one message is amended to an array of one, however its author hears of it", async () => {
  for (const way of ["record", "Acknowledge", "Settled"] as const) {
    const setup = setUp();
    const topic = setup.client.topic(list, "1");
    const connection = await handshake(setup);
    if (way !== "Acknowledge") topic.retain();
    await turn();
    if (way === "record") await giveSnapshot(connection, "list:1", 0, items());
    const write = topic.dispatch([added("a")]);
    await turn();
    const [mid, id, target, message] = [1, write.id, "list:1", added("A")] as const;
    if (way === "record") connection.say(updateFrame(target, 0, [["c1", 1, id, message]]));
    else if (way === "Acknowledge")
      connection.say({ type: "Acknowledge", target, mid, id, sequence: 1, messages: [message] });
    else {
      const outcome = [mid, id, 1, [message], null, null, null] as const;
      const resync = {
        sequence: 1,
        next: 2,
        outcomes: [outcome],
        resync: "snapshot",
        reason: "new",
      } as const;
      connection.say(settledFrame(target, connection.ref(target), resync));
      connection.say(snapshotFrame(target, 1, 10, items("A")));
    }
    await expect(write.applied, way).resolves.toEqual({ sequence: 1, messages: [message] });
  }
});
