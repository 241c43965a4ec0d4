import { authorTag, automatic, defineEphemeral, defineWiring, json } from "@calla/shared";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  countingRandom,
  cursors,
  handClock,
  handPubSub,
  hello,
  list,
  other,
  say,
  session,
  subscribe,
  types,
  unsubscribe,
  wire,
} from "../../test/wired.ts";
import type { TestWiring } from "../../test/wired.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { createServer } from "../server.ts";

const moved = (x: number) => ({ type: "moved", x }) as const;
const push = (...pushes: readonly unknown[]) => ({ type: "Push", target: "cursors:1", pushes });

describe("ephemeral topics", () => {
  test("[EP1] a push reaches the subscribers, the author too, in order and joined per turn; none is replayed", async () => {
    const { server, client, refused } = wire({ authenticate: () => ({ id: "u" }) });
    server.handle(cursors, { public: true });
    const ada = await client();
    const bob = await client();
    const [a, b] = [ada, bob].map(({ identity }) => authorTag(identity.clientId, "cursors:1"));
    for (const one of [ada, bob]) one.say(subscribe("cursors:1"));
    expect(await ada.heard()).toEqual([
      {
        type: "Settled",
        target: "cursors:1",
        ref: 1,
        sequence: 0,
        next: 1,
        outcomes: [],
        resync: "current",
        reason: "ephemeral",
      },
    ]);
    await bob.heard();
    ada.say(say("cursors:1", 0, moved(1)));
    bob.say(say("cursors:1", 0, moved(2)));
    ada.say(say("cursors:1", 7, moved(3))); // a mid means nothing here
    const frame = push([a, "u", [moved(1)]], [b, "u", [moved(2)]], [a, "u", [moved(3)]]);
    expect(await ada.heard()).toEqual([frame]);
    expect(await bob.heard()).toEqual([frame]);
    expect(refused).toEqual([]);
  });

  test("[EP3] S45 what amend makes of a message, and no wire carries, reaches nobody and ends nothing; a copy is kept", async () => {
    const shape = z.looseObject({ x: z.number() });
    const loose = defineEphemeral("cursors:*", { messages: { moved: shape }, keep: "latest" });
    const { server, client, errors } = wire({
      wiring: defineWiring({ session, topics: [list, other, loose] }) as unknown as TestWiring,
    });
    const path = [1];
    server.handle(loose as unknown as typeof cursors, {
      public: true,
      amend: (message) => ({ ...message, ...(message.x === 1 ? { f: () => 1 } : { path, gone: undefined }) }),
    });
    const [ada, bob] = [await client(), await client()];
    const a = authorTag(ada.identity.clientId, "cursors:1");
    ada.say(subscribe("cursors:1"));
    await ada.heard();
    ada.say(say("cursors:1", 0, moved(1)));
    expect(await ada.heard()).toEqual([]);
    expect(errors).toMatchObject([{ code: "invalid-value", details: { path: ".f" } }]);
    ada.say(say("cursors:1", 0, moved(2)));
    await ada.heard();
    path.push(2);
    bob.say(subscribe("cursors:1"));
    expect((await bob.heard()).at(-1)).toEqual(push([a, null, [{ ...moved(2), path: [1] }]]));
  });

  test("[EP2] a newcomer gets each author's latest message; one that leaves is announced", async () => {
    const { server, client } = wire();
    server.handle(cursors, { public: true });
    const ada = await client();
    const bob = await client();
    const [a, b] = [ada, bob].map(({ identity }) => authorTag(identity.clientId, "cursors:1"));
    for (const one of [ada, bob]) one.say(subscribe("cursors:1"));
    ada.say(say("cursors:1", 0, moved(1)), say("cursors:1", 0, moved(2)));
    bob.say(say("cursors:1", 0, moved(3)));
    await ada.heard();
    await bob.heard();
    const eve = await client();
    eve.say(subscribe("cursors:1"));
    expect((await eve.heard())[1]).toEqual(push([a, null, [moved(2)]], [b, null, [moved(3)]]));
    ada.say(unsubscribe("cursors:1"));
    expect(await eve.heard()).toEqual([push([a, null, []])]);
    bob.drop();
    expect(await eve.heard()).toEqual([push([b, null, []])]);
    const late = await client();
    late.say(subscribe("cursors:1"));
    expect(types(await late.heard())).toEqual(["Settled"]);
  });

  test("[EP2] a slice that keeps nothing announces nothing", async () => {
    const pings = defineEphemeral("pings:*", { messages: { pinged: z.object({}) } });
    const hand = handClock();
    const server = createServer({
      wiring: defineWiring({ topics: [pings] }),
      serialiser: automatic(json()),
      clock: hand.clock,
      random: countingRandom(),
    });
    server.handle(pings, { public: true });
    const its = () => {
      const heard: { type: string }[] = [];
      const incoming = server.connect({
        connection: {
          send: ({ bytes }) => void heard.push(JSON.parse(Buffer.from(bytes).toString()) as { type: string }),
          close: () => undefined,
          bufferedAmount: () => 0,
        },
        request: { url: "/", headers: {}, remoteAddress: undefined },
        format: "json",
      });
      incoming.incoming(
        JSON.stringify(hello({ slices: {}, targets: [{ target: "pings:1", ref: 1, settled: 0, sent: 0 }] })),
      );
      return { heard, incoming };
    };
    const [ada, bob] = [its(), its()];
    await hand.settle();
    ada.incoming.incoming(JSON.stringify(say("pings:1", 0, { type: "pinged" })));
    await hand.settle();
    ada.incoming.disconnect();
    const late = its();
    await hand.settle();
    expect(bob.heard.map(({ type }) => type)).toEqual(["Connected", "Settled", "Push"]);
    expect(late.heard.map(({ type }) => type)).toEqual(["Connected", "Settled"]);
  });

  test("[EP3] S15 only a subscriber may dispatch; what is invalid, the server's or forbidden is dropped and recorded", async () => {
    const { server, client, refused, errors } = wire();
    let thrown = false;
    server.handle(cursors, {
      canSubscribe: () => true,
      canDispatch(message) {
        if (thrown) throw new Error("in the hook");
        return message.x > 0;
      },
    });
    const ada = await client();
    ada.say(say("cursors:1", 0, moved(1)));
    expect(await ada.heard()).toEqual([]);
    ada.say(subscribe("cursors:1"));
    await ada.heard();
    ada.say(
      say("cursors:1", 0, { type: "unheard" }),
      say("cursors:1", 0, [moved(1), { type: "unheard" }]),
      say("cursors:1", 0, null),
    );
    ada.say(say("cursors:1", 0, moved(-1)));
    ada.say(unsubscribe("cursors:1"), say("cursors:1", 0, moved(1)));
    expect(await ada.heard()).toEqual([]);
    expect(refused.map(({ code }) => code)).toEqual([
      "not-subscribed",
      "unknown-message",
      "unknown-message",
      "invalid",
      "forbidden",
      "not-subscribed",
    ]);
    thrown = true;
    ada.say(subscribe("cursors:1", 2), say("cursors:1", 0, moved(1)));
    expect(types(await ada.heard())).toEqual(["Settled"]);
    expect(errors).toEqual([new Error("in the hook")]);
  });

  test("[EP5] several messages of one dispatch have one fate and are one push; what is kept of them is the last", async () => {
    const { server, client, refused } = wire();
    server.handle(cursors, { canSubscribe: () => true, canDispatch: ({ x }) => x > 0 });
    const [ada, eve] = [await client(), await client()];
    const a = authorTag(ada.identity.clientId, "cursors:1");
    ada.say(subscribe("cursors:1"));
    await ada.heard();
    ada.say(say("cursors:1", 0, [moved(1), moved(2)]));
    expect(await ada.heard()).toEqual([push([a, null, [moved(1), moved(2)]])]);
    ada.say(say("cursors:1", 0, [moved(3), moved(-1)]));
    const many = Array.from({ length: 101 }, () => moved(4));
    ada.say(say("cursors:1", 0, many));
    expect(await ada.heard()).toEqual([]);
    expect(refused.map(({ code }) => code)).toEqual(["forbidden", "too-large"]);
    eve.say(subscribe("cursors:1"));
    expect((await eve.heard())[1]).toEqual(push([a, null, [moved(2)]]));
  });

  test("[EP4] the server's pushes reach subscribers of both kinds of topics; …From spares its client", async () => {
    const { server, client } = wire();
    server.handle(cursors, { public: true });
    server.handle(list, { public: true });
    server.handle(session, { public: true });
    const ada = await client();
    const bob = await client();
    for (const one of [ada, bob]) one.say(subscribe("cursors:1"), subscribe("list:1"), subscribe("@"));
    await ada.heard();
    await bob.heard();
    const { clientId } = ada.identity;
    const tag = authorTag(clientId, "list:1");
    server.topic(list, "1").push({ type: "cleared" });
    server.topic(list, "1").pushFrom(clientId, { type: "added", item: "x" });
    expect(await ada.heard()).toEqual([
      { type: "Push", target: "list:1", pushes: [[null, null, [{ type: "cleared" }]]] },
    ]);
    expect(await bob.heard()).toEqual([
      {
        type: "Push",
        target: "list:1",
        pushes: [
          [null, null, [{ type: "cleared" }]],
          [tag, null, [{ type: "added", item: "x" }]],
        ],
      },
    ]);
    server.broadcast(cursors, moved(1));
    server.broadcastFrom(clientId, cursors, moved(2));
    expect(await ada.heard()).toEqual([push([null, null, [moved(1)]])]);
    expect(await bob.heard()).toEqual([
      push([null, null, [moved(1)]], [authorTag(clientId, "cursors:1"), null, [moved(2)]]),
    ]);
    server.session(clientId).push({ type: "named", name: "x" });
    expect(await ada.heard()).toEqual([
      { type: "Push", target: "@", pushes: [[null, null, [{ type: "named", name: "x" }]]] },
    ]);
    expect(await bob.heard()).toEqual([]);
    expect((await server.topic(list, "1").read()).sequence).toBe(0);
  });

  test("[EP4] a push of what is no message throws at its caller, and nothing leaves", async () => {
    const { server, client } = wire();
    server.handle(cursors, { public: true });
    const ada = await client();
    ada.say(subscribe("cursors:1"));
    await ada.heard();
    expect(() => server.topic(cursors, "1").push({ type: "unheard" } as never)).toThrow(
      /no message of slice "cursors:\*"/,
    );
    expect(() => server.topic(cursors, "1").push(7 as never)).toThrow();
    await expect(server.topic(cursors, "1").dispatch(moved(1))).rejects.toThrow(/ephemeral/);
    expect(await ada.heard()).toEqual([]);
  });

  test("[EP1] [EP4] pushes reach other nodes, in the order of their own, and spare their client there too", async () => {
    const hand = handClock();
    const rings = handPubSub();
    const log = memoryLog({ shared: true });
    const near = wire({ log, pubsub: rings.pubsub }, hand);
    const far = wire({ log, pubsub: rings.pubsub, random: countingRandom(9) }, hand);
    for (const { server } of [near, far]) {
      server.handle(cursors, { public: true });
      server.handle(list, { public: true });
    }
    const ada = await near.client();
    const bob = await far.client();
    for (const one of [ada, bob]) one.say(subscribe("cursors:1"), subscribe("list:1"));
    await ada.heard();
    await bob.heard();
    ada.say(say("cursors:1", 0, moved(1)));
    near.server.topic(cursors, "1").pushFrom(bob.identity.clientId, moved(2));
    near.server.topic(list, "1").push({ type: "cleared" });
    expect(types(await ada.heard())).toEqual(["Push", "Push"]);
    rings.deliver();
    expect(await bob.heard()).toEqual([
      push([authorTag(ada.identity.clientId, "cursors:1"), null, [moved(1)]]),
      { type: "Push", target: "list:1", pushes: [[null, null, [{ type: "cleared" }]]] },
    ]);
    expect(await ada.heard()).toEqual([]); // nobody hears itself
    for (const garbage of [
      undefined,
      null,
      7,
      {},
      { node: "x", kind: "push", pushed: 7 },
      { node: "x", kind: "push", pushed: [1, null, moved(1)] },
      { node: "x", kind: "push", pushed: [1, null, [moved(1)]], except: 7 },
      { node: "x", kind: "appended" },
    ])
      rings.ring("target:cursors:1", garbage);
    expect(await bob.heard()).toEqual([]);
    expect(far.errors.length + near.errors.length).toBeGreaterThan(0); // reported, and that is all
    const listening = rings.listening("target:cursors:1");
    ada.say(unsubscribe("cursors:1"));
    await ada.heard();
    expect(rings.listening("target:cursors:1")).toBe(listening - 1);
  });
});
