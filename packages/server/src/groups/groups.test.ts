// Groups over channels and over a server of the sync half: what they hold, and who hears what is told them.
import { afterEach, describe, expect, it } from "vitest";
import { talk } from "../../test/phoenix-talk.ts";
import { cursors, handPubSub, list, other, subscribe, wire } from "../../test/wired.ts";
import { localPubSub } from "../cluster/pubsub.ts";
import { hostOf } from "../channels/engine/hosts.ts";
import { createChannels, defineChannel, joined, reply } from "../channels/index.ts";
import type { Channel, Channels, ChannelsOptions } from "../channels/index.ts";
import { createGroups } from "./index.ts";
import type { Groups, GroupsOptions } from "./index.ts";

const errors: unknown[] = [];
const room = defineChannel("room:*").handleIn("who", (_, socket) => reply({ id: socket.socketId }));
const word = (topic: string, payload: unknown = {}, event = "said") => [null, null, topic, event, payload];

/** A client that has joined these topics, and what it was told of that is taken. */
function joinedTo(channels: Channels, ...topics: readonly string[]) {
  const client = talk(channels);
  for (const [at, topic] of topics.entries()) client.join(topic, String(at + 1));
  client.take();
  return client;
}
function grouped(limits: GroupsOptions["limits"] = {}, channel: Channel = room) {
  const channels = createChannels({ onError: (error) => void errors.push(error) }).register(channel);
  const groups = createGroups({ channels, limits });
  groups.create("team");
  return { channels, groups };
}
const thrownBy = (run: () => unknown): unknown => {
  try {
    return void run();
  } catch (thrown) {
    return thrown;
  }
};
const unknown = (name: string) => ({
  code: "unknown",
  details: { name },
  message: expect.stringMatching(/groups\.create/) as string,
});

afterEach(() => expect(errors).toEqual([]));

