import type { CallaError } from "@calla/shared";
import { describe, expect, test } from "vitest";
import {
  cursors,
  inHand,
  list,
  other,
  say,
  saySession,
  session,
  subscribe,
  types,
  wire,
} from "../../test/wired.ts";
import type { Handlers } from "./handlers.ts";
import type { AnyUser } from "./handlers.ts";

/** What some database libraries answer with: no Promise, but it has a `then`. */
function thenable(
  run: (go: (answer: boolean) => void, no: (error: Error) => void) => void,
): Promise<boolean> {
  const answer: Record<string, unknown> = {};
  answer["then?".slice(0, 4)] = run;
  return answer as never;
}
const add = (item: string) => ({ type: "added", item }) as const;
const rejected = (target: string, mid: number, code: string, details: unknown = {}) => ({
  type: "Rejected",
  target,
  mid,
  id: `id-${mid}`,
  from: "calla",
  code,
  details,
});
const turnedAway = (target: string, code: string, retryable = false) => ({
  type: "Unsubscribed",
  target,
  ref: 1,
  code,
  retryable,
});

describe("who may subscribe and dispatch", () => {
  test("[HA1] a slice without handlers is refused, for subscribing and for dispatching", async () => {
    const { client, refused } = wire();
    const ada = await client();
    ada.say(subscribe("list:1"), say("list:1", 1, add("x")));
    ada.say(subscribe("cursors:1"), say("cursors:1", 0, { type: "moved", x: 1 }));
    ada.say(subscribe("@"), saySession(1, { type: "named", name: "x" }));
    expect(await ada.heard()).toEqual([
      turnedAway("list:1", "unhandled"),
      rejected("list:1", 1, "unhandled"),
      turnedAway("cursors:1", "unhandled"),
      turnedAway("@", "unhandled"),
      rejected("@", 1, "unhandled"),
    ]);
    expect(refused.every(({ code }) => code === "unhandled")).toBe(true);
    expect(refused).toHaveLength(6);
  });

  test("[HA2] public lets everybody subscribe and dispatch client messages, and no more", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")), say("list:1", 2, { type: "cleared" }));
    expect(types(await ada.heard())).toEqual(["Acknowledge", "Rejected"]);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["x"] });
  });

  test("[HA2] a check beside public decides alone; one that forgets to answer allows nothing", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true, canDispatch: (() => undefined) as never });
    server.handle(other, { public: true, canSubscribe: (() => undefined) as never });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")), subscribe("other:1"));
    expect(await ada.heard()).toEqual([
      turnedAway("other:1", "forbidden"),
      rejected("list:1", 1, "forbidden"),
    ]);
  });

  test("[HA3] canSubscribe is asked before subscribing and before dispatching without a subscription, with its purpose", async () => {
    const asked: unknown[] = [];
    const { server, client } = wire({ authenticate: () => ({ id: "ada" }) });
    server.handle(list, {
      canSubscribe: (asking) => asked.push(asking) > 0,
      canDispatch: () => true,
    });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")));
    await ada.heard();
    ada.say(subscribe("list:2"));
    await ada.heard();
    ada.say(say("list:2", 1, add("x")));
    expect(types(await ada.heard())).toEqual(["TopicUpdate"]);
    const who = { clientId: ada.identity.clientId, user: { id: "ada" } };
    expect(asked).toEqual([
      { ...who, topic: "list:1", params: ["1"], purpose: "dispatch" },
      { ...who, topic: "list:2", params: ["2"], purpose: "subscribe" },
    ]);
  });

  test("[HA3] S17 false refuses for good and is recorded; a throw and a rejection are retryable and reported", async () => {
    const answers: (() => boolean | Promise<boolean>)[] = [
      () => false,
      () => {
        throw new Error("thrown");
      },
      () => Promise.reject(new Error("rejected")),
      () => thenable((_, no) => no(new Error("thenable"))),
      (() => 1) as never,
    ];
    const { server, client, errors, refused } = wire();
    server.handle(list, { canSubscribe: ({ topic }) => answers[Number(topic.slice(5))]!() });
    const ada = await client();
    for (const i of answers.keys()) ada.say(subscribe(`list:${i}`));
    const heard = await ada.heard();
    expect(heard).toHaveLength(5);
    expect(heard).toEqual(
      expect.arrayContaining([
        turnedAway("list:0", "forbidden"),
        turnedAway("list:1", "hook", true),
        turnedAway("list:2", "hook", true),
        turnedAway("list:3", "hook", true),
        turnedAway("list:4", "forbidden"),
      ]),
    );
    expect(errors.map((error) => (error as Error).message).toSorted()).toEqual([
      "rejected",
      "thenable",
      "thrown",
    ]);
    expect(refused.map(({ target }) => target)).toEqual(["list:0", "list:4"]);
    for (const i of answers.keys()) ada.say(say(`list:${i}`, 1, add("x")));
    const answered = await ada.heard();
    expect(types(answered).toSorted()).toEqual(["Paused", "Paused", "Paused", "Rejected", "Rejected"]);
    expect(answered.find((frame) => frame.type === "Paused")).toMatchObject({ from: 1, code: "busy" });
  });

  test("[HA3] what is dispatched during an asynchronous check waits, and is taken in order", async () => {
    const check = inHand<boolean>();
    let asked = 0;
    const { server, client } = wire();
    server.handle(list, {
      canSubscribe: () => (asked++, check.promise),
      canDispatch: () => true,
    });
    const ada = await client();
    ada.say(say("list:1", 1, add("a")));
    ada.say(say("list:1", 2, add("b")));
    expect(await ada.heard()).toEqual([]);
    check.keep(true);
    ada.say(say("list:1", 3, add("c")));
    expect(types(await ada.heard())).toEqual(["Acknowledge", "Acknowledge", "Acknowledge"]);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["a", "b", "c"] });
    expect(asked).toBe(1);
  });

  test("[HA3] [HA18] a check that never answers is over in time, and its late answer is nobody's", async () => {
    const checks: ReturnType<typeof inHand<boolean>>[] = [];
    const { server, client, errors, advance } = wire({ limits: { checkTimeout: 5_000 } });
    server.handle(list, {
      canSubscribe() {
        const check = inHand<boolean>();
        checks.push(check);
        return check.promise;
      },
    });
    const ada = await client();
    ada.say(subscribe("list:1"));
    ada.say(say("list:2", 1, add("x")));
    await advance(4_999);
    expect(await ada.heard()).toEqual([]);
    await advance(1);
    expect((await ada.heard()).filter(({ type }) => type !== "Pong")).toEqual(
      expect.arrayContaining([
        turnedAway("list:1", "hook", true),
        expect.objectContaining({ type: "Paused", target: "list:2", from: 1, code: "busy" }),
      ]),
    );
    expect(errors.map((error) => (error as CallaError).code)).toEqual(["hook", "hook"]);
    for (const check of checks) check.keep(true);
    expect(await ada.heard()).toEqual([]);
    expect(server.inspect().connections.all).toBe(1);
  });

  test("[HA3] a check may answer with any thenable", async () => {
    const { server, client } = wire();
    server.handle(list, {
      canSubscribe: () => thenable((go) => go(true)),
    });
    const ada = await client();
    ada.say(subscribe("list:1"));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
  });

  test("[HA4] without canDispatch clients only read", async () => {
    const { server, done, client } = wire();
    server.handle(list, { canSubscribe: () => true });
    const ada = await client();
    ada.say(subscribe("list:1"));
    await ada.heard();
    ada.say(say("list:1", 1, add("x")));
    expect(await ada.heard()).toEqual([rejected("list:1", 1, "forbidden")]);
    await done(server.topic(list, "1").dispatch(add("server")));
    expect(types(await ada.heard())).toEqual(["TopicUpdate"]);
  });

  test("[HA4] an asynchronous canDispatch is an error that is reported and refuses, and its rejection ends nothing", async () => {
    const { server, client, errors } = wire();
    server.handle(list, {
      public: true,
      canDispatch: (async () => {
        throw new Error("late");
      }) as never,
    });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")));
    expect(await ada.heard()).toEqual([rejected("list:1", 1, "hook")]);
    expect(errors.map((error) => (error as CallaError).message)).toEqual([
      expect.stringContaining('canDispatch of slice "list:*" returned a promise'),
    ]);
  });

  test("[HA4] a canDispatch that changes its arguments is refused where they are frozen", async () => {
    const { server, client, errors } = wire();
    server.handle(list, {
      public: true,
      canDispatch(_, { model }) {
        (model as { items: string[] }).items.push("smuggled");
        return true;
      },
    });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")));
    expect(await ada.heard()).toEqual([rejected("list:1", 1, "hook")]);
    expect(errors).toEqual([expect.any(TypeError)]);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: [] });
  });
});

