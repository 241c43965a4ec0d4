// What a channel may not track, and what a refused call leaves behind: nothing.
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { nodes, TOPIC } from "../../../test/presence-talk.ts";
import type { room } from "../../../test/presence-talk.ts";
import { defineChannel } from "../index.ts";

const any = expect.any(String) as unknown as string;

describe("what is refused", () => {
  const refusal = (call: () => unknown): unknown => {
    try {
      return call();
    } catch (error) {
      return (error as { code?: string }).code ?? error;
    }
  };
  const inside = async (
    channel: object,
    run: (presence: { track(...given: unknown[]): string; untrack(key?: string): void }) => unknown,
    options: object = {},
  ): Promise<unknown> => {
    let heard: unknown;
    const { join } = nodes({
      ...options,
      channel: (channel as typeof room).joined(
        ({ presence }) => void (heard = refusal(() => run(presence as never))),
      ),
    });
    await join();
    return heard;
  };
  const plain = defineChannel("room:*").presence();

  it("[CP23] presence that the channel does not declare, or twice, or wrongly", async () => {
    const undeclared = nodes({ channel: defineChannel("room:*").joined((socket) => void socket.presence) });
    await undeclared.join();
    expect(undeclared.errors).toEqual([expect.objectContaining({ code: "wiring" })]);
    const declare = (options: object) => refusal(() => defineChannel("room:*").presence(options as never));
    expect(declare({ key: "me" })).toBe("wiring");
    expect(declare({ initial: () => ({}) })).toBe("wiring");
    expect(declare({ meta: {} })).toBe("wiring");
    expect(refusal(() => plain.presence())).toBe("wiring");
  });
  it("[CP23] a call without a key where none is declared, and a key that is no text", async () => {
    expect(await inside(plain, (presence) => presence.track({}))).toBe("wiring");
    expect(await inside(plain, (presence) => presence.untrack())).toBe("wiring");
    const numbered = defineChannel("room:*").presence({ key: () => 42 as never });
    expect(await inside(numbered, (presence) => presence.track({}))).toBe("wiring");
    expect(await inside(plain, (presence) => presence.track(42, {}))).toBe("wiring");
  });
  it.each<[string, unknown]>([
    ["null", null],
    ["a list", [1]],
    ["a text", "text"],
    ["a number", 7],
    ["nothing", undefined],
    ["bytes", new Uint8Array(1)],
    ["what JSON cannot write", { n: 1n }],
  ])("[CP23] %s as a meta", async (_, meta) => {
    expect(await inside(plain, (presence) => presence.track("ada", meta))).toBe("invalid");
  });
  it("[CP23] a meta that does not fit, and a schema that takes its time", async () => {
    const typed = defineChannel("room:*").presence({ meta: z.object({ n: z.number() }) });
    expect(await inside(typed, (presence) => presence.track("ada", { n: "1" }))).toBe("invalid");
    expect(await inside(typed, (presence) => typeof presence.track("ada", { n: 1 }))).toBe("string");
    const slow = defineChannel("room:*").presence({ meta: z.object({}).refine(async () => false) });
    expect(await inside(slow, (presence) => presence.track("ada", {}))).toBe("wiring");
  });
  it("[CP23] a meta, a key, and more keys than the limits let through; nothing is tracked then", async () => {
    const limits = { maxPresenceBytes: 10, maxPresenceKeys: 2 };
    const tried = (...metas: [string, object][]) =>
      inside(
        plain,
        (presence) => metas.map(([key, meta]) => refusal(() => typeof presence.track(key, meta))),
        {
          limits,
        },
      );
    expect(await tried(["a", { ab: "ää" }], ["b", { n: 123456 }])).toEqual(["too-large", "too-large"]);
    expect(await tried(["a", { n: 1234 }], ["x".repeat(5_000), {}])).toEqual(["string", "too-large"]);
    expect(await tried(["a", {}], ["b", {}], ["c", {}])).toEqual(["string", "string", "too-large"]);
  });
  it("[CP29] nothing is tracked where the channel has ended, or the node has", async () => {
    const refs: string[] = [];
    const channel = defineChannel("room:*")
      .presence()
      .terminate(
        (_, { presence }) => void refs.push(presence.track("late", {}), presence.update("late", {})),
      );
    const { channels, join } = nodes({ channel });
    const ada = await join();
    ada.gone();
    expect(refs).toEqual(["", ""]);
    await channels.stop();
    expect(channels.presence.track(TOPIC, "app", "bot", {})).toBe("");
    expect(channels.presence.count(TOPIC)).toBe(0);
  });
  it("[CP29] a meta is what it was when it was given", async () => {
    const { channels } = nodes();
    const meta = { deep: { n: 1 } };
    channels.presence.track(TOPIC, "app", "bot", meta);
    meta.deep.n = 2;
    expect(channels.presence.getByKey(TOPIC, "bot")).toEqual([{ deep: { n: 1 }, phx_ref: any }]);
  });
});