describe("a group", () => {
  it("[GR1] is empty when it is made, and is made once", () => {
    const { groups } = grouped();
    expect(groups.topics("team")).toEqual({ channels: [], sync: [] });
    groups.add("team", "room:a");
    expect(thrownBy(() => groups.create("team"))).toMatchObject({
      code: "exists",
      details: { name: "team" },
    });
    expect(groups.topics("team").channels).toEqual(["room:a"]);
    groups.create("__proto__");
    expect([groups.list(), groups.has("team"), groups.has("toString")]).toEqual([
      ["team", "__proto__"],
      true,
      false,
    ]);
    expect(() => groups.create(7 as never)).toThrow(TypeError);
  });

  it.each<[string, (groups: Groups) => unknown]>([
    ["delete", (groups) => groups.delete("none")],
    ["add", (groups) => groups.add("none", "room:a")],
    ["remove", (groups) => groups.remove("none", "room:a")],
    ["topics", (groups) => groups.topics("none")],
  ])("[GR2] %s throws where there is none of that name", (_, call) => {
    const { groups } = grouped();
    expect(thrownBy(() => call(groups))).toMatchObject(unknown("none"));
    expect(groups.list()).toEqual(["team"]);
  });

  it("[GR2] that is deleted is unknown, and made anew it is empty", () => {
    const { groups } = grouped();
    groups.add("team", "room:a");
    groups.delete("team");
    expect(thrownBy(() => groups.delete("team"))).toMatchObject(unknown("team"));
    expect([groups.list(), groups.broadcast("team", "said", {})]).toEqual([[], 0]);
    groups.create("team");
    expect(groups.topics("team").channels).toEqual([]);
  });

  it("[GR3] takes a topic once, and says whether anything changed", () => {
    const { channels, groups } = grouped();
    const client = joinedTo(channels, "room:a");
    expect([groups.add("team", "room:a"), groups.add("team", "room:a")]).toEqual([true, false]);
    expect(groups.add("team", room, ["a"])).toBe(false);
    groups.broadcast("team", "said", {});
    expect(client.take()).toEqual([word("room:a")]);
    expect([groups.remove("team", room, ["a"]), groups.remove("team", "room:a")]).toEqual([true, false]);
    expect(groups.broadcast("team", "said", {})).toBe(0);
    expect(client.take()).toEqual([]);
  });

  it("[GR8] is bounded, and so are their names and number; what is too much changes nothing", () => {
    const { groups } = grouped({ maxGroups: 2, maxTopicsPerGroup: 1, maxNameLength: 6 });
    const tooLarge = (limit: string, max: number, value: number) => ({
      code: "too-large",
      details: { limit, max, value },
      message: expect.stringContaining(`limits: { ${limit} }`) as string,
    });
    expect(thrownBy(() => groups.create("7777777"))).toMatchObject(tooLarge("maxNameLength", 6, 7));
    expect(thrownBy(() => groups.add("team", "room:ab"))).toMatchObject(tooLarge("maxNameLength", 6, 7));
    groups.create("666666");
    expect(thrownBy(() => groups.create("third"))).toMatchObject(tooLarge("maxGroups", 2, 3));
    expect(thrownBy(() => groups.create("team"))).toMatchObject({ code: "exists" });
    groups.add("team", "room:a");
    expect(groups.add("team", "room:a")).toBe(false);
    expect(thrownBy(() => groups.add("team", "room:b"))).toMatchObject(tooLarge("maxTopicsPerGroup", 1, 2));
    expect([groups.list(), groups.topics("team").channels]).toEqual([["team", "666666"], ["room:a"]]);
    groups.remove("team", "room:a");
    groups.delete("666666");
    groups.create("third");
    expect(groups.add("team", "room:b")).toBe(true);
    const long = "n".repeat(100_000);
    expect((thrownBy(() => groups.topics(long)) as Error).message.length).toBeLessThan(300);
  });

  it("[GR8] topics of both kinds count together", () => {
    const { server } = wire();
    const groups = createGroups({ server, channels: createChannels(), limits: { maxTopicsPerGroup: 2 } });
    groups.create("team");
    groups.add("team", "list:1");
    groups.add("team", list, "1");
    for (const add of [() => groups.add("team", "x"), () => groups.add("team", list, "2")])
      expect(thrownBy(add)).toMatchObject({ code: "too-large" });
  });

  it.each<[GroupsOptions, RegExp]>([
    [{}, /channels, a server, or both/],
    [{ channels: {} as never }, /what createChannels gives/],
    [{ channels: createChannels(), limits: { maxGroups: 0 } }, /maxGroups/],
    [{ channels: createChannels(), limits: { maxGruops: 1 } as never }, /maxGruops/],
  ])("[GR8] groups of %j are refused", (options, why) => {
    expect(() => createGroups(options)).toThrow(why);
  });

  it("[GR6] of channels takes no topic of a slice, and the other way about", () => {
    const { server } = wire();
    const ofServer = createGroups({ server });
    const { groups } = grouped();
    ofServer.create("team");
    expect(() => ofServer.add("team", "list:1")).toThrow(/createGroups\(\{ channels \}\)/);
    expect(() => groups.add("team", list as never, "1" as never)).toThrow(/createGroups\(\{ server \}\)/);
    expect(() => groups.add("team", room, [] as never)).toThrow(/makes no topic/);
  });
});

