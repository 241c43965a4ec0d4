// Who says by which word that it is here, or gone: polls, packets over HTTP, lost connections that are waited for; and hostile
// clients.
import { describe, expect, test } from "vitest";
import { authorTag, defineWiring } from "@calla/shared";
import type { ClientFrame } from "@calla/shared";
import { houseOf } from "../house/house.ts";
import { Guest, rosters, track, wiring } from "../../test/rosters.ts";
import type { Node } from "../../test/rosters.ts";
import { hello, list, subscribe, types } from "../../test/wired.ts";
import type { Said } from "../../test/wired.ts";

const TOPIC = "board:1";
const asked = { target: TOPIC, ref: 1, settled: 0, sent: 0 };
const trackerOf = ({ server }: Node) => houseOf(server)!.presence.tracker;
const here = (node: Node): number => trackerOf(node).count(`s:${TOPIC}`);
type Identity = Guest["identity"];

/** A poll of a client: everything that it was answered. */
async function poll(
  node: Node,
  identity: Identity,
  attempt: number,
  tracks: ClientFrame[],
  targets: object[] = [asked],
) {
  let finished = false;
  const its = node.socket({ finish: () => void (finished = true) });
  its.say(
    hello({ slices: wiring.versions(), identity, poll: true, attempt: [1, attempt], targets }),
    ...tracks,
  );
  const heard = await its.heard();
  return { heard, finished, closed: its.closed };
}
const presence = (heard: readonly Said[]) => heard.filter(({ type }) => type === "Presence");
const packet = (node: Node, identity: Identity, ...frames: ClientFrame[]) =>
  node.post(hello({ slices: wiring.versions(), identity }), ...frames);

