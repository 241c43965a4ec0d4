// Of whose name the ids in predictions are made, and when they are made anew.
import { automatic, json, visitorOf } from "@calla/shared";
import { expect, test } from "vitest";
import { hydrated } from "../src/hydration.ts";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { keepModels } from "../src/storage/kept-models.ts";
import { giveSnapshot, handshake, items, list, messagesIn, setUp, turn, updateFrame } from "./kit.ts";
import { live, reconnect } from "./live.ts";

const named = { type: "named" } as const;
const visitors = (clientId: string, id: string): string => `${id}-1~v${visitorOf(clientId, null, "list:1")}`;

test("[WR16] [RB3] a visitor's prediction has the id that its record has, here and with everybody else", async () => {
  const { topic, connection } = await live();
  const { id } = topic.dispatch(named);
  await turn();
  const { model } = topic.state;
  expect(model?.items).toEqual([visitors("c1", id)]);
  connection.say(updateFrame("list:1", 0, [["c1", 1, id, named]]));
  await turn();
  expect(topic.state.pending).toEqual([]);
  expect(topic.state.model).toBe(model);
  // Another visitor's message of the very same id, and one of the server's own.
  connection.say(
    updateFrame("list:1", 1, [
      ["c2", 1, id, named],
      [null, 0, id, named],
    ]),
  );
  await turn();
  expect(topic.state.model?.items).toEqual([visitors("c1", id), visitors("c2", id), `${id}-1`]);
});

test("[WR16] [WR35] a user's is the user's, whichever client sends it", async () => {
  const { topic, connection } = await live();
  connection.say(
    updateFrame("list:1", 0, [["c7", 1, "m", named]], { authors: [[7, "ada", 0]] }),
    updateFrame("list:1", 1, [["c8", 1, "m", named]], { authors: [[8, "eve", 0]] }),
  );
  await turn();
  expect(topic.state.model?.items).toEqual(["m-1~uada", "m-1~ueve"]);
});

for (const [why, more, user] of [
  ["expired", { refused: "expired" }, null],
  ["a user's, expired", { refused: "expired", userId: "ada" }, "ada"],
] as const)
  test(`[WR16] [CL1] [WR36] what is pending is predicted anew under the next identity: ${why}`, async () => {
    const setup = setUp(user === null ? {} : { user });
    const topic = setup.client.topic(list, "1");
    topic.retain();
    const first = await handshake(setup, "c1", { userId: user });
    await giveSnapshot(first, "list:1", 0, items("x"));
    first.drop();
    const { id } = topic.dispatch(named);
    await turn();
    const before = topic.state.model;
    expect(before?.items).toEqual(["x", user === null ? visitors("c1", id) : `${id}-1~uada`]);
    await setup.clock.advance(1_000);
    const connection = await handshake(setup, "c2", more);
    const after = topic.state.model;
    expect(topic.state.status).toBe("stale");
    if (user === null) expect(after?.items).toEqual(["x", visitors("c2", id)]);
    else expect(after).toBe(before);
    await giveSnapshot(connection, "list:1", 0, items("x"));
    expect(messagesIn(connection.sent)).toMatchObject([{ mid: 1, id }]);
    const authors =
      user === null
        ? {}
        : { authors: [[updateFrame("list:1", 0, [["c2", 1, id, named]]).authors[0]![0], user, 0] as const] };
    connection.say(updateFrame("list:1", 0, [["c2", 1, id, named]], authors));
    await turn();
    expect(topic.state.pending).toEqual([]);
    expect(topic.state.model).toBe(after);
  });

test("[WR16] [OB8] [WR35] what a conflict of mids moves to a fresh identity is predicted anew", async () => {
  const setup = await live();
  const { topic, connection } = setup;
  const { id } = topic.dispatch(named);
  await turn();
  connection.say({
    type: "Rejected",
    target: "list:1",
    mid: 1,
    id,
    from: "calla",
    code: "mid-conflict",
    details: {},
  });
  await setup.clock.advance(1_000);
  await handshake(setup, "c1");
  await setup.clock.advance(1_000);
  const last = await handshake(setup, "c2");
  expect(messagesIn(last.sent)).toMatchObject([{ mid: 1, id }]);
  expect(topic.state.model?.items).toEqual([visitors("c2", id)]);
});

test("[WR16] what is known to be applied keeps the name that its record has, though another identity came", async () => {
  const setup = await live();
  const { topic, connection } = setup;
  const applied = topic.dispatch(named);
  await turn();
  connection.say({ type: "Acknowledge", target: "list:1", mid: 1, id: applied.id, sequence: 1 });
  await turn();
  const waiting = topic.dispatch(named);
  connection.drop();
  await setup.clock.advance(1_000);
  const next = await handshake(setup, "c2", { refused: "expired" });
  expect(topic.state.model?.items).toEqual([visitors("c1", applied.id), visitors("c2", waiting.id)]);
  await giveSnapshot(next, "list:1", 1, items(visitors("c1", applied.id)));
  expect(topic.state.model?.items).toEqual([visitors("c1", applied.id), visitors("c2", waiting.id)]);
});

test("[WR16] [RB7] [WR36] what was predicted before the server had named the client is predicted anew, once, with the first Connected", async () => {
  const text = JSON.stringify({ calla: 1, format: "json", topics: [["list:1", 3, 30, 1, items("x")]] });
  for (const user of [null, "ada"]) {
    const setup = setUp({ storage: hydrated(memoryStorage(), { serialiser: automatic(json()), text }) });
    const topic = setup.client.topic(list, "1");
    topic.retain();
    const { id } = topic.dispatch(named);
    await turn();
    expect(topic.state.model?.items).toEqual(["x", `${id}-1`]);
    await handshake(setup, "c1", { userId: user });
    const name = user === null ? visitors("c1", id) : `${id}-1~uada`;
    expect(topic.state.model?.items).toEqual(["x", name]);
    const { model } = topic.state;
    await reconnect(setup);
    if (user === null) expect(topic.state.model).toBe(model);
  }
});

test.each(["ada", undefined])(
  "[WR16] [CL8] a reload predicts what was stored as its author, and what was dispatched before it knew whose page it is: %s",
  async (user) => {
    const storage = memoryStorage({ models: keepModels({ delay: 10 }) });
    const before = setUp({ storage });
    const topic = before.client.topic(list, "1");
    topic.retain();
    const connection = await handshake(before, "c1", { userId: "ada" });
    await giveSnapshot(connection, "list:1", 0, items());
    connection.drop();
    const old = topic.dispatch(named);
    await before.clock.advance(200);
    expect(topic.state.model?.items).toEqual([`${old.id}-1~uada`]);
    await before.client.close();
    const after = setUp({ storage, ...(user !== undefined && { user }), random: { uint32: () => 77 } });
    const again = after.client.topic(list, "1");
    again.retain();
    const early = again.dispatch(named);
    const both = [`${old.id}-1~uada`, `${early.id}-1~uada`];
    await turn();
    expect(again.state.model?.items).toEqual(user === undefined ? undefined : both);
    await handshake(after, "c1", { userId: "ada" });
    expect(again.state.model?.items).toEqual(both);
  },
);
