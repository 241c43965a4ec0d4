import { describe, expect, test } from "vitest";
import {
  countingRandom,
  handClock,
  handPubSub,
  hello,
  inHand,
  list,
  other,
  say,
  subscribe,
  types,
  unsubscribe,
  wire,
} from "../../test/wired.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { rewindableLog } from "../testing/rewindable-log.ts";
import { REMEMBERED } from "../app/inquiry.ts";

const added = (mid: number) => say("list:1", mid, { type: "added", item: `${mid}` });

interface Person {
  readonly id: string;
  readonly guest?: boolean;
}

/** Anna is subscribed, since she may; whatever is asked about her from then on waits for its answer. */
async function subscribedWhileAsked(limits: object = {}) {
  const answers: ReturnType<typeof inHand<boolean>>[] = [];
  let waits = false;
  const it = wire({ authenticate: () => ({ id: "anna" }), limits });
  it.server.handle(list, {
    canSubscribe() {
      if (!waits) return true;
      const answer = inHand<boolean>();
      answers.push(answer);
      return answer.promise;
    },
  });
  const anna = await it.client();
  anna.say(subscribe("list:1"));
  await anna.heard();
  waits = true;
  return { ...it, anna, answers };
}

/** Those who may subscribe and dispatch, by `rights`. */
async function ruled(rights: { may: boolean | Error }, limits: object = {}) {
  const it = wire({ authenticate: ({ token }) => ({ id: String(token ?? "anna") }), limits });
  const asked: string[] = [];
  it.server.handle(list, {
    canSubscribe: ({ topic, user }) => {
      asked.push(`${user?.id} ${topic}`);
      if (rights.may instanceof Error) throw rights.may;
      return rights.may && (user as Person | null)?.guest !== true;
    },
    canDispatch: () => rights.may === true,
  });
  it.server.handle(other, { public: true });
  const anna = await it.client(undefined, "anna");
  anna.say(subscribe("list:1"), subscribe("other:1", 2));
  await anna.heard();
  return { ...it, anna, asked };
}

