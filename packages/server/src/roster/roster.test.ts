import type { ClientFrame } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { board, Guest, rosters, track } from "../../test/rosters.ts";
import { subscribe } from "../../test/wired.ts";
import type { other } from "../../test/wired.ts";
import { houseOf } from "../house/house.ts";

/** The rig's server has the types of another wiring. */
const topic = [board, "1"] as unknown as [typeof other, string];

describe("who is listed, and who is told", () => {
  test("[SP1] [SP2] who watches is sent the whole, and then what changed; who is listed stands in it himself", async () => {
    const { node } = rosters({ users: true });
    const ada = await Guest.at(node, "ada");
    const bob = await Guest.at(node, "bob");
    await ada.enter("board:1", "Ada");
    expect(ada.lists.get("board:1")).toEqual(new Map([[ada.tag("board:1"), ["ada", { name: "Ada" }]]]));
    bob.say(subscribe("board:1"), track("board:1", { name: "Bob" }, true));
    expect((await bob.hear()).map(({ whole }) => whole)).toEqual([true]);
    expect(await bob.sees("board:1")).toEqual(["Ada", "Bob"]);
    expect(await ada.hear()).toMatchObject([
      {
        type: "Presence",
        target: "board:1",
        joins: [[bob.tag("board:1"), "bob", { name: "Bob" }]],
        leaves: [],
      },
    ]);
    bob.say(track("board:1", { name: "Bob", at: 3 }, true));
    expect(await ada.hear()).toMatchObject([{ joins: [[bob.tag("board:1"), "bob", { at: 3 }]], leaves: [] }]);
    bob.say(track("board:1", undefined, true));
    expect(await ada.hear()).toMatchObject([{ joins: [], leaves: [bob.tag("board:1")] }]);
    expect(await bob.sees("board:1")).toEqual(["Ada"]);
    expect(node.errors).toEqual([]);
  });

  test("[SP1] the same said twice is nothing; what is said before the subscription is live holds from then on", async () => {
    const { node, settle } = rosters({
      nodes: 1,
      handlers: { public: undefined, canSubscribe: () => allowed },
    });
    let allow!: (answer: boolean) => void;
    const allowed = new Promise<boolean>((resolve) => (allow = resolve));
    const ada = await Guest.at(node);
    ada.say(subscribe("board:1"), track("board:1", { name: "Ada" }, true));
    expect(await ada.hear()).toEqual([]);
    allow(true);
    await settle();
    expect(await ada.sees("board:1")).toEqual(["Ada"]);
    ada.say(track("board:1", { name: "Ada" }, true), track("board:1", { name: "Ada" }, true));
    expect([await ada.hear(), await ada.untracked()]).toEqual([[], []]);
  });

  test("[SP2] the turn's changes come in one frame, and what comes and goes within it is not told", async () => {
    const { node } = rosters();
    const watcher = await (await Guest.at(node)).enter("lounge:1");
    const [ada, bob, cy] = [await Guest.at(node), await Guest.at(node), await Guest.at(node)];
    await ada.enter("lounge:1", "Ada", false);
    await bob.enter("lounge:1", undefined, false);
    await cy.enter("lounge:1", undefined, false);
    await watcher.hear();
    // One turn: Ada changes and goes back, Bob comes and goes, Cy comes.
    ada.say(track("lounge:1"), track("lounge:1", { name: "Ada" }));
    bob.say(track("lounge:1", { name: "Bob" }), track("lounge:1"));
    cy.say(track("lounge:1", { name: "Cy" }));
    expect(await watcher.hear()).toMatchObject([
      { joins: [[cy.tag("lounge:1"), expect.any(String), { name: "Cy" }]], leaves: [] },
    ]);
    ada.say(track("lounge:1"), track("lounge:1", { name: "Ada 2" }));
    expect(await watcher.hear()).toMatchObject([
      { joins: [[ada.tag("lounge:1"), expect.any(String), { name: "Ada 2" }]], leaves: [] },
    ]);
    expect(await watcher.sees("lounge:1")).toEqual(["Ada 2", "Cy"]);
  });

  test("[SP2] who subscribes again is sent the whole again, once, whether or not it says so again", async () => {
    const { node } = rosters();
    const ada = await (await Guest.at(node)).enter("board:1", "Ada");
    for (const again of [[], [track("board:1", { name: "Ada" }, true)]]) {
      ada.say(subscribe("board:1", 2 + again.length), ...again);
      expect(await ada.hear()).toMatchObject([
        { whole: true, joins: [[ada.tag("board:1"), expect.any(String), { name: "Ada" }]] },
      ]);
    }
  });

  test("[SP2] who watches anew is sent the whole; who only watches is not listed, and who watches no more hears nothing", async () => {
    const { node } = rosters();
    const ada = await (await Guest.at(node)).enter("board:1", "Ada", false);
    const bob = await (await Guest.at(node)).enter("board:1");
    expect(await bob.sees("board:1")).toEqual(["Ada"]);
    bob.say(track("board:1"));
    await bob.hear();
    ada.say(track("board:1", { name: "Eve" }));
    expect(await bob.hear()).toEqual([]);
    bob.say(track("board:1", undefined, true));
    expect(await bob.hear()).toMatchObject([{ whole: true }]);
    expect(await bob.sees("board:1")).toEqual(["Eve"]);
  });

  test("[SP3] the key is the user's id, of the anonymous the tag, or what presenceKey says; two tabs are two metas", async () => {
    const named = rosters({ users: true });
    const [one, two] = [await Guest.at(named.node, "ada"), await Guest.at(named.node, "ada")];
    await one.enter("board:1", "tab 1");
    await two.enter("board:1", "tab 2");
    expect(await one.sees("board:1")).toEqual(["tab 1", "tab 2"]);
    expect(new Set(one.keys("board:1"))).toEqual(new Set(["ada"]));
    two.drop(1001);
    expect(await one.sees("board:1")).toEqual(["tab 1"]);

    const visitor = await (await Guest.at(rosters().node)).enter("board:1", "V");
    const tag = visitor.tag("board:1");
    expect(visitor.lists.get("board:1")).toEqual(new Map([[tag, [String(tag), { name: "V" }]]]));

    const presenceKey = ({ user, params }: { user: { id: string }; params: string[] }) =>
      `${user.id[0]}/${params[0]}`;
    const keyed = await (
      await Guest.at(rosters({ users: true, handlers: { presenceKey } }).node, "ada")
    ).enter("board:1", "A");
    expect(keyed.lists.get("board:1")).toEqual(new Map([[keyed.tag("board:1"), ["a/1", { name: "A" }]]]));
  });
});

