// What the app sees of the outbox: what is unsent, what became of it, why it is not shown, and the end of it all.
import { expect, test, vi } from "vitest";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { keepModels } from "../src/storage/kept-models.ts";
import type { PageStorage as Storage } from "../src/storage/storage.ts";
import type { Connection } from "./kit.ts";
import {
  giveSnapshot,
  handshake,
  items,
  list,
  messagesIn,
  seededRandom,
  setUp,
  turn,
  updateFrame,
} from "./kit.ts";
import { added, live, removed, slowStorage } from "./live.ts";

const owner = { server: "", user: null };
let pages = 1;
const reload = (storage: Storage, options: Parameters<typeof setUp>[0] = {}) =>
  setUp({ storage, user: null, random: seededRandom(++pages * 7_919), ...options });
const reject = (connection: Connection, mid: number, id: string) =>
  connection.say({
    type: "Rejected",
    target: "list:1",
    mid,
    id,
    from: "app",
    code: "missing",
    details: { text: "x" },
  });

test("[OB11] S20 pending lists what is unsent with its place, time and state, also after a reload", async () => {
  const storage = slowStorage();
  const { client, topic, clock } = await live({ storage });
  await storage.landAll();
  const first = topic.dispatch(added("a"));
  await storage.landAll();
  const at = clock.now();
  client.disconnect();
  await clock.advance(50);
  const second = client.topic(list, "2").dispatch(added("b"));
  const cancelled = topic.dispatch(added("never"));
  cancelled.cancel();
  expect(client.pending).toEqual([
    { target: "list:1", id: first.id, messages: [added("a")], at, state: "sent", skipped: undefined },
    {
      target: "list:2",
      id: second.id,
      messages: [added("b")],
      at: at + 50,
      state: "pending",
      skipped: undefined,
    },
  ]);
  await storage.landAll();
  void client.close();
  await storage.landAll();
  const later = reload(storage);
  await turn();
  expect(later.client.pending).toMatchObject([
    { id: first.id, messages: [added("a")], at, state: "queued" },
    { id: second.id, messages: [added("b")], at: at + 50, state: "queued" },
  ]);
  expect(later.client.status.pending).toBe(2);
});

test("[OB11] [OB32] S6 the hook hears each outcome once, also of an earlier page's messages: acknowledged, amended, rejected", async () => {
  const storage = memoryStorage();
  const first = await live({ storage });
  const writes = ["a", "b", "c"].map((text) => first.topic.dispatch(added(text)));
  await turn();
  await first.client.close();
  const onOutcome = vi.fn();
  const page = reload(storage, { onOutcome });
  page.client.topic(list, "1").onChange(() => {});
  const connection = await handshake(page);
  await giveSnapshot(connection, "list:1", 0, items());
  const ids = writes.map(({ id }) => id);
  connection.say(
    updateFrame("list:1", 0, [
      ["c1", 1, ids[0]!, added("a")],
      ["c1", 2, ids[1]!, added("B")],
    ]),
  );
  reject(connection, 3, ids[2]!);
  const mine = page.client.topic(list, "1").dispatch(added("d"));
  await turn();
  connection.say(updateFrame("list:1", 2, [["c1", 4, mine.id, added("d")]]));
  connection.say({ type: "Acknowledge", target: "list:1", mid: 4, id: mine.id, sequence: 3 });
  await turn();
  const target = "list:1";
  expect(onOutcome.mock.calls.flat()).toEqual([
    {
      target,
      id: ids[0],
      messages: [added("a")],
      earlier: true,
      is: "applied",
      sequence: 1,
      applied: [added("a")],
      amended: false,
    },
    {
      target,
      id: ids[1],
      messages: [added("b")],
      earlier: true,
      is: "applied",
      sequence: 2,
      applied: [added("B")],
      amended: true,
    },
    {
      target,
      id: ids[2],
      messages: [added("c")],
      earlier: true,
      is: "rejected",
      error: expect.objectContaining({ code: "missing" }),
    },
    {
      target,
      id: mine.id,
      messages: [added("d")],
      earlier: false,
      is: "applied",
      sequence: 3,
      applied: [added("d")],
      amended: false,
    },
  ]);
});

test("[OB11] [OB32] S44 an outcome that an earlier page was told is not told again when its entry leaves", async () => {
  const storage = memoryStorage({ models: keepModels() });
  const heard = vi.fn();
  const first = await live({ storage, onOutcome: heard }, 5);
  await first.clock.advance(1_000);
  const { id } = first.topic.dispatch(added("a"));
  await turn();
  first.connection.say(updateFrame("list:1", 5, [["c1", 1, id, added("a")]]));
  await turn();
  expect(heard).toHaveBeenCalledOnce();
  const page = reload(storage, { onOutcome: heard });
  const topic = page.client.topic(list, "1");
  topic.onChange(() => {});
  const connection = await handshake(page);
  expect(topic.state.pending).toMatchObject([{ id }]);
  expect(page.client.pending).toEqual([]);
  await giveSnapshot(connection, "list:1", 6, items("a"));
  expect(topic.state).toMatchObject({ model: items("a"), pending: [] });
  expect(heard).toHaveBeenCalledOnce();
});

