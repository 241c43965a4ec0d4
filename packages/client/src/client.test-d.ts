// What must not compile, and what types follow from a slice.
import {
  automatic,
  defineEphemeral,
  definePresence,
  defineTopic,
  defineWiring,
  json,
  serverOnly,
} from "@calla/shared";
import type { ClientMessageOf, PresenceMeta } from "@calla/shared";
import * as z from "zod";
import { createClient } from "./client.ts";
import type { Client } from "./client.ts";
import type { Transport } from "./transports/transport.ts";

const board = defineTopic("board:*", {
  model: z.object({ cards: z.array(z.string()) }),
  initial: () => ({ cards: [] }),
  messages: {
    added: z.object({ text: z.string() }),
    moved: z.object({ by: z.number() }),
    wiped: z.object({}),
    stamped: serverOnly(z.object({})),
  },
  rejections: { full: z.object({ max: z.number() }) },
  presence: definePresence(z.object({ name: z.string(), card: z.string().optional() })),
  update: {
    added: (model) => model,
    moved: (model) => model,
    wiped: (model) => model,
    stamped: (model) => model,
  },
});
const chat = defineTopic("chat", {
  model: z.object({ lines: z.number() }),
  initial: () => ({ lines: 0 }),
  messages: { said: z.object({ text: z.string() }) },
  update: { said: ({ lines }) => ({ lines: lines + 1 }) },
});
const cursors = defineEphemeral("cursors:*", {
  messages: { moved: z.object({ x: z.number() }) },
  keep: "latest",
  presence: definePresence(z.number()),
});
const elsewhere = defineTopic("elsewhere", {
  model: z.object({}),
  initial: () => ({}),
  messages: { a: z.object({}) },
  update: { a: (model) => model },
});
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T | undefined => undefined;
declare const transport: Transport;
const client = createClient({
  wiring: defineWiring({ topics: [board, chat, cursors] }),
  serialiser: automatic(json()),
  transport,
});

const topic = client.topic(board, "42");
const chat2 = client.topic(chat);
// @ts-expect-error a pattern needs its parameter
client.topic(board);
// @ts-expect-error and takes no more than it has
client.topic(board, "42", "43");
// @ts-expect-error an exact topic takes none
client.topic(chat, "x");
// @ts-expect-error a slice that is not in the wiring
client.topic(elsewhere);
// @ts-expect-error not with parameters either
client.topic(elsewhere, "42");
declare const anyClient: Client;
anyClient.topic(elsewhere);

topic.dispatch({ type: "added", text: "x" });
topic.dispatch([
  { type: "added", text: "x" },
  { type: "moved", by: 1 },
]);
// @ts-expect-error a wrong field
topic.dispatch({ type: "added", text: 1 });
// @ts-expect-error a message of another slice
topic.dispatch({ type: "said", text: "x" });
// @ts-expect-error server only
topic.dispatch({ type: "stamped" });
// @ts-expect-error a field too many
topic.dispatch({ type: "added", text: "x", by: 1 });
// @ts-expect-error a field too few
topic.dispatch({ type: "added" });
// @ts-expect-error no such message
topic.dispatch({ type: "addde", text: "x" });
// @ts-expect-error a wrong one among several
topic.dispatch([{ type: "added", text: "x" }, { type: "moved" }]);
// @ts-expect-error server only, among several
topic.dispatch([{ type: "stamped" }]);
declare const addedOrMoved: "added" | "moved";
// @ts-expect-error the fields of one of two types
topic.dispatch({ type: addedOrMoved, text: "x" });
declare const some: ClientMessageOf<typeof board>;
declare const many: readonly ClientMessageOf<typeof board>[];
topic.dispatch(some);
topic.dispatch(many);
void topic.dispatch(some).applied.then(({ messages: [message] }) => message.type === "stamped");
void topic.dispatch(many).applied.then(({ messages }) => messages.map(({ type }) => type));
void topic.dispatch([]).applied.then(({ messages }) => messages.length);
chat2.dispatch({ type: "said", text: "x" });

if (topic.state.status === "live" || topic.state.status === "stale")
  topic.state.model.cards.map((card) => card.trim());
// @ts-expect-error an empty board is never shown as truth: the model may be undefined
void topic.state.model.cards.length;
if (topic.state.status === "refused") topic.state.code.trim();
topic.onChange(({ model, pending }) => {
  model?.cards.length.toFixed();
  pending[0]?.id.trim();
});
topic.select(({ model }) => model?.cards.length).value?.toFixed();
// @ts-expect-error models are read only in what matters: an unknown field is none
topic.select(({ model }) => model?.lines);

const write = topic.dispatch({ type: "added", text: "x" });
void write.applied.then(({ sequence }) => sequence.toFixed());
void write.applied.then(({ messages: [message] }) => message.type === "stamped");
void write.rejection.then((rejection) => {
  if (rejection?.from === "app") rejection.details.max.toFixed();
  // @ts-expect-error no such reason
  return rejection?.code === "empty";
});

const cursor = client.topic(cursors, "42");
cursor.dispatch({ type: "moved", x: 1 });
// @ts-expect-error an ephemeral topic has no model
void cursor.state.model;
for (const { message } of cursor.state.latest.values()) message.x.toFixed();
cursor.onChange(({ status, latest }) => status.trim() + latest.size.toFixed());

client.onRejection(board, ({ params: [id], messages: [message], rejection, earlier }) => {
  if (message?.type === "added") message.text.trim();
  if (rejection.from === "app") rejection.details.max.toFixed();
  // @ts-expect-error no such reason
  return rejection.code === "empty" || (id.trim() === "" && earlier);
});
// @ts-expect-error a slice that is not in the wiring
client.onRejection(elsewhere, () => {});
write.reason?.code.trim();
// @ts-expect-error the wiring has no session
void client.session.state;
// @ts-expect-error nor a local slice
void client.local.model;

// Presence.
const { presence } = topic;
presence.track({ name: "Ada" });
presence.track({ name: "Ada", card: "1" });
// @ts-expect-error a meta of another form
presence.track({ name: 1 });
// @ts-expect-error a field too many
presence.track({ name: "Ada", age: 36 });
for (const [key, members] of presence.list)
  members.map(({ meta, from }) => [key.trim(), meta.name.trim(), from]);
presence.self?.meta.card?.trim();
presence.onChange(({ count, self }) => count.toFixed() + (self?.key.trim() ?? ""));
presence.select(({ list }) => list.get("ada")?.length).value?.toFixed();
void presence.page().then(({ members, next }) => [members[0]?.meta.name, next?.toFixed()]);
cursor.presence.track(1);
// @ts-expect-error a meta of another form
cursor.presence.track("1");
// @ts-expect-error this slice lists nobody
chat2.presence.track({});
is<Same<PresenceMeta<typeof chat>, never>>();
is<Same<PresenceMeta<typeof cursors>, number>>();
