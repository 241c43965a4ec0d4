// What every system carries and what the codecs write: one message of about 100 bytes as JSON, the wiring it belongs to,
// and frames made of it. A test (packages/shared/test/bench-fixtures.test.ts) proves that both formats give all of it
// back, so that a fast wrong encoder cannot win here.
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import type { ServerFrames } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import { z } from "zod";

/** `from` says it as its `n`th, dense from 1: that is how loss, order and duplicates are seen. */
export interface Said {
  readonly type: "said";
  readonly from: number;
  readonly n: number;
  readonly text: string;
}

const TEXT = "The quick brown fox jumps over the lazy dog; it was asleep.";
export const said = (from: number, n: number, text = TEXT): Said => ({ type: "said", from, n, text });
/** What fills a slow consumer's buffers sooner. */
const LONG = TEXT.repeat(34);

/** How many of the last messages a room's model holds. */
const KEPT = 10;
const message = z.object({ from: z.number(), n: z.number(), text: z.string().max(4_000) });
/** The same whole, for who is given no type beside it. */
export const saidSchema = message.extend({ type: z.literal("said") });

export const room = defineTopic("room:*", {
  model: z.object({ count: z.number(), last: z.array(message) }),
  initial: () => ({ count: 0, last: [] }),
  messages: { said: message },
  update: {
    said: ({ count, last }, { from, n, text }) => ({
      count: count + 1,
      last: [...(last.length < KEPT ? last : last.slice(1)), { from, n, text }],
    }),
  },
});

/** What a topic of state holds: 1,000 items, about 100 KB as JSON. */
export const ITEMS = 1_000;
export interface Item {
  readonly id: string;
  readonly text: string;
  readonly x: number;
  readonly y: number;
}
export const firstItems = (): readonly Item[] =>
  Array.from({ length: ITEMS }, (_, i) => ({ id: `item-${i}`, text: TEXT, x: i, y: 0 }));

/** A small change: `x` is who makes it, `y` that one's count from 1. */
export interface Moved {
  readonly type: "moved";
  readonly item: number;
  readonly x: number;
  readonly y: number;
}
export const moved = (from: number, n: number): Moved => ({
  type: "moved",
  item: (from * 57 + n * 31) % ITEMS,
  x: from,
  y: n,
});

const item = z.object({ id: z.string(), text: z.string(), x: z.number(), y: z.number() });
const place = z
  .number()
  .int()
  .min(0)
  .max(ITEMS - 1);
interface ItemList {
  readonly items: Item[];
}
interface ItemRecord {
  readonly items: Record<string, Item>;
}
type Place<K> = Pick<Moved, "x" | "y"> & { readonly item: K };
/** The updates, as most people write them. */
export const moveInList = ({ items }: ItemList, { item, x, y }: Place<number>): ItemList => ({
  items: items.with(item, { ...items[item]!, x, y }),
});
export const moveInRecord = ({ items }: ItemRecord, { item, x, y }: Place<string>): ItemRecord => ({
  items: { ...items, [item]: { ...items[item]!, x, y } },
});
/** With any update that does the same: one that is counted, for example. */
export const listBy = (update: typeof moveInList) =>
  defineTopic("list:*", {
    model: z.object({ items: z.array(item) }),
    initial: () => ({ items: [...firstItems()] }),
    messages: { moved: z.object({ item: place, x: z.number(), y: z.number() }) },
    update: { moved: update },
  });
export const list = listBy(moveInList);
/** The same items by their ids. */
export const recordsBy = (update: typeof moveInRecord) =>
  defineTopic("records:*", {
    model: z.object({ items: z.record(z.string(), item) }),
    initial: () => ({ items: Object.fromEntries(firstItems().map((one) => [one.id, one])) }),
    messages: { moved: z.object({ item: z.string(), x: z.number(), y: z.number() }) },
    update: { moved: update },
  });
export const records = recordsBy(moveInRecord);
export const movedRecord = (from: number, n: number) =>
  ({ ...moved(from, n), item: `item-${moved(from, n).item}` }) as const;
export const wiring = defineWiring({ topics: [room, list, records] });

/** Who said a message, as its how-manieth. */
export interface Spoken {
  readonly from: number;
  readonly n: number;
}
export const isList = (topic: string): boolean => topic.startsWith("list:");
export const spoken = (
  topic: string,
  from: number,
  n: number,
): Said | Moved | ReturnType<typeof movedRecord> => {
  if (isList(topic)) return moved(from, n);
  if (topic.startsWith("records:")) return movedRecord(from, n);
  return said(from, n, topic.startsWith("room:bulk-") ? LONG : TEXT);
};
export const spokenBy = (message: unknown): Spoken => {
  const one = message as Said | Moved;
  return one.type === "said" ? one : { from: one.x, n: one.y };
};
export const serialiser = automatic(json(), messagePack());

/** The id a message carries on Calla's wire: of the usual length, and known to whoever checks it. */
export const idOf = (from: number, n: number): string =>
  `${from.toString(36).padStart(5, "0")}${n.toString(36).padStart(6, "0")}`;

/** An update frame of this many records by four authors. */
export function updateFrame(records: number): ServerFrames["TopicUpdate"] {
  return {
    type: "TopicUpdate",
    target: "room:1",
    after: 1_000,
    from: 3_141_592_653,
    at: 1_763_000_000_000,
    authors: [1, 2, 3, 4].map((author) => [2_718_281_828 + author, `user-${author}`, 0] as const),
    records: Array.from({ length: records }, (_, i) => {
      const author = i % 4;
      const n = 1 + (i - author) / 4;
      return [i % 3, author, n, idOf(author, n), [said(author, n)]] as const;
    }),
    mark: 2_236_067_977,
  };
}

/** A snapshot of about 100 KB as JSON, with a date in every card as real models have. */
export function snapshotFrame(): ServerFrames["Snapshot"] {
  const cards = Array.from({ length: 620 }, (_, i) => ({
    id: idOf(i, i),
    text: TEXT,
    done: i % 3 === 0,
    place: { x: i * 17, y: i / 8 },
    due: new Date(1_763_000_000_000 + i),
  }));
  return {
    type: "Snapshot",
    target: "board:1",
    sequence: 1_000,
    mark: 3_141_592_653,
    version: 1,
    model: { title: "A board", cards },
  };
}