describe("clients that poll", () => {
  test("[SP15] are listed by their polls, for as long as each says; a poll that watches is answered the whole", async () => {
    const { node, advance } = rosters();
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    const { identity } = await Guest.at(node);
    const says = [track(TOPIC, { name: "Poll" }, true, { within: 9_000 })];
    for (let n = 0; n < 4; n++) {
      const { heard, finished } = await poll(node, identity, 10 + n, says);
      expect(finished).toBe(true);
      expect(presence(heard)).toHaveLength(1);
      expect(presence(heard)[0]).not.toHaveProperty("after");
      expect(presence(heard)).toMatchObject([
        { joins: [[authorTag(identity.clientId, TOPIC), expect.any(String), { name: "Poll" }]] },
      ]);
      expect(await watcher.hear()).toHaveLength(n === 0 ? 1 : 0);
      await advance(8_500);
    }
    expect(here(node)).toBe(1);
    await advance(600);
    expect(await watcher.hear()).toMatchObject([{ leaves: [authorTag(identity.clientId, TOPIC)] }]);
    expect(node.errors).toEqual([]);
  });

  test("[SP15] take nothing of the rate of messages by saying the same again, only by another meta", async () => {
    const { node } = rosters({ limits: { topicMessageRate: 1, topicMessageBurst: 2 } });
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    const { identity } = await Guest.at(node);
    for (let n = 0; n < 20; n++) {
      const { heard } = await poll(node, identity, 10 + n, [track(TOPIC, { name: "Poll" }, true)]);
      expect(heard.filter(({ type }) => type === "Untracked")).toEqual([]);
    }
    const codes = [];
    for (let n = 0; n < 3; n++) {
      const { heard } = await poll(node, identity, 50 + n, [track(TOPIC, { name: `Poll ${n}` }, true)]);
      codes.push(...heard.flatMap((frame) => (frame.type === "Untracked" ? [frame.code] : [])));
    }
    expect(codes).toEqual(["rate", "rate"]);
    expect(await watcher.sees(TOPIC)).toEqual(["Poll 0"]);
  });

  test("[SP15] change their meta by the next one, go on without a word at the end of their time, or at once by one without a meta", async () => {
    const { node, advance } = rosters();
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    const { identity } = await Guest.at(node);
    await poll(node, identity, 10, [track(TOPIC, { name: "one" }, false, { within: 9_000 })]);
    await poll(node, identity, 10, [track(TOPIC, { name: "two" }, false, { within: 9_000 })]);
    expect(await watcher.sees(TOPIC)).toEqual(["two"]);
    // A poll that says nothing of it leaves it as it was.
    await advance(5_000);
    await poll(node, identity, 10, []);
    expect(await watcher.sees(TOPIC)).toEqual(["two"]);
    await poll(node, identity, 10, [track(TOPIC)]);
    expect(await watcher.sees(TOPIC)).toEqual([]);
    // However long it says, it is believed for two minutes.
    await poll(node, identity, 11, [track(TOPIC, { name: "long" }, false, { within: 9e9 })]);
    await advance(121_000);
    expect(here(node)).toBe(0);
  });

  test("[SP15] that say nothing more of it keep nobody listed, whose last word a poll or a stream was", async () => {
    for (const last of ["poll", "stream"] as const) {
      const { node, advance } = rosters();
      const ada = await Guest.at(node);
      if (last === "stream") await ada.enter(TOPIC, "Ada");
      ada.drop();
      if (last === "poll") await poll(node, ada.identity, 10, [track(TOPIC, { name: "Ada" })]);
      for (let n = 0; n < 5; n++) {
        await advance(3_000);
        await poll(node, ada.identity, 2e12 + n, []);
        // The first one after a stream is waited for, too: its client says with the next one what it wants.
        expect([last, n, here(node)]).toEqual([last, n, n < (last === "poll" ? 3 : 4) ? 1 : 0]);
      }
    }
  });

  test("[SP15] by whichever node, and by a connection in between: nobody is listed twice, nor flickers", async () => {
    const { nodes, advance } = rosters({ nodes: 2 });
    const watcher = await (await Guest.at(nodes[0]!)).enter(TOPIC);
    const { identity } = await Guest.at(nodes[0]!);
    const says = [track(TOPIC, { name: "Poll" }, false, { within: 9_000 })];
    for (let n = 0; n < 6; n++) {
      await poll(nodes[n % 2]!, identity, 10, says);
      await advance(3_000);
      expect(await watcher.hear()).toHaveLength(n === 0 ? 1 : 0);
      for (const node of nodes) expect(here(node)).toBe(1);
    }
    await advance(10_000);
    for (const node of nodes) expect(here(node)).toBe(0);
  });

  test("[SP15] that are refused are listed nowhere, and what else stands behind a Hello ends it", async () => {
    const { node } = rosters({ handlers: { public: undefined, canSubscribe: () => Promise.resolve(false) } });
    const { identity } = await Guest.at(node);
    const { heard } = await poll(node, identity, 10, [track(TOPIC, { name: "Eve" }, true)]);
    expect(types(heard)).toEqual(["Connected", "Unsubscribed"]);
    expect(here(node)).toBe(0);
    const none = await poll(node, identity, 11, [track(TOPIC, { name: "Eve" }, true)], []);
    expect(types(none.heard)).toEqual(["Connected", "Untracked"]);
    for (const behind of [subscribe(TOPIC), hello(), { type: "Ping", cursors: [] } as ClientFrame]) {
      const { heard: ended, closed } = await poll(node, identity, 12, [behind]);
      expect(types(ended)).toEqual(["Closing"]);
      expect(closed).toMatchObject([{ reason: "protocol" }]);
    }
    // Nor does a connection that is no poll ask for members with its Hello.
    const its = node.socket();
    its.say(hello(), { type: "ListMembers", target: TOPIC, ref: 1, after: 0, most: 1 });
    expect(types(await its.heard())).toEqual(["Closing"]);
  });
});