describe("changing a message before it is taken", () => {
  test("[HA5] S9 author and subscribers get the amended message", async () => {
    const { server, client } = wire();
    server.handle(list, {
      public: true,
      amend: (message) =>
        message.type === "added" ? { ...message, item: message.item.toUpperCase() } : message,
    });
    const ada = await client();
    const bob = await client();
    bob.say(subscribe("list:1"));
    await bob.heard();
    ada.say(say("list:1", 1, add("x")), say("list:1", 2, add("Y")));
    expect(await ada.heard()).toEqual([
      { type: "Acknowledge", target: "list:1", mid: 1, id: "id-1", sequence: 1, messages: [add("X")] },
      { type: "Acknowledge", target: "list:1", mid: 2, id: "id-2", sequence: 2 }, // nothing was changed
    ]);
    const [update] = await bob.heard();
    expect(update).toMatchObject({
      records: [
        [0, 0, 1, "id-1", [add("X")]],
        [0, 0, 2, "id-2", [add("Y")]],
      ],
    });
  });

  test("[HA5] amend may make a server-only message of it", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true, amend: () => ({ type: "cleared" }) });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")));
    expect(await ada.heard()).toMatchObject([{ type: "Acknowledge", messages: [{ type: "cleared" }] }]);
  });

  test("[HA5] what is no message, a throw and a promise refuse that message alone", async () => {
    const bad: unknown[] = [
      undefined,
      null,
      "added",
      { type: "unheard" },
      add("longer than twenty characters"),
    ];
    const { server, client, errors } = wire();
    let calls = 0;
    server.handle(list, {
      public: true,
      amend(message) {
        const i = calls++;
        if (i < bad.length) return bad[i] as never;
        if (i === bad.length) throw new Error("in amend");
        if (i === bad.length + 1) return Promise.reject(new Error("late")) as never;
        return message;
      },
    });
    const ada = await client();
    const all = bad.length + 3;
    for (let mid = 1; mid <= all; mid++) ada.say(say("list:1", mid, add("x")));
    const heard = await ada.heard();
    expect(heard.filter(({ type }) => type === "Rejected")).toEqual(
      Array.from({ length: all - 1 }, (_, i) => rejected("list:1", i + 1, "hook")),
    );
    expect(heard.at(-1)).toMatchObject({ type: "Acknowledge", mid: all, sequence: 1 });
    expect(errors).toHaveLength(all - 1);
  });
});

