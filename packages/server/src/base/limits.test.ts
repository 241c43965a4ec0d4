import { readFile } from "node:fs/promises";
import { CallaError, countValues, DEFAULT_LIMITS } from "@calla/shared";
import type { Limits, ServerFrame } from "@calla/shared";
import { describe, expect, test } from "vitest";
import {
  countingRandom,
  handClock,
  hello,
  list,
  other,
  say,
  subscribe,
  wire,
  wiring,
} from "../../test/wired.ts";
import { Guest, rosters } from "../../test/rosters.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { sqlite } from "../log/sqlite/sqlite.ts";

test("[LM1] the documented defaults are those of the code, and every limit is documented", async () => {
  const spec = await readFile(new URL("../../../../spec/limits.md", import.meta.url), "utf8");
  const rows = [...spec.matchAll(/^\| `(\w+)` \| ([\d,]+)( days)?/gm)];
  const documented = Object.fromEntries(
    rows.map(([, name, number, days]) => [
      name,
      Number(number!.replaceAll(",", "")) * (days ? 86_400_000 : 1),
    ]),
  );
  expect(documented).toEqual(DEFAULT_LIMITS);
});

/** A server with this limit under this load: what it says to the one that is over it, or "" if all was taken. */
type Probe = (limit: number, load: number) => Promise<string>;

const server = (limits: Partial<Limits>) => {
  const it = wire({ limits, authenticate: ({ token }) => ({ id: String(token ?? "anna") }) });
  it.server.handle(list, { public: true });
  it.server.handle(other, { public: true });
  return it;
};

/** What went wrong, in a word: the code of the last frame that tells of trouble. */
const trouble = (said: readonly ServerFrame[]): string => {
  const bad = said.findLast(({ type }) => ["Paused", "Rejected", "Unsubscribed", "Closing"].includes(type));
  return bad !== undefined && "code" in bad && bad.code !== null ? `${bad.type} ${bad.code}` : "";
};

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const added = (mid: number, more: object = {}) =>
  say("list:1", mid, { type: "added", item: `${mid}` }, { settled: mid - 1, ...more });

