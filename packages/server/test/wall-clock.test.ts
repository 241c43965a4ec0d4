// A server whose wall clock is set an hour back, an hour forward, and each of them a second time: whatever waits or is
// counted per time goes on as if it had not been.
import { describe, expect, test } from "vitest";
import { expiring } from "../src/app/authenticate.ts";
import type { ServerEvent } from "../src/app/events.ts";
import { memoryLog } from "../src/log/memory/memory-log.ts";
import { TokenBucket } from "../src/base/token-bucket.ts";
import {
  countingRandom,
  handClock,
  handPubSub,
  list,
  say,
  saySession,
  session,
  subscribe,
  types,
  wire,
} from "./wired.ts";

const HOUR = 3_600_000;
const added = (item: string) => ({ type: "added", item }) as const;

const STEPS: readonly (readonly [string, readonly number[]])[] = [
  ["is set back, twice", [-HOUR, -HOUR]],
  ["is set forward, twice", [HOUR, HOUR]],
  ["is set back and forward again", [-HOUR, HOUR]],
  ["is set forward and back again", [HOUR, -HOUR]],
];

describe.each(STEPS)("a wall clock that %s", (_, steps) => {
  test("[TM2] keeps no message waiting, and lets nobody say more than its rate", async () => {
    const it = wire({
      limits: { messageRate: 10, messageBurst: 4, topicMessageRate: 10, topicMessageBurst: 4 },
    });
    it.server.handle(list, { public: true });
    const ada = await it.client();
    ada.say(subscribe("list:1"));
    await ada.heard();
    let mid = 0;
    const burst = async (): Promise<string[]> => {
      for (let i = 0; i < 5; i++) ada.say(say("list:1", ++mid, added(`${mid}`)));
      return types(await ada.heard());
    };
    for (const step of [0, ...steps, 0]) {
      it.clock.step(step);
      // Four are taken, the fifth is to retry after the time that its rate asks for.
      expect(await burst()).toEqual(["Paused", "TopicUpdate"]);
      await it.advance(100);
      ada.say(say("list:1", mid, added(`${mid}`)));
      expect(types(await ada.heard())).toEqual(["TopicUpdate"]);
      await it.advance(500);
    }
  });

  test("[TM2] [SC2] neither ends a slow connection early nor keeps one that takes nothing in", async () => {
    const events: ServerEvent[] = [];
    const it = wire({
      limits: { collapseBytes: 1_000, stallTimeout: 20_000 },
      observe: (event) => void events.push(event),
    });
    it.server.handle(list, { public: true });
    const slow = await it.client();
    slow.stuff(1_001);
    slow.say({ type: "Ping", cursors: [] });
    await slow.heard();
    for (const step of steps) {
      it.clock.step(step);
      await it.advance(9_000);
      expect(slow.closed).toEqual([]);
    }
    await it.advance(4_000);
    expect(slow.closed).toMatchObject([{ reason: "slow" }]);
    slow.drop();
    expect(events.filter(({ type }) => type === "disconnected")).toMatchObject([{ lasted: 20_000 }]);
  });

  test("[TM2] [AU16] asks about rights as often as recheckAfter says, and not because it was set", async () => {
    let asked = 0;
    const it = wire({ limits: { recheckAfter: 160_000 } });
    it.server.handle(list, { canSubscribe: () => ++asked > 0, canDispatch: () => true });
    const ada = await it.client();
    ada.say(subscribe("list:1"));
    await ada.heard();
    for (const step of steps) {
      asked = 0;
      it.clock.step(step);
      await it.advance(15_000);
      expect(asked).toBe(0);
      await it.advance(165_000);
      expect(asked).toBe(1);
    }
  });

  test("[TM2] [AU14] [TM3] lets a token live as long as it was said to", async () => {
    const it = wire({
      authenticate: ({ token }) => expiring({ id: String(token) }, it.clock.now() + 60_000),
    });
    const ada = await it.client(undefined, "ada");
    it.clock.step(steps[0]!);
    await it.advance(47_000);
    expect(await ada.heard()).toEqual([]);
    it.clock.step(steps[1]!);
    await it.advance(1_000);
    expect(await ada.heard()).toEqual([{ type: "Expiring", within: 12_000 }]);
    await it.advance(12_000);
    expect(ada.closed).toEqual([{ code: 4001, reason: "token-expired" }]);
  });

  test("[TM2] neither lets a topic go that was used just now nor keeps one that is idle", async () => {
    const it = wire({ limits: { targetIdle: 60_000 } });
    it.server.handle(list, { public: true });
    for (const step of steps) {
      await it.done(it.server.topic(list, "1").dispatch(added("a")));
      it.clock.step(step);
      await it.advance(59_000);
      expect(it.server.inspect().targets.open).toBe(1);
      await it.advance(62_000);
      expect(it.server.inspect().targets.open).toBe(0);
    }
  });

  test("[TM2] [VE9] brings a digest once in digestEvery", async () => {
    const it = wire({ limits: { digestEvery: 30_000 } });
    it.server.handle(list, { public: true });
    const ada = await it.client();
    ada.say(subscribe("list:1"));
    await ada.heard();
    const topic = it.server.topic(list, "1");
    const digest = async (): Promise<boolean> => {
      await it.done(topic.dispatch(added("a")));
      return (await ada.heard()).some((frame) => frame.type === "TopicUpdate" && frame.digest !== undefined);
    };
    await it.advance(30_000);
    expect(await digest()).toBe(true);
    for (const step of steps) {
      it.clock.step(step);
      await it.advance(29_000);
      expect(await digest()).toBe(false);
      await it.advance(1_001);
      expect(await digest()).toBe(true);
    }
  });

  test("[TM2] [LT1] neither forgets a session that is used nor one that could still come back", async () => {
    const log = memoryLog();
    const it = wire({ log, limits: { sessionLifetime: 80 * 60_000, consumerLifetime: 100 * 60_000 } });
    it.server.handle(session, { public: true });
    const ada = await it.client();
    ada.say(subscribe("@"), saySession(1, { type: "named", name: "Ada" }));
    await ada.heard();
    const bob = await it.client();
    bob.say(saySession(1, { type: "named", name: "Bob" }));
    await bob.heard();
    bob.drop();
    await it.advance(15 * 60_000);
    for (const step of steps) {
      it.clock.step(step);
      await it.advance(10 * 60_000); // one look: what it finds may not hold
      expect(await log.open(`@${bob.identity.clientId}`)).toBeDefined();
      it.clock.step(-step);
      await it.advance(12 * 60_000);
      expect(await log.open(`@${bob.identity.clientId}`)).toBeDefined();
    }
    for (let hours = 0; hours < 4; hours++) await it.advance(HOUR);
    expect(await log.open(`@${bob.identity.clientId}`)).toBeUndefined();
    expect(await log.open(`@${ada.identity.clientId}`)).toBeDefined();
  });

  test("[TM2] [TE15] [TM3] never turns the time of a topic's records back", async () => {
    const log = memoryLog();
    const it = wire({ log });
    const topic = it.server.topic(list, "1");
    await it.done(topic.dispatch(added("a")));
    for (const step of [...steps, 0]) {
      it.clock.step(step);
      await it.advance(1_000);
      await it.done(topic.dispatch(added("b")));
    }
    const { records } = await log.history("list:1", 99, 9);
    const times = records.map(({ at }) => at);
    expect(times).toHaveLength(4);
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
  });

  test("[TM2] [RD4] [RD8] makes neither two nodes run one consumer's handler nor none", async () => {
    const rings = handPubSub();
    const log = memoryLog({ shared: true });
    // One time for both, and each its own wall clock.
    const hand = handClock();
    const clocks = [0, 1].map(() => {
      let ahead = 0;
      const now = (): number => hand.clock.now() + ahead;
      return { ...hand.clock, now, step: (milliseconds: number) => void (ahead += milliseconds) };
    });
    const told: string[] = [];
    const nodes = clocks.map((clock, i) => {
      const wired = wire({ log, pubsub: rings.pubsub, random: countingRandom(i + 3), clock }, hand);
      const join = () =>
        wired.server.consume(list, { name: "audit" }, ({ sequence }) => void told.push(`${i} ${sequence}`));
      join();
      return wired;
    });
    const far = nodes[1]!;
    let sequence = 0;
    for (const step of steps) {
      for (const which of [0, 1]) {
        clocks[which]!.step(step);
        for (let i = 0; i < 9; i++) {
          await far.done(far.server.topic(list, "1").dispatch(added("a")));
          await hand.advance(5_000);
          expect(told.splice(0)).toEqual([`0 ${++sequence}`]);
        }
      }
    }
    // The one that tells goes without a word, an hour ahead or behind: the other goes on after a lease.
    clocks[0]!.step(steps[0]!);
    await hand.advance(6_000);
    const [reader] = await log.consumers();
    const advance = log.advanceConsumer.bind(log);
    log.advanceConsumer = (name, to) =>
      to.owner === reader?.owner ? new Promise(() => {}) : advance(name, to);
    await far.done(far.server.topic(list, "1").dispatch(added("a")));
    await hand.advance(30_000);
    expect(told.filter((one) => one.startsWith("1"))).toEqual([`1 ${sequence + 1}`]);
  });
});

test("[TM2] however slow a rate is, nobody is told to retry later than in a minute", () => {
  const rate = new TokenBucket(0.000_001, 4);
  let paid = 0;
  for (let i = 0; i < 4; i++) paid = rate.take(paid, 0) ?? paid;
  expect(rate.take(paid, 0)).toBeUndefined();
  expect(rate.wait(paid, 0)).toBe(60_000);
});
