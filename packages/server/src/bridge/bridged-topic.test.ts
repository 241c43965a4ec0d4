import type { AnyTopicSlice } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { bridged } from "../../test/bridged.ts";
import type { Told } from "../../test/bridged.ts";
import { board, wiring as listing } from "../../test/rosters.ts";
import { cursors, handClock, heldLog, list, other, say, subscribe } from "../../test/wired.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const open = (options?: Parameters<typeof bridged>[0], channels?: Parameters<typeof bridged>[1]) => {
  const world = bridged(options, channels);
  for (const slice of [list, other, cursors]) world.server.handle(slice, { public: true });
  return world;
};
const added = (item: string) => ({ type: "added", item });
type Answer = readonly [string, { readonly [name: string]: unknown }];
const identityOf = ([told]: readonly Told[]) => {
  const [, joined] = told!;
  const { client_id, secret } = joined as { readonly client_id: string; readonly secret: string };
  return { client_id, secret };
};

describe("a bridged topic", () => {
  test("[BR16] comes back from its cursor: with nothing, with the model, or with the messages", async () => {
    const { phoenix } = open();
    const bare = phoenix();
    const first = await bare.join();
    const params = identityOf(first);
    bare.dispatch(1, added("milk"));
    await bare.heard();
    const { sequence, mark } = first[0]![1] as { sequence: number; mark: number };
    const joined = async (payload: object, topic = phoenix({ params })): Promise<unknown> =>
      (await topic.join(payload))[0]![1];
    expect(await joined({ cursor: { sequence, mark }, settled: 0, sent: 1 })).toMatchObject({
      client_id: params.client_id,
      sequence: 1,
      next: 2,
      outcomes: [{ mid: 1, id: "p-1", status: "ok", sequence: 1 }],
      resync: "snapshot",
      model: { items: ["milk"] },
    });
    const now = (await joined({ form: "message", cursor: { sequence, mark }, settled: 1, sent: 1 })) as {
      mark: number;
    };
    expect(now).toMatchObject({
      outcomes: [],
      resync: "messages",
      updates: [{ sequence: 1, id: "p-1", messages: [added("milk")] }],
    });
    expect(now).not.toHaveProperty("secret");
    const current = await joined({ cursor: { sequence: 1, mark: now.mark }, settled: 1, sent: 1 });
    expect(current).toMatchObject({ sequence: 1, mark: now.mark, resync: "current", reason: "current" });
    expect(current).not.toHaveProperty("model");
    expect(await joined({ cursor: { sequence: 1, mark: 7 } })).toMatchObject({
      resync: "snapshot",
      reason: "other-history",
    });
  });

  test("[BR13] answers a mid that is said again as before, and tells what became of one that nobody waits for", async () => {
    const { phoenix } = open();
    const bare = phoenix();
    const params = identityOf(await bare.join());
    for (let times = 0; times < 2; times++) {
      bare.dispatch(1, added("milk"));
      expect((await bare.heard())[0]![1]).toEqual({ mid: 1, sequence: 1 });
    }
    const again = phoenix({ params });
    await again.join({ settled: 0, sent: 1 });
    again.dispatch(1, added("milk"));
    expect(await again.heard()).toEqual([["ok r1", { mid: 1, sequence: 1 }]]);
  });

  test("[BR13] an answer comes before the change, whoever else changes something in the same turn", async () => {
    const { phoenix, client } = open();
    const bare = phoenix();
    await bare.join();
    const calla = await client();
    calla.say(subscribe("list:1"));
    await calla.heard();
    calla.say(say("list:1", 1, added("a")));
    bare.dispatch(1, added("b"));
    calla.say(say("list:1", 2, added("c")));
    const heard = await bare.heard();
    expect(heard.filter(([event]) => event.startsWith("ok"))).toHaveLength(1);
    const answered = heard.findIndex(([event]) => event === "ok r1");
    const { sequence } = heard[answered]![1] as { sequence: number };
    expect(
      heard.findIndex(([, { sequence: to }], at) => at !== answered && (to as number) >= sequence),
    ).toBeGreaterThan(answered);
    expect(heard.at(-1)![1]).toMatchObject({ sequence: 3 });
  });

  test("[BR17] is paused where mids are missing, and answered when they come", async () => {
    const { phoenix } = open();
    const bare = phoenix();
    await bare.join();
    bare.dispatch(2, added("bread"));
    expect(await bare.heard()).toEqual([["paused", { from: 1, code: "gap", retry_after: 0 }]]);
    bare.dispatch(1, added("milk"));
    bare.dispatch(2, added("bread"));
    const heard = await bare.heard();
    expect(heard.filter(([event]) => event.startsWith("ok"))).toEqual([
      ["ok r2", { mid: 1, sequence: 1 }],
      ["ok r3", { mid: 2, sequence: 2 }],
    ]);
    expect(heard.at(-1)).toMatchObject(["snapshot", { model: { items: ["milk", "bread"] } }]);
  });

  test("[BR17] whose client uses a number twice hears so, and goes on as another client", async () => {
    const { phoenix } = open();
    const bare = phoenix();
    const before = identityOf(await bare.join());
    bare.dispatch(1, added("milk"));
    await bare.heard();
    bare.dispatch(1, added("bread"), { id: "other" });
    const heard = await bare.heard();
    expect(heard.map(([event]) => event)).toEqual(["error r2", "mid_conflict", "closing", "phx_error"]);
    expect(heard[0]![1]).toMatchObject({ mid: 1, from: "calla", code: "mid-conflict" });
    const after = identityOf(await bare.join());
    expect(after.client_id).not.toBe(before.client_id);
    bare.dispatch(1, added("bread"), { id: "other" });
    expect((await bare.heard())[0]).toEqual(["ok r3", { mid: 1, sequence: 2 }]);
  });

  test("[BR17] whose socket said who it is goes on as another client, too, when it has used a number twice", async () => {
    const { phoenix } = open();
    const params = identityOf(await phoenix().join());
    const bare = phoenix({ params });
    await bare.join();
    bare.dispatch(1, added("milk"));
    bare.dispatch(1, added("bread"), { id: "other" });
    await bare.heard();
    expect(identityOf(await bare.join()).client_id).not.toBe(params.client_id);
  });

  test("[BR11] is refused as the app and the sync half say, and the connection goes on", async () => {
    const world = bridged();
    world.server.handle(list, { canSubscribe: ({ topic }) => topic !== "list:1" });
    const bare = world.phoenix();
    expect(await bare.join()).toEqual([["error list:1", { code: "forbidden", retryable: false }]]);
    expect(await bare.join({}, "other:1")).toMatchObject([
      ["error other:1", { code: "unhandled", retryable: false }],
    ]);
    expect(await bare.join({ version: 2 }, "list:2")).toEqual([
      ["error list:2", { code: "version", retryable: false, details: { version: 1 } }],
    ]);
    expect((await bare.join({}, "list:2"))[0]![0]).toBe("ok list:2");
    // Which slice has no handler, the operator is told.
    expect(world.errors).toMatchObject([{ code: "unhandled" }]);
  });

  test.each([
    [[]],
    ["patch"],
    [{ form: "whole" }],
    [{ cursor: 1 }],
    [{ cursor: { sequence: -1, mark: 0 } }],
    [{ cursor: { sequence: 1.5, mark: 0 } }],
    [{ cursor: { sequence: 1e300, mark: 0 } }],
    [{ settled: -1 }],
    [{ settled: "1" }],
    [{ sent: null }],
    [{ version: "1" }],
    [{ meta: JSON.parse('{"__proto__":1}') as unknown }],
  ] as unknown[][])("[BR18] refuses a join with %j, and takes the next", async (payload) => {
    const { phoenix, errors, server } = open();
    const bare = phoenix();
    const [[event, answer]] = (await bare.join(payload)) as [Answer];
    expect([event, answer["retryable"]]).toEqual(["error list:1", false]);
    expect((await bare.join())[0]![0]).toBe("ok list:1");
    bare.talker.gone();
    await bare.heard();
    expect([errors, server.inspect().connections.all]).toEqual([[], 0]);
  });

  const big = "x".repeat(600_000);
  test.each([
    [null],
    [[]],
    [{}],
    [{ mid: 0, id: "a", settled: 0, messages: [] }],
    [{ mid: -1, id: "a", settled: 0, messages: [] }],
    [{ mid: 1.5, id: "a", settled: 0, messages: [] }],
    [{ mid: 2 ** 53, id: "a", settled: 0, messages: [] }],
    [{ mid: 1, id: "", settled: 0, messages: [] }],
    [{ mid: 1, id: "a b", settled: 0, messages: [] }],
    [{ mid: 1, id: "a".repeat(65), settled: 0, messages: [] }],
    [{ mid: 1, id: "a", settled: -1, messages: [] }],
    [{ mid: 1, id: "a", settled: 0, messages: {} }],
    [{ mid: 1, id: "a", settled: 0, messages: [JSON.parse('{"__proto__":{}}')] }],
    [{ mid: 1, id: "a", settled: 0, messages: [big, big] }],
  ] as unknown[][])("[BR18] refuses a dispatch of %.40j, and nothing of it is taken", async (payload) => {
    const { phoenix, errors } = open({ limits: { maxFrameBytes: 1_000_000 } });
    const bare = phoenix();
    await bare.join();
    bare.say("dispatch", payload);
    const [[event, answer]] = (await bare.heard()) as [Answer];
    expect(event).toBe("error r1");
    expect(["protocol", "hostile-key", "too-large"]).toContain(answer["code"]);
    bare.dispatch(1, added("milk"));
    expect((await bare.heard())[0]).toEqual(["ok r2", { mid: 1, sequence: 1 }]);
    expect(errors).toEqual([]);
  });

  test("[BR18] a message that is none is refused by its mid", async () => {
    const { phoenix, errors } = open();
    const bare = phoenix();
    await bare.join();
    const hostile = [null, 7, "x", [], {}, { type: 1 }, { $: "date", v: {} }, { type: "added", item: 5 }];
    for (const [i, message] of hostile.entries())
      bare.say("dispatch", { mid: i + 1, id: `h${i}`, settled: 0, messages: [message] });
    const heard = await bare.heard();
    expect(heard.map(([event]) => event)).toEqual(hostile.map((_, i) => `error r${i + 1}`));
    expect(errors).toEqual([]);
  });

  test("[BR19] an ephemeral topic has pushes both ways, and neither model nor cursor", async () => {
    const { phoenix } = open();
    const [one, two] = [phoenix(), phoenix()];
    const [[, joined]] = (await one.join({}, "cursors:1")) as [Answer];
    expect(joined).toMatchObject({ resync: "current", reason: "ephemeral", sequence: 0 });
    await two.join({}, "cursors:1");
    one.say("push", { messages: [{ type: "moved", x: 1 }] }, "cursors:1");
    one.say("push", { messages: 7 }, "cursors:1");
    one.dispatch(1, { type: "moved", x: 2 }, {}, "cursors:1");
    const pushed = [
      "pushed",
      { pushes: [{ author: expect.any(Number), user_id: null, messages: [{ type: "moved", x: 1 }] }] },
    ];
    expect(await one.heard("cursors:1")).toEqual([
      ["ok r1", {}],
      ["error r2", { code: "protocol", details: expect.anything() }],
      ["error r3", { code: "protocol", details: expect.anything() }],
      pushed,
    ]);
    expect(await two.heard("cursors:1")).toEqual([pushed]);
    await one.join();
    one.say("push", { messages: [] });
    expect(await one.heard()).toMatchObject([["error r4", { code: "protocol" }]]);
  });

  test("[BR16] is sent what became of its messages before a model that it did not ask for", async () => {
    const { phoenix, client, advance } = open({ limits: { collapseBytes: 10_000 } });
    const bare = phoenix();
    await bare.join();
    const calla = await client();
    bare.dispatch(1, added("milk"));
    await bare.heard();
    bare.talker.unwritten = 50_000;
    calla.say(say("list:1", 1, added("a")));
    await bare.heard();
    calla.say(say("list:1", 2, added("b")));
    bare.dispatch(2, added("bread"));
    // It is slow: what it has said is taken, and nothing of the topic is added to what waits for it.
    expect((await bare.heard()).filter(([event]) => event === "patch" || event === "snapshot")).toEqual([]);
    bare.talker.unwritten = 0;
    await advance(1_000);
    const heard = await bare.heard();
    expect(heard.map(([event]) => event)).toEqual(["ok r2", "settled", "snapshot"]);
    expect(heard[1]![1]).toMatchObject({ next: 3, outcomes: [{ mid: 1, status: "ok" }] });
    expect(heard[2]![1]).toMatchObject({ sequence: 4, model: { items: ["milk", "a", "b", "bread"] } });
    calla.say(say("list:1", 3, added("c")));
    expect(await bare.heard()).toMatchObject([["snapshot", { sequence: 5 }]]);
  });

  test("[BR14] who leaves while its join is decided is let go, and joins again", async () => {
    const held = heldLog(memoryLog(), "open" as never, "read", "client");
    const world = open({ log: held.log });
    const bare = world.phoenix();
    bare.talker.heard.push(...bare.talker.say(["list:1", "list:1", "list:1", "phx_join", {}]));
    expect(await bare.heard()).toEqual([]);
    bare.say("phx_leave");
    expect(await bare.heard()).toEqual([["ok r1", {}]]);
    held.release();
    await bare.heard();
    expect(world.server.inspect().connections.all).toBe(0);
    expect((await bare.join())[0]![0]).toBe("ok list:1");
    bare.talker.heard.push(...bare.talker.say(["2", "2", "list:1", "phx_join", {}]));
    expect((await bare.heard())[0]![0]).toBe("ok 2");
    expect(world.server.inspect().connections.all).toBe(1);
    expect(world.errors).toEqual([]);
  });
});