const probes: { readonly [limit: string]: { at: number; fails: string; probe: Probe } } = {
  maxFrameBytes: {
    at: 500,
    fails: "Closing too-large",
    async probe(limit, load) {
      const one = await server({ maxFrameBytes: limit }).client();
      one.sayRaw(JSON.stringify({ type: "Ping", cursors: [] }).padEnd(load));
      return trouble(await one.heard());
    },
  },
  maxHelloBytes: {
    at: 500,
    fails: "Closing too-large",
    async probe(limit, load) {
      const one = server({ maxHelloBytes: limit }).socket();
      one.sayRaw(JSON.stringify(hello()).padEnd(load));
      return trouble(await one.heard());
    },
  },
  byteRate: {
    at: 1_000,
    fails: "read more slowly",
    async probe(limit, load) {
      const it = server({ byteBurst: limit / 10, byteRate: limit });
      const one = await it.client();
      await it.advance(10_000);
      for (let tenth = 0; tenth < 10; tenth++) {
        one.read(load / 10, 0);
        if (tenth < 9) await it.advance(100);
      }
      return one.paused() ? "read more slowly" : trouble(await one.heard());
    },
  },
  byteBurst: {
    at: 1_000,
    fails: "read more slowly",
    async probe(limit, load) {
      const it = server({ byteBurst: limit, byteRate: 100 });
      const one = await it.client();
      await it.advance(60_000);
      one.sayRaw(JSON.stringify({ type: "Ping", cursors: [] }).padEnd(load));
      return one.paused() ? "read more slowly" : trouble(await one.heard());
    },
  },
  frameTimeout: {
    at: 4_999,
    fails: "Closing too-slow",
    async probe(limit, load) {
      const it = server({ frameTimeout: limit + 1 });
      const one = await it.client();
      one.read(10, 10);
      await it.advance(load);
      return trouble(await one.heard());
    },
  },
  maxUnfinishedBytes: {
    at: 1_000,
    fails: "Closing busy",
    async probe(limit, load) {
      const it = server({ maxUnfinishedBytes: limit });
      const [one, two] = [await it.client(), await it.client(undefined, "bob")];
      one.read(600, 600);
      two.read(load - 600, load - 600);
      return trouble(await one.heard());
    },
  },
  maxUnfinishedBytesPerAddress: {
    at: 1_000,
    fails: "Closing busy",
    async probe(limit, load) {
      const it = server({ maxUnfinishedBytesPerAddress: limit });
      const from = { remoteAddress: "192.0.2.1" };
      const one = await it.client(undefined, undefined, from);
      const two = await it.client(undefined, "bob", from);
      one.read(600, 600);
      two.read(load - 600, load - 600);
      return trouble(await two.heard());
    },
  },
  maxDepth: {
    at: 9,
    fails: "Closing too-deep",
    async probe(limit, load) {
      const one = server({ maxDepth: limit }).socket();
      // A level of a value may be three of the frame, and the frame's own are eight at most; two are around the token.
      const nested = many(3 * load + 8 - 3, () => 0).reduce<unknown>((inner) => [inner], []);
      one.say(hello({ token: nested }));
      return trouble(await one.heard());
    },
  },
  maxEntries: {
    at: 20,
    fails: "Closing too-large",
    async probe(limit, load) {
      const one = await server({ maxEntries: limit }).client();
      one.say({ type: "Ping", cursors: many(load, (i) => [`list:${i}`, 0, 0] as const) });
      return trouble(await one.heard());
    },
  },
  maxValues: {
    at: 100,
    fails: "Closing too-large",
    async probe(limit, load) {
      const one = server({ maxValues: limit }).socket();
      const others = countValues([hello({ token: [] })]);
      one.say(hello({ token: many(load - others, (i) => i) }));
      return trouble(await one.heard());
    },
  },
  maxNames: {
    at: 50,
    fails: "Closing too-large",
    async probe(limit, load) {
      const one = server({ maxNames: limit }).socket();
      const others = Object.keys(hello({ token: {} })).length + Object.keys(wiring.versions()).length;
      one.say(hello({ token: Object.fromEntries(many(load - others, (i) => [`name${i}`, 0])) }));
      return trouble(await one.heard());
    },
  },
  maxBatch: {
    at: 3,
    fails: "Rejected too-large",
    async probe(limit, load) {
      const one = await server({ maxBatch: limit }).client();
      one.say(
        say(
          "list:1",
          1,
          many(load, (i) => ({ type: "added", item: `${i}` })),
        ),
      );
      return trouble(await one.heard());
    },
  },
  maxInFlight: {
    at: 3,
    fails: "Paused in-flight",
    async probe(limit, load) {
      const one = await server({ maxInFlight: limit }).client();
      one.say(...many(load, (i) => added(i + 1, { settled: 0 })));
      return trouble(await one.heard());
    },
  },
  maxOutcomeBytes: {
    at: 100, // of {"item":"…"}
    fails: "Paused in-flight",
    async probe(limit, load) {
      const one = await server({ maxOutcomeBytes: limit }).client();
      one.say(say("list:1", 1, { type: "removed", item: "x".repeat(load - 12) }));
      expect(trouble(await one.heard())).toBe("Rejected missing");
      one.say(added(2, { settled: 0 }));
      return trouble(await one.heard());
    },
  },
  maxDetailsBytes: {
    at: 100, // of {"item":"…"}
    fails: "Rejected update-threw",
    async probe(limit, load) {
      const one = await server({ maxDetailsBytes: limit }).client();
      const item = "é".repeat((load - 11) / 2).padEnd(load - 11 - Math.floor((load - 11) / 2), "x");
      one.say(say("list:1", 1, { type: "removed", item }));
      return trouble(await one.heard()).replace("Rejected missing", "");
    },
  },
  maxTopicsPerConnection: {
    at: 3,
    fails: "Unsubscribed too-many-topics",
    async probe(limit, load) {
      const one = await server({ maxTopicsPerConnection: limit }).client();
      one.say(...many(load, (i) => subscribe(`list:${i}`, i + 1)));
      return trouble(await one.heard());
    },
  },
  maxPresenceBytes: {
    at: 20,
    fails: "Untracked too-large",
    async probe(limit, load) {
      const one = await Guest.at(rosters({ limits: { maxPresenceBytes: limit } }).node);
      await one.enter("board:1", "x".repeat(load - JSON.stringify({ name: "" }).length));
      return (await one.untracked()).map((code) => `Untracked ${code}`).join();
    },
  },
  maxPresenceList: {
    at: 3,
    fails: "Presence counts",
    async probe(limit, load) {
      const { node } = rosters({ limits: { maxPresenceList: limit } });
      const guests = await Promise.all(many(load, () => Guest.at(node)));
      for (const one of guests) await one.enter("board:1", "x", false);
      const watcher = await (await Guest.at(node)).enter("board:1");
      return watcher.lists.get("board:1") === load ? "Presence counts" : "";
    },
  },
  maxQueued: {
    at: 3,
    fails: "Paused busy",
    async probe(limit, load) {
      const one = await server({ maxQueued: limit }).client();
      one.say(added(1));
      await one.heard();
      one.say(...many(load, (i) => added(i + 2)));
      return trouble(await one.heard());
    },
  },
  maxOpenTargets: {
    at: 3,
    fails: "Unsubscribed busy",
    async probe(limit, load) {
      const one = await server({ maxOpenTargets: limit }).client();
      one.say(...many(load, (i) => subscribe(`list:${i}`, i + 1)));
      return trouble(await one.heard());
    },
  },
  maxBufferedBytes: {
    at: 1_000,
    fails: "Closing slow",
    async probe(limit, load) {
      const one = await server({ maxBufferedBytes: limit }).client();
      one.stuff(load);
      one.say({ type: "Ping", cursors: [] });
      return trouble(await one.heard());
    },
  },
  collapseBytes: {
    at: 1_000,
    fails: "not sent",
    async probe(limit, load) {
      const it = server({ collapseBytes: limit });
      const one = await it.client();
      one.say(subscribe("list:1"));
      await one.heard();
      one.stuff(load);
      one.say({ type: "Ping", cursors: [] });
      await one.heard();
      await it.done(it.server.topic(list, "1").dispatch({ type: "added", item: "a" }));
      return (await one.heard()).length === 1 ? "" : "not sent";
    },
  },
  // Times: still good a moment before, over when they have passed. Their load is the time.
  checkTimeout: {
    at: 4_999,
    fails: "Unsubscribed hook",
    async probe(limit, load) {
      const it = wire({ limits: { checkTimeout: limit + 1 } });
      it.server.handle(list, { canSubscribe: () => new Promise<boolean>(() => {}) });
      const one = await it.client();
      one.say(subscribe("list:1"));
      await it.advance(load);
      return trouble(await one.heard());
    },
  },
  helloTimeout: {
    at: 4_999,
    fails: "Closing hello-timeout",
    async probe(limit, load) {
      const it = server({ helloTimeout: limit + 1 });
      const one = it.socket();
      await it.advance(load);
      return trouble(await one.heard());
    },
  },
  stallTimeout: {
    at: 4_999,
    fails: "Closing slow",
    async probe(limit, load) {
      const it = server({ stallTimeout: limit + 1, collapseBytes: 10 });
      const one = await it.client();
      one.stuff(11);
      one.say({ type: "Ping", cursors: [] });
      await it.advance(load - (load % 1_000)); // it is looked at once a second
      return trouble(await one.heard());
    },
  },
  maxPendingHellos: {
    at: 3,
    fails: "Closing busy",
    async probe(limit, load) {
      const it = server({ maxPendingHellos: limit });
      const all = many(load, () => it.socket());
      return trouble(await all[0]!.heard());
    },
  },
  maxConnectionsPerAddress: {
    at: 3,
    fails: "Closing too-many-connections",
    async probe(limit, load) {
      const it = server({ maxConnectionsPerAddress: limit });
      it.socket({ remoteAddress: "192.0.2.2" });
      const all = many(load, () => it.socket({ remoteAddress: "192.0.2.1" }));
      return trouble(await all.at(-1)!.heard());
    },
  },
  maxConnectionsPerUser: {
    at: 3,
    fails: "Closing too-many-connections",
    async probe(limit, load) {
      const it = server({ maxConnectionsPerUser: limit });
      await it.client(undefined, "bob");
      for (const _ of many(load - 1, () => 0)) await it.client(undefined, "anna");
      const last = it.socket();
      last.say(hello({ token: "anna" }));
      return trouble(await last.heard());
    },
  },
  messageBurst: {
    at: 5,
    fails: "Paused rate",
    async probe(limit, load) {
      const one = await server({ messageBurst: limit, messageRate: 1 }).client();
      one.say(...many(load, (i) => say(`list:${i}`, 1, { type: "stamped" })));
      return trouble(await one.heard());
    },
  },
  messageRate: {
    at: 5,
    fails: "Paused rate",
    async probe(limit, load) {
      const it = server({ messageBurst: 1, messageRate: limit });
      const one = await it.client();
      for (const mid of many(load, (i) => i + 1)) {
        one.say(added(mid));
        await it.advance(1_000 / load);
      }
      return trouble(await one.heard());
    },
  },
  topicMessageBurst: {
    at: 5,
    fails: "Paused rate",
    async probe(limit, load) {
      const one = await server({ topicMessageBurst: limit, topicMessageRate: 1 }).client();
      one.say(say("other:1", 1, { type: "bumped" }), ...many(load, (i) => added(i + 1)));
      return trouble(await one.heard());
    },
  },
  topicMessageRate: {
    at: 5,
    fails: "Paused rate",
    async probe(limit, load) {
      const it = server({ topicMessageBurst: 1, topicMessageRate: limit });
      const one = await it.client();
      for (const mid of many(load, (i) => i + 1)) {
        one.say(added(mid), say("other:1", 1, { type: "bumped" }));
        await it.advance(1_000 / load);
      }
      return trouble((await one.heard()).filter((frame) => "target" in frame && frame.target === "list:1"));
    },
  },
  joinBurst: {
    at: 5,
    fails: "Unsubscribed rate",
    async probe(limit, load) {
      const one = server({ joinBurst: limit, joinRate: 1 }).socket();
      one.say(hello({ targets: many(load, (i) => subscribe(`list:${i}`, i + 1)) }));
      return trouble(await one.heard());
    },
  },
  joinRate: {
    at: 5,
    fails: "Unsubscribed rate",
    async probe(limit, load) {
      const it = server({ joinBurst: 1, joinRate: limit });
      const one = await it.client();
      for (const ref of many(load, (i) => i + 1)) {
        one.say(subscribe("list:1", ref));
        await it.advance(1_000 / load);
      }
      return trouble(await one.heard());
    },
  },
  maxModelBytes: {
    at: 100, // items of twenty characters, in {"items":[…]}
    fails: "Rejected too-large",
    async probe(limit, load) {
      const it = server({ maxModelBytes: 13 + 23 * limit });
      const one = await it.client();
      one.say(
        ...many(load, (i) => say("list:1", i + 1, { type: "added", item: "x".repeat(20) }, { settled: i })),
      );
      return trouble(await one.heard());
    },
  },
  maxModelMemory: {
    at: 100, // items of twenty characters, in {"items":[…]}
    fails: "Rejected too-large",
    async probe(limit, load) {
      const it = server({ maxModelMemory: 149 + 60 * limit });
      const one = await it.client();
      one.say(
        ...many(load, (i) => say("list:1", i + 1, { type: "added", item: "x".repeat(20) }, { settled: i })),
      );
      return trouble(await one.heard());
    },
  },
};

