// Hooks that observe: what comes in, and what was applied.
import { automatic, customJson, json } from "@calla/shared";
import { describe, expect, test, vi } from "vitest";
import { cursors, list, other, say, saySession, session, subscribe, types, wire } from "../../test/wired.ts";
import type { IncomingMessage } from "./hooks.ts";

const add = (item: string) => ({ type: "added", item }) as const;

/** A server whose slices let in what the tests need, and what its first hook heard. */
function listening(options: Parameters<typeof wire>[0] = {}) {
  const heard: [unknown, IncomingMessage][] = [];
  const it = wire({ onIncoming: (message, about) => void heard.push([message, about]), ...options });
  const take = (): [unknown, IncomingMessage][] => heard.splice(0);
  return { ...it, take };
}

describe("onIncoming", () => {
  test("[HA16] hears messages to topics, ephemeral and unknown ones and the session, refused ones too, never the server's", async () => {
    const it = listening({ authenticate: () => ({ id: "ada" }) });
    it.server.handle(list, { public: true, canDispatch: () => false });
    it.server.handle(cursors, { public: true });
    it.server.handle(session, { public: true });
    const ada = await it.client();
    ada.say(subscribe("cursors:1"));
    await ada.heard();
    const sent: readonly (readonly [string, unknown])[] = [
      ["list:1", add("forbidden")],
      ["list:1", { type: "cleared" }],
      ["list:1", { type: "nobody knows it" }],
      ["list:1", { type: "added", item: "x".repeat(100) }],
      ["list:1", "no message at all"],
      ["other:1", { type: "unhandled" }],
      ["nowhere", { type: "to no topic", deep: [1, { a: null }] }],
      ["@somebody", { type: "to another's session" }],
      ["cursors:1", { type: "moved", x: 1 }],
      ["cursors:2", { type: "moved", x: 2 }],
    ];
    let mids = 0;
    const frames = sent.map(([target, message]) =>
      say(target, target.startsWith("cursors") ? 0 : ++mids, message as never),
    );
    ada.say(...frames, saySession(1, { type: "named", name: "ada" }));
    await ada.heard();
    const { clientId } = ada.identity;
    const about = { clientId, user: { id: "ada" } };
    expect(it.take()).toEqual([
      ...sent.map(([topic, message], i) => [
        message,
        { ...about, topic, id: (frames[i] as { id: string }).id },
      ]),
      [
        { type: "named", name: "ada" },
        { ...about, topic: "@", id: "id-1" },
      ],
    ]);
    await it.done(it.server.topic(list, "1").dispatch(add("the server's")));
    await it.done(it.server.dispatchTo(clientId, { type: "signedIn", name: "x" }));
    it.server.topic(cursors, "1").push({ type: "moved", x: 3 });
    expect(it.take()).toEqual([]);
    // In development it is said once that "other" has no handler (SV11).
    expect(it.errors).toMatchObject([{ code: "unhandled" }]);
  });

  test("[HA16] before the topic acts, and each message of a dispatch, also of one that is too long", async () => {
    const order: string[] = [];
    const it = wire({
      limits: { maxBatch: 2 },
      onIncoming: (message) => void order.push((message as { item: string }).item),
    });
    it.server.handle(list, {
      canSubscribe: () => {
        order.push("canSubscribe");
        return true;
      },
      canDispatch: ({ type }) => {
        order.push(`canDispatch ${type}`);
        return true;
      },
    });
    const ada = await it.client();
    ada.say(say("list:1", 1, [add("a"), add("b")] as never));
    await ada.heard();
    expect(order).toEqual(["a", "b", "canSubscribe", "canDispatch added", "canDispatch added"]);
    order.length = 0;
    ada.say(say("list:1", 2, [add("c"), add("d"), add("e")] as never));
    expect(types(await ada.heard())).toEqual(["Rejected"]);
    expect(order).toEqual(["c", "d", "e"]);
  });

  test("[HA16] not what the rates hold back, what was given up or what cannot be decoded; what is sent again, again", async () => {
    const it = listening({ limits: { messageRate: 1, messageBurst: 4 } });
    it.server.handle(list, { public: true });
    const ada = await it.client();
    const bad = { type: "added", item: { $: "date", v: "never" } };
    ada.say(
      say("list:1", 1, null as never),
      say("list:1", 2, bad as never),
      say("list:1", 3, add("a")),
      say("list:1", 3, add("a")),
      say("list:1", 4, add("too much")),
    );
    expect(types(await ada.heard())).toContain("Paused");
    expect(it.take().map(([message, { id }]) => [message, id])).toEqual([
      [add("a"), "id-3"],
      [add("a"), "id-3"],
    ]);
  });

  test("[HA16] [HA23] a hook that throws, rejects or changes what it is given disturbs nobody and is reported", async () => {
    const calls: string[] = [];
    const it = wire({
      onIncoming: (message) => {
        calls.push("first");
        (message as { item: string }).item = "changed";
      },
    });
    it.server.handle(list, { public: true });
    it.server.onIncoming(() => Promise.reject(new Error("later")));
    it.server.onIncoming((message) => {
      calls.push((message as { item: string }).item);
      throw new Error("boom");
    });
    const ada = await it.client();
    ada.say(say("list:1", 1, add("a")));
    expect(types(await ada.heard())).toEqual(["Acknowledge"]);
    expect(calls).toEqual(["first", "a"]);
    expect((await it.done(it.server.topic(list, "1").read())).model).toEqual({ items: ["a"] });
    expect(it.errors.map(String)).toEqual([
      expect.stringMatching(/TypeError.*read only/),
      "Error: boom",
      "Error: later",
    ]);
  });

  test("[HA16] [HA23] a Map that a hook empties is the hook's own", async () => {
    const it = wire({ onIncoming: (message) => (message as { item: Map<string, string> }).item?.clear?.() });
    const topics: unknown[] = [];
    it.server.onIncoming((message) => void topics.push(message));
    it.server.handle(list, {
      public: true,
      canDispatch: () => true,
      amend: (message) => message,
    });
    const ada = await it.client();
    ada.say(say("other:1", 1, { type: "x", item: { $: "map", v: [["a", "b"]] } } as never));
    await ada.heard();
    // In development it is said once that "other" has no handler (SV11).
    expect(it.errors).toMatchObject([{ code: "unhandled" }]);
    expect(topics).toEqual([{ type: "x", item: new Map() }]);
  });

  test("[HA16] [HA24] nothing is decoded for nobody: what a gate refuses unread stays so until there is a hook", async () => {
    const decodeMessage = vi.fn((encoded: unknown) => encoded);
    const codec = {
      encodeMessage: (m: unknown) => m,
      encodeModel: (m: unknown) => m,
      decodeModel: (m: unknown) => m,
    };
    const it = wire({ serialiser: customJson({ ...codec, decodeMessage }) });
    const ada = await it.client();
    ada.say(say("nowhere", 1, add("a")));
    await ada.heard();
    expect(decodeMessage).not.toHaveBeenCalled();
    const stop = it.server.onIncoming(() => {});
    ada.say(say("nowhere", 2, add("b")));
    await ada.heard();
    expect(decodeMessage).toHaveBeenCalled();
    decodeMessage.mockClear();
    stop();
    ada.say(say("nowhere", 3, add("c")));
    await ada.heard();
    expect(decodeMessage).not.toHaveBeenCalled();
  });

  test("[HA16] what a packet of its own brings (HTTP) is heard once", async () => {
    const it = listening({ serialiser: automatic(json()) });
    it.server.handle(list, { public: true });
    const ada = await it.client();
    const hello = {
      type: "Hello",
      protocol: 1,
      identity: ada.identity,
      slices: it.server.wiring.versions(),
      targets: [],
    };
    it.post(hello as never, say("list:1", 1, add("by post")));
    await ada.heard();
    expect(it.take()).toMatchObject([[add("by post"), { topic: "list:1", clientId: ada.identity.clientId }]]);
  });
});

