import { automatic, json } from "@calla/shared";
import type { Serialiser } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { wire } from "../../test/wired.ts";
import { pubSubContract } from "../testing/pubsub-contract/index.ts";
import { containedPubSub, localPubSub } from "./pubsub.ts";
import type { PubSub } from "./pubsub.ts";

/** A medium that carries text, whose second node's line can break: what an engine over a broker is. */
function textPair() {
  const nodes = [textNode(), textNode()] as const;
  let sent: { readonly to: number; readonly channel: string; readonly text: string }[] = [];
  let broken = false;
  function textNode() {
    const inner = localPubSub();
    const gaps = new Set<() => void>();
    let serialiser: Serialiser = automatic(json());
    const payload = () => serialiser.payload(serialiser.formats[0]!);
    const pubsub: PubSub = {
      publish(channel, value) {
        const text = serialiser.formats[0]!.encode(payload().encodeMessage(value)) as string;
        for (const to of [0, 1])
          if (!broken || nodes[to]!.pubsub === pubsub) sent.push({ to, channel, text });
      },
      subscribe: inner.subscribe,
      onGap(listener) {
        const one = (): void => listener();
        gaps.add(one);
        return () => void gaps.delete(one);
      },
      carryWith: (given) => void (serialiser = given),
      close: () => inner.close!(),
    };
    return {
      pubsub,
      gaps,
      hear(channel: string, text: string): void {
        try {
          inner.publish(channel, payload().decodeMessage(serialiser.formats[0]!.decode(text)));
        } catch {
          // Of a listener.
        }
      },
    };
  }
  return {
    nodes: [nodes[0].pubsub, nodes[1].pubsub] as const,
    settle: () => {
      for (let due = sent.shift(); due !== undefined; due = sent.shift())
        nodes[due.to]!.hear(due.channel, due.text);
      return Promise.resolve();
    },
    gap: () => {
      broken = true;
      nodes[0].pubsub.publish("a", "lost");
      broken = false;
      sent = [];
      for (const gap of nodes[1].gaps) gap();
      return Promise.resolve();
    },
  };
}

describe("localPubSub", () => {
  for (const { name, run } of pubSubContract)
    test(name, () =>
      run({
        create: () => {
          const pubsub = localPubSub();
          return { nodes: [pubsub, pubsub], settle: () => Promise.resolve() };
        },
      }),
    );
});

describe("an engine that carries text", () => {
  for (const { name, run } of pubSubContract) test(name, () => run({ create: textPair }));
});

test("[SV6] [SV15] [PS3] an undo of a subscription ends that one, however often it is called", () => {
  const { publish, subscribe } = localPubSub();
  const heard: string[] = [];
  const first = subscribe("a", () => heard.push("first"));
  first();
  const listener = (): unknown => heard.push("second");
  const second = subscribe("a", listener);
  first();
  publish("a", 1);
  expect(heard).toEqual(["second"]);
  subscribe("a", listener);
  second();
  publish("a", 2);
  expect(heard).toEqual(["second", "second"]);
});

test("[PS4] whatever an engine or a listener throws is reported, and no more", () => {
  const errors: unknown[] = [];
  const refuses = (): never => {
    throw new Error("of the engine");
  };
  const broken = containedPubSub({ publish: refuses, subscribe: refuses, onGap: refuses }, (error) =>
    errors.push(error),
  );
  broken.publish("a", 1);
  broken.subscribe("a", () => undefined)();
  broken.onGap!(() => undefined)();
  expect(errors.map(String)).toEqual(Array.from({ length: 3 }, () => "Error: of the engine"));
  const inner = localPubSub();
  const whole = containedPubSub(inner, (error) => errors.push(error));
  whole.subscribe("a", () => {
    throw new Error("of a listener");
  });
  inner.publish("a", 1);
  expect(String(errors.at(-1))).toBe("Error: of a listener");
});

test("[PS5] [PS8] a server names its serialiser to the engine that it is given, and does not close it", async () => {
  const told: unknown[] = [];
  const pubsub: PubSub = {
    ...localPubSub(),
    carryWith: (serialiser) => void told.push(serialiser),
    close: () => void told.push("closed"),
  };
  const serialiser = automatic(json());
  const { server, done } = wire({ pubsub, serialiser });
  await done(server.stop());
  expect(told).toHaveLength(1);
  expect(told[0]).toBe(serialiser);
});
