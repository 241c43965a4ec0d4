// Rights that change all the time while the app is being asked: an answer of before a change does not count, and yet
// nobody waits for ever (AU31), nor for what is said of others (AU32).
import { describe, expect, test } from "vitest";
import { hello, list, other, say, subscribe, types, wire } from "./wired.ts";
import type { RightsChange } from "../src/identity/rights-change.ts";

const added = (mid: number, target = "list:1") => say(target, mid, { type: "added", item: `${mid}` });
interface Person {
  readonly id: string;
  readonly guest?: boolean;
}

/** Each check takes 300 ms; `storm` says something of rights each 100 ms. */
function slow(limits: object = {}, takes = 300) {
  let may = true;
  const asked: string[] = [];
  const wired = wire({ authenticate: ({ token }) => ({ id: String(token ?? "anna") }), limits });
  const { clock, server, advance, settle } = wired;
  server.handle(list, {
    canSubscribe({ topic, user }) {
      asked.push(`${user?.id} ${topic}`);
      const answer = may && (user as Person).guest !== true; // as it is when it is asked
      return new Promise((resolve) => clock.setTimeout(() => resolve(answer), takes));
    },
    canDispatch: () => true,
  });
  server.handle(other, { public: true });
  const storm = async (lasts: number, whose: (i: number) => RightsChange) => {
    for (let i = 0; i < lasts / 100; i++) {
      void server.reauthorise(whose(i));
      await settle();
      await advance(100);
      await settle();
    }
  };
  return { ...wired, asked, storm, revoke: () => void (may = false) };
}
const everybody = (): RightsChange => ({});

describe("a storm of changes, one each 100 ms, while a check takes 300 ms", () => {
  const others: [string, (i: number) => RightsChange][] = [
    ["another user", () => ({ userId: "bob" })],
    ["another client", () => ({ clientId: "bob's" })],
    ["another topic", () => ({ topic: "list:2" })],
    ["what another user is now", (i) => ({ user: { id: "bob", i } as Person })],
    ["that other users are signed out", (i) => ({ userId: `${i}`, user: null })],
  ];
  test.each(others)("[AU32] that names %s: everybody gets in, asked once", async (_, whose) => {
    const { client, asked, storm } = slow();
    const anna = await client(undefined, "anna");
    anna.say(subscribe("list:1"), added(1, "list:3"));
    await storm(400, whose);
    expect(types(await anna.heard()).toSorted()).toEqual(["Acknowledge", "Settled", "Snapshot"]);
    expect(asked).toEqual(["anna list:1", "anna list:3"]);
  });

  test("[AU32] that names everybody in turn: everybody gets in", async () => {
    const names = Array.from({ length: 8 }, (_, i) => `u${i}`);
    const { client, storm, errors } = slow();
    const all = await Promise.all(names.map((name) => client(undefined, name)));
    for (const one of all) one.say(subscribe("list:1"), added(1, "list:3"));
    await storm(1_600, (i) => ({ userId: names[i % names.length]! }));
    for (const one of all)
      expect(types(await one.heard()).toSorted()).toEqual(["Acknowledge", "Settled", "Snapshot"]);
    expect(errors).toEqual([]);
  });

  test("[AU31] that names everybody: who asks is told to come back, the app is told once, and after it everybody gets in", async () => {
    const { client, asked, storm, errors, advance } = slow();
    const all = await Promise.all(["anna", "bob", "carl"].map((name) => client(undefined, name)));
    for (const one of all) one.say(subscribe("list:1"), added(1, "list:3"));
    await storm(2_000, everybody);
    for (const one of all) {
      const heard = await one.heard();
      expect(heard).toContainEqual({
        type: "Unsubscribed",
        target: "list:1",
        ref: 1,
        code: "busy",
        retryable: true,
      });
      expect(heard).toContainEqual(
        expect.objectContaining({ type: "Paused", target: "list:3", code: "busy" }),
      );
      expect(heard).toHaveLength(2);
      one.say(subscribe("list:1", 2), added(1, "list:3"));
    }
    // Once, and three times more, of each topic.
    expect(asked.filter((one) => one === "anna list:1")).toHaveLength(5);
    await advance(400);
    for (const one of all)
      expect(types(await one.heard()).toSorted()).toEqual(["Acknowledge", "Settled", "Snapshot"]);
    expect(errors.map(String)).toEqual([expect.stringContaining("Name in reauthorise()")]);
  });

  test("[AU31] that names everybody for a moment: everybody gets in", async () => {
    const { client, storm, advance } = slow();
    const anna = await client();
    anna.say(subscribe("list:1"), added(1, "list:3"));
    await storm(300, everybody);
    expect(await anna.heard()).toEqual([]);
    await advance(300);
    expect(types(await anna.heard()).toSorted()).toEqual(["Acknowledge", "Settled", "Snapshot"]);
  });

  test("[AU31] a subscriber whose check never comes to an end has to come back: nobody is shown more by an answer of before", async () => {
    const { client, storm, advance, revoke, server, done } = slow();
    const anna = await client();
    anna.say(subscribe("list:1"));
    await advance(300);
    expect(types(await anna.heard())).toEqual(["Settled", "Snapshot"]);
    revoke();
    await storm(600, everybody);
    expect(await anna.heard()).toMatchObject([{ type: "Unsubscribed", code: "busy", retryable: true }]);
    await done(server.topic(list, "1").dispatch({ type: "added", item: "secret" }));
    expect(await anna.heard()).toEqual([]);
  });

  test.each(["with its stream", "alone"])(
    "[AU31] [AU32] [HT4] the same holds for a packet (%s)",
    async (how) => {
      const { client, post, storm, advance, settle } = slow();
      const anna = await client(undefined, "anna");
      const { identity } = anna;
      if (how === "alone") anna.drop();
      const packet = (mid: number) => post(hello({ identity, token: "anna" }), added(mid));
      const undisturbed = packet(1);
      await storm(400, () => ({ userId: "bob" }));
      expect(types(undisturbed.heard)).toEqual(["Acknowledge"]);
      await storm(100, everybody); // what it was allowed is forgotten
      const disturbed = packet(2);
      await storm(600, everybody);
      expect(disturbed.heard).toMatchObject([{ type: "Paused", code: "busy", from: 2 }]);
      const again = packet(2);
      await advance(400);
      await settle();
      expect(types(again.heard)).toEqual(["Acknowledge"]);
    },
  );

  test("[AU32] who is being identified meanwhile gets in, as it is now", async () => {
    const it = wire({
      authenticate: ({ token }) =>
        new Promise((resolve) => it.clock.setTimeout(() => resolve({ id: String(token) }), 300)),
    });
    it.server.handle(list, { canSubscribe: ({ user }) => (user as Person).guest !== true });
    const anna = it.socket();
    anna.say(hello({ token: "anna", targets: [{ target: "list:1", ref: 1, settled: 0, sent: 0 }] }));
    for (let i = 0; i < 3; i++) {
      await it.done(it.server.reauthorise());
      // More than is remembered, of a client that it cannot be.
      for (let j = 0; j < 300; j++) void it.server.reauthorise({ clientId: `c${j}`, user: null });
      await it.done(it.server.reauthorise({ user: { id: "anna", guest: i < 2 } as Person }));
      await it.advance(100);
    }
    expect(types(await anna.heard())).toEqual(["Connected", "Settled", "Snapshot"]);
  });
});