describe("rights that change on a live connection", () => {
  test("[AU15] S16 the stream is cut and writes are refused, without a reconnect; other topics go on", async () => {
    const rights = { may: true };
    const { server, anna, done, refused } = await ruled(rights);
    rights.may = false;
    await done(server.reauthorise({ userId: "anna" }));
    expect(await anna.heard()).toEqual([
      { type: "Unsubscribed", target: "list:1", ref: 1, code: "forbidden", retryable: false },
    ]);
    anna.say(added(1));
    expect(await anna.heard()).toMatchObject([{ type: "Rejected", mid: 1, code: "forbidden" }]);
    await done(server.topic(list, "1").dispatch({ type: "added", item: "secret" }));
    await done(server.topic(other, "1").dispatch({ type: "bumped" }));
    expect(await anna.heard()).toMatchObject([{ type: "TopicUpdate", target: "other:1" }]);
    expect(refused[0]).toMatchObject({ code: "forbidden", target: "list:1" });
    expect(anna.closed).toEqual([]);
  });

  test("[AU15] only those named are asked; who may go on notices nothing", async () => {
    const { server, client, anna, asked, done } = await ruled({ may: true });
    const bob = await client(undefined, "bob");
    bob.say(subscribe("list:1"));
    await bob.heard();
    asked.length = 0;
    await done(server.reauthorise({ clientId: bob.identity.clientId }));
    expect(asked).toEqual(["bob list:1"]);
    await done(server.reauthorise());
    expect(asked).toEqual(["bob list:1", "anna list:1", "bob list:1"]);
    expect([await anna.heard(), await bob.heard()]).toEqual([[], []]);
  });

  test("[AU15] with what the user is now; null signs it out", async () => {
    const { server, anna, done } = await ruled({ may: true });
    await done(server.reauthorise({ user: { id: "anna", guest: true } as Person }));
    expect(types(await anna.heard())).toEqual(["Unsubscribed"]);
    await expect(server.reauthorise({ user: null })).rejects.toThrow("needs a userId");
    await done(server.reauthorise({ userId: "anna", user: null }));
    expect(anna.closed).toEqual([{ code: 4002, reason: "unauthenticated" }]);
  });

  test("[AU15] where asking fails the client has to subscribe again", async () => {
    const rights: { may: boolean | Error } = { may: true };
    const { server, anna, done, errors } = await ruled(rights);
    rights.may = new Error("database");
    await done(server.reauthorise());
    expect(await anna.heard()).toMatchObject([{ type: "Unsubscribed", code: "hook", retryable: true }]);
    expect(errors).toHaveLength(1);
  });

  test("[AU15] S43 subscribe, unsubscribe, subscribe around an asynchronous check and a revocation: the last counts", async () => {
    const answers: ReturnType<typeof inHand<boolean>>[] = [];
    const it = wire({ authenticate: () => ({ id: "anna" }) });
    it.server.handle(list, {
      canSubscribe() {
        const answer = inHand<boolean>();
        answers.push(answer);
        return answer.promise;
      },
      canDispatch: () => true,
    });
    const anna = await it.client();
    anna.say(subscribe("list:1", 1), unsubscribe("list:1", 1), subscribe("list:1", 2));
    await anna.heard();
    const done = it.server.reauthorise();
    // Both checks began before the revocation: what they say is of before.
    for (const answer of answers) answer.keep(true);
    expect(await anna.heard()).toEqual([]);
    expect(answers).toHaveLength(3);
    answers[2]!.keep(false);
    expect(await anna.heard()).toMatchObject([{ type: "Unsubscribed", ref: 2, code: "forbidden" }]);
    await it.done(done);
  });

  test("[AU15] [HA12] [HA21] S43 a request that comes while the app is being asked again goes by that answer", async () => {
    const { anna, answers, ...it } = await subscribedWhileAsked();
    const done = it.server.reauthorise();
    anna.say(subscribe("list:1", 2)); // a gap, say
    await anna.heard();
    expect(answers).toHaveLength(1);
    answers[0]!.keep(false);
    expect(await anna.heard()).toMatchObject([{ type: "Unsubscribed", ref: 2, code: "forbidden" }]);
    await it.done(done);
  });

  test("[AU15] S16 what waits at a gate is asked about again", async () => {
    const answers: ReturnType<typeof inHand<boolean>>[] = [];
    const it = wire({ authenticate: () => ({ id: "anna" }) });
    it.server.handle(list, {
      canSubscribe() {
        const answer = inHand<boolean>();
        answers.push(answer);
        return answer.promise;
      },
      canDispatch: () => true,
    });
    const anna = await it.client();
    anna.say(added(1));
    await anna.heard();
    await it.done(it.server.reauthorise());
    answers[0]!.keep(true);
    await anna.heard();
    answers[1]!.keep(false);
    expect(await anna.heard()).toMatchObject([{ type: "Rejected", mid: 1, code: "forbidden" }]);
  });

  test("[AU15] [AU26] a revocation holds though the app asks again while it is being asked about", async () => {
    const { anna, answers, ...it } = await subscribedWhileAsked();
    const one = it.server.reauthorise({ userId: "anna" });
    const two = it.server.reauthorise({ userId: "anna" });
    await it.settle();
    expect(answers).toHaveLength(2);
    answers[0]!.keep(true); // of before
    await it.settle();
    answers[1]!.keep(false);
    await it.done(Promise.all([one, two]));
    expect(types(await anna.heard())).toEqual(["Unsubscribed"]);
    await it.done(it.server.topic(list, "1").dispatch({ type: "added", item: "secret" }));
    expect(await anna.heard()).toEqual([]);
  });

  for (const first of ["the app", "the round"] as const)
    test(`[AU15] [AU26] [AU16] what the app asks must not go unanswered, though ${first} asked first`, async () => {
      // Two at once need answers that take longer than a round.
      const { anna, answers, ...it } = await subscribedWhileAsked({ checkTimeout: Infinity });
      const app = () => it.server.reauthorise({ userId: "anna" });
      const one = first === "the app" ? app() : await it.advance(400_000);
      const two = first === "the app" ? await it.advance(400_000) : app();
      await it.settle();
      // The round asks nothing that is being asked, and its question is of before a change that comes later.
      expect(answers).toHaveLength(first === "the app" ? 1 : 2);
      answers.at(-1)!.break(new Error("database"));
      await it.done(Promise.all([one, two]));
      expect(await anna.heard()).toMatchObject([{ type: "Unsubscribed", code: "hook", retryable: true }]);
    });

  test("[AU15] [AU16] an answer that never comes is none: who is in doubt is cut off, and who is looked after goes on", async () => {
    const { anna, ...it } = await subscribedWhileAsked();
    await it.advance(it.server.limits.recheckAfter + it.server.limits.checkTimeout);
    expect(types(await anna.heard())).not.toContain("Unsubscribed");
    const said = it.server.reauthorise({ userId: "anna" });
    await it.advance(it.server.limits.checkTimeout);
    await it.done(said);
    expect((await anna.heard()).filter(({ type }) => type === "Unsubscribed")).toEqual([
      {
        type: "Unsubscribed",
        target: "list:1",
        ref: expect.any(Number),
        code: "hook",
        retryable: true,
      },
    ]);
    await it.done(it.server.topic(list, "1").dispatch({ type: "added", item: "secret" }));
    expect(types(await anna.heard())).not.toContain("TopicUpdate");
  });

  test("[AU15] [AU26] of two askings at once the newer one's answer counts, whichever comes first", async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const { anna, answers, ...it } = await subscribedWhileAsked();
      const both = Promise.all([it.server.reauthorise(), it.server.reauthorise()]);
      await it.settle();
      for (const which of order) {
        answers[which]!.keep(which === 1); // taken away, and given again
        await it.settle();
      }
      await it.done(both);
      expect(await anna.heard()).toEqual([]);
    }
  });

  /** Anna's right is asked about, and while the answer is awaited she is shown the target anew. */
  async function shownWhileAsked(whose?: { readonly userId: string }) {
    const log = rewindableLog(memoryLog());
    const it = wire({ log, authenticate: () => ({ id: "anna" }) });
    const right: { now: boolean | Promise<boolean> } = { now: true };
    it.server.handle(list, { canSubscribe: () => right.now, canDispatch: () => true });
    const topic = it.server.topic(list, "1");
    await it.done(topic.dispatch({ type: "added", item: "a" }));
    const anna = await it.client();
    anna.say(subscribe("list:1"));
    await anna.heard();
    const gate = inHand<boolean>();
    right.now = gate.promise;
    const asking = it.server.reauthorise(whose);
    await it.settle();
    // The log turns out to have another history (a failover), and all subscribers are sent a snapshot.
    await log.rewind("list:1", 0);
    await it.done(topic.dispatch({ type: "added", item: "b" }));
    expect(types(await anna.heard())).toContain("Snapshot");
    return { ...it, topic, anna, right, gate, asking };
  }

  test("[AU15] [S43] [AU26] a revocation holds though its target is shown anew while it is asked about", async () => {
    const { done, topic, anna, gate, asking } = await shownWhileAsked({ userId: "anna" });
    gate.keep(false);
    await done(asking);
    expect(types(await anna.heard())).toEqual(["Unsubscribed"]);
    await done(topic.dispatch({ type: "added", item: "secret" }));
    expect(await anna.heard()).toEqual([]);
  });

  test("[AU16] the round finds also what was shown anew while it was asked about", async () => {
    const { done, advance, anna, right, gate, asking } = await shownWhileAsked();
    gate.keep(true);
    await done(asking);
    await anna.heard();
    right.now = false;
    await advance(400_000);
    expect(types(await anna.heard())).toEqual(["Unsubscribed"]);
  });

  test.each(["here", "gone"])(
    "[AU15] [AU27] what waits in a packet is decided for the user as it is now (stream %s)",
    async (stream) => {
      const gate = inHand<boolean>();
      const asked: unknown[] = [];
      const it = wire({ authenticate: () => ({ id: "anna" }) });
      const isMember = (user: unknown) => (user as Person).guest !== true;
      it.server.handle(list, {
        canSubscribe({ user }) {
          asked.push(user);
          return asked.length === 1 ? gate.promise : isMember(user);
        },
        canDispatch: (_, { user }) => isMember(user),
      });
      const anna = await it.client();
      if (stream === "gone") anna.drop();
      const said = it.post(hello({ identity: anna.identity }), added(1));
      await it.settle();
      await it.done(it.server.reauthorise({ user: { id: "anna", guest: true } as Person }));
      gate.keep(true);
      await it.settle();
      expect(asked.at(-1)).toEqual({ id: "anna", guest: true });
      expect(said.heard).toMatchObject([{ type: "Rejected", code: "forbidden" }]);
    },
  );

  describe("while it is being found out who it is", () => {
    /** Who comes from now on is found out once `user` is kept. */
    async function slowly() {
      const user = inHand<Person>();
      let slow = false;
      const it = wire({ authenticate: () => (slow ? user.promise : { id: "anna" }) });
      const isMember = (who: unknown) => (who as Person | null)?.guest !== true;
      it.server.handle(list, {
        canSubscribe: (asking) => isMember(asking.user),
        canDispatch: (_, asking) => isMember(asking.user),
      });
      const { identity } = await it.client();
      slow = true;
      const guest: Person = { id: "anna", guest: true };
      return { ...it, identity, user, guest };
    }

    test("[AU15] [AU27] who is signed out does not get in; who is not meant does", async () => {
      const { server, socket, user, done } = await slowly();
      const anna = socket();
      anna.say(hello());
      await anna.heard();
      await done(server.reauthorise({ userId: "bob", user: null }));
      user.keep({ id: "anna" }); // the session was good when it was read, and is over before anybody is told
      await done(server.reauthorise({ userId: "anna", user: null }));
      expect(types(await anna.heard())).toEqual(["Closing"]);
      expect(anna.closed).toEqual([{ code: 4002, reason: "unauthenticated" }]);
      const again = socket();
      again.say(hello());
      expect(types(await again.heard())).toEqual(["Connected"]);
    });

    test("[AU15] who signs in again is not signed out by what was said before", async () => {
      const { server, socket, user, done } = await slowly();
      await done(server.reauthorise({ userId: "anna", user: null }));
      const anna = socket();
      anna.say(hello());
      await anna.heard();
      await done(server.reauthorise({ userId: "bob", user: null }));
      user.keep({ id: "anna" });
      expect(types(await anna.heard())).toEqual(["Connected"]);
    });

    test("[AU15] a client that is signed out is known by the identity it presents", async () => {
      const { server, socket, identity, user, done } = await slowly();
      const [anna, other] = [socket(), socket()];
      anna.say(hello({ identity }));
      other.say(hello());
      await done(server.reauthorise({ clientId: identity.clientId, user: null }));
      user.keep({ id: "anna" });
      expect(types(await anna.heard())).toEqual(["Closing"]);
      expect(types(await other.heard())).toEqual(["Connected"]);
    });

    test("[AU15] [AU27] the user that is given counts", async () => {
      const { server, socket, user, guest, done } = await slowly();
      const anna = socket();
      anna.say(hello({ targets: [{ target: "list:1", ref: 1, settled: 0, sent: 0 }] }));
      await anna.heard();
      await done(server.reauthorise({ user: guest }));
      user.keep({ id: "anna" });
      expect(types(await anna.heard())).toEqual(["Connected", "Unsubscribed"]);
    });

    test("[AU15] the same holds for a packet", async () => {
      for (const out of [false, true]) {
        const { server, post, identity, user, guest, done, settle } = await slowly();
        const said = post(hello({ identity }), added(1));
        await settle();
        await done(server.reauthorise({ userId: "anna", user: out ? null : guest }));
        user.keep({ id: "anna" });
        await settle();
        // The page's own Hello is told for good; a packet that it comes too late for is not.
        expect(said.heard).toMatchObject([
          out ? { type: "Closing", code: "unauthenticated" } : { type: "Rejected", code: "forbidden" },
        ]);
      }
    });

    test("[AU15] [AU27] and for a token that is being renewed", async () => {
      const user = inHand<Person>();
      const it = wire({ authenticate: ({ token }) => (token === "again" ? user.promise : { id: "anna" }) });
      it.server.handle(list, { canSubscribe: (asking) => (asking.user as Person).guest !== true });
      const anna = await it.client();
      anna.say({ type: "Authenticate", token: "again" });
      await anna.heard();
      await it.done(it.server.reauthorise({ user: { id: "anna", guest: true } as Person }));
      user.keep({ id: "anna" });
      await anna.heard();
      anna.say(subscribe("list:1"));
      expect(types(await anna.heard())).toEqual(["Unsubscribed"]);
    });

    test("[AU15] [AU28] of whom more was said meanwhile than is remembered, has to connect again", async () => {
      const { server, socket, user, done } = await slowly();
      const anna = socket();
      anna.say(hello());
      await anna.heard();
      await done(server.reauthorise({ userId: "anna", user: null }));
      for (let i = 0; i < REMEMBERED; i++) await done(server.reauthorise({ userId: `${i}`, user: null }));
      user.keep({ id: "anna" });
      expect(await anna.heard()).toMatchObject([{ type: "Closing", code: "busy", retryable: true }]);
    });
  });

  test("[AU16] S16 all are asked again after a while, where asking fails they go on for now", async () => {
    const rights: { may: boolean | Error } = { may: true };
    const { anna, asked, advance } = await ruled(rights, { recheckAfter: 60_000 });
    asked.length = 0;
    await advance(55_000);
    expect(asked).toEqual([]);
    await advance(10_000);
    expect(asked).toEqual(["anna list:1"]);
    rights.may = new Error("database");
    await advance(65_000);
    expect(await anna.heard()).toEqual([]);
    rights.may = false;
    await advance(65_000);
    expect(await anna.heard()).toMatchObject([{ type: "Unsubscribed", code: "forbidden" }]);
  });

  test("[AU16] of many that came at once a share is asked at a time", async () => {
    const { client, asked, advance } = await ruled(
      { may: true },
      { recheckAfter: 160_000, maxConnectionsPerUser: 99 },
    );
    for (let i = 0; i < 31; i++) (await client(undefined, "bob")).say(subscribe("list:1"));
    await advance(0);
    asked.length = 0;
    await advance(165_000);
    expect(asked.length).toBeLessThanOrEqual(8);
    await advance(90_000);
    expect(asked).toHaveLength(32);
  });
});