describe("a page over HTTP that goes", () => {
  test("[SP16] says so in a packet, whether its stream is there, has ended or is on another node", async () => {
    for (const where of ["here", "ended", "elsewhere", "elsewhere, ended"] as const) {
      const { nodes, advance, settle } = rosters({ nodes: 2 });
      const [near, far] = nodes as [Node, Node];
      const watcher = await (await Guest.at(near)).enter(TOPIC);
      const ada = await (await Guest.at(near)).enter(TOPIC, "Ada");
      await advance(100);
      await watcher.hear();
      if (where.endsWith("ended")) ada.drop(1006);
      await settle();
      const said = packet(where.startsWith("elsewhere") ? far : near, ada.identity, track(TOPIC));
      await advance(300);
      if (!where.endsWith("ended")) ada.drop(1006);
      await advance(700);
      expect([where, said.heard.map(({ type }) => type)]).toEqual([where, []]);
      expect(await watcher.hear()).toMatchObject([{ joins: [], leaves: [ada.tag(TOPIC)] }]);
      for (const node of nodes) expect([node.errors, here(node)]).toEqual([[], 0]);
    }
  });

  test("[SP20] what it has missed it asks of its stream: where that is not, the packet says so, and no Pong stands for the answer", async () => {
    const { nodes, settle } = rosters({ nodes: 2 });
    const ada = await (await Guest.at(nodes[0]!)).enter(TOPIC, "Ada");
    const asked = packet(nodes[1]!, ada.identity, {
      type: "Ping",
      cursors: [],
      presence: [[TOPIC, 77, 1]],
    });
    await settle();
    expect(asked.heard).toMatchObject([{ type: "Closing", code: "not-here" }]);
  });

  test("[SP21] a word of an earlier page, or of an earlier attempt, that comes behind those of the next one changes nothing", async () => {
    const { nodes, advance } = rosters({ nodes: 2 });
    const [near, far] = nodes as [Node, Node];
    const watcher = await (await Guest.at(near)).enter(TOPIC);
    const ada = await Guest.at(near);
    await ada.connect(near, 1_800_000_000_005);
    await ada.enter(TOPIC, "Ada");
    await advance(1_000);
    await watcher.hear();
    const said = (node: Node, attempt: number, meta?: object) =>
      node.post(
        hello({ slices: wiring.versions(), identity: ada.identity, attempt: [3, attempt] }),
        track(TOPIC, meta, meta !== undefined),
      );
    for (const meta of [undefined, { name: "Old" }]) said(near, 1_800_000_000_004, meta);
    said(far, 1_800_000_000_004);
    await advance(2_000);
    expect(await watcher.hear()).toEqual([]);
    expect(await ada.sees(TOPIC)).toEqual(["Ada"]);
    said(near, 1_800_000_000_005, { name: "New" });
    await advance(100);
    expect(await watcher.sees(TOPIC)).toEqual(["New"]);
    // Nor while the next one is waited for.
    ada.drop(1006);
    await advance(100);
    said(near, 1_800_000_000_004);
    await advance(100);
    expect(await watcher.sees(TOPIC)).toEqual(["New"]);
    said(near, 1_800_000_000_005);
    await advance(100);
    expect(await watcher.sees(TOPIC)).toEqual([]);
    for (const node of nodes) expect(node.errors).toEqual([]);
  });

  test("[SP16] no word about somebody else, and no other word, is taken from a packet without its stream", async () => {
    const { node, settle } = rosters();
    const ada = await (await Guest.at(node)).enter(TOPIC, "Ada");
    const eve = await Guest.at(node);
    eve.drop();
    packet(node, eve.identity, track(TOPIC), track("nonsense"), track("list:1"), track("@"));
    packet(node, { ...ada.identity, secret: "guessed" }, track(TOPIC));
    const listing = packet(node, eve.identity, track(TOPIC, { name: "Eve" }));
    await settle();
    expect(listing.heard).toMatchObject([{ type: "Closing", code: "not-here" }]);
    expect(await ada.sees(TOPIC)).toEqual(["Ada"]);
    expect(node.errors).toEqual([]);
  });
});

