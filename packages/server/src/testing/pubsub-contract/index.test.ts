// That the contract finds what it is for: engines that are wrong in one thing. Those that are right are tested where they are.
import { describe, expect, test } from "vitest";
import { localPubSub } from "../../cluster/pubsub.ts";
import type { PubSub } from "../../cluster/pubsub.ts";
import { pubSubContract } from "./index.ts";

/** The first thing that comes to mind. */
function naive(): Partial<PubSub> {
  const channels = new Map<string, Set<(payload: unknown) => void>>();
  return {
    publish(channel, payload) {
      for (const listener of channels.get(channel) ?? []) listener(payload);
    },
    subscribe(channel, listener) {
      const all = channels.get(channel) ?? new Set();
      channels.set(channel, all.add(listener));
      return () => void all.delete(listener);
    },
  };
}

describe("the contract", () => {
  type Broken = (pubsub: PubSub) => Partial<PubSub>;
  const wrong: readonly (readonly [rule: string, what: string, broken: Broken])[] = [
    ["PS1", "does not hear itself", () => ({ publish: () => undefined })],
    ["PS2", "calls back within a publish", () => naive()],
    ["PS4", "ends at the first listener that throws", () => naive()],
    ["PS8", "calls back when it is closed", () => ({ close: () => undefined })],
    [
      "PS3",
      "hears behind its end",
      ({ subscribe }) => ({
        subscribe: (channel, listener) => (subscribe(channel, listener), () => undefined),
      }),
    ],
    [
      "PS5",
      "carries what JSON has",
      ({ publish }) => ({
        publish: (channel, payload) =>
          publish(
            channel,
            JSON.parse(
              JSON.stringify(payload, (_, value: unknown) => (typeof value === "bigint" ? 0 : value)),
            ),
          ),
      }),
    ],
    [
      "PS6",
      "takes names for alike",
      ({ publish }) => ({
        publish: (channel, payload) => publish(channel.toLowerCase(), payload),
      }),
    ],
  ];
  test.each(wrong)("[%s] finds an engine that %s", async (rule, _, broken) => {
    const failed: string[] = [];
    for (const { name, run } of pubSubContract) {
      const pubsub = localPubSub();
      const twisted: PubSub = { ...pubsub, ...broken(pubsub) };
      await run({
        create: () => ({ nodes: [twisted, twisted], settle: () => Promise.resolve() }),
      }).catch(() => failed.push(name));
    }
    expect(failed.some((name) => name.startsWith(`[${rule}]`))).toBe(true);
  });
});