describe.each(Object.entries(probes))("[LM2] %s", (_, { at, fails, probe }) => {
  test("at the limit all is taken", async () => expect(await probe(at, at)).toBe(""));
  test("over it fails as documented", async () => expect(await probe(at, at + 1)).toBe(fails));
  test("it can be set otherwise", async () => {
    expect(await probe(at + 1, at + 1)).toBe("");
    expect(await probe(Infinity, at + 1)).toBe("");
  });
});

test("[LM3] a limit that does not exist, and one that is no number, is refused", () => {
  for (const limits of [{ maxFrameByte: 1 }, { maxBatch: -1 }, { maxBatch: Number.NaN }, { maxBatch: "9" }])
    expect(() => wire({ limits: limits as Partial<Limits> })).toThrow(CallaError);
  expect(wire({ limits: { maxBatch: undefined } as unknown as Partial<Limits> }).server.limits.maxBatch).toBe(
    100,
  );
  expect(wire({ limits: { maxBatch: Infinity } }).server.limits.maxBatch).toBe(Infinity);
});

test.each([Infinity, 1.1 * 86_400_000, 1_000_000.5])(
  "[LM3] [AU4] identityLifetime %d: an identity is known again",
  async (identityLifetime) => {
    const { client } = wire({ limits: { identityLifetime } });
    const one = await client();
    one.drop();
    const { connected } = await client(one.identity);
    expect(connected).toMatchObject({ clientId: one.identity.clientId });
    expect(connected).not.toHaveProperty("refused");
  },
);