describe("a connection that is lost", () => {
  test("[SP6] what its client wanted by it leaves room for what it wants by the next one", async () => {
    const { node } = rosters({ limits: { maxTopicsPerConnection: 3 } });
    const ada = await Guest.at(node);
    for (const id of [1, 2, 3]) await ada.enter(`board:${id}`, "Ada");
    ada.drop();
    await ada.connect(node);
    for (const id of [4, 5, 6]) await ada.enter(`board:${id}`, "Ada");
    expect(await ada.untracked()).toEqual([]);
    const tracker = trackerOf(node);
    expect([1, 2, 3, 4, 5, 6].map((id) => tracker.count(`s:board:${id}`))).toEqual([0, 0, 0, 1, 1, 1]);
    expect(await ada.sees("board:6")).toEqual(["Ada"]);
  });

  test("[SP6] a client that was told by its server's last word to come back within a longer time is waited for that and 2 s", async () => {
    const { node, advance, settle } = rosters();
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    const ada = await (await Guest.at(node)).enter(TOPIC, "Ada", false);
    node.server.disconnect("nobody");
    const drained = node.server.drain({ over: 100, reconnectWithin: 30_000 });
    // It is the watcher's node as well: who is here is asked of the tracker.
    await advance(300);
    expect(trackerOf(node).count(`s:${TOPIC}`)).toBe(1);
    await settle();
    await advance(1_000);
    await drained;
    expect(watcher.socket.closed.length + ada.socket.closed.length).toBe(2);
  });

  test("[SP5] who is kicked, signed out or cut off while it is waited for is gone at once; others stay", async () => {
    const ends: ((node: Node, guest: Guest) => unknown)[] = [
      ({ server }, { id }) => server.disconnect(id),
      ({ server }) => server.reauthorise({ userId: "ada", user: null }),
      ({ server }, { id }) =>
        server.unsubscribe(id, ...([wiring.topics[2], "1"] as unknown as [typeof list, string])),
    ];
    for (const end of ends) {
      const { node, settle } = rosters({ users: true });
      const ada = await (await Guest.at(node, "ada")).enter(TOPIC, "Ada");
      const bob = await (await Guest.at(node, "bob")).enter(TOPIC, "Bob");
      ada.drop();
      bob.drop();
      await settle();
      expect(here(node)).toBe(2);
      end(node, ada);
      await settle();
      expect(here(node)).toBe(1);
    }
  });

  test("[SP6] a client that is let in again and does not say that it is here is gone ten seconds later; one that only watched leaves nothing", async () => {
    const { node, advance } = rosters();
    const ada = await (await Guest.at(node)).enter(TOPIC, "Ada");
    const bob = await (await Guest.at(node)).enter(TOPIC);
    ada.drop();
    bob.drop();
    await advance(9_000);
    await ada.connect(node);
    await advance(9_000);
    expect(here(node)).toBe(1);
    await advance(1_100);
    expect(here(node)).toBe(0);
    // Lost once more, before it said anything.
    await ada.enter(TOPIC, "Ada");
    for (let times = 0; times < 3; times++) {
      ada.drop();
      await advance(6_000);
      await ada.connect(node);
    }
    expect(here(node)).toBe(1);
    await advance(10_100);
    expect(here(node)).toBe(0);
  });

  test("[SP6] a client that is let in again and again and says nothing of it is gone half a minute after it was lost", async () => {
    const { node, advance } = rosters();
    const ada = await (await Guest.at(node)).enter(TOPIC, "Ada");
    ada.drop(1006);
    for (let n = 0; n < 14; n++) {
      await advance(2_000);
      await ada.connect(node);
      ada.drop(1006);
    }
    expect(here(node)).toBe(1);
    for (let n = 0; n < 2; n++) {
      await advance(1_100);
      await ada.connect(node);
      ada.drop(1006);
    }
    expect(here(node)).toBe(0);
  });

  test("[SP6] a second connection of a client ends the first, and takes its place: nobody hears of it", async () => {
    const { node } = rosters();
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    const ada = await (await Guest.at(node)).enter(TOPIC, "Ada");
    await watcher.hear();
    for (let times = 0; times < 3; times++) {
      await ada.connect(node);
      await ada.enter(TOPIC, "Ada");
    }
    expect(await watcher.hear()).toEqual([]);
    expect(await ada.sees(TOPIC)).toEqual(["Ada"]);
  });
});