describe("hooks of what was applied", () => {
  test("[HA17] say who was the author, a client or the server, in sessions and topics", async () => {
    const heard: unknown[] = [];
    const it = wire({
      authenticate: () => ({ id: "ada" }),
      onMessage: (message, { clientId, author, user, model, sequence }) =>
        void heard.push([message.type, clientId, author, user, model.name, sequence]),
      onTopicMessage: (message, { topic, author, sequence }) =>
        void heard.push([message.type, topic, author, sequence]),
    });
    it.server.handle(list, { public: true });
    it.server.handle(session, { public: true });
    const ada = await it.client();
    const { clientId } = ada.identity;
    const who = { clientId, user: { id: "ada" } };
    ada.say(saySession(1, { type: "named", name: "a" }), say("list:1", 1, add("a")));
    await ada.heard();
    await it.done(it.server.dispatchTo(clientId, { type: "signedIn", name: "b" }));
    await it.done(it.server.topic(list, "1").dispatch(add("b")));
    expect(heard).toEqual([
      ["named", clientId, who, { id: "ada" }, "a", 1],
      ["added", "list:1", who, 1],
      ["signedIn", clientId, null, { id: "ada" }, "b", 2],
      ["added", "list:1", null, 2],
    ]);
  });

  test("[HA17] may be registered later, more than once, on a topic that is open, and given up one by one", async () => {
    const it = wire();
    it.server.handle(list, { public: true });
    const ada = await it.client();
    ada.say(subscribe("list:1"), say("list:1", 1, add("unheard")));
    await ada.heard();
    const heard: unknown[] = [];
    const hook = (_: unknown, { model }: { model: unknown }): void => void heard.push(model);
    const stops = [it.server.onTopicMessage(hook), it.server.onTopicMessage(hook)];
    const next = async (mid: number, item: string): Promise<unknown[]> => {
      ada.say(say("list:1", mid, add(item)));
      await ada.heard();
      return heard.splice(0);
    };
    const items = (...all: string[]) => ({ items: ["unheard", ...all] });
    expect(await next(2, "b")).toEqual([items("b"), items("b")]);
    stops[0]!();
    stops[0]!();
    expect(await next(3, "c")).toEqual([items("b", "c")]);
    stops[1]!();
    expect(await next(4, "d")).toEqual([]);
  });

  test("[HA6] [HA17] one that throws does not keep the others from hearing", async () => {
    const it = wire({
      onTopicMessage: () => {
        throw new Error("boom");
      },
    });
    it.server.handle(list, { public: true });
    it.server.handle(other, { public: true });
    const heard = vi.fn();
    it.server.onTopicMessage(heard);
    await it.done(it.server.topic(list, "1").dispatch([add("a"), add("b")]));
    expect(heard).toHaveBeenCalledTimes(2);
    expect(it.errors.map(String)).toEqual(["Error: boom", "Error: boom"]);
  });

  test("[HA17] a hook that gives itself up, or registers another, while it is called", async () => {
    const it = wire();
    const heard: string[] = [];
    const stop = it.server.onTopicMessage(() => {
      heard.push("once");
      it.server.onTopicMessage(() => void heard.push("new"));
      stop();
    });
    it.server.onTopicMessage(() => void heard.push("other"));
    await it.done(it.server.topic(list, "1").dispatch(add("a")));
    await it.done(it.server.topic(list, "1").dispatch(add("b")));
    expect(heard).toEqual(["once", "other", "other", "new"]);
  });
});
