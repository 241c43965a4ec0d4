// Who is here, before a server of which the test writes every frame.
import {
  authorTag,
  automatic,
  defineEphemeral,
  defineTopic,
  defineWiring,
  definePresence,
  json,
} from "@calla/shared";
import type { ServerFrames } from "@calla/shared";
import { expect, test, vi } from "vitest";
import * as z from "zod";
import { createClient } from "../src/client.ts";
import type { ClientOptions } from "../src/client.ts";
import type { PresenceState } from "../src/presence.ts";
import {
  connectedAs,
  FakeServer,
  giveSnapshot,
  handshake,
  seededRandom,
  settledFrame,
  turn,
  VirtualClock,
} from "./kit.ts";
import type { Connection } from "./kit.ts";

const presence = definePresence(z.object({ name: z.string().max(20), at: z.number().optional() }));
const room = defineTopic("room:*", {
  model: z.number(),
  initial: () => 0,
  messages: { added: z.object({}) },
  update: { added: (n) => n + 1 },
  presence,
});
const pens = defineEphemeral("pens:*", { messages: { moved: z.object({}) }, presence });
const bare = defineTopic("bare", { model: z.number(), initial: () => 0, messages: {}, update: {} });
const wiring = defineWiring({ topics: [room, pens, bare] });
const ROOM = "room:1";

interface Meta {
  readonly name: string;
  readonly at?: number | undefined;
}

function setUp(options: Partial<ClientOptions<typeof wiring>> = {}) {
  const server = new FakeServer();
  const clock = new VirtualClock();
  const errors: unknown[] = [];
  const client = createClient({
    wiring,
    serialiser: automatic(json()),
    transport: server.transport,
    clock,
    random: seededRandom(),
    onError: (error) => errors.push(error),
    ...options,
  });
  const topic = client.topic(room, "1");
  return { server, clock, client, errors, topic, here: topic.presence };
}

const tag = (clientId: string, target = ROOM): number => authorTag(clientId, target);
const member = (clientId: string, meta: Meta, key = clientId): [number, string, Meta] => [
  tag(clientId),
  key,
  meta,
];
type Presence = ServerFrames["Presence"];
let at = 0;
/** `whole`: in place of what was known; else it continues what was told before. */
const tells = ({ whole, ...more }: Partial<Presence> & { readonly whole?: true }): Presence => ({
  type: "Presence",
  target: ROOM,
  ...(whole ? {} : { after: at }),
  at: ++at,
  joins: [],
  leaves: [],
  ...more,
});
const looked = new WeakMap<Connection, number>();
/** What was tracked since the last look. */
function tracks(connection: Connection) {
  const from = looked.get(connection) ?? 0;
  looked.set(connection, connection.sent.length);
  return connection.sent
    .slice(from)
    .filter((frame) => frame.type === "Track")
    .map((frame) => Object.fromEntries(Object.entries(frame).filter(([field]) => field !== "number")));
}
const names = ({ list }: Pick<PresenceState<Meta>, "list">): string[] =>
  [...list.values()]
    .flat()
    .map(({ meta }) => meta.name)
    .toSorted();

/** Subscribed, with what was sent taken. */
async function answered(connection: Connection, target = ROOM): Promise<void> {
  await giveSnapshot(connection, target, 0, 0);
}

/** Watching, live, and told of these. */
async function watching(
  joins: readonly (readonly [number, string, Meta])[] = [],
  options?: Parameters<typeof setUp>[0],
  more: Partial<ServerFrames["Connected"]> = {},
) {
  const setup = setUp(options);
  const heard: PresenceState<Meta>[] = [];
  const stop = setup.here.onChange((now) => heard.push(now));
  const connection = await handshake(setup, "c1", more);
  await answered(connection);
  connection.say(tells({ whole: true, joins }));
  await turn();
  heard.length = 0;
  tracks(connection);
  return { ...setup, connection, heard, stop };
}

async function again(
  { server, clock }: Pick<ReturnType<typeof setUp>, "server" | "clock">,
  clientId = "c1",
  more = {},
) {
  server.connection.drop();
  await clock.advance(1_000);
  const connection = await handshake({ server }, clientId, more);
  await answered(connection);
  return connection;
}