describe("hooks that observe", () => {
  test("[HA6] they run after the append, with the model after that message", async () => {
    const seen: unknown[] = [];
    const { server, done, client } = wire({
      authenticate: () => ({ id: "ada" }),
      onTopicMessage: (message, accepted) => void seen.push(["server", message, accepted]),
      onMessage: (message, accepted) => void seen.push(["session", message, accepted]),
    });
    server.handle(list, {
      public: true,
      onMessage: (message, accepted) => void seen.push(["list", message, accepted]),
    });
    server.handle(session, { public: true });
    const ada = await client();
    const author = { clientId: ada.identity.clientId, user: { id: "ada" } };
    ada.say(say("list:1", 1, add("x")), saySession(1, { type: "named", name: "Ada" }));
    await ada.heard();
    await done(server.topic(list, "1").dispatch({ type: "cleared" }));
    const topic = "list:1";
    expect(seen).toEqual([
      ["list", add("x"), { topic, params: ["1"], author, sequence: 1, at: 1_000, model: { items: ["x"] } }],
      ["server", add("x"), { topic, author, model: { items: ["x"] }, sequence: 1 }],
      ["session", { type: "named", name: "Ada" }, { ...author, author, model: { name: "Ada" }, sequence: 1 }],
      [
        "list",
        { type: "cleared" },
        { topic, params: ["1"], author: null, sequence: 2, at: 1_000, model: { items: [] } },
      ],
      ["server", { type: "cleared" }, { topic, author: null, model: { items: [] }, sequence: 2 }],
    ]);
  });

  test("[HA6] what they throw, or their promises reject with, is reported and changes nothing", async () => {
    const failing = async () => {
      throw new Error("late");
    };
    const throwing = () => {
      throw new Error("at once");
    };
    const { server, client, errors } = wire({
      onConnect: failing,
      onDisconnect: failing,
      onMessage: failing,
      onTopicMessage: throwing,
      onRefused: failing,
    });
    const handlers: Handlers<typeof list, AnyUser> = {
      public: true,
      onMessage: failing,
      onSubscribe: throwing,
      onUnsubscribe: failing,
    };
    server.handle(list, handlers);
    server.handle(session, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1"), say("list:1", 1, add("x")), saySession(1, { type: "named", name: "x" }));
    ada.say(say("nowhere", 1, add("x")));
    expect(types(await ada.heard())).toEqual([
      "Rejected",
      "Settled",
      "Snapshot",
      "TopicUpdate",
      "Acknowledge",
    ]);
    ada.drop();
    await ada.heard();
    expect(errors).toHaveLength(8);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["x"] });
  });

  test("[HA6] an onError that throws or rejects ends nothing either", async () => {
    const { server, client } = wire({
      onError: (async () => {
        throw new Error("in onError");
      }) as never,
    });
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(say("list:1", 1, { type: "exploded" }));
    expect(await ada.heard()).toEqual([rejected("list:1", 1, "update-threw")]);
  });

  test("[HA7] messages returned by onSubscribe, onUnsubscribe and onConnect are the server's", async () => {
    const { server, client, errors } = wire({
      onConnect: async () => [{ type: "signedIn", name: "Ada" }],
    });
    server.handle(list, {
      public: true,
      onSubscribe: () => [add("in"), add("again")],
      onUnsubscribe: async () => add("out"),
    });
    server.handle(session, { public: true });
    const ada = await client();
    const bob = await client();
    bob.say(subscribe("list:1"));
    await bob.heard();
    ada.say(subscribe("list:1"));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
    ada.drop();
    expect(types(await bob.heard())).toEqual(["TopicUpdate", "TopicUpdate"]);
    expect((await server.topic(list, "1").read()).model).toEqual({
      items: ["in", "again", "in", "again", "out"],
    });
    expect((await server.session(ada.identity.clientId).read()).model).toEqual({ name: "Ada" });
    expect(errors).toEqual([]);
  });

  test("[HA7] onConnect tells a client's first connection from its later ones", async () => {
    const seen: boolean[] = [];
    const { client } = wire({ onConnect: ({ fresh }) => void seen.push(fresh) });
    const ada = await client();
    await client(ada.identity);
    await client({ clientId: ada.identity.clientId, secret: "forged" });
    expect(seen).toEqual([true, false, true]);
  });

  test("[HA7] nothing returned is nothing done; what is no message is reported", async () => {
    const answers: unknown[] = [undefined, null, [], 7, [null], { type: "unheard" }];
    const { server, client, errors } = wire({ onConnect: () => [] });
    server.handle(list, { public: true, onSubscribe: () => answers.shift() as never });
    server.handle(cursors, { public: true, onSubscribe: () => ({ type: "unheard" }) as never });
    const ada = await client();
    for (let i = 1; i <= 6; i++) ada.say(subscribe(`list:${i}`));
    ada.say(subscribe("cursors:1"));
    const heard = await ada.heard();
    expect(heard.filter(({ type }) => type !== "Settled" && type !== "Snapshot")).toEqual([]);
    expect(errors).toHaveLength(5 - 1);
    expect((await server.topic(list, "4").read()).sequence).toBe(0);
  });

  test("[HA7] S43 every onSubscribe has its onUnsubscribe, whatever the client asks for in between", async () => {
    const seen: string[] = [];
    const { server, client, advance } = wire();
    server.handle(list, {
      public: true,
      onSubscribe: () => void seen.push("in"),
      onUnsubscribe: () => void seen.push("out"),
    });
    const ada = await client();
    ada.say(subscribe("list:1", 1));
    await ada.heard();
    // A resync, left while it is still being caught up (its row is being read).
    ada.say(subscribe("list:1", 2, { sent: 1 }), subscribe("list:1", 3, { sent: 1 }));
    await ada.heard();
    expect(seen).toEqual(["in"]);
    ada.say(subscribe("list:1", 4, { cursor: { sequence: 9, mark: 9 } }));
    ada.drop();
    await advance(1);
    expect(seen).toEqual(["in", "out"]);
  });
});