describe("what was lost on the way", () => {
  /** Said in this client's name; `number` counts its words. */
  const said = (number: number, meta?: unknown, watch = true) => track("board:1", meta, watch, { number });
  const ping = (at: number, number: number): ClientFrame => ({
    type: "Ping",
    cursors: [],
    presence: [["board:1", at, number]],
  });
  const two = async () => {
    const { node, advance } = rosters();
    const [ada, bob] = [await Guest.at(node), await Guest.at(node)];
    ada.say(subscribe("board:1"), said(3, { name: "Ada" }));
    const { at } = (await ada.hear())[0]!;
    await bob.enter("board:1");
    return { node, advance, ada, bob, at };
  };

  test("[SP20] who has missed what others were told is told the whole, once; who has missed nothing is told nothing", async () => {
    const { ada, bob, at } = await two();
    ada.say(ping(at, 3));
    expect(await ada.hear()).toEqual([]);
    bob.say(track("board:1", { name: "Bob" }, true));
    const [news] = await ada.hear();
    expect(news).toMatchObject({ after: at, whole: false });
    // It was lost: Ada knows of what was before.
    ada.say(ping(at, 3), ping(at, 3));
    expect(await ada.hear()).toMatchObject([{ whole: true, at: news!.at, joins: [{ 2: {} }, { 2: {} }] }]);
    ada.say(ping(news!.at, 3));
    expect(await ada.hear()).toEqual([]);
    // Whoever comes then, and who is told again, continue from one state.
    bob.say(track("board:1", undefined, true));
    expect(await ada.hear()).toMatchObject([{ after: news!.at, whole: false, leaves: [bob.tag("board:1")] }]);
    expect(await ada.untracked()).toEqual([]);
  });

  test("[SP20] a word that was not heard is asked for, and what nobody wants any more ends", async () => {
    const { ada, bob, at } = await two();
    ada.say(ping(at, 4));
    expect(await ada.untracked()).toEqual(["missed"]);
    ada.say(said(4, { name: "Ada", at: 7 }));
    const { at: now } = (await ada.hear())[0]!;
    ada.say(ping(now, 4));
    expect(await ada.untracked()).toEqual([]);
    expect(await bob.sees("board:1")).toEqual(["Ada"]);
    // Its last word, that it wants nothing, was lost.
    ada.say(ping(0, 0));
    expect(await bob.sees("board:1")).toEqual([]);
    expect(await ada.untracked()).toEqual([]);
    // What was said before anything was heard.
    ada.say(ping(0, 9));
    expect(await ada.untracked()).toEqual(["missed"]);
  });

  test("[SP20] who only counts is told the number again", async () => {
    const { node } = rosters({ limits: { maxPresenceList: 1 } });
    const [ada, bob] = [await Guest.at(node), await Guest.at(node)];
    ada.say(subscribe("board:1"), said(1, { name: "Ada" }));
    await bob.enter("board:1", "Bob");
    const told = await ada.hear();
    expect(told.at(-1)).toMatchObject({ count: 2 });
    ada.say(ping(0, 1));
    expect(await ada.hear()).toMatchObject([{ count: 2, at: told.at(-1)!.at }]);
    ada.say(ping(told.at(-1)!.at, 1));
    expect(await ada.hear()).toEqual([]);
  });

  test("[SP20] [SP4] whoever says again and again that it has missed something is held up by the rate of subscribes", async () => {
    const { ada, bob } = await two();
    bob.say(track("board:1", { name: "Bob" }, true));
    await ada.hear();
    for (let n = 0; n < 2_000; n++) {
      ada.say(ping(0, 3));
      if (n % 100 === 0) await ada.hear();
    }
    // Told as often as it may subscribe, and no more.
    expect((await ada.hear()).length).toBeLessThan(3);
    expect(await bob.sees("board:1")).toContain("Bob");
  });
});