test("[PC1] [PC2] nothing is said of a presence that nobody uses; who listens is told, once the topic is answered", async () => {
  const setup = setUp();
  setup.topic.onChange(() => {});
  expect(setup.here.list.size).toBe(0);
  const connection = await handshake(setup);
  await answered(connection);
  connection.say(tells({ whole: true, joins: [member("c2", { name: "Bo" })] }));
  await turn();
  expect(tracks(connection)).toEqual([]);
  expect(setup.here).toMatchObject({ status: "loading", count: 0, self: undefined });
  const stop = setup.here.onChange(() => {});
  await turn();
  expect(tracks(connection)).toEqual([{ type: "Track", target: ROOM, watch: true }]);
  connection.say(tells({ whole: true, joins: [member("c2", { name: "Bo" })] }));
  expect(setup.here).toMatchObject({ status: "live", count: 1 });
  stop();
  stop();
  await setup.clock.advance(4_999);
  expect(tracks(connection)).toEqual([]);
  await setup.clock.advance(1);
  expect(tracks(connection)).toEqual([{ type: "Track", target: ROOM, watch: false }]);
  expect(setup.here).toMatchObject({ status: "loading", count: 0 });
});

test("[PC1] what is used again while it lingers is not asked for anew", async () => {
  const { here, stop, clock, connection } = await watching([member("c2", { name: "Bo" })]);
  stop();
  await clock.advance(3_000);
  const release = here.retain();
  await clock.advance(9_000);
  expect(tracks(connection)).toEqual([]);
  expect(here.count).toBe(1);
  release();
  await clock.advance(5_000);
  expect(tracks(connection)).toEqual([{ type: "Track", target: ROOM, watch: false }]);
});

test("[PC2] [PC6] what is tracked is shown at once; the newest of a turn is said, with each newer ref again, and nothing twice", async () => {
  const setup = setUp();
  const { here } = setup;
  here.track({ name: "Ada" });
  expect(here.self).toMatchObject({ key: "", meta: { name: "Ada" }, from: null, self: true });
  const connection = await handshake(setup);
  expect(tracks(connection)).toEqual([]);
  expect(here.self).toMatchObject({ key: String(tag("c1")), from: tag("c1") });
  here.track({ name: "Ada", at: 1 });
  here.track({ name: "Ada", at: 2 });
  await answered(connection);
  expect(tracks(connection)).toEqual([
    { type: "Track", target: ROOM, meta: { name: "Ada", at: 2 }, watch: true },
  ]);
  here.track({ name: "Ada", at: 2 });
  await turn();
  expect(tracks(connection)).toEqual([]);
  here.track({ name: "Ada", at: 3 });
  here.untrack();
  here.track({ name: "Ada", at: 4 });
  await turn();
  expect(tracks(connection)).toEqual([
    { type: "Track", target: ROOM, meta: { name: "Ada", at: 4 }, watch: true },
  ]);
  const next = await again(setup);
  expect(tracks(next)).toEqual([{ type: "Track", target: ROOM, meta: { name: "Ada", at: 4 }, watch: true }]);
  // Asked for anew in the same conversation.
  next.say({
    type: "Unsubscribed",
    target: ROOM,
    ref: next.ref(ROOM),
    code: "busy",
    retryable: true,
    retryAfter: 10,
  });
  await setup.clock.advance(2_000);
  next.say({ type: "Untracked", target: ROOM, code: "not-subscribed" });
  await answered(next);
  expect(tracks(next)).toEqual([{ type: "Track", target: ROOM, meta: { name: "Ada", at: 4 }, watch: true }]);
  expect(setup.errors).toEqual([]);
});

test("[PC3] [PC2] what is untracked while offline is untracked with the next connection, once", async () => {
  const setup = setUp();
  const { here } = setup;
  here.onChange(() => {});
  here.track({ name: "Ada" });
  const first = await handshake(setup);
  await answered(first);
  first.drop();
  here.untrack();
  expect(here.self).toBeUndefined();
  await setup.clock.advance(1_000);
  const next = await handshake(setup);
  await answered(next);
  expect(tracks(next)).toEqual([{ type: "Track", target: ROOM, watch: true }]);
});

test("[PC2] [PC1] who is told no more, and tracked before, says so after a connection; who did neither says nothing", async () => {
  const setup = setUp();
  setup.topic.onChange(() => {});
  setup.here.track({ name: "Ada" });
  const first = await handshake(setup);
  await answered(first);
  first.drop();
  setup.here.untrack();
  await setup.clock.advance(5_000);
  await handshake(setup);
  const second = setup.server.connection;
  await answered(second);
  expect(tracks(second)).toEqual([{ type: "Track", target: ROOM, watch: false }]);
  const third = await again(setup);
  expect(tracks(third)).toEqual([]);
});

