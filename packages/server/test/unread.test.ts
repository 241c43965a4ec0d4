// [CV18] What a frame carries is read only where nothing is left that could refuse it unread.
import { customJson, DEFAULT_LIMITS } from "@calla/shared";
import type { ClientFrame } from "@calla/shared";
import { expect, test, vi } from "vitest";
import { cursors, hello, list, other, say, subscribe, types, wire } from "./wired.ts";
import type { AnyUser } from "../src/app/handlers.ts";
import type { ServerOptions } from "../src/server-api.ts";
import type { TestWiring } from "./wired.ts";

const added = { type: "added", item: "x" } as const;
const batch = (length: number) => Array.from({ length }, () => added);

/** A server that counts the messages it decodes. */
function counting(options: Partial<ServerOptions<TestWiring, AnyUser>> = {}) {
  const decodeMessage = vi.fn((encoded: unknown) => encoded);
  const same = (value: unknown): unknown => value;
  const serialiser = customJson({
    encodeMessage: same,
    decodeMessage,
    encodeModel: same,
    decodeModel: same,
  });
  const wired = wire({ serialiser, ...options });
  wired.server.handle(list, { public: true });
  wired.server.handle(cursors, { public: true });
  wired.server.handle(other, { canSubscribe: () => false });
  return { ...wired, decoded: () => decodeMessage.mock.calls.length };
}

test("[CV18] what is taken is decoded once, each message of a dispatch", async () => {
  const { client, decoded } = counting();
  const ada = await client();
  ada.say(say("list:1", 1, added), say("list:1", 2, batch(3)));
  expect(types(await ada.heard())).toEqual(["Acknowledge", "Acknowledge"]);
  expect(decoded()).toBe(4);
});

test("[CV18] [CV2] before Hello, behind one in its packet, and while it is answered, nothing is decoded", async () => {
  const { socket, post, settle, decoded } = counting({ authenticate: () => new Promise(() => {}) });
  const [early, within, greeting] = [socket(), socket(), socket()];
  early.say(say("list:1", 1, added));
  within.say(hello(), say("list:1", 1, added));
  greeting.say(hello());
  greeting.say(say("list:1", 1, added));
  post(say("list:1", 1, added));
  post(hello(), say("list:1", 1, added));
  await settle();
  for (const one of [early, within, greeting])
    expect(one.closed).toMatchObject([{ code: 4002, reason: "protocol" }]);
  expect(decoded()).toBe(0);
});

const refusals: { readonly [why: string]: { frame: ClientFrame; answer: object | undefined } } = {
  "an unknown target": { frame: say("nobody:1", 1, added), answer: { type: "Rejected", code: "topic" } },
  "a target that is not for its client": {
    frame: say("other:1", 1, { type: "bumped" }),
    answer: { type: "Rejected", code: "forbidden" },
  },
  "an ephemeral topic without a subscription": {
    frame: say("cursors:1", 0, { type: "moved", x: 1 }),
    answer: undefined,
  },
  "more messages than a batch may hold": {
    frame: say("list:1", 1, batch(DEFAULT_LIMITS.maxBatch + 1)),
    answer: { type: "Rejected", code: "too-large" },
  },
};
test.each(Object.entries(refusals))("[CV18] %s: refused unread", async (_, { frame, answer }) => {
  const { client, decoded } = counting();
  const ada = await client();
  ada.say(frame);
  expect(await ada.heard()).toMatchObject(answer === undefined ? [] : [answer]);
  expect(ada.closed).toEqual([]);
  expect(decoded()).toBe(0);
});

test("[CV18] [LM4] over a rate: told to retry, unread, and what comes behind it too", async () => {
  const { client, decoded } = counting({ limits: { topicMessageBurst: 2 } });
  const ada = await client();
  ada.say(subscribe("list:1"));
  await ada.heard();
  ada.say(...[1, 2, 3, 4, 5].map((mid) => say("list:1", mid, added)));
  expect(types(await ada.heard())).toEqual(["Paused", "TopicUpdate"]);
  expect(decoded()).toBe(2);
});