describe("what is refused", () => {
  const given: [string, object, string, object][] = [
    ["a meta that the schema does not take", { name: 7 }, "invalid", { issues: [{ path: ["name"] }] }],
    ["one that is too large", { name: "x".repeat(5_000) }, "too-large", { maxPresenceBytes: 4_096 }],
    ["what cannot be decoded", { $: "date" }, "invalid", { issues: [{ path: [] }] }],
  ];
  test.each(given)(
    "[SP4] %s; the earlier one stays, and the operator hears",
    async (_, meta, code, details) => {
      const { node } = rosters();
      const ada = await (await Guest.at(node)).enter("board:1", "Ada");
      ada.say(track("board:1", meta, true));
      await ada.hear();
      expect(ada.said.at(-1)).toMatchObject({ type: "Untracked", target: "board:1", code, details });
      expect(await ada.sees("board:1")).toEqual(["Ada"]);
      expect(node.refused).toMatchObject([{ code, target: "board:1", clientId: ada.id }]);
    },
  );

  test("[SP4] a topic that is not subscribed, a slice that lists nobody, a session: nothing is made of them", async () => {
    const { node } = rosters();
    const ada = await Guest.at(node);
    ada.say(
      track("board:1", { name: "Ada" }, true),
      track("nonsense", { name: "Ada" }),
      track("@", { name: "Ada" }),
    );
    expect(await ada.untracked()).toEqual(["not-subscribed", "not-subscribed", "not-subscribed"]);
    ada.say(subscribe("list:1"), track("list:1", { name: "Ada" }, true), subscribe("@"), track("@", {}));
    expect(await ada.untracked()).toEqual(["no-presence", "not-subscribed"]);
    expect(node.refused).toContainEqual(expect.objectContaining({ code: "no-presence", target: "list:1" }));
    expect(node.errors).toEqual([]);
  });

  test("[SP4] presenceKey that throws, or gives no key, is reported and refuses the meta", async () => {
    for (const key of [
      () => {
        throw new Error("boom");
      },
      () => "",
      () => 7,
      () => Promise.resolve("ada"),
      () => "x".repeat(5_000),
    ]) {
      const { node } = rosters({ handlers: { presenceKey: key } });
      const ada = await (await Guest.at(node)).enter("board:1", "Ada");
      expect(await ada.untracked()).toEqual(["hook"]);
      expect(await ada.sees("board:1")).toEqual([]);
      expect(node.errors).toHaveLength(1);
    }
  });
});

