// Topics that only the server makes: what becomes of messages to them and of requests to subscribe until it has.
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  countingRandom,
  handClock,
  handPubSub,
  hello,
  say,
  subscribe,
  types,
  unsubscribe,
} from "../../test/wired.ts";
import { list, session, wire, wiring } from "../../test/wired.ts";
import { ASK_AGAIN, MOST_EXPECTED } from "./awaited-topics.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import type { LogStorage } from "../log/log.ts";

const room = defineTopic("room:*", {
  created: "server",
  model: z.object({ lines: z.array(z.string()) }),
  initial: () => ({ lines: [] }),
  messages: { said: z.object({ line: z.string() }) },
  update: { said: ({ lines }, { line }) => ({ lines: [...lines, line] }) },
});
const withRooms = defineWiring({ session, topics: [list, room] });
const HOUR = 3_600_000;
const said = (line: string) => ({ type: "said", line }) as const;

type Options = NonNullable<Parameters<typeof wire>[0]>;
function rooms(options: Options = {}, handlers: object = { public: true }, hand = handClock()) {
  const wired = wire({ ...options, wiring: withRooms as never, serialiser: automatic(json()) }, hand);
  wired.server.handle(room as never, handlers);
  const topic = (name: string) => wired.server.topic(room as never, ...([name] as never));
  const make = (name: string, line = "welcome") => wired.done(topic(name).dispatch(said(line) as never));
  const client = () => wired.client(undefined, undefined, { remoteAddress: "10.0.0.1" });
  return { ...wired, topic, make, client };
}
const missing = (ref: number, more: object = { retryable: false }) => ({
  type: "Unsubscribed",
  target: "room:1",
  ref,
  code: "missing",
  ...more,
});
const created = (ref: number) => ({
  type: "Unsubscribed",
  target: "room:1",
  ref,
  code: "created",
  retryable: true,
});
const rejected = (mid: number) => ({
  type: "Rejected",
  target: "room:1",
  mid,
  id: `id-${mid}`,
  from: "calla",
  code: "missing",
  details: {},
});

describe("dispatching", () => {
  test("[TE23] [TE36] a client's message is never the first record: it is rejected, and nothing is kept of it", async () => {
    const log = memoryLog();
    const { make, client, topic, done } = rooms({ log });
    const one = await client();
    one.say(say("room:1", 1, said("a")), say("room:1", 2, [said("b"), said("c")]));
    expect(await one.heard()).toEqual([rejected(1), rejected(2)]);
    expect(await log.open("room:1")).toBeUndefined();
    expect(await log.client("room:1", one.identity.clientId)).toBeUndefined();
    await make("1");
    one.say(say("room:1", 3, said("d"), { settled: 2 }));
    expect(await one.heard()).toMatchObject([{ type: "Acknowledge", mid: 3, sequence: 2 }]);
    expect((await done(topic("1").read())).model).toEqual({ lines: ["welcome", "d"] });
  });

  test("[TE23] nor a revival, nor the first of what was removed and has been forgotten", async () => {
    const { make, client, topic, done, advance } = rooms({
      limits: { identityLifetime: 8 * HOUR, recheckAfter: Infinity },
    });
    await make("1");
    await done(topic("1").remove());
    const one = await client();
    one.say(say("room:1", 1, said("a")));
    expect(await one.heard()).toMatchObject([{ type: "Rejected", code: "removed" }]);
    await advance(20 * HOUR);
    const two = await client();
    two.say(say("room:1", 1, said("b")));
    expect(await two.heard()).toMatchObject([{ type: "Rejected", code: "missing" }]);
    await make("1", "again");
    two.say(say("room:1", 2, said("c"), { settled: 1 }));
    expect(await two.heard()).toMatchObject([{ type: "Acknowledge", mid: 2, sequence: 2 }]);
  });

  test("[TE23] [TE30] what stands behind the server's own message in one turn is taken", async () => {
    const { client, topic } = rooms();
    const one = await client();
    one.say(say("room:1", 1, said("early")));
    expect(await one.heard()).toEqual([rejected(1)]);
    const made = topic("1").dispatch(said("welcome") as never);
    await Promise.resolve();
    one.say(say("room:1", 2, said("a"), { settled: 1 }));
    expect(await one.heard()).toMatchObject([{ type: "Acknowledge", mid: 2, sequence: 2 }]);
    expect(await made).toEqual({ sequence: 1 });
  });

  test("[TE23] [HA7] what a hook returns does not make it either", async () => {
    const { client, errors, topic, advance, done } = rooms(
      { log: expiring() },
      { public: true, onUnsubscribe: () => said("gone") },
    );
    await done(topic("1").dispatch(said("welcome") as never));
    const one = await client();
    one.say(subscribe("room:1"));
    expect(types(await one.heard())).toEqual(["Settled", "Snapshot"]);
    gone = true;
    one.drop();
    await advance(120_000);
    expect(errors).toEqual([]);
    expect((await done(topic("1").read())).sequence).toBe(0);
  });
  let gone = false;
  /** A log that loses its topics when told. */
  const expiring = (): LogStorage => {
    gone = false;
    const log = memoryLog();
    const empty = memoryLog();
    const ours = (): LogStorage => (gone ? empty : log);
    return {
      ...log,
      open: (...given) => ours().open(...given),
      read: (...given) => ours().read(...given),
      append: (...given) => ours().append(...given),
      client: (...given) => ours().client(...given),
    };
  };

  test("[TE23] [TE10] two nodes: it is refused only where the log has nothing of it", async () => {
    const hand = handClock();
    const rings = handPubSub();
    const log = memoryLog({ shared: true });
    const near = rooms({ log, pubsub: rings.pubsub, secret: "a secret of all the nodes" }, undefined, hand);
    const far = rooms(
      { log, pubsub: rings.pubsub, secret: "a secret of all the nodes", random: countingRandom(9) },
      undefined,
      hand,
    );
    const one = await near.client();
    one.say(say("room:1", 1, said("a")));
    expect(await one.heard()).toEqual([rejected(1)]);
    await far.make("1");
    rings.lose(); // near has the topic open, empty, and does not know
    one.say(say("room:1", 2, said("b"), { settled: 1 }));
    expect(await one.heard()).toMatchObject([{ type: "Acknowledge", mid: 2, sequence: 2 }]);
  });
});

