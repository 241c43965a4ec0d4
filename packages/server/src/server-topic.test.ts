// What the server does with a topic itself: reading, dispatching, pushing, stopping and removing.
import { CallaError } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { heldLog, list, say, session, subscribe, twoNodes, types, wire } from "../test/wired.ts";
import { faultyLog } from "./testing/faulty-log.ts";
import { memoryLog } from "./log/memory/memory-log.ts";

const add = (item: string) => ({ type: "added", item }) as const;

describe("a topic in the server's hands", () => {
  test("[SV4] read, dispatch, history, push, stop and remove work on a topic that is not in memory", async () => {
    const { server, done, advance } = wire();
    server.handle(list, { public: true });
    const topic = server.topic(list, "1");
    expect(await topic.read()).toEqual({ model: { items: [] }, sequence: 0 });
    expect(await topic.history()).toEqual({ from: 0, entries: [] });
    await topic.stop();
    topic.push({ type: "cleared" });
    expect(await done(topic.dispatch(add("x")))).toEqual({ sequence: 1 });
    expect(await done(topic.dispatch([add("y"), { type: "cleared" }, add("z")]))).toEqual({ sequence: 2 });
    await advance(120_001);
    expect((await topic.read()).model).toEqual({ items: ["z"] });
    await topic.stop();
    await topic.stop();
    const { from, entries } = await topic.history();
    expect(from).toBe(0);
    expect(entries.map(({ sequence, author, messages }) => [sequence, author, messages])).toEqual([
      [1, null, [add("x")]],
      [2, null, [add("y"), { type: "cleared" }, add("z")]],
    ]);
    await topic.remove();
    await topic.remove();
    expect(await topic.history()).toEqual({ from: 2, entries: [] });
  });

  test("[SV4] a dispatch that is refused fails at its caller with the reason", async () => {
    const { server, done } = wire();
    server.handle(list, { public: true });
    const topic = server.topic(list, "1");
    await expect(done(topic.dispatch({ type: "removed", item: "?" }))).rejects.toMatchObject({
      code: "rejected",
      details: { from: "app", code: "missing", details: { item: "?" } },
    });
    for (const bad of [7, null, {}, { type: "unheard" }, { type: "added", item: 7 }, []])
      await expect(done(topic.dispatch(bad as never))).rejects.toMatchObject({ code: "rejected" });
    await expect(done(topic.dispatch({ type: "exploded" }))).rejects.toMatchObject({
      details: { code: "update-threw" },
    });
    expect((await topic.read()).sequence).toBe(0);
    expect(() => server.topic(list, "")).toThrow(CallaError);
    expect(() => server.topic(list, "\ud800")).toThrow(CallaError);
  });

  test("[SV4] S45 what the server dispatched is not changed by what its caller does to it later", async () => {
    const { server, done, client } = wire({ strict: false });
    server.handle(list, { public: true });
    const message = { type: "added" as const, item: "x" };
    const going = server.topic(list, "1").dispatch(message);
    message.item = "changed";
    await done(going);
    message.item = "changed again";
    const { entries } = await server.topic(list, "1").history();
    const { model } = await server.topic(list, "1").read();
    expect([(entries[0]!.messages[0] as typeof message).item, model]).not.toContain("changed again");
    const ada = await client();
    ada.say(subscribe("list:1", 1, { cursor: { sequence: 0, mark: 0 } }));
    expect((await ada.heard())[1]).toMatchObject({ records: [{ 4: entries[0]!.messages }] });
    expect(model.items).toEqual([(entries[0]!.messages[0] as typeof message).item]);
  });

  test("[SV4] a dispatch of no messages is invalid, and no mid that somebody gave up", async () => {
    const { server, done } = wire();
    const topic = server.topic(list, "1");
    for (const options of [{}, { key: "none" }])
      await expect(done(topic.dispatch([], options))).rejects.toMatchObject({
        code: "rejected",
        details: { from: "calla", code: "invalid" },
      });
    expect((await topic.read()).sequence).toBe(0);
  });

  test("[SV4] [TE18] a dispatch with a key is applied once, however often and on whichever node", async () => {
    const { near, far, rings } = twoNodes();
    const topics = [near, far].map(({ server }) => server.topic(list, "1"));
    const both = topics.map((topic) => topic.dispatch(add("x"), { key: "job 7" }));
    expect(await Promise.all(both.map((one) => near.done(one)))).toEqual([{ sequence: 1 }, { sequence: 1 }]);
    rings.deliver(2);
    expect(await near.done(topics[0]!.dispatch(add("x"), { key: "job 7" }))).toEqual({ sequence: 1 });
    expect((await near.done(topics[1]!.read())).model).toEqual({ items: ["x"] });
  });

  test("[SV4] dispatchTo and dispatchToAll reach sessions", async () => {
    const { server, client, done } = wire();
    server.handle(session, { public: true });
    const ada = await client();
    const bob = await client();
    ada.say(subscribe("@"));
    await ada.heard();
    await done(server.dispatchTo(ada.identity.clientId, { type: "signedIn", name: "Ada" }));
    expect(types(await ada.heard())).toEqual(["TopicUpdate"]);
    expect(await bob.heard()).toEqual([]);
    await done(server.dispatchToAll({ type: "signedIn", name: "all" }));
    for (const { identity } of [ada, bob])
      expect((await done(server.session(identity.clientId).read())).model).toEqual({ name: "all" });
  });

  test("[SV4] a topic that is stopped sends its subscribers a retryable end, and holds what it held", async () => {
    const { server, client, done } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1"), say("list:1", 1, add("x")));
    await ada.heard();
    await done(server.topic(list, "1").stop());
    expect(await ada.heard()).toEqual([
      { type: "Unsubscribed", target: "list:1", ref: 1, code: "stopped", retryable: true },
    ]);
    ada.say(subscribe("list:1", 2), say("list:1", 2, add("y")));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot", "TopicUpdate"]);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["x", "y"] });
  });

  test("[SV4] stop while it is being opened, while someone joins and while something is under way", async () => {
    for (const method of ["open", "append", "client", "saveSnapshot"] as const) {
      const held = heldLog(memoryLog(), method);
      const { server, client, done, settle } = wire({ log: held.log });
      server.handle(list, { public: true });
      const ada = await client();
      const bob = await client();
      ada.say(subscribe("list:1", 1, { sent: method === "client" ? 1 : 0 }));
      bob.say(say("list:1", 1, add("x")));
      await settle();
      const stopped = server.topic(list, "1").stop();
      const own = server.topic(list, "1").dispatch(add("own"));
      await settle();
      const late = await client();
      late.say(subscribe("list:1", 9), say("list:1", 1, add("late")));
      await settle();
      held.release();
      await done(stopped);
      await done(own);
      expect([method, types(await ada.heard()).at(-1)]).toEqual([method, "Unsubscribed"]);
      const [answer] = types(await bob.heard());
      // What was still waiting for the topic to open may be tried again later.
      expect(answer).toBe(method === "open" ? "Paused" : "Acknowledge");
      // Whoever came meanwhile was answered, one way or another, and so was its message.
      expect([method, (await late.heard()).length]).toEqual([method, 2]);
      ada.say(subscribe("list:1", 2));
      expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
      const { model } = await server.topic(list, "1").read();
      expect(model).toEqual({ items: method === "open" ? ["own"] : ["x", "own"] });
    }
  });

  test("[SV5] S46 a removed topic refuses for good until the server dispatches to it; a late repeat is not back from the dead", async () => {
    const { server, client, done } = wire();
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1"), say("list:1", 1, add("x")));
    await ada.heard();
    await done(server.topic(list, "1").remove());
    const gone = { type: "Unsubscribed", target: "list:1", code: "removed", retryable: false };
    expect(await ada.heard()).toEqual([{ ...gone, ref: 1 }]);
    ada.say(subscribe("list:1", 2), say("list:1", 1, add("x")), say("list:1", 2, add("y")));
    expect(await ada.heard()).toMatchObject([
      { ...gone, ref: 2 },
      { type: "Acknowledge", mid: 1, sequence: 1 },
      { type: "Rejected", mid: 2, code: "removed" },
    ]);
    const { sequence } = await done(server.topic(list, "1").dispatch(add("back")));
    expect(sequence).toBeGreaterThan(1);
    ada.say(subscribe("list:1", 3), say("list:1", 3, add("z"), { settled: 2 }));
    expect(await ada.heard()).toMatchObject([
      { type: "Settled", ref: 3, sequence },
      { type: "Snapshot", sequence, model: { items: ["back"] } },
      { type: "TopicUpdate", after: sequence },
    ]);
  });

  test("[LG32] S46 a topic that came back can be opened after a crash, though its snapshot was never stored", async () => {
    const inner = memoryLog();
    const log = faultyLog(inner, { plan: ({ method }) => (method === "saveSnapshot" ? "fail" : undefined) });
    const first = wire({ log });
    const topic = first.server.topic(list, "1");
    await first.done(topic.dispatch(add("x")));
    await first.done(topic.remove());
    await first.done(topic.dispatch(add("back")));
    const second = wire({ log }); // the first one is gone without a word
    const again = second.server.topic(list, "1");
    expect(await second.done(again.read())).toEqual({ model: { items: ["back"] }, sequence: 3 });
    expect(await second.done(again.history())).toMatchObject({
      from: 1,
      entries: [{ model: { value: { items: [] } } }, { messages: [add("back")] }],
    });
    await second.done(again.remove());
    expect(await second.done(again.history())).toEqual({ from: 3, entries: [] });
    expect(second.errors).toEqual([]);
  });

  test("[TE15] context.at goes back neither across a removal nor behind a snapshot that covers all records", async () => {
    for (const cut of ["remove", "stop"] as const) {
      const log = memoryLog({ retention: 0 });
      const late = wire({ log });
      await late.advance(1_000_000);
      const stamped = { type: "stamped" } as const;
      const topic = late.server.topic(list, "1");
      await late.done(topic.dispatch(stamped));
      const [before] = (await topic.history()).entries;
      expect(before?.at).toBeGreaterThan(1_000_000);
      await late.done(topic[cut]());
      const early = wire({ log }); // another machine, whose clock is slow
      await early.done(early.server.topic(list, "1").dispatch(stamped));
      const { entries } = await early.server.topic(list, "1").history();
      expect(entries.at(-1)?.at).toBe(before?.at);
    }
  });

  test("[SV5] S46 while it is being removed nobody comes in, and the server's own dispatch brings it back after", async () => {
    const held = heldLog(memoryLog(), "remove");
    const { server, client, done, settle } = wire({ log: held.log });
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")));
    await ada.heard();
    const removed = server.topic(list, "1").remove();
    await settle();
    ada.say(subscribe("list:1"), say("list:1", 2, add("y")));
    expect(await ada.heard()).toMatchObject([
      { type: "Unsubscribed", code: "stopped", retryable: true }, // it is not certain yet
      { type: "Paused", from: 2, code: "draining" },
    ]);
    const own = server.topic(list, "1").dispatch(add("own"));
    await settle();
    held.release();
    await done(removed);
    await done(own);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["own"] });
  });
});