describe("a token that is renewed", () => {
  test("[AU15] [AU29] renewed, what it may subscribe to is asked about again", async () => {
    let guest = false;
    const it = wire({ authenticate: () => ({ id: "anna", guest }) as Person });
    it.server.handle(list, { canSubscribe: ({ user }) => (user as Person).guest !== true });
    const anna = await it.client();
    anna.say(subscribe("list:1"));
    await anna.heard();
    guest = true;
    anna.say({ type: "Authenticate", token: "again" });
    expect(await anna.heard()).toMatchObject([{ type: "Unsubscribed", code: "forbidden" }]);
  });
});

describe("[AU17] on several nodes", () => {
  /** Two nodes over one log; anna is on the second. */
  async function nodes(shared = true) {
    const hand = handClock();
    const bells = handPubSub();
    const options = { log: memoryLog({ shared }), pubsub: bells.pubsub, secret: "a secret of all the nodes" };
    const rights = { may: true };
    const make = (seed: number) => {
      const it = wire(
        { ...options, random: countingRandom(seed), authenticate: ({ token }) => ({ id: String(token) }) },
        hand,
      );
      it.server.handle(list, {
        canSubscribe: ({ user }) => rights.may && (user as Person | null)?.guest !== true,
        canDispatch: (_, { user }) => (user as Person | null)?.guest !== true,
      });
      return it;
    };
    const [here, there] = [make(1), make(2)];
    const anna = await there.client(undefined, "anna");
    anna.say(subscribe("list:1"));
    await anna.heard();
    return { here, there, anna, bells, rights };
  }

  test("S16 each hears whose rights have changed, and asks those that are on it", async () => {
    const { here, there, anna, bells, rights } = await nodes();
    const bob = await there.client(undefined, "bob");
    bob.say(subscribe("list:1"));
    await bob.heard();
    rights.may = false;
    await here.done(here.server.reauthorise({ userId: "anna" }));
    expect(await anna.heard()).toEqual([]);
    bells.deliver(2); // a ring that comes twice asks twice
    expect(await anna.heard()).toMatchObject([{ type: "Unsubscribed", code: "forbidden", retryable: false }]);
    expect(await bob.heard()).toEqual([]);
  });

  test("with what the user is now; null signs it out", async () => {
    const { here, anna, bells } = await nodes();
    await here.done(here.server.reauthorise({ user: { id: "anna", guest: true } as Person }));
    bells.deliver();
    expect(types(await anna.heard())).toEqual(["Unsubscribed"]);
    anna.say(added(1));
    expect(await anna.heard()).toMatchObject([{ type: "Rejected", code: "forbidden" }]);
    await here.done(here.server.reauthorise({ userId: "anna", user: null }));
    bells.deliver();
    await anna.heard();
    expect(anna.closed).toEqual([{ code: 4002, reason: "unauthenticated" }]);
  });

  test("a ring that is lost is made up after recheckAfter", async () => {
    const { here, there, anna, bells, rights } = await nodes();
    rights.may = false;
    await here.done(here.server.reauthorise());
    bells.lose();
    await there.advance(2 * 300_000);
    expect(await anna.heard()).toMatchObject([{ type: "Unsubscribed", code: "forbidden" }]);
  });

  test("[SV20] behind a gap all are asked about again within ten seconds, a share at a time", async () => {
    const { here, there, anna, bells, rights } = await nodes();
    const more = await Promise.all(
      Array.from({ length: 40 }, (_, i) => there.client(undefined, `user ${i}`)),
    );
    for (const one of more) one.say(subscribe("list:1"));
    for (const one of more) expect(types(await one.heard())).toEqual(["Settled", "Snapshot"]);
    rights.may = false;
    await here.done(here.server.reauthorise());
    await anna.heard();
    bells.lose();
    bells.gap();
    await there.advance(1_000);
    let told = 0;
    for (const one of [anna, ...more]) told += (await one.heard()).length;
    expect([told > 0, told < 41]).toEqual([true, true]);
    await there.advance(9_000);
    for (const one of [anna, ...more]) told += types(await one.heard()).length;
    expect(told).toBe(41);
  });

  test("[SV20] who may still be there goes on", async () => {
    const { there, anna, bells } = await nodes();
    bells.gap();
    await there.advance(60_000);
    expect(await anna.heard()).toEqual([]);
  });

  test("what is no such ring is reported and signs nobody out; a node that has stopped hears none", async () => {
    const { there, anna, bells } = await nodes();
    const bad: unknown[] = [
      null,
      { node: "x" },
      { node: "x", whose: { user: null } },
      { node: "x", whose: { userId: 3 } },
      { node: "x", whose: { user: {} } },
    ];
    for (const payload of bad) bells.ring("reauthorise", payload);
    expect(await anna.heard()).toEqual([]);
    expect(there.errors).toHaveLength(bad.length);
    expect(bells.listening("reauthorise")).toBe(2);
    await there.done(there.server.stop());
    expect(bells.listening("reauthorise")).toBe(1);
  });

  test("a node that shares its log with nobody says so to nobody", async () => {
    const { here, bells, rights, anna } = await nodes(false);
    rights.may = false;
    await here.done(here.server.reauthorise());
    bells.deliver();
    expect(await anna.heard()).toEqual([]);
  });
});
