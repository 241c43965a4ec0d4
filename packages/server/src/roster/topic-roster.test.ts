// What watchers are told: by which bytes, the slow, the many, and by pages.
import { authorTag } from "@calla/shared";
import type { ClientFrame, ServerFrames } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { houseOf } from "../house/house.ts";
import { Guest, rosters, track } from "../../test/rosters.ts";
import type { Node } from "../../test/rosters.ts";
import { subscribe } from "../../test/wired.ts";

const TOPIC = "board:1";
const trackerOf = ({ server }: Node) => houseOf(server)!.presence.tracker;

/** So many members of another node, without a connection. */
function crowd(node: Node, count: number, from = 0): void {
  const tracker = trackerOf(node);
  for (let n = from; n < from + count; n++)
    tracker.track(`s:${TOPIC}`, `client ${n}`, `user ${n}`, { name: `n${n}` }, 1);
}
const page = (after: number, most = 100, ref = 1): ClientFrame => ({
  type: "ListMembers",
  target: TOPIC,
  ref,
  after,
  most,
});
const pageOf = async (guest: Guest): Promise<ServerFrames["Members"]> => {
  await guest.hear();
  return guest.said.findLast(({ type }) => type === "Members") as ServerFrames["Members"];
};

describe("what watchers are told", () => {
  test("[SP2] the same bytes, encoded once, reach all who watch; a newcomer's whole is encoded once for many, too", async () => {
    const { node } = rosters();
    crowd(node, 500);
    const watchers = await Promise.all([1, 2, 3].map(() => Guest.at(node)));
    for (const one of watchers) await one.enter(TOPIC);
    const last = (guest: Guest) => guest.socket.raw.at(-1)!;
    expect(new Set(watchers.map((one) => last(one).bytes)).size).toBe(1);
    const ada = await (await Guest.at(node)).enter(TOPIC, "Ada", false);
    for (const one of watchers) await one.hear();
    expect(new Set(watchers.map((one) => last(one).bytes)).size).toBe(1);
    // The same whole for those who come next, until it changes; and nothing of who was here before.
    const [late, later] = [await Guest.at(node), await Guest.at(node)];
    for (const one of [late, later]) await one.enter(TOPIC);
    expect(last(late).bytes).toBe(last(later).bytes);
    expect((late.lists.get(TOPIC) as Map<number, unknown>).has(ada.tag(TOPIC))).toBe(true);
    ada.say(track(TOPIC, { name: "secret" }), track(TOPIC));
    await ada.hear();
    const newest = await Guest.at(node);
    newest.say(subscribe(TOPIC), track(TOPIC, undefined, true));
    expect((await newest.hear()).map(({ joins, leaves }) => [joins.length, leaves.length])).toEqual([
      [500, 0],
    ]);
  });

  test("[SP2] a whole that is too large for a frame comes in parts, and each is read", async () => {
    const { node } = rosters({ limits: { maxPresenceList: Infinity } });
    const tracker = trackerOf(node);
    const many = 1_500;
    for (let n = 0; n < many; n++)
      tracker.track(`s:${TOPIC}`, `client ${n}`, `user ${n}`, { name: `${n} ${"x".repeat(2_000)}` }, 1);
    const watcher = await Guest.at(node);
    watcher.say(subscribe(TOPIC), track(TOPIC, undefined, true));
    const told = await watcher.hear();
    expect(told.filter(({ whole }) => whole === true)).toEqual([told[0]]);
    expect((watcher.lists.get(TOPIC) as Map<number, unknown>).size).toBe(many);
    for (const { bytes } of watcher.socket.raw) expect(bytes.length).toBeLessThan(1_048_576);
    // All go at once, in parts as well.
    for (let n = 0; n < many; n++) tracker.untrackAll(`client ${n}`);
    expect((await watcher.hear()).length).toBeGreaterThan(1);
    expect(await watcher.sees(TOPIC)).toEqual([]);
  });

  test("[SP11] a slow connection is sent no changes, and the whole once it has drained; the others notice nothing", async () => {
    const { node } = rosters();
    const [slow, quick] = [
      await (await Guest.at(node)).enter(TOPIC),
      await (await Guest.at(node)).enter(TOPIC),
    ];
    const ada = await (await Guest.at(node)).enter(TOPIC, "Ada", false);
    await slow.hear();
    await quick.hear();
    for (const times of [1, 2]) {
      slow.socket.stuff(2_000_000);
      ada.say(track(TOPIC, { name: "one more, which it is found by" }));
      await slow.hear();
      for (let n = 0; n < 50; n++) {
        ada.say(track(TOPIC, { name: `Ada ${times} ${n}` }));
        await ada.hear();
      }
      expect(await slow.hear()).toEqual([]);
      expect((await quick.hear()).length).toBe(51);
      slow.socket.drain();
      expect(await slow.hear()).toMatchObject([{ whole: true }]);
      expect(await slow.sees(TOPIC)).toEqual([`Ada ${times} 49`]);
    }
    ada.say(track(TOPIC, { name: "Ada" }));
    expect(await slow.hear()).toMatchObject([
      { joins: [[ada.tag(TOPIC), expect.any(String), { name: "Ada" }]] },
    ]);
  });

  test("[SP12] nobody is told who is not subscribed: not before it may, nor when its right has gone, nor while it is asked for", async () => {
    let may: boolean | Promise<boolean> = true;
    const { node, settle } = rosters({ handlers: { public: undefined, canSubscribe: () => may } });
    const ada = await (await Guest.at(node)).enter(TOPIC, "Ada");
    const bob = await (await Guest.at(node)).enter(TOPIC);
    may = false;
    const eve = await Guest.at(node);
    eve.say(subscribe(TOPIC), track(TOPIC, { name: "Eve" }, true), page(0));
    expect(await eve.hear()).toEqual([]);
    expect(await pageOf(eve)).toMatchObject({ members: [], more: false });
    await node.server.reauthorise({ clientId: bob.id });
    await settle();
    await bob.hear();
    ada.say(track(TOPIC, { name: "secret" }, true));
    expect(await bob.hear()).toEqual([]);
    expect(await ada.sees(TOPIC)).toEqual(["secret"]);
    // Granted again, it says so again.
    may = true;
    bob.say(subscribe(TOPIC, 2));
    expect(await bob.hear()).toEqual([]);
    bob.say(track(TOPIC, undefined, true));
    expect(await bob.hear()).toMatchObject([{ whole: true }]);
  });

  test("[SP20] a whole that was written before the turn's changes were told is not given to who comes behind them", async () => {
    const { node } = rosters();
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    const [poller, late] = [await Guest.at(node), await Guest.at(node)];
    await poller.enter(TOPIC);
    // Within one turn: somebody comes, and another one is told the whole before the others hear of it.
    const tracker = trackerOf(node);
    tracker.track(`s:${TOPIC}`, "one", "ada", { name: "Ada" }, 1);
    late.say(subscribe(TOPIC), track(TOPIC, undefined, true));
    for (const guest of [watcher, late]) expect(await guest.sees(TOPIC)).toEqual(["Ada"]);
    const last = await (await Guest.at(node)).enter(TOPIC);
    tracker.track(`s:${TOPIC}`, "two", "bob", { name: "Bob" }, 1);
    // Each continues what it was told (Guest throws where one does not).
    for (const guest of [watcher, late, last]) expect(await guest.sees(TOPIC)).toEqual(["Ada", "Bob"]);
  });

  test("[SP17] two clients whose tags are one: the last who came is shown, and the other one when that one goes", async () => {
    const { node } = rosters();
    // Found by trying.
    const [one, two] = ["client-363109", "client-963284"] as const;
    expect(authorTag(one, TOPIC)).toBe(authorTag(two, TOPIC));
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    const tracker = trackerOf(node);
    tracker.track(`s:${TOPIC}`, one, "ada", { name: "Ada" }, 1);
    tracker.track(`s:${TOPIC}`, two, "bob", { name: "Bob" }, 1);
    expect(await watcher.sees(TOPIC)).toEqual(["Bob"]);
    const late = await (await Guest.at(node)).enter(TOPIC);
    expect(await late.sees(TOPIC)).toEqual(["Bob"]);
    tracker.untrackAll(two);
    for (const guest of [watcher, late]) expect(await guest.sees(TOPIC)).toEqual(["Ada"]);
    tracker.untrackAll(one);
    for (const guest of [watcher, late]) expect(await guest.sees(TOPIC)).toEqual([]);
  });
});

