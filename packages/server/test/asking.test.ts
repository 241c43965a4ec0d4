// The app's checks as clients meet them: many subscribes at once, clients that go away, rights that change meanwhile.
import { describe, expect, test } from "vitest";
import { cursors, hello, inHand, list, say, subscribe, types, unsubscribe, wire } from "./wired.ts";
import type { AccessRequest } from "../src/app/handlers.ts";
import { memoryLog } from "../src/log/memory/memory-log.ts";

const added = (item: string) => ({ type: "added", item }) as const;
type Asked = Pick<AccessRequest<typeof list, { id: string }>, "topic" | "purpose" | "signal" | "exists">;

/** A server whose canSubscribe is answered by hand. */
function held(options: Parameters<typeof wire>[0] = {}) {
  const wired = wire(options);
  const asked: { topic: string; asking: Asked; answer: ReturnType<typeof inHand<boolean>> }[] = [];
  wired.server.handle(list, {
    canSubscribe(asking) {
      const answer = inHand<boolean>();
      asked.push({ topic: asking.topic, asking, answer });
      return answer.promise;
    },
    canDispatch: () => true,
  });
  return { ...wired, asked };
}
const topics = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `list:${from + i}`);
const subscribes = (names: readonly string[]) =>
  names.map((target, i) => ({ target, ref: i + 1, settled: 0, sent: 0 }));

describe("many at once", () => {
  test("[HA12] a Hello of a thousand topics has sixteen calls under way, and all are answered in the end", async () => {
    const { socket, asked, settle } = held();
    const one = socket();
    one.say(hello({ targets: subscribes(topics(1_000)) }));
    await settle();
    expect(asked).toHaveLength(16);
    let answered = 0;
    while (answered < asked.length) {
      for (const { answer } of asked.slice(answered)) answer.keep(true);
      answered = asked.length;
      await settle();
      expect(asked.length - answered).toBeLessThanOrEqual(16);
    }
    expect(asked.map(({ topic }) => topic)).toEqual(topics(1_000));
    expect((await one.heard()).filter(({ type }) => type === "Settled")).toHaveLength(1_000);
  });

  test("[HA12] whatever one address asks for, another visitor's turn comes at once", async () => {
    const { client, asked } = held({ limits: { maxChecks: 40 } });
    const from = (remoteAddress: string) => client(undefined, undefined, { remoteAddress });
    for (let i = 0; i < 5; i++)
      (await from("10.0.0.1")).say(...topics(100, i).map((name) => subscribe(name)));
    const other = await from("10.0.0.2");
    expect(asked).toHaveLength(10);
    other.say(subscribe("list:mine"));
    await other.heard();
    expect(asked.at(-1)!.topic).toBe("list:mine");
  });

  test("[HA12] [HA20] what never answers holds its place for checkTimeout, and what waits so long for its turn is told to retry", async () => {
    const limits = { maxChecksPerConnection: 1, checkTimeout: 1_000 };
    const events: string[] = [];
    const { client, asked, advance, errors } = held({
      limits,
      observe: (event) => event.type === "limited" && events.push(event.limit),
    });
    const one = await client();
    one.say(subscribe("list:1"), subscribe("list:2"), say("list:3", 1, added("a")));
    await advance(1_000);
    const heard = await one.heard();
    expect(heard).toContainEqual({
      type: "Unsubscribed",
      target: "list:1",
      ref: 1,
      code: "hook",
      retryable: true,
    });
    await advance(1_000);
    const later = [...heard, ...(await one.heard())];
    // One of the two that waited was asked at the end of the first one's time; the other was told to retry.
    expect(later).toContainEqual(expect.objectContaining({ type: "Paused", target: "list:3", code: "busy" }));
    expect(asked.map(({ topic }) => topic)).toEqual(["list:1", "list:2"]);
    expect(errors).toHaveLength(2);
    expect(events).toEqual(["maxChecksPerConnection"]);
  });

  test("[HA12] [CL10] [HA21] a newer subscribe to what is being asked about goes by that answer, and asks nothing more", async () => {
    const { client, asked } = held();
    const one = await client();
    for (let ref = 1; ref <= 20; ref++) one.say(subscribe("list:1", ref));
    await one.heard();
    expect(asked).toHaveLength(1);
    asked[0]!.answer.keep(true);
    expect(await one.heard()).toMatchObject([{ type: "Settled", ref: 20 }, { type: "Snapshot" }]);
  });
});