test("[PC3] a bad meta throws at once and changes nothing", async () => {
  const { here, connection, client, clock } = await watching();
  here.track({ name: "Ada" });
  await turn();
  tracks(connection);
  const refused: readonly [unknown, string][] = [
    [{ name: 1 }, "invalid"],
    [{ name: "x".repeat(21) }, "invalid"],
    [undefined, "invalid"],
    [null, "invalid"],
  ];
  for (const [meta, code] of refused) {
    expect(() => here.track(meta as never)).toThrow(expect.objectContaining({ name: "CallaError", code }));
    expect(here.self?.meta).toEqual({ name: "Ada" });
  }
  await turn();
  expect(tracks(connection)).toEqual([]);
  await client.close();
  expect(() => here.track({ name: "Bo" })).toThrow(expect.objectContaining({ code: "closed" }));
  here.untrack();
  await clock.advance(60_000);
});

test("[PC3] what no wire carries, what is too large and a schema that converts are refused with a sentence", async () => {
  const loose = defineTopic("loose", {
    model: z.number(),
    initial: () => 0,
    messages: {},
    update: {},
    presence: definePresence(z.unknown()),
  });
  const server = new FakeServer();
  const client = createClient({
    wiring: defineWiring({ topics: [loose] }),
    serialiser: automatic(json()),
    transport: server.transport,
    clock: new VirtualClock(),
    random: seededRandom(),
  });
  const here = client.topic(loose).presence;
  expect(() => here.track({ by: () => 1 })).toThrow(expect.objectContaining({ code: "invalid-value" }));
  expect(() => here.track("x".repeat(70_000))).toThrow(/"loose" is of \d+ bytes or more. Track an id/);
  expect(() => here.track(undefined)).toThrow(/untrack\(\)/);
  expect(here.self).toBeUndefined();
  const meta = { tags: ["a"] };
  here.track(meta);
  meta.tags.push("b");
  expect(here.self?.meta).toEqual({ tags: ["a"] });
  expect(Object.isFrozen(here.self?.meta)).toBe(true);
});

test("[PC4] a refused meta is told once, and the one before stays, also after a connection", async () => {
  const setup = await watching();
  const { here, connection, errors } = setup;
  here.track({ name: "Ada" });
  await turn();
  connection.say(tells({ joins: [member("c1", { name: "Ada" }, "ada")] }));
  here.track({ name: "Spam" });
  await turn();
  expect(names(here)).toEqual(["Spam"]);
  connection.say({ type: "Untracked", target: ROOM, code: "invalid", details: { issues: [] } });
  await turn();
  expect(errors).toEqual([
    expect.objectContaining({
      code: "invalid",
      details: { issues: [], target: ROOM },
      message: expect.stringContaining("the former meta stays"),
    }),
  ]);
  expect(names(here)).toEqual(["Ada"]);
  expect(here.self).toMatchObject({ key: "ada", meta: { name: "Ada" } });
  tracks(connection);
  const next = await again(setup);
  expect(tracks(next)).toEqual([{ type: "Track", target: ROOM, meta: { name: "Ada" }, watch: true }]);
  here.track({ name: "Spam" });
  await turn();
  expect(tracks(next)).toEqual([{ type: "Track", target: ROOM, meta: { name: "Spam" }, watch: true }]);
  expect(errors).toHaveLength(1);
});

test("[PC4] a first meta that is refused lists nobody; where the one behind it is taken, the server's word counts", async () => {
  const { here, connection, errors } = await watching();
  here.track({ name: "Spam" });
  await turn();
  here.track({ name: "Ada" });
  await turn();
  tracks(connection);
  // About the first of both.
  connection.say({ type: "Untracked", target: ROOM, code: "invalid" });
  await turn();
  expect(here.self).toBeUndefined();
  connection.say(tells({ joins: [member("c1", { name: "Ada" })] }));
  await turn();
  expect(here.self?.meta).toEqual({ name: "Ada" });
  expect(errors).toHaveLength(1);
});

