import { automatic, json } from "@calla/shared";
import type { Serialiser } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { bridged } from "../../test/bridged.ts";
import { list, say, subscribe } from "../../test/wired.ts";
import type { JsonObject } from "../channels/wire/message.ts";
import { TopicView } from "./topic-view.ts";

const cards = (from: number, to: number): readonly { readonly id: number; readonly text: string }[] =>
  Array.from({ length: to - from }, (_, n) => ({ id: from + n, text: `card ${from + n}` }));

/** A view of a state in the hand. */
function shown(model: unknown) {
  let state = { sequence: 1, mark: 11, model };
  let plains = 0;
  const view = new TopicView({
    state: () => state,
    plainOf(given) {
      plains++;
      return given;
    },
  });
  view.now();
  return {
    view,
    plains: () => plains,
    told: { sequence: 1, mark: 11 },
    next(after: unknown) {
      state = { sequence: state.sequence + 1, mark: state.mark + 11, model: after };
      view.now();
    },
  };
}

describe("what a topic's bridged clients are told", () => {
  const before = { cards: cards(0, 10_000) };
  test.each([
    ["an insert at the head", [...cards(10_000, 10_001), ...before.cards], 1, 100],
    ["an edit of the last", [...before.cards.slice(0, -1), { id: 9_999, text: "new" }], 1, 100],
    ["a move", [...before.cards.slice(1, 500), before.cards[0], ...before.cards.slice(500)], 1, 100],
  ])(
    "[BR24] %s of 10,000 is one operation and few bytes, computed once for 100",
    (_, after, operations, bytes) => {
      const { view, told, next, plains } = shown(before);
      next({ cards: after });
      const events = new Set(Array.from({ length: 100 }, () => view.from(told)));
      expect(events.size).toBe(1);
      const [event] = events;
      expect(event!.event).toBe("patch");
      expect((event!.payload as JsonObject)["patch"]).toHaveLength(operations);
      expect(event!.json()!.length).toBeLessThan(bytes + 60);
      expect(plains()).toBe(2);
    },
  );

  test("[BR12] who was told another state is told the whole, written once", () => {
    const { view, told, next } = shown(before);
    next({ cards: before.cards.slice(1) });
    next({ cards: before.cards.slice(2) });
    const whole = view.from(told)!;
    expect(whole.event).toBe("snapshot");
    expect(view.from({ sequence: 1, mark: 11 })).toBe(whole);
    expect(JSON.parse(whole.json()!)).toEqual(whole.payload);
    expect(view.from({ sequence: 2, mark: 22 })!.event).toBe("patch");
    // Of another history.
    expect(view.from({ sequence: 2, mark: 7 })!.event).toBe("snapshot");
  });

  test("[BR12] what is cheaper whole, or takes too long to compare, is told whole", () => {
    const { view, told, next } = shown({ a: 1 });
    next({ b: { c: "something else" } });
    expect(view.from(told)).toMatchObject({ event: "snapshot", payload: { reason: "cheaper" } });
  });

  test("[BR24] nothing is computed where nobody wants it, and a model that is not in memory says nothing", () => {
    const { plains, next } = shown(before);
    next({ cards: [] });
    next({ cards: [] });
    expect(plains()).toBe(0);
    const none = new TopicView({ state: () => undefined, plainOf: (model) => model });
    expect([none.now(), none.from({ sequence: 0, mark: 0 })]).toEqual([undefined, undefined]);
  });
});

describe("an update for many bridged clients", () => {
  /** How often models and messages were made plain for one update. */
  async function encodings(many: number): Promise<readonly number[]> {
    const inner = automatic(json());
    const counts = { models: 0, messages: 0 };
    const counting: Serialiser = {
      ...inner,
      domain: undefined,
      use: () => counting,
      payload(format) {
        const codec = inner.payload(format);
        return {
          ...codec,
          encodeModel: (model) => (counts.models++, codec.encodeModel(model)),
          encodeMessage: (message) => (counts.messages++, codec.encodeMessage(message)),
        };
      },
    };
    const { server, phoenix, client } = bridged({ serialiser: counting, strict: false });
    server.handle(list, { public: true });
    const calla = await client();
    calla.say(subscribe("list:1"));
    for (let n = 1; n <= 20; n++) calla.say(say("list:1", n, { type: "added", item: `a long item ${n}` }));
    const all = Array.from({ length: many }, () => phoenix());
    for (const bare of all) await bare.join();
    const update = async (n: number) => {
      calla.say(say("list:1", n, { type: "added", item: "one" }));
      for (const bare of all) expect((await bare.heard()).map(([event]) => event)).toEqual(["patch"]);
    };
    await update(21);
    const [models, messages] = [counts.models, counts.messages];
    await update(22);
    return [counts.models - models, counts.messages - messages];
  }

  test("[BR24] is made plain as often for 100 as for one", async () => {
    const one = await encodings(1);
    expect(await encodings(100)).toEqual(one);
    expect(one[0]).toBeLessThanOrEqual(2);
  });
});