describe("an answer that nobody needs", () => {
  const ways: [string, (one: Awaited<ReturnType<ReturnType<typeof wire>["client"]>>) => void][] = [
    ["the connection ends", (one) => one.drop()],
    ["it is unsubscribed", (one) => one.say(unsubscribe("list:1"), unsubscribe("list:2"))],
  ];
  for (const [how, leave] of ways)
    test(`[HA13] ${how}: the signal is aborted, and what waits is never asked`, async () => {
      const { client, asked, settle, errors, advance } = held({ limits: { maxChecksPerConnection: 1 } });
      const one = await client();
      one.say(subscribe("list:1"), subscribe("list:2"));
      await settle();
      const { signal } = asked[0]!.asking;
      expect(signal.aborted).toBe(false);
      leave(one);
      await settle();
      expect([signal.aborted, (signal.reason as Error).name]).toEqual([true, "AbortError"]);
      asked[0]!.answer.break(signal.reason);
      await settle();
      await advance(60_000);
      expect([asked.length, errors]).toEqual([1, []]);
    });

  test("[HA13] [HA8] the server cuts it off", async () => {
    const { client, asked, server, settle } = held();
    const one = await client();
    one.say(subscribe("list:1"));
    await settle();
    const { signal } = asked[0]!.asking;
    server.unsubscribe(one.identity.clientId, list, "1");
    expect(signal.aborted).toBe(true);
  });

  test("[HA13] [AU15] rights change: what is under way is taken back, and asked anew at once", async () => {
    const { client, asked, server, settle, done } = held();
    const one = await client();
    one.say(subscribe("list:1"), say("list:2", 1, added("a")));
    await settle();
    const signals = asked.map(({ asking }) => asking.signal);
    const reauthorised = server.reauthorise();
    await settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(
      asked
        .map(({ topic }) => topic)
        .slice(2)
        .toSorted(),
    ).toEqual(["list:1", "list:2"]);
    for (const { answer } of asked.slice(0, 2)) answer.keep(true); // of before
    expect(await one.heard()).toEqual([]);
    for (const { answer } of asked.slice(2)) answer.keep(false);
    expect(types(await one.heard()).toSorted()).toEqual(["Rejected", "Unsubscribed"]);
    await done(reauthorised);
  });

  test("[HA13] checkTimeout has passed", async () => {
    const { client, asked, advance } = held({ limits: { checkTimeout: 1_000 } });
    const one = await client();
    one.say(subscribe("list:1"));
    await one.heard();
    const { signal } = asked[0]!.asking;
    await advance(1_000);
    expect((signal.reason as Error).name).toBe("TimeoutError");
  });

  test("[HA13] [HT4] a packet whose sender has gone takes back what it asked; one that leans on a stream does not", async () => {
    const { client, asked, post, settle } = held();
    const one = await client();
    const own = post(hello({ identity: one.identity }), say("list:1", 1, added("a")));
    await settle();
    own.leave();
    expect(asked[0]!.asking.signal.aborted).toBe(false); // the stream may ask the same
    one.drop();
    expect(asked[0]!.asking.signal.aborted).toBe(true);
    const alone = post(hello({ identity: one.identity }), say("list:2", 1, added("a")));
    await settle();
    const { signal } = asked[1]!.asking;
    expect(signal.aborted).toBe(false);
    alone.leave();
    expect(signal.aborted).toBe(true);
  });
});

