// What must not compile, and what types follow from a slice.
import { createClient } from "@calla/client";
import type { ClientStatus, TopicStatus, Transport, WriteOf } from "@calla/client";
import {
  automatic,
  defineEphemeral,
  defineLocal,
  definePresence,
  defineSession,
  defineTopic,
  defineWiring,
  json,
  serverOnly,
} from "@calla/shared";
import { createElement } from "react";
import * as z from "zod";
import {
  CallaProvider,
  useClient,
  useConnection,
  useDispatch,
  useLocal,
  usePending,
  usePresence,
  usePush,
  useRejection,
  useSession,
  useTopic,
  useTrack,
  useWrite,
} from "./index.ts";
import * as suspense from "./suspense.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T | undefined => undefined;

const board = defineTopic("board:*", {
  model: z.object({ cards: z.array(z.string()) }),
  initial: () => ({ cards: [] }),
  messages: { added: z.object({ text: z.string() }), stamped: serverOnly(z.object({})) },
  rejections: { full: z.object({ max: z.number() }) },
  presence: definePresence(z.object({ name: z.string() })),
  update: { added: (model) => model, stamped: (model) => model },
});
const chat = defineTopic("chat", {
  model: z.object({ lines: z.number() }),
  initial: () => ({ lines: 0 }),
  messages: { said: z.object({ text: z.string() }) },
  update: { said: (model) => model },
});
const cursors = defineEphemeral("cursors:*:*", {
  messages: { moved: z.object({ x: z.number() }) },
  keep: "latest",
});
const session = defineSession({
  model: z.object({ name: z.string() }),
  initial: () => ({ name: "" }),
  messages: { named: z.object({ name: z.string() }) },
  update: { named: (model) => model },
});
const local = defineLocal({
  model: z.object({ open: z.boolean() }),
  initial: () => ({ open: false }),
  messages: { toggled: z.object({}) },
  update: { toggled: (model) => model },
});
declare const transport: Transport;
const client = createClient({
  wiring: defineWiring({ session, topics: [board, chat, cursors], local }),
  serialiser: automatic(json()),
  transport,
});
createElement(CallaProvider, { client });
createElement(CallaProvider, {});
useClient()?.status.pending.toFixed();

// Topics.
const whole = useTopic(board, ["42"]);
is<Same<typeof whole.status, TopicStatus>>();
if (whole.status === "live") whole.model.cards.map((card) => card.trim());
// @ts-expect-error an empty board is never shown as truth: the model may be undefined
void whole.model.cards;
const count = useTopic(board, ["42"], ({ model }) => model?.cards.length);
is<Same<typeof count, number | undefined>>();
useTopic(board, undefined).status.trim();
useTopic(chat, []);
// @ts-expect-error a pattern needs its parameter
useTopic(board, []);
// @ts-expect-error and takes no more than it has
useTopic(board, ["42", "43"]);
// @ts-expect-error nor a number
useTopic(board, [42]);
// @ts-expect-error an unknown field is none
useTopic(board, ["42"], ({ model }) => model?.lines);
useTopic(
  board,
  ["42"],
  ({ model }) => model?.cards.length ?? 0,
  (a, b) => a.toFixed() === b.toFixed(),
);
for (const { message } of useTopic(cursors, ["1", "2"]).latest.values()) message.x.toFixed();
// @ts-expect-error an ephemeral topic has no model
void useTopic(cursors, ["1", "2"]).model;
// @ts-expect-error the session is no topic
useTopic(session, []);
useSession(session, ({ model }) => model?.name.trim());
is<Same<ReturnType<typeof useLocal<typeof local>>, { open: boolean }>>();
useLocal(local, ({ open }) => open).valueOf();

// With Suspense models are there.
suspense.useTopic(board, ["42"]).model.cards.map((card) => card.trim());
const cards = suspense.useTopic(board, ["42"], ({ model }) => model.cards);
is<Same<typeof cards, string[]>>();
suspense.useSession(session, ({ model }) => model.name.trim());
// @ts-expect-error what has no model cannot be waited for
suspense.useTopic(cursors, ["1", "2"]);
// @ts-expect-error nor what is not named
suspense.useTopic(board, undefined);

// Dispatching.
const dispatch = useDispatch(board, ["42"]);
const write = dispatch({ type: "added", text: "x" });
dispatch([{ type: "added", text: "x" }]);
// @ts-expect-error a wrong field
dispatch({ type: "added", text: 1 });
// @ts-expect-error server only
dispatch({ type: "stamped" });
// @ts-expect-error a pattern needs its parameter
useDispatch(board);
useDispatch(chat)({ type: "said", text: "x" });
useDispatch(session)({ type: "named", name: "Ada" });
useDispatch(local)({ type: "toggled" });
useDispatch(cursors, ["1", "2"])({ type: "moved", x: 1 });
const view = useWrite(write);
if (view.reason?.from === "app") view.reason.details.max.toFixed();
// @ts-expect-error no such state
void (view.state === "done");
declare const maybe: WriteOf<typeof board> | undefined;
useWrite(maybe)?.state.trim();
// @ts-expect-error there may be none
void useWrite(maybe).state;
const [first] = usePending(board, ["42"]);
if (first?.messages[0]?.type === "added") first.messages[0].text.trim();
usePending(session).length.toFixed();

// Presence and events.
const here = usePresence(board, ["42"]);
here.self?.meta.name.trim();
usePresence(board, ["42"], ({ count }) => count).toFixed();
useTrack(board, ["42"], { name: "Ada" });
useTrack(board, ["42"], undefined);
// @ts-expect-error a meta of another form
useTrack(board, ["42"], { name: 1 });
// @ts-expect-error this slice lists nobody
usePresence(chat, []);
// @ts-expect-error this slice lists nobody
useTrack(chat, [], {});
const connection = useConnection();
is<Same<typeof connection, ClientStatus>>();
useConnection(({ pending }) => pending).toFixed();
usePush(board, ["42"], ({ message }) => message.type === "added" && message.text.trim());
useRejection(board, ({ params: [id], rejection, messages: [message] }) => {
  id.trim();
  if (rejection.from === "app") rejection.details.max.toFixed();
  // @ts-expect-error no such reason
  return rejection.code === "empty" || message?.type === "said";
});
useRejection(session, ({ messages: [message] }) => message?.name.trim());
