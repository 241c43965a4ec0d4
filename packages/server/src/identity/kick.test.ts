import { describe, expect, test } from "vitest";
import {
  countingRandom,
  handClock,
  handPubSub,
  hello,
  inHand,
  list,
  say,
  subscribe,
  wire,
} from "../../test/wired.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const added = (mid: number) => say("list:1", mid, { type: "added", item: `${mid}` });

describe("[AU18] a client that is sent away by its id", () => {
  test("hears the code and whether to come back; others go on, and it is observed as its end", async () => {
    const ends: unknown[] = [];
    const { server, client } = wire({
      observe(event) {
        if (event.type === "disconnected") ends.push([event.clientId, event.code]);
      },
    });
    server.handle(list, { public: true });
    const [ada, bob] = [await client(), await client()];
    for (const one of [ada, bob]) one.say(subscribe("list:1"));
    await bob.heard();
    await ada.heard();
    const { clientId } = ada.identity;
    expect(server.disconnect(clientId, { code: "too-loud", retryable: true, within: 250 })).toBe(1);
    expect(await ada.heard()).toEqual([
      { type: "Closing", code: "app:too-loud", retryable: true, within: 250 },
    ]);
    expect(ada.closed).toMatchObject([{ reason: "app:too-loud" }]);
    expect(ends).toEqual([[clientId, "app:too-loud"]]);
    // Nobody is there any more by that name.
    expect(server.disconnect(clientId)).toBe(0);
    expect(bob.closed).toEqual([]);
    bob.say(added(1));
    expect(await bob.heard()).toMatchObject([{ type: "TopicUpdate" }]);
    expect(server.disconnect(bob.identity.clientId)).toBe(1);
    expect(await bob.heard()).toEqual([
      { type: "Closing", code: "disconnected", retryable: false, within: 0 },
    ]);
  });

  test("[AU30] may come back under the same identity, unless authenticate refuses", async () => {
    let lets = true;
    const { server, client, socket } = wire({ authenticate: () => (lets ? { id: "ada" } : null) });
    const ada = await client();
    server.disconnect(ada.identity.clientId);
    const again = await client(ada.identity);
    expect(again.connected.clientId).toBe(ada.identity.clientId);
    lets = false;
    server.disconnect(ada.identity.clientId);
    const refused = socket();
    refused.say(hello({ identity: ada.identity }));
    expect(await refused.heard()).toMatchObject([
      { type: "Closing", code: "unauthenticated", retryable: false },
    ]);
  });

  test("is sent away from other nodes too, and a payload that says nothing of the kind is reported", async () => {
    const hand = handClock();
    const log = memoryLog({ shared: true });
    const rings = handPubSub();
    const near = wire({ log, pubsub: rings.pubsub }, hand);
    const far = wire({ log, pubsub: rings.pubsub, random: countingRandom(7) }, hand);
    const ada = await far.client();
    const bob = await far.client();
    expect(near.server.disconnect(ada.identity.clientId, { code: "out" })).toBe(0);
    rings.deliver();
    expect(await ada.heard()).toMatchObject([{ type: "Closing", code: "app:out", retryable: false }]);
    expect(bob.closed).toEqual([]);
    const { clientId } = bob.identity;
    const right = { clientId, code: "app:out", retryable: false, within: 0 };
    const bad = [
      undefined,
      null,
      {},
      { ...right, code: "app:<b>" },
      { ...right, code: "superseded" },
      { ...right, within: -1 },
      { ...right, clientId: "" },
    ];
    for (const kick of bad) rings.ring("disconnect", { node: "another", kick });
    expect(await bob.heard()).toEqual([]);
    expect(far.errors).toHaveLength(bad.length);
    await far.done(far.server.stop());
    expect(rings.listening("disconnect")).toBe(1);
  });

  test("what waits in a packet of its own ends too, and is not taken", async () => {
    const it = wire();
    const answer = inHand<boolean>();
    it.server.handle(list, { canSubscribe: () => answer.promise, canDispatch: () => true });
    const ada = await it.client();
    const said = it.post(hello({ identity: ada.identity }), added(1));
    await it.settle();
    expect(it.server.disconnect(ada.identity.clientId, { code: "out" })).toBe(2);
    answer.keep(true);
    await it.settle();
    expect(said.heard).toMatchObject([{ type: "Closing", code: "app:out", retryable: false }]);
    expect((await it.done(it.server.topic(list, "1").read())).model.items).toEqual([]);
  });

  test.each([
    ["", {}],
    ["c", { code: "" }],
    ["c", { code: "two words" }],
    ["c", { code: "x".repeat(65) }],
    ["c", { within: Number.NaN }],
    ["c", { within: -1 }],
    ["c", { retryable: "no" as unknown as boolean }],
  ])("refuses what names nobody, or nothing that can be said: %j %j", (clientId, options) => {
    expect(() => wire().server.disconnect(clientId, options)).toThrow(/disconnect wants a clientId/);
  });
});