describe("how often", () => {
  for (const how of ["at once", "later"])
    test(`[HA3] [HA19] an answer that comes ${how} is remembered for what is not subscribed to, until rights are asked about anew`, async () => {
      const asked: string[] = [];
      let allowed = true;
      const { client, server, done } = wire();
      server.handle(list, {
        canSubscribe({ topic }) {
          asked.push(topic);
          return how === "at once" ? allowed : Promise.resolve(allowed);
        },
        canDispatch: () => true,
      });
      const one = await client();
      for (let mid = 1; mid <= 5; mid++) {
        one.say(say("list:1", mid, added("a")));
        expect(types(await one.heard())).toEqual(["Acknowledge"]);
      }
      expect(asked).toEqual(["list:1"]);
      await done(server.reauthorise());
      allowed = false;
      for (let mid = 6; mid <= 8; mid++) {
        one.say(say("list:1", mid, added("a")));
        expect(await one.heard()).toMatchObject([{ type: "Rejected", code: "forbidden" }]);
      }
      // A refusal is not remembered: it may be another one the next time.
      expect(asked).toHaveLength(4);
    });

  test("[HA3] [AU15] [HA19] a check that has itself changed the rights is not remembered", async () => {
    const { client, server, settle } = wire();
    let asked = 0;
    server.handle(list, {
      canSubscribe() {
        if (asked++ === 0) void server.reauthorise();
        return true;
      },
      canDispatch: () => true,
    });
    const one = await client();
    one.say(say("list:1", 1, added("a")));
    await settle();
    one.say(say("list:1", 2, added("a")));
    expect(types(await one.heard())).toEqual(["Acknowledge", "Acknowledge"]);
    expect(asked).toBe(2);
  });

  test("[HA3] [CV14] [HA19] so many answers are remembered for one connection", async () => {
    const asked: string[] = [];
    const { client, server } = wire({ limits: { maxTopicsPerConnection: 2 } });
    server.handle(list, { canSubscribe: ({ topic }) => asked.push(topic) > 0, canDispatch: () => true });
    const one = await client();
    for (const [topic, mid] of [
      ["1", 1],
      ["2", 1],
      ["3", 1],
      ["3", 2],
      ["1", 2],
    ] as const)
      one.say(say(`list:${topic}`, mid, added("a")));
    await one.heard();
    expect(asked).toEqual(["list:1", "list:2", "list:3", "list:1"]);
  });
});

describe("whether a topic exists", () => {
  /** Asks it twice in each check, and counts the looks at the log. */
  function existing(options: { readonly shared?: boolean; readonly retention?: number } = {}) {
    const log = memoryLog(options);
    const looks: string[] = [];
    const counted = new Proxy(log, {
      get(target, name: keyof typeof log) {
        const value: unknown = target[name];
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          looks.push(name);
          return (value as (...given: unknown[]) => unknown).apply(target, given);
        };
      },
    });
    const found: boolean[] = [];
    const wired = wire({ log: counted, secret: "0123456789abcdefghijklmnopqrstuv" });
    wired.server.handle(list, {
      async canSubscribe({ exists }) {
        found.push(await exists(), await exists());
        return found.at(-1)!;
      },
      canDispatch: () => true,
    });
    wired.server.handle(cursors, { canSubscribe: ({ exists }) => exists() });
    return { ...wired, looks, found, log };
  }

  test("[HA14] only what was accepted in it and not removed makes one; a look costs one call of the log, opens nothing and keeps nothing", async () => {
    const { client, server, done, looks, found, log } = existing();
    const one = await client();
    looks.length = 0;
    one.say(subscribe("list:1", 1), say("list:2", 1, added("a")));
    expect(types(await one.heard()).toSorted()).toEqual(["Rejected", "Unsubscribed"]);
    expect(found).toEqual([false, false, false, false]);
    expect(looks.filter((name) => name !== "client")).toEqual(["history", "history"]);
    expect([server.inspect().targets.open, await log.open("list:1")]).toEqual([0, undefined]);
    await done(server.topic(list, "1").dispatch(added("a")));
    one.say(subscribe("list:1", 2));
    expect(types(await one.heard())).toEqual(["Settled", "Snapshot"]);
    await done(server.topic(list, "1").remove());
    await one.heard();
    one.say(subscribe("list:1", 3));
    expect(await one.heard()).toMatchObject([{ type: "Unsubscribed", code: "forbidden" }]);
    expect(found.slice(4)).toEqual([true, true, false, false]);
  });

  test("[HA14] where the log keeps no record behind its snapshot, and where other nodes write", async () => {
    const { client, server, done, found, log } = existing({ shared: true, retention: 0 });
    const one = await client();
    await done(server.topic(list, "1").dispatch(added("a")));
    await done(server.topic(list, "1").stop());
    const head = (await log.open("list:1"))!;
    expect(head.snapshot?.sequence).toBe(1);
    one.say(subscribe("list:1", 1));
    expect(types(await one.heard())).toEqual(["Settled", "Snapshot"]);
    await log.remove("list:1", 1);
    one.say(unsubscribe("list:1", 1), subscribe("list:1", 2));
    await one.heard();
    expect(found).toEqual([true, true, false, false]);
  });

  test("[HA14] an ephemeral topic always does, and a log that cannot be read refuses for now", async () => {
    const { client, log, errors } = existing();
    const one = await client();
    one.say(subscribe("cursors:1"));
    expect(types(await one.heard())).toEqual(["Settled"]);
    log.history = () => Promise.reject(new Error("no disk"));
    one.say(subscribe("list:1"));
    expect(await one.heard()).toMatchObject([{ type: "Unsubscribed", code: "hook", retryable: true }]);
    expect(errors).toEqual([new Error("no disk")]);
  });
});