describe("what was lost on an open connection", () => {
  const ping = (at: number, number: number): ClientFrame => ({
    type: "Ping",
    cursors: [],
    presence: [[TOPIC, at, number]],
  });
  const says = (number: number) => track(TOPIC, undefined, true, { number });

  test("[SP20] a whole that followed a time without anybody who watched is missed, whatever was told before that", async () => {
    const { node } = rosters();
    const guest = await Guest.at(node);
    guest.say(subscribe(TOPIC), says(1));
    const [first] = await guest.hear();
    guest.say(track(TOPIC));
    await guest.hear();
    crowd(node, 1);
    guest.say(says(2));
    await guest.hear();
    guest.say(ping(first!.at, 2));
    expect(await guest.hear()).toMatchObject([{ whole: true, joins: [expect.anything()] }]);
  });

  test("[SP20] so is the whole that follows a time in which members were counted", async () => {
    const { node, advance } = rosters({ limits: { maxPresenceList: 10 } });
    crowd(node, 12);
    const guest = await Guest.at(node);
    guest.say(subscribe(TOPIC), says(1));
    const [counted] = await guest.hear();
    expect(counted).toMatchObject({ count: 12 });
    for (let n = 5; n < 12; n++) trackerOf(node).untrackAll(`client ${n}`);
    await advance(11_000);
    const told = await guest.hear();
    expect(told.at(-1)).toMatchObject({ whole: true, joins: { length: 5 } });
    for (const { at } of told.slice(0, -1).concat(counted!)) expect(at).not.toBe(told.at(-1)!.at);
    guest.say(ping(told.at(-1)!.at, 1));
    expect(await guest.hear()).toEqual([]);
  });
});

