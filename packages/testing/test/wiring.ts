// The wiring that the campaign plays with: nothing in it commutes. A pad (text, order, a clamped count, one owner), two
// of them, a session, and messages that are rejected, amended, forbidden, throw, or read the context.
import {
  automatic,
  definePresence,
  defineSession,
  defineTopic,
  defineWiring,
  json,
  plain,
  serverOnly,
} from "@calla/shared";
import type { Message } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import * as z from "zod";
import { action, serverAction, tracking } from "../src/index.ts";
import type { SeededRandom, SimulationSetup } from "../src/index.ts";

const MOST = 9;

/** What both versions of a pad have (older-wiring.ts has the other one). */
export const common = {
  items: z.array(z.string()),
  count: z.number(),
  owner: z.string().nullable(),
  stamps: z.array(z.string()),
};
export const commonMessages = {
  erased: z.object({ at: z.number(), length: z.number() }),
  added: z.object({ item: z.string(), at: z.number() }),
  moved: z.object({ item: z.string(), to: z.number() }),
  removed: z.object({ item: z.string() }),
  counted: z.object({ by: z.number() }),
  doubled: z.object({}),
  spent: z.object({ price: z.number() }),
  claimed: z.object({ by: z.string() }),
  stamped: z.object({ word: z.string() }),
  risked: z.object({ limit: z.number() }),
  secret: z.object({}),
  noted: z.object({ amount: z.number() }),
  reset: serverOnly(z.object({ count: z.number() })),
};
export const written = z.object({ at: z.number(), text: z.string().max(20) });
export const rejections = {
  missing: z.object({ item: z.string() }),
  poor: z.object({ count: z.number(), price: z.number() }),
};

/** A pad as it was in version 1. */
export interface OlderPad {
  readonly letters: string;
  readonly waves: number;
  readonly items: string[];
  readonly count: number;
  readonly owner: string | null;
  readonly stamps: string[];
}
export const padNow = ({ letters: text, items, count, owner, stamps }: OlderPad) => ({
  text,
  items,
  count,
  owner,
  stamps,
});

/** Where somebody is on a pad. */
export const presence = definePresence(z.object({ at: z.number() }));

const pad = defineTopic("pad:*", {
  version: 2,
  presence,
  model: z.object({ text: z.string(), ...common }),
  migrate: {
    1: {
      model: padNow,
      message(old, { drop }) {
        if (old.type === "waved") return drop("nobody waves any more");
        return (old.type === "wrote" ? { ...old, type: "typed" } : old) as never;
      },
    },
  },
  initial: () => ({ text: "", items: [], count: 0, owner: null, stamps: [] }),
  messages: { typed: written, ...commonMessages },
  rejections,
  update: {
    typed: (pad, { at, text }) => {
      const place = Math.min(at, pad.text.length);
      return { ...pad, text: (pad.text.slice(0, place) + text + pad.text.slice(place)).slice(0, 80) };
    },
    erased: (pad, { at, length }) => ({ ...pad, text: pad.text.slice(0, at) + pad.text.slice(at + length) }),
    added: (pad, { item, at }) => ({ ...pad, items: pad.items.toSpliced(at, 0, item).slice(0, 12) }),
    moved: (pad, { item, to }, context) => {
      const from = pad.items.indexOf(item);
      if (from < 0) return context.reject("missing", { item });
      return { ...pad, items: pad.items.toSpliced(from, 1).toSpliced(to, 0, item) };
    },
    removed: (pad, { item }, context) =>
      pad.items.includes(item)
        ? { ...pad, items: pad.items.toSpliced(pad.items.indexOf(item), 1) }
        : context.reject("missing", { item }),
    counted: (pad, { by }) => ({ ...pad, count: Math.max(0, Math.min(MOST, pad.count + by)) }),
    doubled: (pad) => ({ ...pad, count: Math.min(MOST, pad.count * 2) }),
    spent: (pad, { price }, context) =>
      pad.count >= price
        ? { ...pad, count: pad.count - price }
        : context.reject("poor", { count: pad.count, price }),
    claimed: (pad, { by }) => ({ ...pad, owner: by }),
    stamped: (pad, { word }, context) => ({
      ...pad,
      stamps: [...pad.stamps, `${word} ${context.at} ${context.userId} ${context.id()}`].slice(-4),
    }),
    risked: (pad, { limit }) => {
      if (pad.count > limit) throw new Error("risked too much");
      return { ...pad, count: Math.min(MOST, pad.count + 2) };
    },
    secret: (pad) => ({ ...pad, owner: "secret" }),
    noted: (pad, { amount }) => ({ ...pad, count: Math.min(MOST, amount) }),
    reset: (pad, { count }) => ({ ...pad, count, stamps: [] }),
  },
});

