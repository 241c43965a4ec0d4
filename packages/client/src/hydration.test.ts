// A page that brings its topics along: shown at once, not fetched again, and never against what is stored.
import { automatic, json } from "@calla/shared";
import { expect, test } from "vitest";
import { hydrated, parseHydration } from "./hydration.ts";
import { memoryPageStorage as memoryStorage } from "./storage/memory-storage.ts";
import { keepModels } from "./storage/kept-models.ts";
import { storageContract } from "./testing/storage-contract.ts";
import type { PageStorage as Storage, StorageChange, StoredIdentity } from "./storage/storage.ts";
import {
  fullWiring,
  giveSnapshot,
  handshake,
  items,
  list,
  messagesIn,
  settledFrame,
  setUp,
  setUpWith,
  turn,
  updateFrame,
} from "../test/kit.ts";
import { added } from "../test/live.ts";

const serialiser = automatic(json());
const row = (sequence: number, ...texts: string[]) => ["list:1", sequence, sequence * 10, 1, items(...texts)];
const page = (...topics: unknown[]): string => JSON.stringify({ calla: 1, format: "json", topics });
/** A storage that holds what these changes gave, and a page on top of it. */
async function paged(
  text: string,
  changes: readonly StorageChange[] = [],
  inner: Storage = memoryStorage({ models: keepModels({ hides: () => () => {} }) }),
) {
  const errors: unknown[] = [];
  if (changes.length > 0) {
    await inner.load({ server: "", user: null });
    await inner.commit(changes);
  }
  const onError = (error: unknown): void => void errors.push(error);
  return { storage: hydrated(inner, { serialiser, text, onError }), errors, inner };
}
const identity: StoredIdentity = { clientId: "c1", secret: "secret of c1", userId: null };
const mine: StorageChange = { type: "identity", identity };
const model = (sequence: number, ...texts: string[]): StorageChange => ({
  type: "model",
  target: "list:1",
  model: { sequence, mark: sequence * 10, version: 1, model: items(...texts), usedAt: 1_000_000 },
});
const entry = (mid: number, text: string, sequence?: number): StorageChange => ({
  type: "entry",
  entry: {
    target: "list:1",
    mid,
    id: `id-${mid}`,
    messages: [added(text)],
    at: 1_000_000,
    version: 1,
    ...(sequence !== undefined && { sequence }),
  },
});

test("[HY4] a hydrated topic is shown with its first holder, and the server is asked only for what is missing", async () => {
  const { storage } = await paged(page(row(5, "a")));
  const setup = setUp({ storage });
  const topic = setup.client.topic(list, "1");
  topic.retain();
  expect(topic.state).toMatchObject({ status: "stale", model: items("a") });
  const heard: unknown[] = [];
  topic.onChange((state) => heard.push(state.model));
  const write = topic.dispatch(added("b"));
  expect(topic.state.model).toEqual(items("a", "b"));
  const connection = await handshake(setup);
  expect(connection.last("Hello").targets).toMatchObject([
    { target: "list:1", cursor: { sequence: 5, mark: 50 } },
  ]);
  connection.say(
    settledFrame("list:1", connection.ref("list:1"), { sequence: 6, resync: "records", reason: "missed" }),
  );
  connection.say(updateFrame("list:1", 5, [["c2", 1, "x", added("x")]]));
  connection.say(updateFrame("list:1", 6, [["c1", 1, write.id, added("b")]]));
  await turn();
  expect(topic.state).toMatchObject({ status: "live", model: items("a", "x", "b"), pending: [] });
  expect(heard.every((one) => one !== undefined)).toBe(true);
});

test("[HY5] a newer stored model is shown in its place, and an older one is not", async () => {
  for (const [stored, shown] of [
    [7, "stored"],
    [5, "stored"],
    [4, "page"],
  ] as const) {
    const { storage } = await paged(page(row(5, "page")), [mine, model(stored, "stored")]);
    for (const user of [null, undefined]) {
      const setup = setUp({ storage, ...(user === null && { user }) });
      const topic = setup.client.topic(list, "1");
      topic.retain();
      const connection = await handshake(setup);
      expect(topic.state.model).toEqual(items(shown));
      const sequence = shown === "page" ? 5 : stored;
      expect(connection.last("Hello").targets).toMatchObject([{ cursor: { sequence, mark: sequence * 10 } }]);
    }
  }
});

test("[HY5] S6 where a message waits for its outcome the page's snapshot, which may hold it, is not used", async () => {
  for (const [before, shown] of [
    [[mine, entry(1, "mine")], undefined],
    [[mine, model(4, "stored"), entry(1, "mine")], items("stored", "mine")],
  ] as const) {
    for (const user of [null, undefined]) {
      const { storage } = await paged(page(row(5, "stored", "mine")), before);
      const setup = setUp({ storage, ...(user === null && { user }) });
      const topic = setup.client.topic(list, "1");
      topic.retain();
      const connection = await handshake(setup);
      expect(topic.state.model).toEqual(shown);
      const [asked] = connection.last("Hello").targets;
      expect(asked?.cursor?.sequence).toBe(shown && 4);
      expect(messagesIn(connection.sent)).toMatchObject([{ mid: 1, id: "id-1" }]);
    }
  }
});