describe("a topic with very many", () => {
  test("[SP13] who comes in between is told another number than the others; when it is theirs again, all are told", async () => {
    const { node, advance } = rosters({ limits: { maxPresenceList: 2 } });
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    crowd(node, 3);
    expect(await watcher.sees(TOPIC)).toBe(3);
    crowd(node, 1, 3);
    const late = await (await Guest.at(node)).enter(TOPIC);
    expect([await late.sees(TOPIC), await watcher.sees(TOPIC)]).toEqual([4, 3]);
    trackerOf(node).untrackAll("client 3");
    await advance(1_100);
    expect([await late.sees(TOPIC), await watcher.sees(TOPIC)]).toEqual([3, 3]);
    await late.hear();
    await advance(60_000);
    expect(await late.hear()).toEqual([]);
  });

  test("[SP13] above maxPresenceList watchers are told how many there are, once a second at most; below four fifths who is here", async () => {
    const { node, advance } = rosters({ limits: { maxPresenceList: 10 } });
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    crowd(node, 10);
    expect(((await watcher.sees(TOPIC)) as string[]).length).toBe(10);
    crowd(node, 1, 10);
    expect(await watcher.hear()).toMatchObject([
      { type: "Presence", target: TOPIC, joins: [], leaves: [], count: 11 },
    ]);
    // Who comes now is told the number at once, and the others no sooner than in a second.
    crowd(node, 5, 11);
    const late = await (await Guest.at(node)).enter(TOPIC);
    expect([await late.sees(TOPIC), await watcher.hear()]).toEqual([16, []]);
    await advance(900);
    crowd(node, 5, 16);
    expect(await watcher.hear()).toEqual([]);
    await advance(200);
    expect((await watcher.hear()).map(({ count }) => count)).toEqual([21]);
    await advance(5_000);
    expect(await watcher.hear()).toEqual([]);
    // Below four fifths, and not sooner than ten seconds after the last change of kind.
    for (let n = 7; n < 21; n++) trackerOf(node).untrackAll(`client ${n}`);
    await advance(1_500);
    expect(await watcher.sees(TOPIC)).toBe(7);
    await advance(3_000);
    expect((await watcher.hear()).map(({ whole }) => whole)).toEqual([true]);
    expect(((await watcher.sees(TOPIC)) as string[]).length).toBe(7);
    expect(((await late.sees(TOPIC)) as string[]).length).toBe(7);
    crowd(node, 1, 100);
    expect(((await watcher.sees(TOPIC)) as string[]).length).toBe(8);
  });

  test("[SP14] pages give each who is here once, in the order of their tags, whoever comes and goes meanwhile", async () => {
    const { node, advance } = rosters({ limits: { maxPresenceList: 10 } });
    crowd(node, 950);
    const watcher = await (await Guest.at(node)).enter(TOPIC);
    const seen: number[] = [];
    let after = 0;
    for (let ref = 1; ; ref++) {
      watcher.say(page(after, 1_000, ref));
      const { members, more, ...rest } = await pageOf(watcher);
      expect(rest).toEqual({ type: "Members", target: TOPIC, ref });
      expect(members.length).toBeLessThanOrEqual(100);
      seen.push(...members.map(([tag]) => tag));
      if (!more) break;
      after = members.at(-1)![0];
      // Some go, some come.
      trackerOf(node).untrackAll(`client ${ref}`);
      crowd(node, 1, 1_000 + ref);
      await advance(600);
    }
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b));
    for (let n = 20; n < 950; n++) expect(seen).toContain(authorTag(`client ${n}`, TOPIC));
    expect(seen.length).toBeLessThan(975);
  });

  test("[SP14] who asks for pages over the rate is answered at the rate, in order, and never loses one", async () => {
    const { node, advance } = rosters({ limits: { joinRate: 10, joinBurst: 20 } });
    crowd(node, 5);
    const guest = await (await Guest.at(node)).enter(TOPIC, undefined, false);
    for (let ref = 1; ref <= 60; ref++) guest.say(page(0, 5, ref));
    const answered = async (): Promise<number[]> => {
      await guest.hear();
      return guest.said.flatMap((frame) => (frame.type === "Members" ? [frame.ref] : []));
    };
    expect((await answered()).length).toBeLessThanOrEqual(20);
    await advance(1_000);
    expect((await answered()).length).toBeLessThanOrEqual(31);
    await advance(5_000);
    expect(await answered()).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
    // The second time, too.
    for (let ref = 61; ref <= 130; ref++) guest.say(page(0, 5, ref));
    await advance(2_000);
    expect((await answered()).length).toBeLessThanOrEqual(60 + 41);
    await advance(9_000);
    expect(await answered()).toHaveLength(130);
    expect(node.errors).toEqual([]);
  });

  test("[SP14] a page is no larger than a frame; who has just gone is left out; a topic without a watcher has pages, too", async () => {
    const { node } = rosters({ limits: { maxPresenceBytes: 100_000 } });
    const tracker = trackerOf(node);
    for (let n = 0; n < 20; n++)
      tracker.track(`s:${TOPIC}`, `client ${n}`, "k", { name: "x".repeat(50_000) }, 1);
    const guest = await (await Guest.at(node)).enter(TOPIC, undefined, false);
    guest.say(page(0));
    const first = await pageOf(guest);
    expect([first.members.length, first.more]).toEqual([5, true]);
    expect(guest.socket.raw.at(-1)!.bytes.length).toBeLessThan(300_000);
    tracker.untrackAll("client 3");
    guest.say(page(0, 1));
    const [member] = (await pageOf(guest)).members;
    expect(member?.[0]).not.toBe(authorTag("client 3", TOPIC));
  });
});