test("[PC4] over a rate the newest meta is said again when the server says, and nothing is reported", async () => {
  const { here, connection, errors, clock } = await watching([], { heartbeat: 1e6 });
  here.track({ name: "a" });
  await turn();
  tracks(connection);
  connection.say({ type: "Untracked", target: ROOM, code: "rate", retryAfter: 2_000 });
  here.track({ name: "b" });
  await clock.advance(1_000);
  here.track({ name: "c" });
  await clock.advance(999);
  expect(tracks(connection)).toEqual([]);
  expect(here.self?.meta).toEqual({ name: "c" });
  await clock.advance(1);
  expect(tracks(connection)).toEqual([{ type: "Track", target: ROOM, meta: { name: "c" }, watch: true }]);
  connection.say({ type: "Untracked", target: ROOM, code: "rate", retryAfter: 1e12 });
  await clock.advance(60_000);
  expect(tracks(connection)).toEqual([{ type: "Track", target: ROOM, meta: { name: "c" }, watch: true }]);
  expect(errors).toEqual([]);
});

test("[PC4] over a rate it is said again, too, that this client only wants to be told, or to be listed no more", async () => {
  const { here, connection, errors, clock } = await watching([], { heartbeat: 1e6 });
  tracks(connection);
  connection.say({ type: "Untracked", target: ROOM, code: "rate", retryAfter: 500 });
  await clock.advance(500);
  expect(tracks(connection)).toEqual([{ type: "Track", target: ROOM, watch: true }]);
  connection.say({ type: "Untracked", target: ROOM, code: "rate", retryAfter: 500 });
  here.untrack();
  await turn();
  expect(tracks(connection)).toEqual([{ type: "Track", target: ROOM, watch: true }]);
  here.track({ name: "a" });
  await turn();
  here.untrack();
  await turn();
  expect(tracks(connection)).toHaveLength(2);
  connection.say({ type: "Untracked", target: ROOM, code: "rate", retryAfter: 500 });
  await clock.advance(500);
  expect(tracks(connection)).toEqual([{ type: "Track", target: ROOM, watch: true }]);
  expect(errors).toEqual([]);
});

test("[PC5] another user's page says nothing of what was tracked before", async () => {
  const setup = await watching();
  setup.here.track({ name: "Ada" });
  await turn();
  const next = await again(setup, "c9", { userId: "bo" });
  expect(tracks(next)).toEqual([{ type: "Track", target: ROOM, watch: true }]);
  expect(setup.here.self).toBeUndefined();
  expect(setup.errors).toEqual([expect.objectContaining({ code: "closed", details: { target: ROOM } })]);
  setup.here.track({ name: "Bo" });
  await turn();
  expect(setup.here.self).toMatchObject({ key: "bo", from: tag("c9") });
});

test("[PC6] one's own is listed by the server's key as soon as that is known, and keeps it while offline", async () => {
  const setup = await watching([], { user: "ada" }, { userId: "ada" });
  const { here, connection } = setup;
  here.track({ name: "Ada" });
  expect([...here.list.keys()]).toEqual(["ada"]);
  await turn();
  connection.say(
    tells({ joins: [member("c1", { name: "Ada" }, "team-1"), member("c2", { name: "Tab" }, "team-1")] }),
  );
  await turn();
  expect([...here.list.keys()]).toEqual(["team-1"]);
  expect(here.list.get("team-1")).toHaveLength(2);
  expect(here.count).toBe(2);
  here.track({ name: "Ada", at: 5 });
  expect(here.list.get("team-1")?.find(({ self }) => self)?.meta).toEqual({ name: "Ada", at: 5 });
  connection.drop();
  await setup.clock.advance(20_000);
  expect([...here.list.keys()]).toEqual(["team-1"]);
  expect(names(here)).toEqual(["Ada"]);
  here.untrack();
  expect(here.list.size).toBe(0);
});

