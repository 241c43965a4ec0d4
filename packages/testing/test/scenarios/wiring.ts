// The wiring of the scenarios: a note whose messages do not commute, are refused, amended, throw, or hold any value.
import {
  automatic,
  defineClass,
  defineEphemeral,
  defineSession,
  defineTopic,
  defineWiring,
  json,
  serverOnly,
  topicId,
} from "@calla/shared";
import type { ClientMessageOf, Created, ModelOf, TargetKey } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import * as z from "zod";

/** Both formats, for `test.each`. */
export const FORMATS = ["json", "messagepack"] as const;
export type FormatName = (typeof FORMATS)[number];

/** An instance of a class, as a value in a message. */
export class Point {
  readonly x: number;
  readonly y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}
const point = defineClass("Point", Point, {
  encode: ({ x, y }) => ({ x, y }),
  decode: ({ x, y }) => new Point(x, y),
});

/** What a note can count. */
export const MOST = 9;

/** `longest` is what a line may have: a server may be stricter than its clients. */
const noteSlice = (longest: number, created: Created = "client") =>
  defineTopic("note:*", {
    created,
    model: z.object({
      title: z.string(),
      lines: z.array(z.string()),
      count: z.number(),
      stamps: z.array(z.number()),
      values: z.record(z.string(), z.unknown()),
    }),
    initial: () => ({ title: "", lines: [], count: 0, stamps: [], values: {} }),
    messages: {
      titled: z.object({ title: z.string() }),
      added: z.object({ line: z.string().max(longest) }),
      counted: z.object({ by: z.number() }),
      doubled: z.object({}),
      spent: z.object({ price: z.number() }),
      risked: z.object({ limit: z.number() }),
      stamped: z.object({ at: z.number() }),
      bounded: z.object({ amount: z.number() }),
      secret: z.object({}),
      kept: z.object({ name: z.string(), value: z.unknown() }),
      reset: serverOnly(z.object({ count: z.number() })),
    },
    rejections: { poor: z.object({ count: z.number(), price: z.number() }) },
    update: {
      titled: (note, { title }) => ({ ...note, title }),
      added: (note, { line }) => ({ ...note, lines: [...note.lines, line] }),
      counted: (note, { by }) => ({ ...note, count: Math.max(0, Math.min(MOST, note.count + by)) }),
      doubled: (note) => ({ ...note, count: Math.min(MOST, note.count * 2) }),
      spent: (note, { price }, context) =>
        note.count >= price
          ? { ...note, count: note.count - price }
          : context.reject("poor", { count: note.count, price }),
      risked: (note, { limit }) => {
        if (note.count > limit) throw new Error("risked too much");
        return { ...note, lines: [...note.lines, "risked"] };
      },
      stamped: (note, { at }) => ({ ...note, stamps: [...note.stamps, at] }),
      bounded: (note, { amount }) => ({ ...note, count: amount }),
      secret: (note) => ({ ...note, title: "secret" }),
      kept: (note, { name, value }) => ({ ...note, values: { ...note.values, [name]: value } }),
      reset: (note, { count }) => ({ ...note, count }),
    },
  });
const sessionSlice = () =>
  defineSession({
    model: z.object({ name: z.string(), admin: z.boolean() }),
    initial: () => ({ name: "", admin: false }),
    messages: { named: z.object({ name: z.string() }), promoted: serverOnly(z.object({})) },
    update: {
      named: (session, { name }) => ({ ...session, name }),
      promoted: (session) => ({ ...session, admin: true }),
    },
  });

export const note = noteSlice(10_000);
export type Note = ModelOf<typeof note>;
export type NoteMessage = ClientMessageOf<typeof note>;
export const keyOf = (id: string): TargetKey => topicId(note.pattern, id);
export const session = sessionSlice();
export const cursors = defineEphemeral("cursors:*", {
  messages: { moved: z.object({ x: z.number() }) },
  keep: "latest",
});

export const wiring = defineWiring({ session, topics: [note, cursors] });
export type NoteWiring = typeof wiring;
export const serialiser = automatic(json(), messagePack()).with({ classes: [point] });

const served = (own: typeof note) => ({
  note: own,
  wiring: defineWiring({ session, topics: [own, cursors] }),
});
/** What servers may have in place of the clients' notes. */
export const SERVED = {
  plain: { note, wiring },
  /** They take short lines only. */
  short: served(noteSlice(5)),
  /** Only the server makes them. */
  made: served(noteSlice(10_000, "server")),
};
