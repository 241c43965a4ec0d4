import { describe, expect, test } from "vitest";
import { localPubSub } from "../cluster/pubsub.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import { scopedPubSub } from "./scoped-pubsub.ts";
import type { ScopedPubSub } from "./scoped-pubsub.ts";

/** Two nodes over one engine, which keeps what it was asked to listen to. */
function two(scopes: readonly [string, string] = ["default", "default"]) {
  const inner = localPubSub();
  const listening: string[] = [];
  const gaps = new Set<() => void>();
  const engine: PubSub = {
    ...inner,
    subscribe(channel, listener) {
      listening.push(channel);
      const silence = inner.subscribe(channel, listener);
      return () => {
        listening.splice(listening.indexOf(channel), 1);
        silence();
      };
    },
    onGap(listener) {
      gaps.add(listener);
      return () => void gaps.delete(listener);
    },
  };
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const [one, other] = scopes.map((scope) => scopedPubSub<number>(engine, { scope, onError }));
  return { engine, listening, gaps, errors, one: one!, other: other! };
}

const hearing = (node: ScopedPubSub<number>, topic: string, as?: string) => {
  const heard: string[] = [];
  const stop = node.subscribe(
    topic,
    ({ topic, event, payload }) => heard.push(`${topic} ${event} ${payload}`),
    as,
  );
  return { heard, stop };
};

describe("scopedPubSub", () => {
  test("[PS9] a broadcast reaches the topic's subscribers on all nodes once, this one's before it returns", () => {
    const { one, other } = two();
    const all = [hearing(one, "t"), hearing(one, "t"), hearing(other, "t"), hearing(other, "u")];
    one.broadcast("t", "said", 1);
    expect(all.map(({ heard }) => heard)).toEqual([["t said 1"], ["t said 1"], ["t said 1"], []]);
  });

  test("[PS9] what a subscriber says is heard behind what it heard, by all of its node; one that throws disturbs nobody", () => {
    const { one, errors } = two();
    one.subscribe("t", ({ payload }) => {
      if (payload < 2) one.broadcast("t", "said", payload + 1);
      throw new Error("of the app");
    });
    const { heard } = hearing(one, "t");
    one.broadcast("t", "said", 0);
    expect(heard).toEqual(["t said 0", "t said 1", "t said 2"]);
    expect(errors.map(String)).toEqual(Array.from({ length: 3 }, () => "Error: of the app"));
  });

  test("[PS10] broadcastFrom leaves out who said it, on every node", () => {
    const { one, other } = two();
    const ada = [hearing(one, "t", "ada"), hearing(other, "t", "ada")];
    const rest = [hearing(one, "t", "bob"), hearing(other, "t"), hearing(one, "t")];
    one.broadcastFrom("ada", "t", "said", 1);
    other.broadcastFrom("nobody", "t", "said", 2);
    for (const { heard } of ada) expect(heard).toEqual(["t said 2"]);
    for (const { heard } of rest) expect(heard).toEqual(["t said 1", "t said 2"]);
  });

  test("[PS11] the local forms reach this node alone", () => {
    const { one, other } = two();
    const [ada, bob, far] = [hearing(one, "t", "ada"), hearing(one, "t", "bob"), hearing(other, "t", "bob")];
    one.localBroadcast("t", "said", 1);
    one.localBroadcastFrom("ada", "t", "said", 2);
    one.localBroadcast("nobody's", "said", 3);
    expect([ada.heard, bob.heard, far.heard]).toEqual([["t said 1"], ["t said 1", "t said 2"], []]);
  });

  test("[PS12] subscribers, their count and topics are of this node", () => {
    const { one, other } = two();
    const subscriptions = [
      hearing(one, "t", "ada"),
      hearing(one, "t", "ada"),
      hearing(one, "t"),
      hearing(other, "u"),
    ];
    expect([one.subscribers("t"), one.subscriberCount("t"), one.topics()]).toEqual([["ada"], 3, ["t"]]);
    expect([other.subscribers("t"), other.subscriberCount("t"), other.topics()]).toEqual([[], 0, ["u"]]);
    for (const { stop } of subscriptions) {
      stop();
      stop();
    }
    expect([one.subscribers("t"), one.subscriberCount("t"), one.topics(), other.topics()]).toEqual([
      [],
      0,
      [],
      [],
    ]);
  });

  test("[PS12] an engine listens to a topic once, while somebody here does", () => {
    const { one, listening } = two();
    const [first, second] = [hearing(one, "t"), hearing(one, "t")];
    expect(listening).toHaveLength(1);
    first.stop();
    expect(listening).toHaveLength(1);
    second.stop();
    expect(listening).toEqual([]);
    const third = hearing(one, "t");
    second.stop();
    one.broadcast("t", "said", 1);
    expect([third.heard, listening.length]).toEqual([["t said 1"], 1]);
  });

  test.each([
    ["a", "b"],
    ["a", "a:1"],
    ["", "default"],
  ])("[PS13] the scopes %j and %j are apart", (first, second) => {
    const { one, other } = two([first, second]);
    const far = ["t", "1:t", ":t", "a:t"].map((topic) => hearing(other, topic));
    for (const topic of ["t", "1:t", ":t", "a:t"]) one.broadcast(topic, "said", 1);
    for (const { heard } of far) expect(heard).toEqual([]);
  });

  test.each([
    null,
    7,
    {},
    { node: 1, event: "e" },
    { node: "n", event: 1 },
    { node: "n", event: "e", from: 1 },
  ])("[PS14] %j of another node is reported and ignored", (told) => {
    const { one, engine, listening, errors } = two();
    const { heard } = hearing(one, "t");
    engine.publish(listening[0]!, told);
    expect(errors).toMatchObject([{ code: "protocol" }]);
    expect(heard).toEqual([]);
  });

  test("[PS14] stopped, it hears and says nothing, and leaves the engine, which goes on", () => {
    const { one, other, listening, gaps } = two();
    const [near, far] = [hearing(one, "t"), hearing(other, "t")];
    let told = 0;
    one.onGap(() => void told++);
    other.onGap(() => void told++);
    one.stop();
    one.stop();
    one.broadcast("t", "said", 1);
    one.subscribe("t", () => near.heard.push("late"))();
    other.broadcast("t", "said", 2);
    near.stop();
    for (const gap of gaps) gap();
    expect([near.heard, far.heard, listening.length, told, one.topics()]).toEqual([
      [],
      ["t said 2"],
      1,
      1,
      [],
    ]);
  });
});