test("[PC7] the list, its parts and its members stay the same objects until they change", async () => {
  const setup = await watching([
    member("c2", { name: "Bo" }),
    member("c3", { name: "Cy" }),
    member("c4", { name: "Bo2" }, "c2"),
  ]);
  const { here, connection, heard } = setup;
  const { list } = here;
  expect(here.list).toBe(list);
  const order = [...list.values()].flat().map(({ from }) => Number(from));
  expect(list.get("c2")!.map(({ from }) => Number(from))).toEqual(
    [tag("c2"), tag("c4")].toSorted((a, b) => a - b),
  );
  expect(order.length).toBe(3);
  connection.say(
    tells({ joins: [member("c3", { name: "Cyd" })] }),
    tells({ joins: [member("c3", { name: "Cyd" })] }),
  );
  await turn();
  expect(heard).toHaveLength(1);
  expect(heard[0]!.list).toBe(here.list);
  expect(here.list).not.toBe(list);
  expect(here.list.get("c2")).toBe(list.get("c2"));
  expect(list.get("c3")![0]!.meta).toEqual({ name: "Cy" });
  // The same said again, as after each connection, changes nothing.
  const before = here.list;
  connection.say(
    tells({
      whole: true,
      joins: [
        member("c4", { name: "Bo2" }, "c2"),
        member("c3", { name: "Cyd" }),
        member("c2", { name: "Bo" }),
      ],
    }),
  );
  await turn();
  expect(here.list).toBe(before);
  expect(heard).toHaveLength(1);
});

test("[PC7] a selection hears of its own part alone", async () => {
  const { here, connection } = await watching([member("c2", { name: "Bo" })]);
  const listener = vi.fn();
  const editors = here.select(({ list }) =>
    [...list.values()]
      .flat()
      .filter(({ meta }) => meta.at === 7)
      .map(({ key }) => key)
      .join(),
  );
  const stop = editors.onChange(listener);
  connection.say(tells({ joins: [member("c3", { name: "Cy" })] }));
  await turn();
  expect(listener).not.toHaveBeenCalled();
  connection.say(tells({ joins: [member("c3", { name: "Cy", at: 7 })] }));
  await turn();
  expect(listener.mock.calls).toEqual([["c3"]]);
  expect(editors.value).toBe("c3");
  stop();
});

test("[PC8] in a short cut nobody flickers; after 15 s without a connection only oneself is shown", async () => {
  const setup = await watching([member("c2", { name: "Bo" })]);
  const { here, connection, clock, heard } = setup;
  here.track({ name: "Ada" });
  await turn();
  heard.length = 0;
  connection.drop();
  await turn();
  expect(here).toMatchObject({ status: "stale", count: 2 });
  expect(heard.map(({ status, count }) => [status, count])).toEqual([["stale", 2]]);
  await clock.advance(1_000);
  const next = await handshake(setup);
  await answered(next);
  expect(here).toMatchObject({ status: "stale", count: 2 });
  next.say(tells({ whole: true, joins: [member("c1", { name: "Ada" }), member("c2", { name: "Bo" })] }));
  await turn();
  expect(here).toMatchObject({ status: "live", count: 2 });
  next.drop();
  await clock.advance(14_999);
  expect(names(here)).toEqual(["Ada", "Bo"]);
  await clock.advance(1);
  expect(names(here)).toEqual(["Ada"]);
  expect(here).toMatchObject({ status: "loading", count: 1 });
  expect(heard.at(-1)).toMatchObject({ status: "loading", count: 1 });
});

test("[PC9] a refused topic, one that is unsubscribed and another identity show nobody but oneself", async () => {
  const setup = await watching([member("c2", { name: "Bo" })]);
  const { here, connection } = setup;
  here.track({ name: "Ada" });
  await turn();
  connection.say({
    type: "Unsubscribed",
    target: ROOM,
    ref: connection.ref(ROOM),
    code: "forbidden",
    retryable: false,
  });
  await turn();
  expect(names(here)).toEqual(["Ada"]);
  expect(here.status).toBe("loading");

  const other = await watching([member("c2", { name: "Bo" })]);
  const next = await again(other, "c9");
  expect(names(other.here)).toEqual([]);
  expect(tracks(next)).toHaveLength(1);

  const third = await watching([member("c2", { name: "Bo" })]);
  third.stop();
  await third.clock.advance(5_000);
  expect(third.here.list.size).toBe(0);
  tracks(third.connection);
  third.here.onChange(() => {});
  await answered(third.connection);
  expect(tracks(third.connection)).toEqual([{ type: "Track", target: ROOM, watch: true }]);
  expect(third.here.list.size).toBe(0);
});

test("[PC10] members that are only counted are not listed until the server lists them again", async () => {
  const { here, connection, heard } = await watching([member("c2", { name: "Bo" })]);
  here.track({ name: "Ada" });
  await turn();
  heard.length = 0;
  connection.say(tells({ count: 5_000 }));
  await turn();
  expect(here).toMatchObject({ counted: true, count: 5_000, status: "live" });
  expect(names(here)).toEqual(["Ada"]);
  expect(heard).toHaveLength(1);
  connection.say(tells({ count: 5_001 }));
  expect(here.count).toBe(5_001);
  connection.say(
    tells({ whole: true, joins: [member("c1", { name: "Ada" }), member("c3", { name: "Cy" })] }),
  );
  expect(here).toMatchObject({ counted: false, count: 2 });
  expect(names(here)).toEqual(["Ada", "Cy"]);
});