describe("hostile clients", () => {
  test("[SP4] who says another meta too often is told after how long it may, and then it may; who goes on is closed, and nobody else hears", async () => {
    const { node, advance } = rosters({
      limits: { topicMessageRate: 10, topicMessageBurst: 20, messageRate: 20, messageBurst: 40 },
    });
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    const ada = await (await Guest.at(node)).enter(TOPIC, "Ada", false);
    for (let n = 0; n < 40; n++) ada.say(track(TOPIC, { name: `Ada ${n}` }));
    const codes = await ada.untracked();
    expect(new Set(codes)).toEqual(new Set(["rate"]));
    expect(codes.length).toBeGreaterThan(15);
    expect(((await watcher.sees(TOPIC)) as string[])[0]).toBe("Ada 18");
    await advance(150);
    ada.say(track(TOPIC, { name: "in time" }));
    expect(await watcher.sees(TOPIC)).toEqual(["in time"]);
    expect(node.refused.some(({ code }) => code === "rate")).toBe(true);
    for (let n = 0; n < 40_000 && ada.socket.closed.length === 0; n++)
      ada.say(track(TOPIC, { name: "flood" }));
    await ada.hear();
    expect(ada.socket.closed).toMatchObject([{ reason: "rate" }]);
    expect(watcher.socket.closed).toEqual([]);
    expect(node.errors).toEqual([]);
  });

  test("[SP4] whoever asks to be told again and again, or for page after page, is held up by the rate of subscribes", async () => {
    const { node } = rosters({ limits: { joinRate: 10, joinBurst: 20 } });
    const ada = await (await Guest.at(node)).enter(TOPIC, "Ada");
    for (let n = 0; n < 50; n++) ada.say(track(TOPIC, { name: "Ada" }), track(TOPIC, { name: "Ada" }, true));
    expect((await ada.hear()).length).toBeLessThan(21);
    expect(new Set(await ada.untracked())).toEqual(new Set(["rate"]));
    const bob = await Guest.at(node);
    bob.say(subscribe(TOPIC));
    for (let ref = 1; ref <= 60; ref++)
      bob.say({ type: "ListMembers", target: TOPIC, ref, after: 0, most: 1_000 });
    await bob.hear();
    expect(bob.said.filter(({ type }) => type === "Members").length).toBeLessThan(21);
  });

  test("[SP4] nobody is listed on more topics than limits allow, also not by polls of always other ones: the newest count", async () => {
    const { node, advance } = rosters({ limits: { maxTopicsPerConnection: 3 } });
    const { identity } = await Guest.at(node);
    for (let n = 0; n < 5; n++) {
      const target = `board:${n}`;
      const { heard } = await poll(
        node,
        identity,
        10 + n,
        [track(target, { name: "P" }, false, { within: 60_000 })],
        [{ target, ref: 1, settled: 0, sent: 0 }],
      );
      expect(types(heard)).not.toContain("Untracked");
      const listed = [0, 1, 2, 3, 4].filter((id) => trackerOf(node).count(`s:board:${id}`) > 0);
      expect(listed).toEqual([n - 2, n - 1, n].filter((id) => id >= 0));
    }
    await advance(61_000);
    for (let n = 0; n < 5; n++) expect(trackerOf(node).count(`s:board:${n}`)).toBe(0);
  });

  test("[SP4] frames of nonsense are none, or are refused, and leave nothing", async () => {
    const { node } = rosters();
    const eve = await Guest.at(node);
    eve.say(subscribe(TOPIC));
    for (const frame of [
      track(TOPIC, null, true),
      track(TOPIC, [], true),
      track(TOPIC, { name: { toString: 1 } }, true),
      track(TOPIC, { name: "x", __proto__: { at: 1 } }, true),
      { type: "ListMembers", target: "@", ref: 1, after: 4e9, most: 0 },
      { type: "ListMembers", target: "nonsense", ref: 1, after: 0, most: 1e9 },
      { type: "ListMembers", target: TOPIC, ref: 1, after: 9e15, most: 9e15 },
    ])
      eve.say(frame as ClientFrame);
    await eve.hear();
    expect(new Set(eve.said.map(({ type }) => type))).toEqual(
      new Set(["Settled", "Snapshot", "Untracked", "Members"]),
    );
    expect(eve.socket.closed).toEqual([]);
    expect(node.errors).toEqual([]);
  });
});

test("[SP19] where no slice lists anybody no other node is told or heard, and nothing is made", async () => {
  const { node, pubsub, advance } = rosters({
    wiring: defineWiring({ topics: [list] }) as never,
    slices: [list],
  });
  const heard: unknown[] = [];
  pubsub.subscribe("presence:house", (said) => void heard.push(said));
  await advance(20_000);
  expect([heard, node.errors]).toEqual([[], []]);
  const ada = await Guest.at(node);
  ada.say(subscribe("list:1"), track("list:1", { name: "Ada" }, true));
  expect(await ada.untracked()).toEqual(["no-presence"]);
});