describe("a broadcast to a group", () => {
  it("[GR4] reaches all of each of its topics, once, and nobody else", () => {
    const { channels, groups } = grouped();
    const [ada, bob, eve] = [["room:a", "room:b"], ["room:b"], ["room:c"]].map((topics) =>
      joinedTo(channels, ...topics),
    );
    for (const topic of ["room:a", "room:b", "room:nobody"]) groups.add("team", topic);
    expect(groups.broadcast("team", "said", { n: 1 })).toBe(3);
    expect(ada!.take()).toEqual([word("room:a", { n: 1 }), word("room:b", { n: 1 })]);
    expect(bob!.take()).toEqual([word("room:b", { n: 1 })]);
    expect(eve!.take()).toEqual([]);
  });

  it("[GR4] reaches them on every node, and broadcastFrom leaves one connection out on each", () => {
    const pubsub = localPubSub();
    const [here, there] = [
      createChannels({ pubsub }).register(room),
      createChannels({ pubsub }).register(room),
    ];
    const groups = createGroups({ channels: here });
    groups.create("team");
    for (const topic of ["room:a", "room:b"]) groups.add("team", topic);
    const [near, far] = [joinedTo(here, "room:a"), joinedTo(there, "room:a", "room:b")];
    groups.broadcast("team", "said", { n: 1 });
    expect(near.take()).toEqual([word("room:a", { n: 1 })]);
    expect(far.take()).toEqual([word("room:a", { n: 1 }), word("room:b", { n: 1 })]);
    const [who] = far.say(["1", "9", "room:a", "who", {}]) as [{ readonly 4: { response: { id: string } } }];
    expect(groups.broadcastFrom(who[4].response.id, "team", "said", { n: 2 })).toBe(2);
    expect([near.take(), far.take()]).toEqual([[word("room:a", { n: 2 })], []]);
  });

  it("[GR5] is nothing where the group is unknown or empty", () => {
    const { channels, groups } = grouped();
    const client = joinedTo(channels, "room:a", "room:team");
    expect([groups.broadcast("team", "said", {}), groups.broadcast("room:a", "said", {})]).toEqual([0, 0]);
    expect(groups.broadcastFrom("x", "none", "said", {})).toBe(0);
    expect(client.take()).toEqual([]);
  });

  it("[GR7] reaches the topics of the moment of its call, whatever handlers do to the group meanwhile", () => {
    const heard: unknown[] = [];
    const channel = room.handleOut("said", (_, socket) => {
      heard.push(socket.topic);
      if (heard.length > 1) return;
      groups.remove("team", "room:b");
      groups.add("team", "room:c");
      expect(groups.topics("team").channels).toEqual(["room:a", "room:c"]);
    });
    const { channels, groups } = grouped({}, channel);
    joinedTo(channels, "room:a", "room:b", "room:c");
    for (const topic of ["room:a", "room:b"]) groups.add("team", topic);
    const before = groups.topics("team");
    groups.broadcast("team", "said", {});
    expect(heard.splice(0, 2)).toEqual(["room:a", "room:b"]);
    heard.push("later");
    groups.broadcast("team", "said", {});
    expect(heard).toEqual(["later", "room:a", "room:c"]);
    expect(before.channels).toEqual(["room:a", "room:b"]);
    groups.delete("team");
  });

  it("[GR7] goes out on all its topics before what is said meanwhile, to the group or to one of them", () => {
    let said = false;
    const channel = room.handleOut("first", (payload, socket) => {
      if (!said) {
        said = true;
        channels.broadcast("room:b", "alone", {});
        groups.broadcast("team", "second", {});
      }
      socket.push("first", payload as never);
    });
    const { channels, groups } = grouped({}, channel);
    const clients = ["room:a", "room:b"].map((topic) => joinedTo(channels, topic));
    for (const topic of ["room:a", "room:b"]) groups.add("team", topic);
    groups.broadcast("team", "first", {});
    const events = clients.map((client) => client.take().map((frame) => (frame as unknown[])[3]));
    expect(events).toEqual([
      ["first", "second"],
      ["first", "alone", "second"],
    ]);
    groups.broadcast("team", "third", {});
    expect(clients.map((client) => client.take().length)).toEqual([1, 1]);
  });

  it("[GR9] writes its payload once for all topics and both versions, as a broadcast of each would", () => {
    const { channels, groups } = grouped();
    const topics = Array.from({ length: 20 }, (_, at) => `room:${at}`);
    for (const topic of topics) groups.add("team", topic);
    const second = joinedTo(channels, ...topics);
    const first = talk(channels, { vsn: "1.0.0" });
    first.say({ topic: "room:0", event: "phx_join", payload: {}, ref: "1" });
    first.take();
    let written = 0;
    const payload = { text: "é\ud800\u2028", at: { toJSON: () => ++written } } as never;
    groups.broadcast("team", "said", payload);
    expect(written).toBe(1);
    const expected = { text: "é\ufffd\u2028", at: 1 };
    expect(second.take()).toEqual(topics.map((topic) => word(topic, expected)));
    expect(first.take()).toEqual([{ topic: "room:0", event: "said", payload: expected, ref: null }]);
    const bytes = Uint8Array.of(1, 2);
    groups.broadcast("team", "bytes", bytes);
    const alone = second.take();
    for (const topic of topics) channels.broadcast(topic, "bytes", bytes);
    expect([alone.length, second.take()]).toEqual([20, alone]);
    // The client of version 1 cannot hear bytes.
    expect(errors.splice(0)).toHaveLength(1);
  });

  it("[GR9] whose payload is none, or that JSON cannot write, is heard by nobody, and the next by all", () => {
    const pubsub = handPubSub();
    const options: ChannelsOptions<object> = { pubsub: pubsub.pubsub };
    const channels = createChannels(options).register(room);
    const groups = createGroups({ channels });
    groups.create("team");
    for (const topic of ["room:a", "room:b"]) groups.add("team", topic);
    const client = joinedTo(channels, "room:a", "room:b");
    for (const payload of [null, [], "text"])
      expect(() => groups.broadcast("team", "said", payload as never)).toThrow(TypeError);
    expect(() => groups.broadcast("team", "said", { n: 1n } as never)).toThrow(/JSON/);
    expect(client.take()).toEqual([]);
    groups.broadcast("team", "said", {});
    expect(client.take()).toEqual([word("room:a"), word("room:b")]);
  });

  it("[GR9] one whose handlers bring forth others without end ends, and leaves its topics as they were", () => {
    const channel = room
      .handleOut("said", () => void groups.broadcast("team", "said", {}))
      .join(() => joined());
    const channels = createChannels({ onError: (error) => void errors.push(error) }).register(channel);
    const groups = createGroups({ channels });
    groups.create("team");
    for (const topic of ["room:a", "room:b"]) groups.add("team", topic);
    joinedTo(channels, "room:a", "room:b");
    groups.broadcast("team", "said", {});
    expect(errors.splice(0).map(String).join()).toMatch(/without end/);
    const client = joinedTo(channels, "room:b");
    hostOf(channels).broadcast(["room:b"], "else", {}, undefined);
    expect(client.take()).toEqual([word("room:b", {}, "else")]);
  });
});

