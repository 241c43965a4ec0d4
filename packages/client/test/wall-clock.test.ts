// A page whose wall clock is set an hour back, an hour forward, and each of them a second time; and a server that says
// absurd times.
import { describe, expect, test } from "vitest";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { keepModels } from "../src/storage/kept-models.ts";
import { giveSnapshot, handshake, items, messagesIn, turn, updateFrame } from "./kit.ts";
import { added, live, reconnect } from "./live.ts";

const HOUR = 3_600_000;
const NEVER = Number.MAX_SAFE_INTEGER;

const STEPS: readonly (readonly [string, readonly number[]])[] = [
  ["is set back, twice", [-HOUR, -HOUR]],
  ["is set forward, twice", [HOUR, HOUR]],
  ["is set back and forward again", [-HOUR, HOUR]],
  ["is set forward and back again", [HOUR, -HOUR]],
];

describe.each(STEPS)("a wall clock that %s", (_, steps) => {
  test("[TM2] [CL6] neither asks a connection that speaks whether it lives nor takes a silent one for alive", async () => {
    const { clock, connection, client } = await live();
    connection.take();
    for (const step of steps) {
      clock.step(step);
      for (let i = 0; i < 4; i++) {
        await clock.advance(20_000);
        connection.say({ type: "Pong" });
      }
      expect(connection.take()).toEqual([]);
    }
    clock.step(steps[0]!);
    await clock.advance(25_000);
    expect(connection.take()).toMatchObject([{ type: "Ping" }]);
    clock.step(steps[1]!);
    await clock.advance(10_000);
    expect(client.status).toMatchObject({ connection: "waiting", reason: "silent" });
  });

  test("[TM2] [CL11] makes a pause neither longer nor shorter", async () => {
    const { clock, connection, topic } = await live();
    for (const [i, step] of steps.entries()) {
      topic.dispatch(added("a"));
      await turn();
      connection.say({ type: "Paused", target: "list:1", from: i + 1, code: "rate", retryAfter: 1_000 });
      clock.step(step);
      connection.take();
      await clock.advance(999);
      expect(messagesIn(connection.take())).toEqual([]);
      await clock.advance(1);
      const [sent] = messagesIn(connection.take());
      expect(sent).toMatchObject({ mid: i + 1 });
      connection.say(updateFrame("list:1", i, [["c1", sent!.mid, sent!.id, ...sent!.messages]]));
      await turn();
    }
  });

  test("[TM2] [CL10] has a message sent again after ten seconds without an outcome, not sooner and not later", async () => {
    const { clock, connection, topic } = await live();
    topic.dispatch(added("a"));
    await turn();
    connection.take();
    for (const step of steps) {
      clock.step(step);
      await clock.advance(9_000);
      expect(messagesIn(connection.take())).toEqual([]);
      connection.say({ type: "Pong" });
      await clock.advance(11_000);
      expect(messagesIn(connection.take()).map(({ mid }) => mid)).toContain(1);
      connection.say({ type: "Pong" });
      // Since it was sent again.
      await clock.advance(20_000 - (clock.monotonic() % 20_000));
      connection.say({ type: "Pong" });
      connection.take();
    }
  });

  test("[TM2] [OB10] stores a model a second after it changed, also when the storage has just failed", async () => {
    const stored: unknown[] = [];
    let fails = false;
    const storage = memoryStorage({ models: keepModels({ hides: () => () => {} }) });
    const watched = {
      ...storage,
      async commit(changes: Parameters<typeof storage.commit>[0]) {
        if (!changes.some(({ type }) => type === "model")) return storage.commit(changes);
        if (fails) throw new Error("full");
        stored.push(...changes);
        return storage.commit(changes);
      },
    };
    const { clock, connection } = await live({ storage: watched });
    await clock.advance(2_000);
    let sequence = 0;
    const change = async (): Promise<void> => {
      connection.say(updateFrame("list:1", sequence, [[null, 0, `m${++sequence}`, added("x")]]));
      await turn();
    };
    for (const step of steps) {
      stored.length = 0;
      await change();
      clock.step(step);
      await clock.advance(1_100);
      expect(stored).toMatchObject([{ type: "model", model: { sequence } }]);
      fails = true;
      await change();
      await clock.advance(1_100);
      fails = false;
      stored.length = 0;
      clock.step(step);
      connection.say({ type: "Pong" });
      for (let i = 0; i < 3; i++) {
        await clock.advance(21_000);
        connection.say({ type: "Pong" });
      }
      expect(stored).toContainEqual(expect.objectContaining({ type: "model" }));
    }
  });
});