describe("a subscription", () => {
  test("[FO8] is refused as missing, and the client hears once when there is one", async () => {
    const { make, client } = rooms();
    const one = await client();
    one.say(subscribe("room:1", 4));
    expect(await one.heard()).toEqual([missing(4)]);
    await make("2");
    expect(await one.heard()).toEqual([]);
    await make("1");
    expect(await one.heard()).toEqual([created(4)]);
    one.say(subscribe("room:1", 5));
    expect(types(await one.heard())).toEqual(["Settled", "Snapshot"]);
    await make("1", "more");
    expect(types(await one.heard())).toEqual(["TopicUpdate"]);
  });

  test("[FO8] who does not wait any more hears nothing: unsubscribed, gone, asked again", async () => {
    const { make, client } = rooms();
    const [one, two, three] = [await client(), await client(), await client()];
    for (const each of [one, two, three]) each.say(subscribe("room:1", 1));
    for (const each of [one, two, three]) expect(await each.heard()).toEqual([missing(1)]);
    one.say(unsubscribe("room:1", 1));
    two.drop();
    three.say(subscribe("room:1", 2));
    expect(await three.heard()).toEqual([missing(2)]);
    await make("1");
    expect([await one.heard(), await two.heard(), await three.heard()]).toEqual([[], [], [created(2)]]);
  });

  test("[FO8] an older unsubscribe does not end the waiting of a newer request", async () => {
    const { make, client } = rooms();
    const one = await client();
    one.say(subscribe("room:1", 2), unsubscribe("room:1", 1));
    expect(await one.heard()).toEqual([missing(2)]);
    await make("1");
    expect(await one.heard()).toEqual([created(2)]);
  });

  test.each(["rings", "rings that are lost", "the moment between"])(
    "[FO8] [SV6] [FO9] from another node: by its %s",
    async (how) => {
      const hand = handClock();
      const rings = handPubSub();
      const log = memoryLog({ shared: true });
      const options = { pubsub: rings.pubsub, secret: "a secret of all the nodes" };
      const far = rooms({ ...options, log, random: countingRandom(9) }, undefined, hand);
      let hold: Promise<void> | undefined;
      const near = rooms(
        {
          ...options,
          log: {
            ...log,
            open: async (...given) => {
              const found = await log.open(...given);
              await hold;
              return found;
            },
          },
        },
        undefined,
        hand,
      );
      const one = await near.client();
      let go = (): void => undefined;
      if (how === "the moment between") hold = new Promise((resolve) => (go = resolve));
      one.say(subscribe("room:1"));
      if (how === "the moment between") {
        expect(await one.heard()).toEqual([]);
        await far.make("1");
        rings.deliver(); // nobody near has subscribed, so nobody looks
        hold = undefined;
        go();
        expect(await one.heard()).toEqual([missing(1), created(1)]);
      } else {
        expect(await one.heard()).toEqual([missing(1)]);
        await far.make("1");
        if (how === "rings") rings.deliver();
        else {
          rings.lose();
          expect(await one.heard()).toEqual([]);
          await hand.advance(5_000);
        }
        expect(await one.heard()).toEqual([created(1)]);
      }
      one.say(subscribe("room:1", 2));
      expect(types(await one.heard())).toEqual(["Settled", "Snapshot"]);
      one.drop();
      await hand.advance(120_000);
      expect(rings.listening("target:room:1")).toBe(0);
    },
  );

  test("[FO8] [FO10] so many are remembered for one connection; what is over that is to be asked for again, later", async () => {
    const { client, make } = rooms();
    const one = await client();
    const most = MOST_EXPECTED.ofOne;
    one.say(...Array.from({ length: most }, (_, i) => subscribe(`room:x${i}`, i + 1)));
    const answers = await one.heard();
    expect(answers.filter((frame) => frame.type === "Unsubscribed" && !frame.retryable).length).toBe(most);
    one.say(subscribe("room:1", 1_000));
    expect(await one.heard()).toEqual([missing(1_000, { retryable: true, retryAfter: ASK_AGAIN })]);
    await make("1");
    expect(await one.heard()).toEqual([]);
    one.say(unsubscribe("room:x0", 1), subscribe("room:2", 1_001));
    expect(await one.heard()).toMatchObject([{ code: "missing", retryable: false }]);
  });

  test("[FO8] [AU15] rights that change meanwhile: it asks again, and is refused", async () => {
    let allowed = true;
    const { client, server, done, make } = rooms({}, { canSubscribe: () => allowed });
    const one = await client();
    one.say(subscribe("room:1", 1));
    expect(await one.heard()).toEqual([missing(1)]);
    allowed = false;
    await done(server.reauthorise());
    expect(await one.heard()).toEqual([created(1)]);
    one.say(subscribe("room:1", 2));
    expect(await one.heard()).toMatchObject([{ code: "forbidden", retryable: false }]);
    await make("1");
    expect(await one.heard()).toEqual([]);
  });

  test("[FO8] [HA8] [HA9] the server subscribes a client to what is not there, and revokes it again", async () => {
    const { client, server, make, done } = rooms({}, { canSubscribe: () => false });
    const [one, two] = [await client(), await client()];
    for (const { identity } of [one, two])
      server.subscribe(identity.clientId, room as never, ...(["1"] as never));
    expect([await one.heard(), await two.heard()]).toEqual([[missing(0)], [missing(0)]]);
    await done(server.reauthorise());
    expect([await one.heard(), await two.heard()]).toEqual([[missing(0)], [missing(0)]]);
    server.unsubscribe(two.identity.clientId, room as never, ...(["1"] as never));
    expect(await two.heard()).toMatchObject([{ type: "Unsubscribed", target: "room:1", ref: 0 }]);
    await make("1");
    expect(types(await one.heard())).toEqual(["Settled", "Snapshot"]);
    expect(await two.heard()).toEqual([]);
  });

  test("[FO8] [HT6] [FO10] a poll hears it, and is remembered nowhere", async () => {
    const { socket, client, make } = rooms();
    const { identity } = await client();
    const poll = socket({ finish: () => undefined });
    const targets = [{ target: "room:1", ref: 1, settled: 0, sent: 0 }];
    poll.say(hello({ poll: true, slices: wiring.versions(), identity, targets }));
    expect((await poll.heard()).slice(1)).toEqual([missing(1)]);
    await make("1");
    expect(await poll.heard()).toEqual([]);
  });

  test("[WR28] a slice that says nothing is made by whoever may dispatch", async () => {
    const { server, client } = rooms();
    server.handle(list as never, { public: true });
    const one = await client();
    one.say(subscribe("list:1"), say("list:1", 1, { type: "added", item: "a" }));
    expect(types(await one.heard())).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
  });
});