test("[HY5] S44 a settled message that an older stored model lacks is shown on top only if the page lacks it too", async () => {
  for (const [sequence, shown] of [
    [6, items("page", "mine")],
    [8, items("page")],
  ] as const) {
    const { storage } = await paged(page(row(sequence, "page")), [
      mine,
      model(4, "stored"),
      entry(1, "mine"),
      { type: "outcome", target: "list:1", mid: 1, sequence: 7 },
      { type: "target", target: "list:1", settled: 1, last: 1 },
    ]);
    const setup = setUp({ storage, user: null });
    const topic = setup.client.topic(list, "1");
    topic.retain();
    await turn();
    expect(topic.state.model).toEqual(shown);
  }
});

test("[HY5] a slice of another version, and a topic left for good, are fetched", async () => {
  const { storage } = await paged(page(["list:1", 5, 50, 2, items("newer")]));
  const setup = setUp({ storage });
  const topic = setup.client.topic(list, "1");
  const leave = topic.retain();
  expect(topic.state.model).toBeUndefined();
  leave();

  const other = await paged(page(row(5, "a")));
  const second = setUp({ storage: other.storage });
  const its = second.client.topic(list, "1");
  const stop = its.retain();
  const connection = await handshake(second);
  await giveSnapshot(connection, "list:1", 6, items("a", "b"));
  stop();
  await second.clock.advance(6_000);
  second.client.topic(list, "1").retain();
  await turn();
  // It is not begun again from a page that is long out of date.
  expect(second.client.topic(list, "1").state.model).not.toEqual(items("a"));
});

test("[HY6] S29 what is no hydration is refused with a typed error, and costs nothing but a fetch", async () => {
  const nested = `${"[".repeat(2_000)}${"]".repeat(2_000)}`;
  for (const text of [
    "",
    "null",
    "[]",
    "{",
    '{"calla":2,"format":"json","topics":[]}',
    '{"calla":1,"topics":[]}',
    '{"calla":1,"format":["json"],"topics":[]}',
    '{"calla":1,"format":"json","topics":{}}',
    page(null),
    page(["list:1", -1, 0, 1, {}]),
    page(["list:1", 1, 0.5, 1, {}]),
    page([1, 1, 1, 1, {}]),
    page(["@", 1, 1, 1, {}]),
    page(["list:1", 1, 1, 1]),
    '{"calla":1,"format":"json","topics":[["list:1",1,1,1,{"__proto__":{"polluted":1}}]]}',
    `{"calla":1,"format":"json","topics":[["list:1",1,1,1,${nested}]]}`,
    '{"calla":1,"format":"json","topics":[],"session":{"clientId":1,"snapshot":["@",1,1,1,{}]}}',
    '{"calla":1,"format":"json","topics":[],"session":{"clientId":"c1","snapshot":["list:1",1,1,1,{}]}}',
  ]) {
    const { storage, errors } = await paged(text);
    expect([text.slice(0, 80), errors]).toMatchObject([
      text.slice(0, 80),
      [{ code: expect.stringMatching(/undecodable|hostile-key|too-deep/) as string }],
    ]);
    const setup = setUp({ storage });
    const topic = setup.client.topic(list, "1");
    topic.retain();
    expect(topic.state.status).toBe("loading");
    const connection = await handshake(setup);
    await giveSnapshot(connection, "list:1", 1, items("fetched"));
    expect(topic.state.model).toEqual(items("fetched"));
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(() => parseHydration("{", serialiser)).toThrow(expect.objectContaining({ code: "undecodable" }));
});

test("[HY6] S41 a session is begun from the page only by the client that it belongs to", async () => {
  const snapshot = ["@", 3, 30, 1, { name: "Ada", visits: 0 }];
  const text = JSON.stringify({
    calla: 1,
    format: "json",
    topics: [],
    session: { clientId: "c1", snapshot },
  });
  for (const [clientId, name] of [
    ["c1", "Ada"],
    ["c2", undefined],
  ] as const) {
    const { storage } = await paged(text, [{ type: "identity", identity: { ...identity, clientId } }]);
    const setup = setUpWith(fullWiring, { storage, user: null });
    await turn();
    expect((setup.client.session.state.model as { name?: string } | undefined)?.name).toBe(name);
  }
  const { storage } = await paged(text);
  const nobody = setUpWith(fullWiring, { storage });
  await turn();
  expect(nobody.client.session.state.model).toBeUndefined();
});

test("[HY4] [OB6] the storage beneath is used as it is: it gets all that it is given and keeps its contract", async () => {
  const given: unknown[] = [];
  const inner: Storage = {
    ...memoryStorage(),
    load: (...all) => {
      given.push(all.length, all[1]);
      return Promise.resolve(undefined);
    },
  };
  const { storage } = await paged(page(row(5, "a")), [], inner);
  setUp({ storage, user: null });
  await turn();
  expect(given).toEqual([2, expect.objectContaining({ serialiser: expect.anything() as unknown })]);
  for (const { run } of storageContract) {
    const whole = hydrated(memoryStorage(), { serialiser, text: page() });
    await run({ open: () => whole });
  }
});