describe("the server's own word", () => {
  test("[HA8] a client is cut off at once, and asked again should it come back", async () => {
    let allowed = true;
    const { server, done, client } = wire();
    server.handle(list, { canSubscribe: () => allowed, canDispatch: () => true });
    const ada = await client();
    ada.say(subscribe("list:1", 1));
    await ada.heard();
    allowed = false;
    expect(server.unsubscribe(ada.identity.clientId, list, "1")).toBe(true);
    await done(server.topic(list, "1").dispatch(add("secret")));
    expect(await ada.heard()).toEqual([{ ...turnedAway("list:1", "unsubscribed") }]);
    ada.say(subscribe("list:1", 2), say("list:1", 1, add("x")));
    expect(await ada.heard()).toEqual([
      { ...turnedAway("list:1", "forbidden"), ref: 2 },
      rejected("list:1", 1, "forbidden"),
    ]);
    expect(server.unsubscribe("nobody", list, "1")).toBe(false);
  });

  test("[HA8] S43 a message whose check was under way is asked about again", async () => {
    const checks = [inHand<boolean>(), inHand<boolean>()];
    let asked = 0;
    const { server, client } = wire();
    server.handle(list, { canSubscribe: () => checks[asked++]!.promise, canDispatch: () => true });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")));
    await ada.heard();
    server.unsubscribe(ada.identity.clientId, list, "1");
    checks[0]!.keep(true); // an answer of before the revocation
    expect(await ada.heard()).toEqual([]);
    expect(asked).toBe(2);
    checks[1]!.keep(false);
    expect(await ada.heard()).toEqual([rejected("list:1", 1, "forbidden")]);
  });

  test("[HA9] the server subscribes a client whatever canSubscribe says, and unsubscribes it", async () => {
    const { server, client } = wire();
    server.handle(list, { canSubscribe: () => false, canDispatch: () => true });
    const ada = await client();
    const { clientId } = ada.identity;
    expect(server.subscribe(clientId, list, "1")).toBe(true);
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
    ada.say(subscribe("list:1", 5)); // the client may come by itself now
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
    ada.say(say("list:1", 1, add("x")));
    expect(types(await ada.heard())).toEqual(["TopicUpdate"]);
    server.unsubscribe(clientId, list, "1");
    ada.say(subscribe("list:1", 6));
    expect(types(await ada.heard())).toEqual(["Unsubscribed", "Unsubscribed"]);
    expect(server.subscribe("nobody", list, "1")).toBe(false);
  });

  test("[HA9] S43 a grant overtakes a check that is under way", async () => {
    const check = inHand<boolean>();
    const { server, client } = wire();
    server.handle(list, { canSubscribe: () => check.promise, canDispatch: () => true });
    const ada = await client();
    ada.say(subscribe("list:1", 3), say("list:2", 1, add("x")));
    await ada.heard();
    server.subscribe(ada.identity.clientId, list, "1");
    server.subscribe(ada.identity.clientId, list, "2");
    const heard = await ada.heard();
    const about = (target: string) => heard.filter((frame) => "target" in frame && frame.target === target);
    expect(about("list:1")).toMatchObject([{ type: "Settled", ref: 3 }, { type: "Snapshot" }]);
    // What waited for the check goes on, too.
    expect(about("list:2")).toMatchObject([
      { type: "Settled", ref: 0 },
      { type: "Snapshot" },
      { type: "TopicUpdate" },
    ]);
    check.keep(false);
    expect(await ada.heard()).toEqual([]);
  });
});

