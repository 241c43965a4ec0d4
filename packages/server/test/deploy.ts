// Two versions of one slice over one log: nodes of both, and pages held in the hand.
import { defineTopic, defineWiring, sameValue } from "@calla/shared";
import * as z from "zod";
import { memoryLog } from "../src/log/memory/memory-log.ts";
import type { LogStorage } from "../src/log/log.ts";
import { countingRandom, handClock, handPubSub, hello, say, subscribe, wire } from "./wired.ts";
import type { Said } from "./wired.ts";

export const item = z.object({ item: z.string() });
const first = defineTopic("list:*", {
  model: z.object({ items: z.array(z.string()) }),
  initial: () => ({ items: [] }),
  messages: { put: item, voted: z.object({}), cleared: z.object({}) },
  update: {
    put: ({ items }, { item }) => ({ items: [...items, item] }),
    voted: (list) => list,
    cleared: () => ({ items: [] }),
  },
});
/** Cards in place of items, `added` in place of `put`, and nobody votes any more. */
const second = defineTopic("list:*", {
  version: 2,
  model: z.object({ cards: z.array(z.object({ text: z.string() })) }),
  initial: () => ({ cards: [] }),
  messages: { added: z.object({ text: z.string().max(20) }), cleared: z.object({}) },
  rejections: { full: z.object({}) },
  update: {
    added: ({ cards }, { text }, context) =>
      text === "refused" ? context.reject("full", {}) : { cards: [...cards, { text }] },
    cleared: () => ({ cards: [] }),
  },
  migrate: {
    1: {
      model(old: { readonly items: readonly string[] }) {
        if (old.items.includes("unmigrated")) throw new Error("cannot migrate");
        return { cards: old.items.map((text) => ({ text })) };
      },
      message(old, { drop }) {
        if (old.type === "voted") return drop("votes are gone");
        return old.type === "put" ? { type: "added", text: String(old["item"]) } : { type: "cleared" };
      },
    },
  },
});
/** As `first`, but its author has changed an update and has not raised the version. */
export const forgotten = defineTopic("list:*", {
  model: z.object({ items: z.array(z.string()) }),
  initial: () => ({ items: [] }),
  messages: { put: item, cleared: z.object({}) },
  update: {
    put: ({ items }, { item }, context) => {
      if (item === "poison") throw new Error("no poison");
      if (item === "refused") return context.reject("full" as never, {} as never);
      return { items: [...items, item] };
    },
    cleared: () => ({ items: [] }),
  },
});

const same = defineTopic("same:*", {
  model: z.object({ n: z.number() }),
  initial: () => ({ n: 0 }),
  messages: { bumped: z.object({}) },
  update: { bumped: ({ n }) => ({ n: n + 1 }) },
});
export const wirings = [
  defineWiring({ topics: [first, same] }),
  defineWiring({ topics: [second, same] }),
] as const;
const slices = [first, second] as const;

/** Nodes of version 1 or 2 over one log, with one clock and one pubsub. */
export function deploy({
  log = memoryLog({ shared: true, random: countingRandom(7) }),
}: { log?: LogStorage } = {}) {
  const hand = handClock();
  const bells = handPubSub();
  let seed = 100;
  const node = (which: 1 | 2 | typeof forgotten, through: LogStorage = log) => {
    const slice = typeof which === "number" ? slices[which - 1]! : which;
    const wiring = typeof which === "number" ? wirings[which - 1]! : defineWiring({ topics: [which, same] });
    const random = countingRandom(seed++);
    const wired = wire(
      {
        wiring: wiring as never,
        log: through,
        pubsub: bells.pubsub,
        secret: "a secret of all the nodes",
        random,
      },
      hand,
    );
    for (const one of [slice, same]) wired.server.handle(one as never, { public: true });
    const page = async (identity?: { clientId: string; secret: string }, versions = wiring.versions()) => {
      const its = wired.socket();
      its.say(hello({ slices: versions, ...(identity && { identity }) }));
      const said = await its.heard();
      const [connected] = said;
      return {
        ...its,
        said,
        identity:
          connected?.type === "Connected"
            ? { clientId: connected.clientId, secret: connected.secret ?? identity?.secret ?? "" }
            : { clientId: "", secret: "" },
      };
    };
    const topic = wired.server.topic(slice as never, ...(["1"] as never));
    const read = () => wired.done(topic.read()) as Promise<{ model: unknown; sequence: number }>;
    const done = <T>(promise: Promise<T>) => wired.done(promise);
    return { ...wired, page, topic, read, done };
  };
  return { node, log, ...hand, bells };
}
export const put = (mid: number, item: string, more: object = {}) =>
  say("list:1", mid, { type: "put", item }, more);
export const added = (mid: number, text: string, more: object = {}) =>
  say("list:1", mid, { type: "added", text }, more);
export const join = subscribe("list:1");
export const cards = (...texts: string[]) => ({ cards: texts.map((text) => ({ text })) });
export const modelIn = (said: readonly Said[]) =>
  said.flatMap((frame) => (frame.type === "Snapshot" ? [frame.model] : []));
export const records = async (log: LogStorage) => {
  const result = await log.read("list:1", { sequence: 0, mark: 0 }, 1_000);
  if (result.status !== "records") throw new Error(result.status);
  return result.records;
};
/** The newest record that holds the whole model, and whether the same is stored as a snapshot (VE6). */
export async function lastWhole(log: LogStorage) {
  const { records } = await log.history("list:1", Number.MAX_SAFE_INTEGER, 1_000);
  const whole = records.findLast(({ model }) => model !== undefined);
  const snapshot = whole && (await log.snapshotAt("list:1", whole.sequence));
  const stored =
    snapshot?.sequence === whole?.sequence &&
    snapshot?.mark === whole?.mark &&
    sameValue(snapshot?.model, whole?.model?.value);
  return { id: whole?.id, stored };
}