test("[RB4] [OB11] a prediction that is skipped says why, in the state and in the list, until it is not", async () => {
  const { topic, client, connection, states } = await live({}, 0, "x");
  const write = topic.dispatch(removed("y"));
  topic.dispatch({ type: "exploded", when: "x" });
  await turn();
  const why = [
    { code: "missing", details: { text: "y" } },
    { code: "update-threw", details: {} },
  ];
  expect(topic.state.pending.map(({ skipped }) => skipped)).toEqual(why);
  expect(client.pending.map(({ skipped }) => skipped)).toEqual(why);
  connection.say(
    updateFrame("list:1", 0, [
      ["c2", 1, "1", added("z")],
      ["c2", 2, "2", removed("x")],
      ["c2", 3, "3", added("y")],
    ]),
  );
  await turn();
  expect(topic.state.pending).toMatchObject([{ id: write.id, skipped: undefined }, { skipped: undefined }]);
  expect(topic.state.model).toEqual(items("z", "survived"));
  const shown = states.length;
  connection.say(updateFrame("list:1", 3, [["c2", 4, "4", removed("y")]]));
  await turn();
  // The model is the same, but the app is told that the message does nothing any more.
  expect(topic.state.pending[0]?.skipped?.code).toBe("missing");
  expect(states.length).toBe(shown + 1);
});

test("[OB9] S19 status says whether the storage works, from a failure to the next success", async () => {
  const storage = slowStorage();
  const { client, topic, clock } = await live({ storage });
  await storage.landAll();
  expect(client.status.storage).toBe("working");
  const heard: string[] = [];
  client.onStatus(({ storage: now }) => heard.push(now));
  topic.dispatch(added("a"));
  await turn();
  await storage.commits.pop()?.land(new Error("quota"));
  expect([client.status.storage, heard.at(-1)]).toEqual(["failed", "failed"]);
  await clock.advance(10_000);
  await storage.landAll();
  expect([client.status.storage, heard.at(-1)]).toEqual(["working", "working"]);
  const unreadable = reload({ ...memoryStorage(), load: () => Promise.reject(new Error("private mode")) });
  await turn();
  expect(unreadable.client.status.storage).toBe("failed");
});

test("[OB12] forget ends the client, empties its storage, and gives back what was without an outcome", async () => {
  const storage = memoryStorage({ models: keepModels() });
  const { client, topic, clock, connection } = await live({ storage, user: null }, 5, "a");
  await clock.advance(1_000);
  connection.drop();
  const write = topic.dispatch(added("unsent"));
  await turn();
  expect((await storage.load(owner))?.models.size).toBe(1);
  const dropped = await client.forget();
  expect(dropped).toMatchObject([
    { target: "list:1", id: write.id, messages: [added("unsent")], state: "queued" },
  ]);
  await expect(write.applied).rejects.toMatchObject({ code: "closed" });
  expect(await storage.load(owner)).toBeUndefined();
  expect(() => topic.dispatch(added("more"))).toThrow(expect.objectContaining({ code: "closed" }));
  await expect(client.forget()).rejects.toMatchObject({ code: "closed" });
  await client.close();
  expect([await storage.load(owner), clock.waiting]).toEqual([undefined, 0]);
});

test("[OB12] S41 forget drops nothing of somebody whom nobody has named, and says when the storage fails", async () => {
  const storage = memoryStorage();
  const first = await live({ storage });
  first.topic.dispatch(added("a"));
  await turn();
  await first.client.close();
  const nobody = setUp({ storage, connect: false });
  await expect(nobody.client.forget()).rejects.toMatchObject({ code: "forbidden" });
  expect((await storage.load(owner))?.entries).toHaveLength(1);
  const failing = await live({ storage: { ...storage, commit: () => Promise.reject(new Error("locked")) } });
  await expect(failing.client.forget()).rejects.toMatchObject({ code: "storage" });
  await failing.client.close();
});

test("[OB12] a transaction under way when the client is forgotten brings nothing back", async () => {
  const storage = slowStorage();
  const { client, topic } = await live({ storage, user: null });
  await storage.landAll();
  topic.dispatch(added("a"));
  await turn();
  topic.dispatch(added("b"));
  const forgotten = client.forget();
  await storage.landAll();
  await storage.landAll();
  await forgotten;
  expect([await storage.load(owner), storage.commits]).toEqual([undefined, []]);
});

test("[OB12] nothing is sent after forget", async () => {
  const { client, topic, connection } = await live();
  const forgotten = client.forget();
  connection.take();
  await forgotten;
  expect(messagesIn(connection.take())).toEqual([]);
  expect(topic.state.status).not.toBe("live");
});
