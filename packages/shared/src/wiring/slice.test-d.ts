// Compile errors that a user is promised, one must-fail line each; checked by `npm run check:types`. [WR] rules are
// named where a line proves one.
import * as v from "valibot";
import * as z from "zod";
import * as zm from "zod/mini";
import { defineLocal } from "../updates/define-local.ts";
import { defineEphemeral, defineSession, defineTopic, serverOnly } from "./define.ts";
import type { ClientMessageOf, MessageOf, ModelOf, ParamsOf, RejectionOf } from "./slice.ts";
import type { Params } from "./topic-pattern.ts";
import { parseTopicPattern, topicId } from "./topic-pattern.ts";
import { defineWiring } from "./wiring.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T | undefined => undefined;
type Plain<T> = T extends unknown ? { [K in keyof T]: T[K] } : never;

const n = { model: z.object({ n: z.number() }), initial: () => ({ n: 0 }) };

export const board = defineTopic("board:*", {
  model: z.object({ title: z.string(), cards: z.array(z.object({ id: z.string(), text: z.string() })) }),
  initial: () => ({ title: "", cards: [] }),
  messages: {
    cardAdded: z.object({ id: z.string(), text: z.string().max(500) }),
    cardMoved: z.object({ id: z.string(), before: z.string().nullable() }),
    titleStamped: serverOnly(z.object({ at: z.number() })),
    cleared: z.object({}),
  },
  rejections: { noSuchCard: z.object({ id: z.string() }) },
  update: {
    cardAdded: (board, { id, text }) => ({ ...board, cards: [...board.cards, { id, text }] }),
    cardMoved: (board, { id }, context) =>
      board.cards.some((card) => card.id === id) ? board : context.reject("noSuchCard", { id }),
    titleStamped: (board, { at }) => ({ ...board, title: `${board.title} (${at})` }),
    cleared: (board, message) => ({ ...board, cards: [], title: message.type }),
  },
  version: 2,
  migrate: {
    1: {
      model: (old: { readonly name: string }) => ({ title: old.name, cards: [] }),
      message: (old, { drop }) => (old.type === "wiped" ? { type: "cleared" } : drop("it is gone")),
    },
  },
});
const chat = defineTopic("chat", {
  ...n,
  messages: { said: z.object({}) },
  update: { said: (model) => model },
});
const cursors = defineEphemeral("cursors:*", {
  messages: { moved: z.object({ x: z.number() }), swept: serverOnly(z.object({})) },
  keep: "latest",
});
const session = defineSession({
  ...n,
  messages: { set: z.object({ n: z.number() }) },
  rejections: { full: z.object({}) },
  update: { set: (_, { n }, context) => (n > 9 ? context.reject("full", {}) : { n }) },
});
const local = defineLocal({
  ...n,
  messages: { set: z.object({ n: z.number() }) },
  update: { set: (_, { n }) => ({ n }) },
});

// What follows from a slice.
type Board = { title: string; cards: { id: string; text: string }[] };
is<Same<ModelOf<typeof board>, Board>>();
is<Same<MessageOf<typeof board>["type"], "cardAdded" | "cardMoved" | "titleStamped" | "cleared">>();
is<Same<ClientMessageOf<typeof board>["type"], "cardAdded" | "cardMoved" | "cleared">>();
is<
  Same<
    Plain<Extract<MessageOf<typeof board>, { type: "cardMoved" }>>,
    { readonly type: "cardMoved"; id: string; before: string | null }
  >
>();
is<Same<ParamsOf<typeof board>, [string]>>();
is<Same<ParamsOf<typeof chat>, []>>();
is<Same<ParamsOf<typeof session>, []>>();
is<Same<ClientMessageOf<typeof cursors>["type"], "moved">>();
is<Same<ModelOf<typeof cursors>, undefined>>();
is<Same<MessageOf<typeof local>["type"], "set">>();
is<Same<Extract<RejectionOf<typeof board>, { from: "app" }>["details"], { id: string }>>();
is<Same<Extract<RejectionOf<typeof chat>, { from: "app" }>, never>>();
is<Same<Params<"doc:*:ops:*">, [string, string]>>();

const dispatch = <S>(_slice: S, _message: ClientMessageOf<S>): void => undefined;
dispatch(board, { type: "cardAdded", id: "1", text: "x" });
dispatch(board, { type: "cleared" });
dispatch(chat, { type: "said" });
// @ts-expect-error a wrong message
dispatch(board, { type: "cardEaten", id: "1" });
// @ts-expect-error a wrong field
dispatch(board, { type: "cardAdded", id: 1, text: "x" });
// @ts-expect-error a missing field
dispatch(board, { type: "cardAdded", id: "1" });
// @ts-expect-error a field too many
dispatch(board, { type: "cardAdded", id: "1", text: "x", colour: "red" });
// @ts-expect-error a field of a message without fields
dispatch(board, { type: "cleared", all: true });
// @ts-expect-error the server's message
dispatch(board, { type: "titleStamped", at: 1 });
// @ts-expect-error the server's message, ephemeral
dispatch(cursors, { type: "swept" });