describe("what a name reaches", () => {
  test('[HA10] S17 a session is reached by its own client, by "@" alone', async () => {
    const { server, client, refused } = wire();
    server.handle(session, { public: true });
    const ada = await client();
    const bob = await client();
    bob.say(subscribe("@"));
    await bob.heard();
    for (const target of [`@${bob.identity.clientId}`, `@${ada.identity.clientId}`, "@@", "@nobody"]) {
      ada.say(subscribe(target), say(target, 1, { type: "named", name: "forged" }));
      expect(await ada.heard()).toEqual([turnedAway(target, "topic"), rejected(target, 1, "topic")]);
    }
    expect(refused).toHaveLength(8);
    bob.say(saySession(1, { type: "named", name: "Bob" }));
    expect(types(await bob.heard())).toEqual(["TopicUpdate"]);
    expect((await server.session(bob.identity.clientId).read()).model).toEqual({ name: "Bob" });
  });

  test("[HA11] S17 a server-only message of a client is refused and recorded, and no hook runs", async () => {
    const ran: string[] = [];
    const { server, client, refused } = wire();
    server.handle(list, {
      canSubscribe: () => true,
      canDispatch: () => (ran.push("canDispatch"), true),
      amend: (message) => (ran.push("amend"), message),
      onMessage: () => void ran.push("onMessage"),
    });
    const ada = await client();
    ada.say(say("list:1", 1, { type: "cleared" }));
    expect(await ada.heard()).toEqual([rejected("list:1", 1, "server-only", { type: "cleared" })]);
    expect(refused).toEqual([{ code: "server-only", target: "list:1", clientId: ada.identity.clientId }]);
    expect(ran).toEqual([]);
  });

  test("[HA11] of several messages in one dispatch none is taken if one is the server's", async () => {
    const { server, client } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(say("list:1", 1, [add("x"), { type: "cleared" }]));
    expect(await ada.heard()).toMatchObject([{ type: "Rejected", code: "server-only" }]);
    expect((await server.topic(list, "1").read()).sequence).toBe(0);
  });
});