describe("a push to a group", () => {
  async function both() {
    const hand = wire();
    const { server } = hand;
    for (const slice of [list, other, cursors]) server.handle(slice, { public: true });
    const channels = createChannels().register(defineChannel("list:*"));
    const groups = createGroups({ channels, server });
    groups.create("team");
    const client = await hand.client();
    for (const target of ["list:1", "list:2", "cursors:1", "other:1"]) client.say(subscribe(target));
    await client.heard();
    return { ...hand, channels, groups, client };
  }
  const pushed = (target: string, message: unknown, author: unknown = null) => ({
    type: "Push",
    target,
    pushes: [[author, null, [message]]],
  });

  it("[GR6] reaches the topics of its slice alone; a channel topic of the same name is another", async () => {
    const { groups, channels, client } = await both();
    const phoenix = joinedTo(channels, "list:1");
    groups.add("team", list, "1");
    groups.add("team", cursors, "1");
    expect(groups.add("team", "list:1")).toBe(true);
    expect(groups.add("team", list, "1")).toBe(false);
    expect(groups.topics("team")).toEqual({ channels: ["list:1"], sync: ["list:1", "cursors:1"] });
    expect(groups.push("team", list, { type: "cleared" })).toBe(1);
    expect(await client.heard()).toEqual([pushed("list:1", { type: "cleared" })]);
    expect(phoenix.take()).toEqual([]);
    expect(groups.broadcast("team", "said", {})).toBe(1);
    expect([await client.heard(), phoenix.take()]).toEqual([[], [word("list:1")]]);
    expect([groups.remove("team", "list:1"), groups.topics("team").sync.length]).toEqual([true, 2]);
    expect([groups.remove("team", list, "1"), groups.remove("team", list, "1")]).toEqual([true, false]);
    expect([
      groups.push("team", list, { type: "cleared" }),
      groups.push("none", list, { type: "cleared" }),
    ]).toEqual([0, 0]);
    expect(() => groups.add("team", list, "")).toThrow();
  });

  it("[GR4] pushes on each, spares the client of pushFrom, and refuses what is no message before anybody hears", async () => {
    const { groups, client } = await both();
    for (const id of ["1", "2"]) groups.add("team", list, id);
    groups.push("team", list, { type: "added", item: "x" });
    expect(await client.heard()).toEqual(
      ["list:1", "list:2"].map((target) => pushed(target, { type: "added", item: "x" })),
    );
    expect(groups.pushFrom(client.identity.clientId, "team", list, { type: "cleared" })).toBe(2);
    expect(await client.heard()).toEqual([]);
    expect(thrownBy(() => groups.push("team", list, { type: "added", item: 7 } as never))).toMatchObject({
      code: "invalid",
    });
    expect(await client.heard()).toEqual([]);
  });
});
