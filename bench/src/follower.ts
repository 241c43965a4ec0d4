// What a record costs the client that follows its topic, without a socket: a frame in, the update, the notice out. The
// update alone is measured in the same run, on the same models and messages.
import { applyMessages, defineTopic } from "@calla/shared";
import * as z from "zod";
import { bareClient } from "./bare-client.ts";

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

const byList = (count: number) =>
  defineTopic("followed:*", {
    model: z.array(item),
    initial: () => first(count).map(([, one]) => one),
    messages: fields,
    update: {
      set: (items, { id, n }) => {
        const at = Number(id.slice("item-".length));
        return items.with(at, { ...items[at]!, n });
      },
    },
  });

/** So many times the update alone, and so many microseconds. */
export interface Bound {
  readonly times: number;
  readonly plus: number;
}
interface Followed {
  readonly slice: ReturnType<typeof byId>;
  readonly count: number;
  /** How many records are measured. */
  readonly records: number;
  readonly bound?: Bound;
}
const share = { times: 1.3, plus: 0 };
const followed = (slice: unknown, count: number, records: number, bound?: Bound): Followed => ({
  slice: slice as Followed["slice"],
  count,
  records,
  ...(bound && { bound }),
});
export const FOLLOWED: Readonly<Record<string, Followed>> = {
  "a record of 1,000 items by id": followed(byId(1_000), 1_000, 2_000, share),
  "a record of 10,000 items by id": followed(byId(10_000), 10_000, 200, share),
  "a Map of 1,000 items": followed(byMap(1_000), 1_000, 2_000),
  "a Map of 10,000 items": followed(byMap(10_000), 10_000, 200),
  "a list of 10,000 items": followed(byList(10_000), 10_000, 2_000, { times: 4, plus: 15 }),
};

/** CPU microseconds of each record, of its update alone and of all of it, in turns of fifty. */
export async function follows(
  { slice, count }: Followed,
  records: number,
): Promise<{ readonly alone: number; readonly whole: number }> {
  const { close, topic, told, hear } = await bareClient(slice, "followed");
  const before = told();
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
  const follow = async (i: number): Promise<void> => {
    hear(i + 1, message(i));
    await Promise.resolve();
    // After a stretch what comes waits for the loop to turn (CL60): so that each is told by itself, the next one does too.
    while (told() - before <= i) await new Promise<void>((done) => void setTimeout(done, 1));
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
  if (told() - before !== 2 * records) throw new Error(`${told() - before} of ${2 * records} were told`);
  await close();
  return { alone: sum.alone / records, whole: sum.whole / records };
}