describe("an answer counts for what was said before its question", () => {
  test("[AU15] a second change while it is asked the second time: only the third answer counts", async () => {
    const { client, asked, advance, server, revoke } = slow();
    const anna = await client();
    anna.say(subscribe("list:1"), added(1, "list:3"));
    await advance(100);
    void server.reauthorise({ userId: "anna" });
    await advance(200); // the first answers are here
    expect(await anna.heard()).toEqual([]);
    revoke();
    void server.reauthorise({ userId: "anna" });
    await advance(200); // the second ones, of before it was revoked
    expect(await anna.heard()).toEqual([]);
    await advance(200);
    expect(types(await anna.heard()).toSorted()).toEqual(["Rejected", "Unsubscribed"]);
    expect(asked).toHaveLength(6);
  });

  test("[AU31] all askings together take checkTimeout at most", async () => {
    const { client, advance, server, clock } = slow({ checkTimeout: 1_000 }, 900);
    const anna = await client();
    const begun = clock.monotonic();
    anna.say(subscribe("list:1"), added(1, "list:3"));
    await advance(800);
    void server.reauthorise({ userId: "anna" });
    await advance(199);
    expect(await anna.heard()).toEqual([]);
    await advance(1);
    expect(types(await anna.heard()).toSorted()).toEqual(["Paused", "Unsubscribed"]);
    expect(clock.monotonic() - begun).toBe(1_000);
  });

  test("[AU16] the round outdates nothing: who takes longer than it gets in", async () => {
    const { client, asked, advance } = slow({ recheckAfter: 100 });
    const anna = await client();
    anna.say(subscribe("list:1"), added(1, "list:3"));
    await advance(299);
    expect(await anna.heard()).toEqual([]);
    expect(asked).toEqual(["anna list:1", "anna list:3"]);
    await advance(1);
    expect(types(await anna.heard()).toSorted()).toEqual(["Acknowledge", "Settled", "Snapshot"]);
  });

  test("[AU32] a topic that is granted or taken away concerns no other topic", async () => {
    const { client, asked, advance, server } = slow();
    const anna = await client();
    anna.say(subscribe("list:1"), added(1, "list:3"));
    for (let i = 0; i < 3; i++) {
      server.subscribe(anna.identity.clientId, other, `${i}`);
      server.unsubscribe(anna.identity.clientId, list, "9");
      await advance(100);
    }
    const heard = (await anna.heard()).filter(
      (frame) => !("target" in frame && frame.target.startsWith("other")),
    );
    expect(types(heard).toSorted()).toEqual(["Acknowledge", "Settled", "Snapshot"]);
    expect(asked).toEqual(["anna list:1", "anna list:3"]);
  });

  test("[AU33] what waits for its turn has not been asked, and is not asked again", async () => {
    const { client, storm, advance } = slow({ maxChecksPerConnection: 1 }, 900);
    const anna = await client();
    anna.say(subscribe("list:1"), subscribe("list:2"));
    await storm(500, () => ({ topic: "list:2" }));
    await advance(1_400);
    expect(types(await anna.heard())).toEqual(["Settled", "Snapshot", "Settled", "Snapshot"]);
  });

  test("[AU15] [AU32] one topic's rights: only that is asked about, for all its subscribers", async () => {
    const { client, asked, advance, server, revoke } = slow();
    const [anna, bob] = [await client(undefined, "anna"), await client(undefined, "bob")];
    for (const one of [anna, bob]) one.say(subscribe("list:1"), subscribe("list:2", 2));
    await advance(300);
    for (const one of [anna, bob]) await one.heard();
    asked.length = 0;
    revoke();
    const said = server.reauthorise({ topic: "list:2" });
    await advance(300);
    await said;
    expect(asked).toEqual(["anna list:2", "bob list:2"]);
    for (const one of [anna, bob])
      expect(await one.heard()).toMatchObject([
        { type: "Unsubscribed", target: "list:2", code: "forbidden" },
      ]);
    await expect(server.reauthorise({ topic: "list:2", user: null })).rejects.toThrow("needs a userId");
  });
});
