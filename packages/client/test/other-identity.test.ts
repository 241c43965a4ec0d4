// What waits when the server gives another identity (OB8, OB33): held messages among what was sent, and an app that acts on
// them at once.
import { expect, test } from "vitest";
import { dispatch } from "../src/engine/dispatch.ts";
import { connected } from "../src/engine/greeting.ts";
import { receive } from "../src/engine/incoming.ts";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { testCore } from "./core.ts";
import { connectedAs, handshake, messagesIn, setUp, turn } from "./kit.ts";
import type { Connection, Setup } from "./kit.ts";
import { added, slowStorage } from "./live.ts";

const owner = { server: "", user: null };
const rejected = (connection: Connection, target: string, id: string, code: "mid-conflict" | "cancelled") =>
  connection.say({ type: "Rejected", target, mid: 1, id, from: "calla", code, details: {} });
const sent = (connection: Connection) =>
  messagesIn(connection.take()).map(({ target, mid, messages }) => [target, mid, messages]);

test("[OB1] [OB33] S35 what is held and let go as soon as another identity is there leaves once the storage has it, under its new mid", async () => {
  const inner = memoryStorage();
  await inner.load(owner, {} as never);
  await inner.commit([
    { type: "begin", user: null, keepFormer: false },
    { type: "identity", identity: { clientId: "c1", secret: "s", userId: null } },
    ...["list:1", "list:2"].flatMap((target) => [
      {
        type: "entry" as const,
        entry: {
          target,
          mid: 1,
          id: `of ${target}`,
          messages: [added(target)],
          at: 1,
          version: 1,
          ...(target === "list:1" ? { held: true } : {}),
        },
      },
      { type: "target" as const, target, settled: 0, last: 1 },
    ]),
  ]);
  const storage = slowStorage(inner);
  const setup: Setup = setUp({
    storage,
    user: null,
    onReconnect: ({ clientId }) =>
      clientId === "c2" && setup.client.status.held.forEach((one) => void one.retry()),
  });
  await setup.clock.advance(20_000);
  let connection = await handshake(setup);
  await storage.landAll();
  expect(sent(connection)).toEqual([["list:2", 1, [added("list:2")]]]);
  rejected(connection, "list:2", "of list:2", "mid-conflict");
  await setup.clock.advance(1_000);
  connection = await handshake(setup);
  await storage.landAll();
  // Its mid is made void, and so everything can move.
  expect(sent(connection)).toEqual([["list:1", 1, []]]);
  rejected(connection, "list:1", "of list:1", "cancelled");
  await setup.clock.advance(10_000);
  expect(setup.client.status.held).toHaveLength(1);
  connection = await handshake(setup, "c2");
  expect(setup.client.status.held).toEqual([]);
  expect(sent(connection)).toEqual([]);
  const answer = async (times: number) => {
    const all = new Set<string>();
    for (let i = 0; i < times; i++) {
      await setup.clock.advance(2_000);
      for (const one of sent(connection)) all.add(JSON.stringify(one));
      connection.say({ type: "Pong" });
      await turn();
    }
    return [...all].map((one) => JSON.parse(one) as unknown);
  };
  // However sure it is that the line carries something.
  expect(await answer(20)).toEqual([]);
  await storage.landAll();
  expect(await answer(20)).toEqual([
    ["list:2", 1, [added("list:2")]],
    ["list:1", 1, [added("list:1")]],
  ]);
  const stored = await inner.load(owner, {} as never);
  expect(stored?.entries.map(({ target, mid }) => `${target} ${mid}`).toSorted()).toEqual([
    "list:1 1",
    "list:2 1",
  ]);
});

test("[CL1] [OB33] S35 a held one whose mid is void moves, though what stood behind it had left: that is unknown, and says so", async () => {
  const { core, sent } = testCore();
  core.open = false;
  const writes = ["a", "b", "c"].map((text) => dispatch(core, "list:1", added(text)));
  connected(core, connectedAs("c1"));
  core.open = true;
  await turn();
  expect(messagesIn(sent).map(({ mid }) => mid)).toEqual([1, 2, 3]);
  const [first] = core.queues.get("list:1")?.entries ?? [];
  if (!first) throw new Error("nothing waits");
  // As two connections' ends, and then the answer to its void, leave it.
  Object.assign(first, { held: true, voided: true, out: false, stage: "stored" });
  core.held.add(first);
  sent.length = 0;
  connected(core, connectedAs("c2"));
  await turn();
  expect(writes.map(({ state }) => state)).toEqual(["held", "unknown", "unknown"]);
  expect(core.size).toBe(1);
  expect(writes[0]?.retry()).toBe(true);
  first.cuts = 0;
  await turn();
  expect(messagesIn(sent).map(({ mid, messages }) => [mid, messages])).toEqual([[1, [added("a")]]]);
});

test("[CL7] what nobody uses any more is not made anew by the next connection", async () => {
  const { core } = testCore();
  for (const clientId of ["c1", "c1", "c2"]) {
    connected(core, connectedAs(clientId));
    await turn();
    expect(core.targets.size).toBe(0);
    for (const target of ["list:1", "list:2"]) {
      const { id } = dispatch(core, target, added("x"));
      await turn();
      const mid = core.queues.get(target)?.last ?? 0;
      receive(core, { type: "Acknowledge", target, mid, id, sequence: mid });
      await turn();
    }
    expect([core.size, core.targets.size]).toEqual([0, 0]);
  }
});
