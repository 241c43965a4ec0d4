// Heartbeats and joins, frame by frame. Messages and ends are in joined-channel.test.ts.
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { handClock, inHand } from "../../../test/wired.ts";
import { closed, reply as replied, settled, talk } from "../../../test/phoenix-talk.ts";
import { createChannels, defineChannel, joined, refused, reply } from "../index.ts";
import type { StopReason } from "../index.ts";

const silent = { onError: () => undefined };
const echo = defineChannel("room:*").handleIn("echo", (payload) => reply(payload));

describe("heartbeat", () => {
  const client = () => talk(createChannels());
  it("[HB1] is answered", () => {
    expect(client().say([null, "1", "phoenix", "heartbeat", {}])).toEqual([
      replied(null, "1", "phoenix", "ok"),
    ]);
  });
  it("[HB2] without its join_ref", () => {
    expect(client().say(["9", "1", "phoenix", "heartbeat", {}])).toEqual([
      replied(null, "1", "phoenix", "ok"),
    ]);
  });
  it.each([7, null, { a: [1] }, "x"])("[HB3] with its ref %j", (ref) => {
    expect(client().say([null, ref, "phoenix", "heartbeat", {}])).toEqual([
      replied(null, ref, "phoenix", "ok"),
    ]);
  });
  it("[HB4] another event on its topic is not joined", () => {
    expect(client().say([null, "1", "phoenix", "other", {}])).toEqual([
      replied(null, "1", "phoenix", "error", { reason: "unmatched topic" }),
    ]);
  });
  it("[HB5] its topic is joined only where the app registers it", () => {
    expect(client().join("phoenix")).toEqual([
      replied(null, "1", "phoenix", "error", { reason: "unmatched topic" }),
    ]);
    const own = talk(createChannels().register(defineChannel("phoenix")));
    expect(own.join("phoenix")).toEqual([replied("1", "1", "phoenix", "ok")]);
    expect(own.say([null, "2", "phoenix", "heartbeat", {}])).toEqual([replied(null, "2", "phoenix", "ok")]);
  });
});

