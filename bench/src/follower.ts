// What a record costs the client that follows its topic, without a socket: a frame in, the update, the notice out. The
// update alone is measured in the same run, on the same models and messages.
import { createClient } from "@calla/client";
import type { Transport } from "@calla/client";
import { applyMessages, automatic, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";

interface Item {
  readonly text: string;
  readonly n: number;
}
const item = z.object({ text: z.string(), n: z.number() });
const fields = { set: z.object({ id: z.string(), n: z.number() }) };
const first = (count: number): [string, Item][] =>
  Array.from({ length: count }, (_, i) => [`item-${i}`, { text: "a short text", n: i }]);

const byId = (count: number) =>
  defineTopic("followed:*", {
    model: z.record(z.string(), item),
    initial: () => Object.fromEntries(first(count)),
    messages: fields,
    update: { set: (items, { id, n }) => ({ ...items, [id]: { ...items[id]!, n } }) },
  });
const byMap = (count: number) =>
  defineTopic("followed:*", {
    model: z.map(z.string(), item),
    initial: () => new Map(first(count)),
    messages: fields,
    update: { set: (items, { id, n }) => new Map(items).set(id, { ...items.get(id)!, n }) },
  });

/** By name: the slice, its items, how many records are measured, and the bar. */
export const FOLLOWED = {
  "a record of 1,000 items by id": { slice: byId(1_000), count: 1_000, records: 2_000, bound: 1.3 },
  "a record of 10,000 items by id": { slice: byId(10_000), count: 10_000, records: 200, bound: 1.3 },
  "a Map of 1,000 items": { slice: byMap(1_000), count: 1_000, records: 2_000, bound: undefined },
  "a Map of 10,000 items": { slice: byMap(10_000), count: 10_000, records: 200, bound: undefined },
} as const;

const format = json();
const serialiser = automatic(format);
const TARGET = "followed:1";

/** CPU microseconds of each record, of its update alone and of all of it, in turns of fifty. */
export async function follows(
  name: keyof typeof FOLLOWED,
  records: number,
): Promise<{ readonly alone: number; readonly whole: number; readonly ratio: number }> {
  const { slice, count } = FOLLOWED[name] as { slice: ReturnType<typeof byId>; count: number };
  let say: (frame: object) => void = () => undefined;
  let ref = 0;
  const transport: Transport = {
    reconnect: { baseMilliseconds: 1_000, maxMilliseconds: 1_000, multiplier: 1, jitterRatio: 0 },
    connect(handlers) {
      say = (frame) => void handlers.receive(JSON.stringify(frame));
      setImmediate(() => void handlers.open());
      return {
        send(data) {
          const { targets = [] } = JSON.parse(String(data)) as { targets?: { ref: number }[] };
          ref = targets[0]?.ref ?? ref;
        },
        close: () => undefined,
      };
    },
  };
  const client = createClient({
    wiring: defineWiring({ topics: [slice] }),
    serialiser,
    transport,
    strict: false,
  });
  const topic = client.topic(slice, "1");
  let told = 0;
  topic.onChange(() => told++);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await turn();
  await turn();
  const model = serialiser.payload(format).encodeModel(slice.initial());
  say({ type: "Connected", clientId: "c", secret: "s", userId: null, now: 0, maxInFlight: 64 });
  const settled = { ref, sequence: 0, next: 1, outcomes: [], resync: "snapshot", reason: "new" };
  say({ type: "Settled", target: TARGET, ...settled });
  say({ type: "Snapshot", target: TARGET, sequence: 0, mark: 0, version: 1, model });
  await turn();
  const before = told;
  // Spread over the model: where the change is decides how far a comparison goes.
  const message = (i: number) => ({ type: "set", id: `item-${(i * 7_919) % count}`, n: -1 - i }) as const;
  const context = { at: 0, userId: null, visitor: "", messageId: "id" };
  let alone: unknown = topic.state.model;
  const cost = async (work: () => unknown): Promise<number> => {
    const began = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(began);
    return user + system;
  };
  const update = (i: number): void => {
    const applied = applyMessages(slice, alone, [message(i)], context, { strict: false });
    if (!applied.ok) throw new Error("refused");
    alone = applied.model;
  };
  const follow = (i: number): Promise<void> => {
    const record = [0, 0, i + 1, `m${i}`, [message(i)]];
    const authors = [[1, null, 1]];
    say({
      type: "TopicUpdate",
      target: TARGET,
      after: i,
      from: i,
      at: 1,
      authors,
      records: [record],
      mark: i + 1,
    });
    return Promise.resolve();
  };
  const sum = { alone: 0, whole: 0 };
  const each = 50;
  for (let from = 0; from < 2 * records; from += each) {
    const range = Array.from({ length: each }, (_, i) => from + i);
    const one = await cost(() => range.forEach(update));
    const all = await cost(async () => {
      for (const i of range) await follow(i);
    });
    // The first half warms up.
    if (from < records) continue;
    sum.alone += one;
    sum.whole += all;
  }
  if (told - before !== 2 * records) throw new Error(`${told - before} of ${2 * records} were told`);
  await client.close();
  return { alone: sum.alone / records, whole: sum.whole / records, ratio: sum.whole / sum.alone };
}