// Parameters.
topicId(board.pattern, "42");
topicId(parseTopicPattern("doc:*:ops"), "42");
// @ts-expect-error a pattern needs its parameter
topicId(board.pattern);
// @ts-expect-error a parameter is a string
topicId(board.pattern, 42);
// @ts-expect-error an exact topic takes none
topicId(chat.pattern, "x");

// Updates: exhaustive, no extra, typed.
defineTopic("x", {
  ...n,
  messages: { a: z.object({}), b: z.object({}) },
  // @ts-expect-error b has no update
  update: { a: (model) => model },
});
defineTopic("x", {
  ...n,
  messages: { a: z.object({}) },
  // @ts-expect-error there is no message b
  update: { a: (model) => model, b: (model) => model },
});
defineTopic("x", {
  ...n,
  messages: { a: z.object({}) },
  // @ts-expect-error a wrong model
  update: { a: () => ({ n: "1" }) },
});
defineTopic("x", {
  ...n,
  messages: { a: z.object({}) },
  // @ts-expect-error a promise is no model
  update: { a: async (model) => model },
});
defineTopic("x", {
  ...n,
  messages: { a: z.object({ by: z.number() }) },
  // @ts-expect-error no such field
  update: { a: (model, { with: by }) => ({ n: model.n + by }) },
});
defineTopic("x", {
  ...n,
  // @ts-expect-error a wrong first model
  initial: () => ({ n: "0" }),
  messages: {},
  update: {},
});

// Migrations: the present model, a present message, by number.
const items = {
  ...n,
  version: 2,
  messages: { a: z.object({ by: z.number() }) },
  update: { a: (model: { n: number }, { by }: { by: number }) => ({ n: model.n + by }) },
} as const;
defineTopic("x", { ...items, migrate: { 1: { message: () => ({ type: "a", by: 1 }) } } });
defineTopic("x", { ...items, migrate: { 1: { message: (_, { drop }) => drop("gone") } } });
defineTopic("x", {
  ...items,
  // @ts-expect-error a wrong model
  migrate: { 1: { model: () => ({ n: "1" }) } },
});
defineTopic("x", {
  ...items,
  // @ts-expect-error a message that the slice has not
  migrate: { 1: { message: () => ({ type: "b" }) } },
});
defineTopic("x", {
  ...items,
  // @ts-expect-error a message without its field
  migrate: { 1: { message: () => ({ type: "a" }) } },
});
defineTopic("x", {
  ...items,
  // @ts-expect-error nothing is no message: drop says why
  migrate: { 1: { message: () => undefined } },
});
defineTopic("x", {
  ...items,
  // @ts-expect-error a misspelt function
  migrate: { 1: { massage: () => ({ type: "a", by: 1 }) } },
});
defineTopic("x", {
  ...items,
  // @ts-expect-error a version is a number
  migrate: { first: { model: () => ({ n: 1 }) } },
});

// Rejections.
defineTopic("x", {
  ...n,
  messages: { a: z.object({}) },
  rejections: { no: z.object({ why: z.string() }) },
  // @ts-expect-error an unknown code
  update: { a: (_model, _message, context) => context.reject("nope", { why: "" }) },
});
defineTopic("x", {
  ...n,
  messages: { a: z.object({}) },
  rejections: { no: z.object({ why: z.string() }) },
  // @ts-expect-error wrong details
  update: { a: (_model, _message, context) => context.reject("no", { why: 1 }) },
});
defineTopic("x", {
  ...n,
  messages: { a: z.object({}) },
  // @ts-expect-error a slice without rejections cannot reject
  update: { a: (_model, _message, context) => context.reject("no", {}) },
});

// Schemas describe, they do not convert.
const numberFromText = z.object({ n: z.string().transform(Number) });
defineTopic("x", {
  ...n,
  // @ts-expect-error a converting message
  messages: { a: numberFromText },
  update: { a: (model) => model },
});
defineTopic("x", {
  // @ts-expect-error a converting model
  model: numberFromText,
  initial: () => ({ n: 0 }),
  messages: {},
  update: {},
});
defineTopic("x", {
  ...n,
  messages: {},
  // @ts-expect-error converting details
  rejections: { no: numberFromText },
  update: {},
});
defineTopic("x", {
  ...n,
  messages: {},
  update: {},
  // @ts-expect-error there is no presence yet
  presence: z.object({ name: z.string() }),
});
defineTopic("x", {
  ...n,
  // @ts-expect-error a converting message in valibot
  messages: { a: v.object({ n: v.pipe(v.string(), v.transform(Number)) }) },
  update: { a: (model) => model },
});
defineTopic("x", {
  ...n,
  // @ts-expect-error a converting message in zod/mini
  messages: { a: zm.object({ n: zm.pipe(zm.string(), zm.transform(Number)) }) },
  update: { a: (model) => model },
});
defineEphemeral("x", {
  // @ts-expect-error a converting ephemeral message
  messages: { a: numberFromText },
});
// A default gives what is accepted again: it describes.
defineTopic("x", {
  ...n,
  messages: { a: z.object({ by: z.number().default(1) }) },
  update: { a: (model, { by }) => ({ n: model.n + by }) },
});