describe.each([
  ["memory", () => memoryLog()],
  ["SQLite", () => sqlite(":memory:")],
] as const)("with a log in %s", (_, make) => {
  test.each([0, 1, Infinity])(
    "[LM3] maxCatchUp %d says what a subscriber is sent, not what can be folded",
    async (maxCatchUp) => {
      const log = make();
      const hand = handClock();
      const one = wire({ log }, hand);
      const [topic, add] = [
        one.server.topic(list, "1"),
        (item: string) => ({ type: "added", item }) as const,
      ];
      for (const item of ["a", "b", "c"]) await one.done(topic.dispatch(add(item)));
      const two = wire({ log, limits: { maxCatchUp }, random: countingRandom(9) }, hand);
      two.server.handle(list, { public: true });
      const its = two.server.topic(list, "1");
      expect(await two.done(its.read())).toEqual({ model: { items: ["a", "b", "c"] }, sequence: 3 });
      expect(await two.done(its.read({ sequence: 2 }))).toMatchObject({ model: { items: ["a", "b"] } });
      const { entries, earlier } = await two.done(its.history());
      expect([entries.length, earlier]).toEqual(maxCatchUp === Infinity ? [3, undefined] : [1, 2]);
      const [first] = (await log.history("list:1", 1, 1)).records;
      const ada = await two.client();
      ada.say(subscribe("list:1", 1, { cursor: { sequence: 1, mark: first!.mark } }));
      expect(await ada.heard()).toMatchObject([
        { type: "Settled", resync: maxCatchUp === Infinity ? "records" : "snapshot" },
        {},
      ]);
      await one.done(topic.dispatch(add("d")));
      expect(await two.done(its.dispatch(add("e")))).toEqual({ sequence: 5 });
      expect(await two.done(its.read())).toMatchObject({ model: { items: ["a", "b", "c", "d", "e"] } });
      expect(two.errors).toEqual([]);
    },
  );
});

test("[LM3] what is counted is counted in whole numbers", () => {
  expect(() => wire({ limits: { maxCatchUp: 1.5 } })).toThrow(/maxCatchUp must be a whole number/);
  expect(() => wire({ limits: { maxStaleness: 0.5 } })).not.toThrow();
});