describe("who goes", () => {
  test("[SP5] at once: a tab that is closed, what is said, an unsubscribe, a cut-off, a kick, a sign-out", async () => {
    const ends: ((guest: Guest) => unknown)[] = [
      (guest) => guest.drop(1001),
      (guest) => guest.drop(1000),
      (guest) => guest.say(track("board:1")),
      (guest) => guest.leave("board:1"),
      (guest) => guest.node.server.unsubscribe(guest.id, ...topic),
      (guest) => guest.node.server.disconnect(guest.id),
      (guest) => guest.node.server.reauthorise({ clientId: guest.id, user: null }),
      (guest) => guest.node.server.topic(...topic).stop(),
      (guest) => guest.socket.sayRaw("no frame"),
    ];
    for (const [index, end] of ends.entries()) {
      const { node, settle } = rosters({ users: true });
      const watcher = await (await Guest.at(node, "w")).enter("board:1");
      const ada = await (await Guest.at(node, "ada")).enter("board:1", "Ada");
      expect(await watcher.sees("board:1")).toEqual(["Ada"]);
      end(ada);
      await settle();
      const tracker = houseOf(node.server)!.presence.tracker;
      expect([index, tracker.count("s:board:1")]).toEqual([index, 0]);
    }
  });

  test("[SP6] whoever loses the connection stays for ten seconds; back in time, on whatever node, nobody heard of it", async () => {
    const {
      nodes: [here, there],
      advance,
    } = rosters({ nodes: 2, users: true });
    const watcher = await (await Guest.at(here!, "w")).enter("board:1");
    const ada = await (await Guest.at(here!, "ada")).enter("board:1", "Ada");
    const bob = await (await Guest.at(here!, "bob")).enter("board:1", "Bob");
    await watcher.hear();
    for (const node of [here!, there!, there!, here!]) {
      ada.drop(1006);
      await advance(9_000);
      // A node that knows it waits for its word from its Hello on.
      const knows = node === ada.node;
      await ada.connect(node);
      if (knows) await advance(9_000);
      await ada.enter("board:1", "Ada");
      await advance(20_000);
    }
    expect(await watcher.hear()).toEqual([]);
    bob.drop();
    await advance(9_900);
    expect(await watcher.hear()).toEqual([]);
    await advance(200);
    expect(await watcher.hear()).toMatchObject([{ joins: [], leaves: [bob.tag("board:1")] }]);
    expect([here!.errors, there!.errors]).toEqual([[], []]);
  });
});