describe("authenticate", () => {
  function gate(limits: object = {}) {
    const asked: {
      token: unknown;
      signal: AbortSignal;
      answer: ReturnType<typeof inHand<{ id: string } | null>>;
    }[] = [];
    const wired = wire({
      limits: { maxAuthentications: 8, ...limits },
      authenticate({ token, signal }) {
        const answer = inHand<{ id: string } | null>();
        asked.push({ token, signal, answer });
        return answer.promise;
      },
    });
    wired.server.handle(list, { public: true });
    const greet = (token: string, remoteAddress = "10.0.0.1") => {
      const socket = wired.socket({ remoteAddress });
      socket.say(hello({ token }));
      return socket;
    };
    return { ...wired, asked, greet };
  }

  test("[HA15] so many calls are under way, of one address a quarter; the others wait, and others' addresses find room", async () => {
    const { asked, greet, settle } = gate();
    const sockets = Array.from({ length: 20 }, (_, i) => greet(`t${i}`));
    greet("mine", "10.0.0.2");
    expect(asked.map(({ token }) => token)).toEqual(["t0", "t1", "mine"]);
    for (let i = 0; i < asked.length; i++) {
      asked[i]!.answer.keep({ id: String(asked[i]!.token) });
      await settle();
    }
    expect(asked).toHaveLength(21);
    for (const socket of sockets) expect(types(await socket.heard())).toEqual(["Connected"]);
  });

  test("[HA15] who goes away while it waits is not asked about; one who is being asked about is taken back", async () => {
    const { asked, greet, settle, advance } = gate({ maxAuthentications: 1, helloTimeout: 1_000 });
    const [one, two, three] = [greet("one"), greet("two"), greet("three")];
    two.drop();
    one.drop();
    await settle();
    expect(asked.map(({ token, signal }) => [token, signal.aborted])).toEqual([["one", true]]);
    asked[0]!.answer.keep(null);
    await settle();
    expect(asked.map(({ token }) => token)).toEqual(["one", "three"]);
    await advance(1_000);
    expect(three.closed).toEqual([{ code: 4001, reason: "hello-timeout" }]);
    expect(asked[1]!.signal.aborted).toBe(true);
  });

  test("[HA15] [AU14] one that hangs over a renewed token is given up after helloTimeout, and the next is asked about", async () => {
    const { asked, greet, settle, advance, errors } = gate({ helloTimeout: 1_000 });
    const one = greet("one");
    asked[0]!.answer.keep({ id: "ada" });
    await one.heard();
    one.say({ type: "Authenticate", token: "hangs" });
    await settle();
    one.say({ type: "Authenticate", token: "next" });
    await advance(1_000);
    expect(asked.map(({ token }) => token)).toEqual(["one", "hangs", "next"]);
    expect(String(errors[0])).toMatch(/authenticate has not answered within 1000 ms/);
    asked[2]!.answer.keep({ id: "ada" });
    await settle();
    expect(one.closed).toEqual([]);
  });

  test("[HA15] [HT4] packets count, and one whose sender has gone is taken back", async () => {
    const { asked, greet, post, settle } = gate();
    const one = greet("one");
    asked[0]!.answer.keep({ id: "ada" });
    const [connected] = await one.heard();
    if (connected?.type !== "Connected") throw new Error("not connected");
    const identity = { clientId: connected.clientId, secret: connected.secret ?? "" };
    const posts = Array.from({ length: 10 }, (_, i) =>
      post(hello({ identity, token: `p${i}` }), say("list:1", 1, added("a"))),
    );
    await settle();
    expect(asked.map(({ token }) => token).slice(1)).toEqual(["p0", "p1"]);
    posts[0]!.leave();
    expect(asked[1]!.signal.aborted).toBe(true);
    for (const { leave } of posts) leave();
    asked[1]!.answer.keep(null);
    asked[2]!.answer.keep(null);
    await settle();
    expect(asked).toHaveLength(3);
  });
});