describe("presence of a bridged topic", () => {
  const here = () => {
    const hand = handClock(1_700_000_000_000);
    const world = bridged({ wiring: listing as never, pubsub: undefined as never }, {}, hand, [
      board,
    ] as unknown as readonly AnyTopicSlice[]);
    world.server.handle(board as never, { public: true } as never);
    return world;
  };
  const metas = (name: string) => ({ metas: [{ name, phx_ref: expect.any(String) }] });

  test("[BR20] is told from the join on, in Phoenix's words; who is tracked is listed", async () => {
    const { phoenix, errors, advance } = here();
    const one = phoenix();
    const heard = await one.join({ meta: { name: "ann" } }, "board:1");
    expect(heard.map(([event]) => event)).toContain("presence_state");
    await advance(100);
    await one.heard("board:1");
    const two = phoenix();
    const states = (await two.join({}, "board:1")).filter(([event]) => event === "presence_state");
    await advance(100);
    expect(Object.values(states.at(-1)![1])).toEqual([metas("ann")]);
    two.say("track", { meta: { name: "bob" } }, "board:1");
    await advance(100);
    const diffs = await one.heard("board:1");
    expect(diffs.map(([event]) => event)).toEqual(["presence_diff"]);
    expect(Object.values(diffs[0]![1]["joins"]!)).toEqual([metas("bob")]);
    two.say("track", { meta: { name: "rob" } }, "board:1");
    await advance(100);
    const [[, update]] = (await one.heard("board:1")) as [Answer];
    expect(Object.values(update["joins"] as object)).toEqual([
      { metas: [{ name: "rob", phx_ref: expect.any(String), phx_ref_prev: expect.any(String) }] },
    ]);
    expect(Object.values(update["leaves"] as object)).toEqual([metas("bob")]);
    two.say("track", { meta: { name: 7 } }, "board:1");
    two.say("track", {}, "board:1");
    two.say("untrack", {}, "board:1");
    await advance(100);
    const answers = (await two.heard("board:1")).filter(([event]) => !event.startsWith("presence"));
    expect(answers.map(([event, { code }]) => [event, code])).toEqual([
      ["ok r1", undefined],
      ["ok r2", undefined],
      ["error r3", "invalid"],
      ["error r4", "protocol"],
      ["ok r5", undefined],
    ]);
    const [[, gone]] = (await one.heard("board:1")) as [Answer];
    expect(Object.values(gone["leaves"] as object)).toMatchObject([{ metas: [{ name: "rob" }] }]);
    expect(errors).toEqual([]);
  });
});
