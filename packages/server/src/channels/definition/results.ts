// What an app's handlers return: values that say what is to be sent, so that a handler can be tested by calling it.
import type { Json, JsonObject, Payload } from "../wire/message.ts";

/** Answers the message that is being handled. */
export interface Reply {
  readonly type: "reply";
  readonly status: string;
  readonly response: Json | Uint8Array;
}
/** Says something to this one client. */
export interface Push<Event extends string = string, Said extends Payload = Payload> {
  readonly type: "push";
  readonly event: Event;
  readonly payload: Said;
}
/** Says nothing. */
export interface NoReply {
  readonly type: "none";
}
/** Ends the channel, after a last word. */
export interface Stop<Last extends Reply | Push = Reply | Push> {
  readonly type: "stop";
  readonly reason: StopWith;
  readonly last: Last | undefined;
}
/**
 * How a channel stops by itself: "normal" and "shutdown" are told to the client as `phx_close`, after which it does not
 * join again; an `Error` as `phx_error`, after which it does.
 */
export type StopWith = "normal" | "shutdown" | Error;

/**
 * Answers with status "ok", or with a status of your own; phoenix.js hears it by `push.receive(status, …)`. Bytes reach
 * V2 clients over WebSocket.
 *
 * @example
 * .handleIn("save", async ({ text }) => reply({ id: await save(text) }))
 * .handleIn("save", () => reply("error", { reason: "read only" }))
 */
export function reply(response?: Json | Uint8Array): Reply;
/**
 * The same with a status of your own.
 *
 * @example
 * .handleIn("save", () => reply("error", { reason: "read only" }))
 */
export function reply(status: string, response: Json | Uint8Array): Reply;
export function reply(first: Json | Uint8Array = {}, response?: Json | Uint8Array): Reply {
  if (response === undefined) return { type: "reply", status: "ok", response: first };
  if (typeof first !== "string") throw new TypeError("reply(status, response) takes a text as the status.");
  return { type: "reply", status: first, response };
}

/**
 * Says something to the client whose message is handled, without a ref.
 *
 * @example
 * .handleInfo<{ at: number }>(({ at }) => push("tick", { at }))
 */
export const push = <const Event extends string, Said extends Payload>(
  event: Event,
  payload: Said,
): Push<Event, Said> => ({ type: "push", event, payload });

const NOTHING: NoReply = { type: "none" };
/**
 * Says nothing, as returning nothing does.
 *
 * @example
 * .handleIn("typing", (_, socket) => { socket.broadcastFrom("typing", {}); return noReply(); })
 */
export const noReply = (): NoReply => NOTHING;

/**
 * Ends the channel: "normal" (the default) and "shutdown" as `phx_close`, an `Error` as `phx_error`. What `last` says
 * goes out first.
 *
 * @example
 * .handleIn("resign", () => stop("normal", reply({ bye: true })))
 */
export const stop = <Last extends Reply | Push = never>(
  reason: StopWith = "normal",
  last?: Last,
): Stop<Last> => ({
  type: "stop",
  reason,
  last,
});

/** What a join returns to let the client in. */
export interface Joined<Assigns> {
  readonly type: "joined";
  readonly assigns: Assigns;
  readonly response: Json | Uint8Array;
}
/** What a join returns to refuse. */
export interface Refused {
  readonly type: "refused";
  readonly response: Json;
}

/**
 * Lets a client in. `assigns` are what the channel keeps for it, `response` is what it is told.
 *
 * @example
 * .join(({ params: [id] }) => joined({ id }, { motd: "hello" }))
 */
export function joined(): Joined<{}>;
/**
 * The same with what the channel keeps for the client, and what the client is told.
 *
 * @example
 * .join(({ params: [id] }) => joined({ id }, { motd: "hello" }))
 */
export function joined<Assigns extends object>(
  assigns: Assigns,
  response?: Json | Uint8Array,
): Joined<Assigns>;
export function joined(assigns: object = {}, response: Json | Uint8Array = {}): Joined<object> {
  return { type: "joined", assigns, response };
}

/**
 * Refuses a client: a text becomes `{reason: text}`. Phoenix clients ask again until they leave.
 *
 * @example
 * .join(({ socket }) => (socket.assigns.user.admin ? joined() : refused("unauthorized")))
 */
export const refused = (reason: string | JsonObject): Refused => ({
  type: "refused",
  response: typeof reason === "string" ? { reason } : reason,
});