test("[PC11] pages are asked for by ref, anew after a connection and without an answer, and refused with the topic", async () => {
  const setup = setUp();
  const { here, clock } = setup;
  const first = here.page();
  const connection = await handshake(setup);
  expect(connection.sent.map(({ type }) => type)).toEqual(["Hello"]);
  await answered(connection);
  const asked = connection.last("ListMembers");
  expect(asked).toMatchObject({ target: ROOM, after: 0, most: 100 });
  connection.sent.length = 1;
  await clock.advance(10_000);
  expect(connection.last("ListMembers")).toEqual(asked);
  const next = await again(setup);
  expect(next.last("ListMembers")).toEqual(asked);
  next.say({ type: "Members", target: ROOM, ref: asked.ref + 1, members: [], more: false });
  next.say({
    type: "Members",
    target: ROOM,
    ref: asked.ref,
    members: [member("c2", { name: "Bo" })],
    more: true,
  });
  expect(await first).toEqual({
    members: [{ key: "c2", meta: { name: "Bo" }, from: tag("c2"), self: false }],
    next: tag("c2"),
  });
  const second = here.page(tag("c2"));
  await turn();
  expect(next.last("ListMembers")).toMatchObject({ after: tag("c2") });
  next.say({ type: "Members", target: ROOM, ref: next.last("ListMembers").ref, members: [], more: false });
  expect(await second).toEqual({ members: [], next: undefined });
  const third = here.page();
  await turn();
  next.say({ type: "Unsubscribed", target: ROOM, ref: next.ref(ROOM), code: "forbidden", retryable: false });
  await expect(third).rejects.toMatchObject({ code: "forbidden" });
  const fourth = setup.client.topic(room, "2").presence.page();
  await setup.client.close();
  await expect(fourth).rejects.toMatchObject({ code: "closed" });
  await expect(here.page()).rejects.toMatchObject({ code: "closed" });
  expect(clock.waiting).toBe(0);
});
test("[PC12] a meta that the schema does not take is left out and told once; changes before the whole are ignored", async () => {
  const setup = setUp();
  setup.here.onChange(() => {});
  const connection = await handshake(setup);
  await answered(connection);
  connection.say(tells({ joins: [member("c2", { name: "Bo" })], leaves: [1] }), tells({ count: 9 }));
  expect(setup.here).toMatchObject({ status: "loading", count: 0 });
  connection.say(
    tells({
      whole: true,
      joins: [[1, "x", { name: 1 }], [2, "y", null], member("c2", { name: "Bo" })],
      leaves: [99],
    }),
  );
  expect(names(setup.here)).toEqual(["Bo"]);
  connection.say(tells({ joins: [[tag("c2"), "c2", { nom: "Bo" }]] }));
  expect(names(setup.here)).toEqual([]);
  expect(setup.errors).toEqual([
    expect.objectContaining({
      code: "invalid",
      message: expect.stringContaining("raise the slice's version"),
    }),
  ]);
  connection.say({ type: "Untracked", target: ROOM, code: "invalid" });
  await turn();
  expect(setup.errors).toHaveLength(1);
});

test("[PC7] an ephemeral topic has a presence, too", async () => {
  const setup = setUp();
  const { presence: here } = setup.client.topic(pens, "1");
  here.track({ name: "Ada" });
  const connection = await handshake(setup);
  connection.say(settledFrame("pens:1", connection.ref("pens:1"), { resync: "current" }));
  await turn();
  expect(tracks(connection)).toEqual([
    { type: "Track", target: "pens:1", meta: { name: "Ada" }, watch: true },
  ]);
  connection.say(tells({ target: "pens:1", whole: true, joins: [[7, "bo", { name: "Bo" }]] }));
  expect(names(here)).toEqual(["Ada", "Bo"]);
});