const session = defineSession({
  version: 2,
  migrate: {
    1: {
      model: ({ called, visits }: { called: string; visits: number }) => ({ name: called, visits }),
      message: (old) => (old.type === "called" ? { ...old, type: "named" } : old) as never,
    },
  },
  model: z.object({ name: z.string(), visits: z.number() }),
  initial: () => ({ name: "", visits: 0 }),
  messages: {
    named: z.object({ name: z.string() }),
    visited: serverOnly(z.object({})),
    appended: z.object({ letter: z.string() }),
  },
  update: {
    named: (session, { name }) => ({ ...session, name }),
    visited: (session) => ({ ...session, visits: session.visits + 1 }),
    appended: (session, { letter }) => ({ ...session, name: (session.name + letter).slice(-12) }),
  },
});

/** Only a server makes one, which no older version does otherwise. */
export const room = defineTopic("room:*", {
  created: "server",
  model: z.object({ name: z.string(), said: z.array(z.string()) }),
  initial: () => ({ name: "", said: [] }),
  messages: { said: z.object({ word: z.string() }), opened: serverOnly(z.object({ name: z.string() })) },
  update: {
    said: (room, { word }) => ({ ...room, said: [...room.said, word].slice(-6) }),
    opened: (room, { name }) => ({ ...room, name: room.name + name }),
  },
});

export const wiring = defineWiring({ session, topics: [pad, room] });
const serialiser = automatic(json(), messagePack());

const letter = (random: SeededRandom): string => String.fromCodePoint(random.int(97, 122));
const item = (random: SeededRandom, items: readonly string[] | undefined): string =>
  items !== undefined && items.length > 0 && random.chance(0.9) ? random.pick(items) : letter(random);

const onPad = (id: string) => [
  action(pad, [id], (random) => ({ type: "typed", at: random.int(0, 10), text: letter(random) }), 4),
  action(pad, [id], (random) => ({ type: "erased", at: random.int(0, 8), length: random.int(1, 3) })),
  action(pad, [id], (random) => ({ type: "added", item: letter(random), at: random.int(0, 4) }), 2),
  action(
    pad,
    [id],
    (random, model) => ({ type: "moved", item: item(random, model?.items), to: random.int(0, 4) }),
    2,
  ),
  action(pad, [id], (random, model) => ({ type: "removed", item: item(random, model?.items) })),
  action(pad, [id], (random) => ({ type: "counted", by: random.int(-4, 5) }), 2),
  action(pad, [id], () => ({ type: "doubled" })),
  action(pad, [id], (random) => ({ type: "spent", price: random.int(1, 6) }), 2),
  action(pad, [id], (random) => ({ type: "claimed", by: letter(random) }), 2),
  action(pad, [id], (random) => ({ type: "stamped", word: letter(random) }), 2),
  action(pad, [id], (random) => ({ type: "risked", limit: random.int(0, 8) })),
  action(pad, [id], () => ({ type: "secret" }), 0.5),
  action(pad, [id], (random) => ({ type: "noted", amount: random.int(0, 30) })),
  // One fate: the second is refused often enough.
  action(pad, [id], (random) => [
    { type: "claimed", by: letter(random) },
    { type: "spent", price: random.int(1, 6) },
  ]),
  serverAction(pad, [id], (random) => ({ type: "reset", count: random.int(0, MOST) }), 0.7),
];

export const padHandlers = {
  canSubscribe: () => true,
  canDispatch: ({ type }: Message) => type !== "secret",
  // A note is never above what a pad can count.
  amend: <M extends Message>(message: M): M =>
    message.type === "noted" ? { ...message, amount: Math.min(Number(message["amount"]), MOST) } : message,
};

export const setup: SimulationSetup<typeof wiring> = {
  wiring,
  // A mid that was sent and lost with the disk, and then used again, is rarer than all else that is looked for.
  faults: { "disk-full": 2 },
  serialiser,
  // Its values are all JSON's.
  otherSerialisers: [plain(json())],
  server(server) {
    server.handle(pad, padHandlers);
    server.handle(session, { public: true });
    server.handle(room, { public: true });
  },
  actions: [
    ...onPad("1"),
    ...onPad("2"),
    action(room, ["hall"], (random) => ({ type: "said", word: letter(random) }), 3),
    serverAction(room, ["hall"], (random) => ({ type: "opened", name: letter(random) }), 0.7),
    action(session, [], (random) => ({ type: "named", name: letter(random) })),
    action(session, [], (random) => ({ type: "appended", letter: letter(random) }), 2),
  ],
  trackings: ["1", "2"].map((id) => tracking(pad, [id], (random) => ({ at: random.int(0, 9) }))),
};