describe("join", () => {
  const ask = (answer: () => unknown, options = {}) =>
    talk(createChannels({ ...silent, ...options }).register(defineChannel("room:*").join(answer as never)));

  it("[JN1] is answered ok", () => {
    expect(talk(createChannels().register(echo)).join("room:1")).toEqual([replied("1", "1", "room:1", "ok")]);
  });
  it("[JN2] with the app's response", () => {
    expect(ask(() => joined({}, { motd: "hi" })).join("room:1")).toEqual([
      replied("1", "1", "room:1", "ok", { motd: "hi" }),
    ]);
  });
  it.each([[[1, 2]], ["text"], [null], [3]])("[JN3] which may be %j", (response) => {
    expect(ask(() => joined({}, response as never)).join("room:1")).toEqual([
      replied("1", "1", "room:1", "ok", response as never),
    ]);
  });
  it("[JN3] or bytes", () => {
    const [frame] = ask(() => joined({}, new Uint8Array([9, 8]))).join("room:1");
    expect([...(frame as Uint8Array).slice(0, 2), ...(frame as Uint8Array).slice(-2)]).toEqual([1, 1, 9, 8]);
  });
  it("[JN4] echoes join_ref and ref", () => {
    const client = talk(createChannels().register(echo));
    expect(client.say(["a", "b", "room:1", "phx_join", {}])).toEqual([replied("a", "b", "room:1", "ok")]);
  });
  it("[JN5] is refused by the app", () => {
    expect(ask(() => refused("unauthorized")).join("room:1")).toEqual([
      replied("1", "1", "room:1", "error", { reason: "unauthorized" }),
    ]);
    expect(ask(() => refused({ code: 7 })).join("room:1")).toEqual([
      replied("1", "1", "room:1", "error", { code: 7 }),
    ]);
  });
  it("[JN6] crashes where its handler throws, rejects or returns something else", async () => {
    const errors: unknown[] = [];
    const crash = [replied("1", "1", "room:1", "error", { reason: "join crashed" })];
    const options = { onError: (error: unknown) => void errors.push(error) };
    const boom = new Error("boom");
    expect(
      ask(() => {
        throw boom;
      }, options).join("room:1"),
    ).toEqual(crash);
    expect(ask(() => ({ ok: true }), options).join("room:1")).toEqual(crash);
    const late = ask(() => Promise.reject(boom), options);
    expect(late.join("room:1")).toEqual([]);
    await settled();
    expect(late.take()).toEqual(crash);
    expect(errors).toEqual([boom, expect.any(TypeError), boom]);
  });
  it("[JN7] of a topic that is nobody's is unmatched, without its join_ref", () => {
    expect(talk(createChannels().register(echo)).join("other:1")).toEqual([
      replied(null, "1", "other:1", "error", { reason: "unmatched topic" }),
    ]);
  });
  it("[JN8] goes to the first pattern that matches", () => {
    const named = (pattern: string, name: string) => defineChannel(pattern).join(() => joined({}, { name }));
    const first = createChannels().register(named("room:exact", "exact")).register(named("room:*", "any"));
    expect(talk(first).join("room:exact")).toEqual([
      replied("1", "1", "room:exact", "ok", { name: "exact" }),
    ]);
    const second = createChannels().register(named("room:*:b", "b")).register(named("room:a:*", "a"));
    expect(talk(second).join("room:a:b")).toEqual([replied("1", "1", "room:a:b", "ok", { name: "b" })]);
    expect(() => first.register(named("room:other", "other"))).toThrow(/Register the narrower one first/);
  });
  it("[JN9] a trailing * stands for nothing, too", () => {
    expect(talk(createChannels().register(echo)).join("room:")).toEqual([replied("1", "1", "room:", "ok")]);
  });
  it("[JN10] an exact pattern is no prefix", () => {
    const client = talk(createChannels().register(defineChannel("system")));
    expect(client.join("system")).toEqual([replied("1", "1", "system", "ok")]);
    expect(client.join("system:1", "2")).toEqual([
      replied(null, "2", "system:1", "error", { reason: "unmatched topic" }),
    ]);
  });
  it("[JN11] of a topic of any characters", () => {
    expect(talk(createChannels().register(echo)).join("room:räume 🏠")).toEqual([
      replied("1", "1", "room:räume 🏠", "ok"),
    ]);
  });
  it.each([[null], ["text"], [[1]], [{ a: 1 }]])("[JN12] is handed %j as it is", (payload) => {
    const given: unknown[] = [];
    const room = defineChannel("room:*").join((joining) => {
      given.push(joining.payload, joining.topic, joining.params);
      return joined();
    });
    talk(createChannels().register(room)).join("room:7", "1", payload);
    expect(given).toEqual([payload, "room:7", ["7"]]);
  });
  it("[JN13] is refused by its schema, which may be asynchronous", async () => {
    let asked = 0;
    const room = (schema: z.ZodType<{ device: string }>) =>
      defineChannel("room:*").join(schema, ({ payload }) => {
        asked++;
        return joined({ device: payload.device }, { is: payload.device });
      });
    const wrong = [
      replied("1", "1", "room:1", "error", {
        reason: "invalid params",
        issues: [{ message: expect.any(String) as string, path: ["device"] }],
      }),
    ];
    const schema = z.object({ device: z.string() });
    expect(talk(createChannels().register(room(schema))).join("room:1", "1", { device: 1 })).toEqual(wrong);
    const slow = talk(createChannels().register(room(schema.refine(async ({ device }) => device !== "no"))));
    expect(slow.join("room:1", "1", { device: "no" })).toEqual([]);
    await settled();
    expect(slow.take()).toEqual([
      replied("1", "1", "room:1", "error", {
        reason: "invalid params",
        issues: [{ message: expect.any(String) as string, path: [] }],
      }),
    ]);
    expect(asked).toBe(0);
    expect(slow.join("room:1", "2", { device: "phone" })).toEqual([]);
    await settled();
    expect(slow.take()).toEqual([replied("2", "2", "room:1", "ok", { is: "phone" })]);
  });
  it("[JN14] is answered before all else of the channel", async () => {
    const gate = inHand<void>();
    const channels = createChannels();
    channels.register(
      defineChannel("room:*")
        .join(async () => {
          await gate.promise;
          channels.broadcast("room:1", "from_join", {});
          return joined();
        })
        .joined((socket) => socket.push("after_join", { a: 1 })),
    );
    const client = talk(channels);
    client.join("room:1");
    channels.broadcast("room:1", "early", {});
    gate.keep();
    await settled();
    channels.broadcast("room:1", "late", {});
    expect(client.take()).toEqual([
      replied("1", "1", "room:1", "ok"),
      ["1", null, "room:1", "after_join", { a: 1 }],
      [null, null, "room:1", "late", {}],
    ]);
  });
  it("[JN15] does not hear what its own handler broadcasts", () => {
    const channels = createChannels();
    const room = defineChannel("room:*").join(({ topic }) => {
      channels.broadcast(topic, "from_join", {});
      return joined();
    });
    channels.register(room);
    const other = talk(channels);
    other.join("room:1");
    const client = talk(channels);
    expect(client.join("room:1")).toEqual([replied("1", "1", "room:1", "ok")]);
    expect(other.take()).toEqual([[null, null, "room:1", "from_join", {}]]);
  });
  it("[JN16] holds up its own topic only, in order", async () => {
    const gate = inHand<void>();
    const slow = defineChannel("slow:*")
      .join(async () => {
        await gate.promise;
        return joined();
      })
      .handleIn("echo", (payload) => reply(payload));
    const client = talk(createChannels().register(slow).register(echo));
    expect(client.join("slow:1")).toEqual([]);
    expect(client.say(["1", "2", "slow:1", "echo", { n: 1 }])).toEqual([]);
    expect(client.say(["3", "3", "slow:1", "phx_join", {}])).toEqual([]);
    expect(client.say(["3", "4", "slow:1", "echo", { n: 2 }])).toEqual([]);
    expect(client.say([null, "5", "phoenix", "heartbeat", {}])).toHaveLength(1);
    expect(client.join("room:1", "6")).toHaveLength(1);
    gate.keep();
    await settled();
    expect(client.take()).toEqual([
      replied("1", "1", "slow:1", "ok"),
      replied("1", "2", "slow:1", "ok", { n: 1 }),
      replied("3", "3", "slow:1", "ok"),
      closed("1", "slow:1"),
      replied("3", "4", "slow:1", "ok", { n: 2 }),
    ]);
  });
  it("[JN16] what waited behind a join that is refused is not joined", async () => {
    const gate = inHand<void>();
    const slow = defineChannel("slow:*").join(async () => {
      await gate.promise;
      return refused("no");
    });
    const client = talk(createChannels().register(slow));
    client.join("slow:1");
    client.say(["1", "2", "slow:1", "echo", {}]);
    client.say(["1", "3", "slow:1", "phx_leave", {}]);
    gate.keep();
    await settled();
    expect(client.take()).toEqual([
      replied("1", "1", "slow:1", "error", { reason: "no" }),
      replied(null, "2", "slow:1", "error", { reason: "unmatched topic" }),
      replied("1", "3", "slow:1", "ok"),
    ]);
  });
  it("[JN17] compares refs by type and value", () => {
    const client = talk(createChannels().register(echo));
    client.join("room:1", 1);
    expect(client.say(["1", "2", "room:1", "echo", {}])).toEqual([]);
    expect(client.say([1, 2, "room:1", "echo", {}])).toEqual([replied(1, 2, "room:1", "ok")]);
    client.join("room:2", { a: 1 } as never);
    expect(client.say([{ a: 1 }, 3, "room:2", "echo", {}])).toEqual([replied({ a: 1 }, 3, "room:2", "ok")]);
    expect(client.say([{ a: 2 }, 4, "room:2", "echo", {}])).toEqual([]);
  });
  it("[JN18] without a join_ref is reached without one", () => {
    const room = echo.joined((socket) => socket.push("after_join", {}));
    const client = talk(createChannels().register(room));
    expect(client.say([null, "7", "room:1", "phx_join", {}])).toEqual([
      replied(null, "7", "room:1", "ok"),
      ["7", null, "room:1", "after_join", {}],
    ]);
    expect(client.say(["7", "8", "room:1", "echo", {}])).toEqual([]);
    expect(client.say([null, "9", "room:1", "echo", { a: 1 }])).toEqual([
      replied("7", "9", "room:1", "ok", { a: 1 }),
    ]);
    expect(client.say([null, "10", "room:1", "phx_leave", {}])).toEqual([
      replied("7", "10", "room:1", "ok"),
      closed(null, "room:1"),
    ]);
  });
  it("[JN19] ignores a sixth element", () => {
    const client = talk(createChannels().register(echo));
    expect(client.say(["1", "1", "room:1", "phx_join", {}, "more", 6])).toEqual([
      replied("1", "1", "room:1", "ok"),
    ]);
  });
  it("[JN20] [JN22] [JN23] [JN24] is refused above a hundred, which leaving, rejoining and refusals respect", () => {
    const room = defineChannel("room:*").join(({ topic }) =>
      topic === "room:no" ? refused("no") : joined(),
    );
    const client = talk(createChannels().register(room));
    for (let i = 0; i < 99; i++) client.join(`room:${i}`, `${i}`);
    for (let i = 0; i < 5; i++) expect(client.join("room:no", `no ${i}`)).toHaveLength(1);
    expect(client.join("room:99", "99")).toEqual([replied("99", "99", "room:99", "ok")]);
    expect(client.join("room:100", "100")).toEqual([
      replied("100", "100", "room:100", "error", { reason: "too many channels joined" }),
    ]);
    expect(client.join("room:5", "again")).toEqual([
      replied("again", "again", "room:5", "ok"),
      closed("5", "room:5"),
    ]);
    client.say(["6", "l", "room:6", "phx_leave", {}]);
    expect(client.join("room:100", "100")).toEqual([replied("100", "100", "room:100", "ok")]);
  });
  it("[JN21] that limit can be set", () => {
    const client = talk(createChannels({ limits: { maxChannelsPerSocket: 1 } }).register(echo));
    client.join("room:1");
    expect(client.join("room:2", "2")).toEqual([
      replied("2", "2", "room:2", "error", { reason: "too many channels joined" }),
    ]);
  });
  it("[JN25] over V1 is answered by a map without a join_ref", () => {
    const client = talk(createChannels().register(echo), { vsn: "1.0.0" });
    expect(client.say({ topic: "room:1", event: "phx_join", payload: {}, ref: "1" })).toEqual([
      { topic: "room:1", event: "phx_reply", payload: { status: "ok", response: {} }, ref: "1" },
    ]);
  });
  it("[JN26] as a binary frame gives bytes", () => {
    const given: unknown[] = [];
    const room = defineChannel("room:*").join(({ payload }) => {
      given.push(payload);
      return joined();
    });
    const client = talk(createChannels().register(room));
    const text = "11room:1phx_join";
    const frame = Buffer.concat([Buffer.from([0, 1, 1, 6, 8]), Buffer.from(text), Buffer.from([1, 2])]);
    expect(client.say(new Uint8Array(frame))).toEqual([replied("1", "1", "room:1", "ok")]);
    expect(given).toEqual([new Uint8Array([1, 2])]);
  });
  it("[JN27] over its rate is refused", async () => {
    const hand = handClock();
    const channels = createChannels({ clock: hand.clock, limits: { joinRate: 1, joinBurst: 2 } }).register(
      echo,
    );
    const client = talk(channels);
    client.join("room:1", "1");
    client.join("room:2", "2");
    expect(client.join("room:3", "3")).toEqual([
      replied("3", "3", "room:3", "error", { reason: "rate_limited" }),
    ]);
    await hand.advance(1_000);
    expect(client.join("room:3", "4")).toEqual([replied("4", "4", "room:3", "ok")]);
  });
  it("[JN28] that takes too long is refused, its signal aborts, and a late acceptance is terminated", async () => {
    const hand = handClock();
    const gate = inHand<void>();
    const ends: StopReason[] = [];
    let aborted = false;
    const room = defineChannel("room:*")
      .join(async ({ signal }) => {
        signal.addEventListener("abort", () => (aborted = true));
        await gate.promise;
        return joined();
      })
      .terminate((reason) => void ends.push(reason));
    const client = talk(createChannels({ clock: hand.clock }).register(room));
    client.join("room:1");
    await hand.advance(9_999);
    expect(client.take()).toEqual([]);
    await hand.advance(1);
    expect(client.take()).toEqual([replied("1", "1", "room:1", "error", { reason: "timeout" })]);
    expect(aborted).toBe(true);
    gate.keep();
    await settled();
    expect(client.take()).toEqual([]);
    expect(ends).toEqual([{ type: "shutdown", why: "timeout" }]);
    expect(client.say(["1", "2", "room:1", "echo", {}])).toEqual([
      replied(null, "2", "room:1", "error", { reason: "unmatched topic" }),
    ]);
  });
  it.each(["its handler", "its answer"])("[JN29] [LV17] whose connection %s ends is terminated", (what) => {
    const ends: StopReason[] = [];
    const room = defineChannel("room:*")
      .join(() => {
        if (what === "its handler") client.gone();
        return joined();
      })
      .terminate((reason) => void ends.push(reason));
    const channels = createChannels().register(room);
    const client = talk(channels);
    if (what === "its answer") client.unwritten = 1_000_000_000; // it takes too little in
    client.join("room:1");
    expect(ends).toEqual([{ type: "shutdown", why: "closed" }]);
    client.unwritten = 0;
    channels.broadcast("room:1", "x", {});
    expect([client.take(), channels.sockets]).toEqual([[], 0]);
  });
  it("[JN29] whose client goes meanwhile says nothing, and is terminated", async () => {
    const gate = inHand<void>();
    const ends: StopReason[] = [];
    let aborted = false;
    const room = defineChannel("room:*")
      .join(async ({ signal }) => {
        signal.addEventListener("abort", () => (aborted = true));
        await gate.promise;
        return joined();
      })
      .terminate((reason) => void ends.push(reason));
    const channels = createChannels().register(room);
    const client = talk(channels);
    client.join("room:1");
    client.gone();
    expect(aborted).toBe(true);
    gate.keep();
    await settled();
    expect(client.take()).toEqual([]);
    expect(ends).toEqual([{ type: "shutdown", why: "closed" }]);
    channels.broadcast("room:1", "x", {});
    expect(client.take()).toEqual([]);
  });
  describe("[JN32] that the client leaves meanwhile", () => {
    const slow = (options = {}) => {
      const gate = inHand<void>();
      const ends: StopReason[] = [];
      const aborted: unknown[] = [];
      let joins = 0;
      const room = defineChannel("room:*")
        .join(async ({ payload, signal }) => {
          if (payload !== "slow") return joined({ nth: ++joins });
          signal.addEventListener("abort", () => aborted.push(payload));
          await gate.promise;
          return joined({ nth: ++joins });
        })
        .handleIn("echo", (payload) => reply(payload))
        .terminate((reason) => void ends.push(reason));
      return { client: talk(createChannels(options).register(room)), gate, ends, aborted };
    };
    it.each(["1", null])("by join_ref %j, is left at once, and the topic can be joined again", async (by) => {
      const { client, gate, ends, aborted } = slow();
      client.join("room:1", "1", "slow");
      expect(client.say([by, "2", "room:1", "phx_leave", {}])).toEqual([replied(by, "2", "room:1", "ok")]);
      expect(aborted).toEqual(["slow"]);
      client.join("room:1", "3");
      await settled();
      expect(client.take()).toEqual([replied("3", "3", "room:1", "ok")]);
      expect(ends).toEqual([]);
      gate.keep();
      await settled();
      expect(ends).toEqual([{ type: "normal", why: "left" }]);
      expect(client.say(["3", "4", "room:1", "echo", {}])).toEqual([replied("3", "4", "room:1", "ok")]);
    });
    it("says the end of the channel before", async () => {
      const { client, ends } = slow();
      client.join("room:1", "1");
      await settled();
      client.take();
      client.join("room:1", "2", "slow");
      expect(client.say(["2", "3", "room:1", "phx_leave", {}])).toEqual([
        replied("2", "3", "room:1", "ok"),
        closed("1", "room:1"),
      ]);
      expect(ends).toEqual([{ type: "shutdown", why: "duplicate-join" }]);
    });
    it("takes no notice of its time any more", async () => {
      const hand = handClock();
      const { client } = slow({ clock: hand.clock });
      client.join("room:1", "1", "slow");
      client.say(["1", "2", "room:1", "phx_leave", {}]);
      client.join("room:1", "3");
      await hand.advance(10_000);
      expect(client.take()).toEqual([replied("3", "3", "room:1", "ok")]);
    });
    it("is decided first where the leave is another's, where something was said before it, or strictly", async () => {
      const others: [object, ...unknown[]][] = [
        [{}, ["0", "2", "room:1", "phx_leave", {}]],
        [{}, ["1", "2", "room:1", "echo", {}], ["1", "3", "room:1", "phx_leave", {}]],
        [{ strictPhoenix: true }, ["1", "2", "room:1", "phx_leave", {}]],
      ];
      for (const [options, ...said] of others) {
        const { client, gate, aborted } = slow(options);
        client.join("room:1", "1", "slow");
        for (const frame of said) expect(client.say(frame)).toEqual([]);
        gate.keep();
        await settled();
        expect(client.take()[0]).toEqual(replied("1", "1", "room:1", "ok"));
        expect(aborted).toEqual([]);
      }
    });
  });
  it("[JN30] joins of several topics are answered in order", () => {
    const client = talk(createChannels().register(echo));
    const all = ["1", "2", "3"].flatMap((n) => client.join(`room:${n}`, n));
    expect(all).toEqual(["1", "2", "3"].map((n) => replied(n, n, `room:${n}`, "ok")));
  });
});