test("[PC13] a page counts its Hellos from the milliseconds of its birth on", async () => {
  const setup = setUp();
  const connection = await handshake(setup);
  const [page, first] = connection.last("Hello").attempt!;
  expect(first).toBe(1_000_001);
  const next = await again({ ...setup, server: setup.server });
  expect(next.last("Hello").attempt).toEqual([page, first + 1]);
  expect(connectedAs("c1").type).toBe("Connected");
});

test("[PC20] in JavaScript the presence of a slice without one throws, with the cure", async () => {
  const { client } = setUp();
  const topic: { readonly presence: unknown } = client.topic(bare);
  expect(() => topic.presence).toThrow(/Slice "bare" lists nobody.*definePresence\(schema\)/);
  expect(Object.keys(topic)).not.toContain("presence");
});

test("[PC14] a client says whether it comes back: not where the app has closed or disconnected it, nor where it is sent away", async () => {
  const ends: readonly [boolean, (setup: Awaited<ReturnType<typeof watching>>) => unknown][] = [
    [true, ({ client }) => client.close()],
    [true, ({ client }) => client.disconnect()],
    [true, ({ client }) => client.forget()],
    [
      true,
      ({ connection }) =>
        connection.say({ type: "Closing", code: "superseded", retryable: false, within: 0 }),
    ],
    [
      false,
      ({ connection }) => connection.say({ type: "Closing", code: "draining", retryable: true, within: 5 }),
    ],
    [false, ({ connection }) => connection.raw("?")],
    [false, ({ clock }) => clock.advance(40_000)],
  ];
  for (const [gone, end] of ends) {
    const setup = await watching();
    await end(setup);
    await turn();
    expect([setup.connection.closed, setup.connection.gone]).toEqual([true, gone]);
  }
});

test("[PC17] what came behind something that was lost changes nothing, and is asked for at once, once; what comes twice is nothing", async () => {
  const { here, connection } = await watching([member("c2", { name: "Bo" })], { heartbeat: 1e6 });
  const pings = () => connection.sent.flatMap((frame) => (frame.type === "Ping" ? [frame.presence] : []));
  const lost = tells({ joins: [member("c3", { name: "Cy" })] });
  const next = tells({ joins: [member("c4", { name: "Di" })] });
  const { after } = lost;
  connection.say(next);
  connection.say(tells({ joins: [member("c5", { name: "Ed" })] }));
  await turn();
  expect(names(here)).toEqual(["Bo"]);
  expect(pings()).toEqual([[[ROOM, after, expect.any(Number)]]]);
  const all = ["c2", "c3", "c4", "c5"].map((id) => member(id, { name: id }));
  const whole = tells({ whole: true, joins: all });
  connection.say(whole);
  connection.say(tells({ leaves: [tag("c2")] }));
  const twice = tells({ leaves: [tag("c3")] });
  connection.say(twice);
  connection.say(twice);
  await turn();
  expect(names(here)).toEqual(["c4", "c5"]);
  expect(pings()).toHaveLength(1);
  // The second time.
  tells({});
  connection.say(tells({ leaves: [tag("c4")] }));
  await turn();
  expect([names(here), pings().length]).toEqual([["c4", "c5"], 2]);
});

test("[PC17] each ping says what this page was told last and which word it has said last; of what it wants no more, that", async () => {
  const { here, topic, connection, clock, stop } = await watching([], { heartbeat: 10_000, linger: 0 });
  topic.retain();
  const asked = async () => {
    await clock.advance(10_000);
    const ping = connection.sent.findLast(({ type }) => type === "Ping") as
      | { presence?: unknown }
      | undefined;
    connection.say({ type: "Pong" });
    await turn();
    return ping?.presence;
  };
  const numbers = () => connection.sent.flatMap((frame) => (frame.type === "Track" ? [frame.number] : []));
  expect(await asked()).toEqual([[ROOM, at, numbers().at(-1)]]);
  here.track({ name: "Ada" });
  await turn();
  expect(new Set(numbers()).size).toBe(2);
  expect(await asked()).toEqual([[ROOM, at, numbers().at(-1)]]);
  // The server has not heard it.
  connection.say({ type: "Untracked", target: ROOM, code: "missed", retryAfter: 0 });
  await clock.advance(1);
  await turn();
  expect(tracks(connection).at(-1)).toEqual({
    type: "Track",
    target: ROOM,
    meta: { name: "Ada" },
    watch: true,
  });
  here.untrack();
  stop();
  await clock.advance(1);
  expect(await asked()).toEqual([[ROOM, 0, 0]]);
});
