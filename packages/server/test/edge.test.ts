// What a server's edge does with peers and apps at their worst: what never answers, never reads, never ends.
import { describe, expect, test } from "vitest";
import { hello, list, say, types, wire } from "./wired.ts";
import { expiring } from "../src/app/authenticate.ts";
import { memoryLog } from "../src/log/memory/memory-log.ts";

const added = (item: string) => ({ type: "added", item }) as const;
const closing = (code: string) => ({ type: "Closing", code, retryable: true, within: 0 });

describe("packets", () => {
  test("[HT4] [CV5] [HT17] one whose author is never found out is answered within helloTimeout", async () => {
    let answers = true;
    const wired = wire({
      authenticate: () => (answers ? { id: "ada" } : new Promise<never>(() => {})),
      limits: { helloTimeout: 1_000 },
    });
    wired.server.handle(list, { public: true });
    const { identity } = await wired.client();
    answers = false;
    const said = wired.post(hello({ identity }), say("list:1", 1, added("a")));
    await wired.advance(999);
    expect(said.closed).toEqual([]);
    await wired.advance(1);
    expect([said.heard, said.closed]).toEqual([
      [closing("hello-timeout")],
      [{ code: 4001, reason: "hello-timeout" }],
    ]);
  });

  test("[HT4] [AU14] [HT17] a token that is over by what authenticate says is none for a packet either", async () => {
    let until = Infinity;
    const wired = wire({ authenticate: () => expiring({ id: "ada" }, until) });
    wired.server.handle(list, { public: true });
    const { identity } = await wired.client();
    until = wired.clock.now();
    const said = wired.post(hello({ identity }), say("list:1", 1, added("a")));
    await wired.settle();
    expect(said.heard).toEqual([closing("token-expired")]);
    expect((await wired.server.topic(list, "1").read()).sequence).toBe(0);
  });

  test("[HT4] [SC4] one whose sender went before taking its answers is looked after no more", async () => {
    const wired = wire({ limits: { collapseBytes: 100, stallTimeout: 5_000 } });
    wired.server.handle(list, { public: true });
    const { identity } = await wired.client();
    let held = 0;
    const leave = wired.server.speak({
      data: JSON.stringify([hello({ identity }), ...[1, 2, 3].map((mid) => say("list:1", mid, added("a")))]),
      connection: {
        send: ({ bytes }) => void (held += bytes.length),
        close: () => undefined,
        bufferedAmount: () => held,
      },
      request: { url: "/calla", headers: {}, remoteAddress: undefined },
      format: "json",
    });
    await wired.settle();
    expect(held).toBeGreaterThan(100);
    leave();
    await wired.advance(60_000);
    expect(wired.server.inspect().connections.slow).toBe(0);
  });
});

describe("rates", () => {
  test("[LM4] a dispatch of no message costs as much as one of one", async () => {
    const wired = wire({ limits: { topicMessageRate: 1, topicMessageBurst: 4 } });
    wired.server.handle(list, { public: true });
    const one = await wired.client();
    one.say(...Array.from({ length: 6 }, (_, i) => say("list:1", i + 1, [])));
    expect((await one.heard()).filter(({ type }) => type === "Paused")).toMatchObject([
      { from: 5, code: "rate" },
    ]);
  });

  test.each(["messageRate", "topicMessageRate", "joinRate"])(
    "[LM3] a %s of 0 is refused: nobody would be held back by it",
    (name) => {
      expect(() => wire({ limits: { [name]: 0 } })).toThrow(expect.objectContaining({ code: "wiring" }));
    },
  );
});

describe("polls", () => {
  test("[HT6] more than collapseBytes to answer: it ends when all is sent", async () => {
    const wired = wire({ limits: { collapseBytes: 1_000 } });
    wired.server.handle(list, { public: true });
    const ended: true[] = [];
    const topics = ["1", "2", "3"];
    for (const topic of topics) await wired.done(wired.server.topic(list, topic).dispatch(added("x")));
    const poll = wired.socket({
      finish: () => void ended.push(true),
      send: ({ type }) => void (type === "Snapshot" && poll.stuff(2_000)),
    });
    const targets = topics.map((topic, i) => ({ target: `list:${topic}`, ref: i + 1, settled: 0, sent: 0 }));
    poll.say(hello({ poll: true, targets }));
    const told = [...types(await poll.heard())];
    for (let i = 0; i < 3 && ended.length === 0; i++) {
      poll.drain();
      told.push(...types(await poll.heard()));
    }
    expect([told.filter((type) => type === "Snapshot").length, ended.length]).toEqual([3, 1]);
  });
});

describe("a pubsub that fails", () => {
  test.each([false, true])(
    "[SV6] [SV15] to subscribe or unsubscribe is reported, and no topic hangs for it (rights asked for: %s)",
    async (asks) => {
      const pubsub = {
        publish: () => undefined,
        subscribe: (channel: string): (() => void) => {
          if (channel.includes("list:1")) throw new Error("no connection");
          return () => {
            throw new Error("gone");
          };
        },
      };
      const wired = wire({ log: memoryLog({ shared: true }), secret: "a secret of all the nodes", pubsub });
      wired.server.handle(list, {
        canSubscribe: () => (asks ? Promise.resolve(true) : true),
        canDispatch: () => true,
      });
      const one = await wired.client();
      one.say(say("list:1", 1, added("a")), say("list:2", 1, added("a")));
      expect(types(await one.heard())).toEqual(["Acknowledge", "Acknowledge"]);
      expect(one.closed).toEqual([]);
      expect(wired.errors.length).toBeGreaterThan(0);
      await wired.done(wired.server.stop());
    },
  );
});