test("[CL11] a pause ends after a minute at the latest, whatever the server said, and as often as it says so", async () => {
  const { clock, connection, topic } = await live();
  topic.dispatch(added("a"));
  await turn();
  for (let i = 0; i < 2; i++) {
    connection.say({ type: "Paused", target: "list:1", from: 1, code: "rate", retryAfter: NEVER });
    connection.take();
    for (let passed = 0; passed < 60_000; passed += 20_000) {
      expect(messagesIn(connection.take())).toEqual([]);
      await clock.advance(20_000);
      connection.say({ type: "Pong" });
    }
    expect(messagesIn(connection.take())).toMatchObject([{ mid: 1 }]);
  }
});

test("[CL11] of two pauses of a target the newer counts, and a thousand of them are one timer", async () => {
  const { clock, connection, topic } = await live();
  topic.dispatch(added("a"));
  await turn();
  const before = clock.waiting;
  for (let i = 0; i < 1_000; i++)
    connection.say({ type: "Paused", target: "list:1", from: 1, code: "rate", retryAfter: 8_000 });
  expect(clock.waiting).toBe(before + 1);
  connection.say({ type: "Paused", target: "list:1", from: 1, code: "rate", retryAfter: 500 });
  connection.take();
  await clock.advance(500);
  expect(messagesIn(connection.take())).toMatchObject([{ mid: 1 }]);
});

test("[CL11] a pause is forgotten with its connection, a second one too", async () => {
  const setup = await live();
  setup.topic.dispatch(added("a"));
  await turn();
  let { connection } = setup;
  for (let i = 0; i < 2; i++) {
    connection.say({ type: "Paused", target: "list:1", from: 1, code: "rate", retryAfter: 50_000 });
    setup.topic.dispatch(added("b"));
    await turn();
    connection = await reconnect(setup);
    expect(messagesIn(connection.take()).map(({ mid }) => mid)).toEqual(i === 0 ? [1, 2] : [1, 2, 3]);
  }
});

test("[CL11] [OB4] what a pause kept leaves on the next connection, also where the server has ended the last one", async () => {
  const setup = await live();
  setup.topic.dispatch(added("a"));
  await turn();
  let { connection } = setup;
  for (const mids of [
    [1, 2],
    [1, 2, 3],
  ]) {
    connection.say({ type: "Paused", target: "list:1", from: 1, code: "rate", retryAfter: 50_000 });
    setup.topic.dispatch(added("b"));
    await turn();
    connection.say({ type: "Closing", code: "draining", retryable: true, within: 100 });
    await setup.clock.advance(1_000);
    connection = await handshake(setup);
    expect(messagesIn(connection.take()).map(({ mid }) => mid)).toEqual(mids);
  }
});

test.each(["rate", "missing"] as const)(
  "[CL7] [CL18] a topic that is refused for now is asked for again within a minute, whatever the server said: %s",
  async (code) => {
    const { clock, connection } = await live();
    const ref = connection.ref("list:1");
    connection.say({ type: "Unsubscribed", target: "list:1", ref, code, retryable: true, retryAfter: NEVER });
    connection.take();
    for (let passed = 0; passed < 60_000; passed += 20_000) {
      await clock.advance(20_000);
      connection.say({ type: "Pong" });
    }
    expect(connection.take()).toContainEqual(
      expect.objectContaining({ type: "Subscribe", target: "list:1" }),
    );
    await giveSnapshot(connection, "list:1", 0, items());
  },
);

test("[CL12] a client that is sent away for ever comes back within ten minutes", async () => {
  const setup = await live();
  setup.connection.say({ type: "Closing", code: "draining", retryable: true, within: NEVER });
  await setup.clock.advance(600_000);
  expect(setup.server.connections.length).toBeGreaterThan(1);
});