// A message is named fields, none of them `type`.
defineTopic("x", {
  ...n,
  // @ts-expect-error a field named type
  messages: { a: z.object({ type: z.string() }) },
  update: { a: (model) => model },
});
defineTopic("x", {
  ...n,
  // @ts-expect-error a field named type in one member of a union
  messages: { a: z.union([z.object({ x: z.number() }), z.object({ type: z.string().optional() })]) },
  update: { a: (model) => model },
});
defineTopic("x", {
  ...n,
  // @ts-expect-error no object
  messages: { a: z.string() },
  update: { a: (model) => model },
});
defineTopic("x", {
  ...n,
  // @ts-expect-error an array has no named fields
  messages: { a: z.array(z.string()) },
  update: { a: (model) => model },
});
const either = defineTopic("x", {
  ...n,
  messages: {
    a: z.union([z.object({ x: z.number() }), z.object({ y: z.string() })]),
    b: z.looseObject({ x: z.number() }),
  },
  update: { a: (model, message) => ("x" in message ? { n: message.x } : model), b: (_, { x }) => ({ n: x }) },
});
dispatch(either, { type: "a", y: "" });
dispatch(either, { type: "b", x: 1, more: true });

// The local slice has no server and nobody who could reject.
defineLocal({
  ...n,
  // @ts-expect-error serverOnly in a local slice
  messages: { a: serverOnly(z.object({})) },
  update: { a: (model) => model },
});
// @ts-expect-error keep is one of two words
defineEphemeral("x", { messages: {}, keep: "all" });

// The wiring keeps its slices' types.
const wiring = defineWiring({ session, topics: [board, chat, cursors], local });
is<Same<typeof wiring.topics, readonly [typeof board, typeof chat, typeof cursors]>>();
is<Same<typeof wiring.session, typeof session>>();
is<Same<typeof wiring.local, typeof local>>();
is<Same<ReturnType<typeof defineWiring>["topics"][number]["kind"], "topic" | "ephemeral">>();
const empty = defineWiring({});
is<Same<typeof empty.session, undefined>>();
// @ts-expect-error a topic is no session
defineWiring({ session: board });
// @ts-expect-error a session is no topic
defineWiring({ topics: [session] });

// [WR28] who makes its topics.
const noop = { ...n, messages: {}, update: {} };
is<Same<ReturnType<typeof defineTopic>["created"], "client" | "server">>();
defineTopic("made:*", { ...noop, created: "server" });
// @ts-expect-error nobody else makes topics
defineTopic("made:*", { ...noop, created: "nobody" });
// @ts-expect-error a session is its client's
defineSession({ ...noop, created: "server" });
// @ts-expect-error an ephemeral topic has nothing to be made
defineEphemeral("made:*", { messages: {}, created: "server" });

// The same in all three libraries.
const inValibot = defineTopic("v:*", {
  model: v.object({ n: v.number() }),
  initial: () => ({ n: 0 }),
  messages: { added: v.object({ by: v.number() }), reset: serverOnly(v.object({})) },
  rejections: { no: v.object({ n: v.number() }) },
  update: {
    added: (model, { by }, context) => (by < 0 ? context.reject("no", { n: by }) : { n: model.n + by }),
    reset: () => ({ n: 0 }),
  },
});
const inMini = defineTopic("m:*", {
  model: zm.object({ n: zm.number() }),
  initial: () => ({ n: 0 }),
  messages: { added: zm.object({ by: zm.number() }), reset: serverOnly(zm.object({})) },
  rejections: { no: zm.object({ n: zm.number() }) },
  update: {
    added: (model, { by }, context) => (by < 0 ? context.reject("no", { n: by }) : { n: model.n + by }),
    reset: () => ({ n: 0 }),
  },
});
is<Same<ModelOf<typeof inValibot>, ModelOf<typeof inMini>>>();
is<Same<Plain<ClientMessageOf<typeof inValibot>>, Plain<ClientMessageOf<typeof inMini>>>>();
dispatch(inValibot, { type: "added", by: 1 });
// @ts-expect-error the server's message, in valibot
dispatch(inValibot, { type: "reset" });
// @ts-expect-error the server's message, in zod/mini
dispatch(inMini, { type: "reset" });
