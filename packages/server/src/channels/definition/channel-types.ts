// The types of a channel as an app writes it. Not here: what the builder keeps (define-channel.ts).
import type { OutputOf, Params, Schema } from "@calla/shared";
import type { Json, JsonObject, Payload } from "../wire/message.ts";
import type { ChannelPresence, PresenceOptions } from "./presence-types.ts";
import type { Joined, NoReply, Push, Refused, Reply, Stop } from "./results.ts";

/** What a channel says to its clients: payloads by event. */
export interface Events {
  readonly [event: string]: Payload;
}
/** The events of such a table. */
export type EventOf<Out> = keyof Out & string;
/** A push of one of them. */
export type PushOf<Out> = { [Event in EventOf<Out>]: Push<Event, Out[Event] & Payload> }[EventOf<Out>];

/** What a handler of a client's message returns; nothing is `noReply()`. */
export type HandleResult<Out = Events> = Reply | PushOf<Out> | NoReply | Stop<Reply | PushOf<Out>> | void;
/** What a handler of the server's own messages returns: there is no message of the client that a reply could answer. */
export type InfoResult<Out = Events> = PushOf<Out> | NoReply | Stop<PushOf<Out>> | void;
type Awaitable<T> = T | Promise<T>;

/** Why a channel has ended. */
export type StopReason =
  /** The client left, or a handler said `stop()`. */
  | { readonly type: "normal"; readonly why: "left" | "stopped" }
  | {
      readonly type: "shutdown";
      /** A handler said so; or the client joined again, its connection ended, `disconnect`, `drain`, its polls ceased, its join took too long. */
      readonly why:
        | "stopped"
        | "duplicate-join"
        | "closed"
        | "disconnected"
        | "draining"
        | "inactive"
        | "rights"
        | "timeout";
    }
  /** The client was not heard of for too long. */
  | { readonly type: "heartbeatTimeout" }
  /** A handler threw, rejected, or stopped with an error. */
  | { readonly type: "error"; readonly error: unknown };

/** A message of a client that can still be answered: `socket.reply(ref, …)`. */
export interface ReplyRef {
  readonly topic: string;
  readonly ref: Json;
  readonly joinRef: Json;
}

/** A channel's side of one client: there is one for each connection and topic. */
export interface ChannelSocket<Assigns = object, Out = Events, Meta = JsonObject> {
  /** Of the connection; unique. What `broadcastFrom`, `push` and `sendInfo` of the system take. */
  readonly socketId: string;
  readonly topic: string;
  readonly joinRef: Json;
  /** Of the message that is being handled: keep it, to answer later. */
  readonly ref: ReplyRef;
  readonly transport: "websocket" | "longpoll";
  /** What `connect` gave the connection, and the join this channel. */
  readonly assigns: Readonly<Assigns>;
  /** Changes some of it. A value of another type is of the assigns' declared type: `joined<Assigns>({ … })`. */
  assign(changes: Partial<Assigns>): void;
  /**
   * Says something to this client.
   *
   * @throws TypeError: the payload is neither an object nor bytes.
   */
  push<Event extends EventOf<Out>>(event: Event, payload: Out[Event]): void;
  /** Says something to all on this topic, on every node. Throws as `push`. */
  broadcast<Event extends EventOf<Out>>(event: Event, payload: Out[Event]): void;
  /** The same to all but this client. */
  broadcastFrom<Event extends EventOf<Out>>(event: Event, payload: Out[Event]): void;
  /** Answers a message later: once, and while the channel lives; otherwise nothing happens. */
  reply(ref: ReplyRef, answer: Reply): void;
  /** Ends the channel from outside of a handler, as returning `stop(reason)` does. */
  stop(reason?: "normal" | "shutdown" | Error): void;
  /** Aborted when the channel ends: for timers, requests and subscriptions. */
  readonly signal: AbortSignal;
  /** Who is here. @throws CallaError `wiring`: the channel's definition has no `presence`. */
  readonly presence: ChannelPresence<Meta>;
}

/** What a join is asked with. */
export interface Joining<Pattern extends string = string, SocketAssigns = object, Payload = unknown> {
  readonly topic: string;
  /** What stands for each `*` of the pattern. */
  readonly params: Params<Pattern>;
  /** What the client gave: as its schema gives it, or unchecked. */
  readonly payload: Payload;
  readonly socket: {
    readonly id: string;
    readonly assigns: Readonly<SocketAssigns>;
    readonly transport: "websocket" | "longpoll";
  };
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What a channel is, for those who only name it: its pattern and its types. */
export interface Channel<
  Pattern extends string = string,
  // oxlint-disable-next-line no-explicit-any -- reason: any channel is one, whatever its types
  SocketAssigns = any,
  // oxlint-disable-next-line no-explicit-any -- reason: as above
  Assigns = any,
  // oxlint-disable-next-line no-explicit-any -- reason: as above
  In = any,
  // oxlint-disable-next-line no-explicit-any -- reason: as above
  Out = any,
  // oxlint-disable-next-line no-explicit-any -- reason: as above
  Info = any,
  // oxlint-disable-next-line no-explicit-any -- reason: as above
  Meta = any,
> {
  readonly pattern: Pattern;
  /** For the compiler only. */
  readonly "~types"?: {
    readonly socket: (assigns: SocketAssigns) => void;
    readonly assigns: Assigns;
    readonly in: In;
    readonly out: Out;
    readonly info: Info;
    readonly meta: Meta;
  };
}
/** What a channel wants of a socket. */
export type SocketOf<C extends Channel> = C extends Channel<string, infer S> ? S : never;
/** What it says to clients. */
export type OutOf<C extends Channel> =
  C extends Channel<string, infer _S, infer _A, infer _I, infer Out> ? Out : never;
/** What it hears from clients. */
export type InOf<C extends Channel> = C extends Channel<string, infer _S, infer _A, infer In> ? In : never;
/** What the server may tell it. */
export type InfoOf<C extends Channel> =
  C extends Channel<string, infer _S, infer _A, infer _I, infer _O, infer Info> ? Info : never;

/** The metas of its presence. */
export type MetaOf<C extends Channel> =
  C extends Channel<string, infer _S, infer _A, infer _I, infer _O, infer _N, infer Meta> ? Meta : never;

/**
 * A channel under construction. Each method gives another builder, so a beginning can be shared.
 *
 * @example
 * const room = defineChannel("room:*")
 *   .socket<{ user: User }>()
 *   .says<{ new_message: { from: string; text: string } }>()
 *   .join(({ params: [id] }) => joined({ id }))
 *   .handleIn("new_message", z.object({ text: z.string() }), ({ text }, socket) => {
 *     socket.broadcast("new_message", { from: socket.assigns.user.name, text });
 *     return reply();
 *   });
 */
export interface ChannelBuilder<
  Pattern extends string,
  SocketAssigns extends object,
  Assigns extends object,
  In extends object,
  Out,
  Info,
  Meta = never,
> extends Channel<Pattern, SocketAssigns, SocketAssigns & Assigns, In, Out, Info, Meta> {
  /** What `connect` must give every connection. For the compiler only. */
  socket<S extends object>(): ChannelBuilder<Pattern, S, Assigns, In, Out, Info, Meta>;
  /**
   * What the channel says to its clients, payloads by event. For the compiler only; undeclared it may say anything. Name
   * payloads by `type`: TypeScript takes no `interface` for JSON.
   */
  says<O extends { readonly [Event in keyof O]: Payload }>(): ChannelBuilder<
    Pattern,
    SocketAssigns,
    Assigns,
    In,
    O,
    Info,
    Meta
  >;
  /**
   * Who may join. Without it everybody may. With a schema for what the client gives, what does not fit is refused with
   * `{reason: "invalid params", issues}`, and the handler is not asked.
   */
  join<J extends object>(
    handler: (joining: Joining<Pattern, SocketAssigns>) => Awaitable<Joined<J> | Refused>,
  ): ChannelBuilder<Pattern, SocketAssigns, J, In, Out, Info, Meta>;
  /** The same, with a schema for what the client gives. */
  join<Given extends Schema, J extends object>(
    params: Given,
    handler: (joining: Joining<Pattern, SocketAssigns, OutputOf<Given>>) => Awaitable<Joined<J> | Refused>,
  ): ChannelBuilder<Pattern, SocketAssigns, J, In, Out, Info, Meta>;
  /**
   * Who is here: `socket.presence`, told to all on the topic by `presence_state` and `presence_diff`. Each node must declare
   * it that has clients of the channel. Write it before the handlers that use it, which are typed by it.
   *
   * @example
   * defineChannel("room:*").presence({ meta: z.object({ device: z.string() }), key: ({ socketId }) => socketId })
   */
  presence<Given extends Schema>(
    options: PresenceOptions<
      ChannelSocket<SocketAssigns & Assigns, Out, OutputOf<Given>>,
      OutputOf<Given>
    > & { readonly meta: Given },
  ): ChannelBuilder<Pattern, SocketAssigns, Assigns, In, Out, Info, OutputOf<Given>>;
  /** The same with any object as a meta. */
  presence(
    options?: PresenceOptions<ChannelSocket<SocketAssigns & Assigns, Out, JsonObject>, JsonObject>,
  ): ChannelBuilder<Pattern, SocketAssigns, Assigns, In, Out, Info, JsonObject>;
  /** Right after the answer to the join has been sent, and who is here, where the channel has `presence`. */
  joined(handler: (socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>) => Awaitable<void>): this;
  /**
   * A message of a client. With a schema, what does not fit is answered with `{reason: "invalid payload", issues}`, and the
   * handler is not asked. One topic's messages are handled one after the other, also by asynchronous handlers.
   */
  handleIn<Event extends string>(
    event: Event,
    handler: (
      payload: Json,
      socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>,
    ) => Awaitable<HandleResult<Out>>,
  ): ChannelBuilder<Pattern, SocketAssigns, Assigns, In & { readonly [E in Event]: Json }, Out, Info, Meta>;
  /** The same, with a schema for what it carries. */
  handleIn<Event extends string, Said extends Schema>(
    event: Event,
    payload: Said,
    handler: (
      payload: OutputOf<Said>,
      socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>,
    ) => Awaitable<HandleResult<Out>>,
  ): ChannelBuilder<
    Pattern,
    SocketAssigns,
    Assigns,
    In & { readonly [E in Event]: OutputOf<Said> },
    Out,
    Info,
    Meta
  >;
  /** A message of a client that carries bytes (a binary push of V2). */
  handleBinary<Event extends string>(
    event: Event,
    handler: (
      bytes: Uint8Array,
      socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>,
    ) => Awaitable<HandleResult<Out>>,
  ): ChannelBuilder<
    Pattern,
    SocketAssigns,
    Assigns,
    In & { readonly [E in Event]: Uint8Array },
    Out,
    Info,
    Meta
  >;
  /**
   * Binary frames that are none of Phoenix's, where the system has `rawBinary`: each goes to every topic that its
   * connection has joined. A reply is the push `binary_reply`.
   */
  handleBinary(
    handler: (
      bytes: Uint8Array,
      socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>,
    ) => Awaitable<HandleResult<Out>>,
  ): this;
  /** What no other handler takes. Without it that is answered with `{reason: "unmatched event"}`. */
  handleOther(
    handler: (
      event: string,
      payload: Json | Uint8Array,
      socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>,
    ) => Awaitable<HandleResult<Out>>,
  ): this;
  /** Changes a broadcast on its way to one client, or drops it (undefined). It is then encoded for each of them. */
  handleOut<Event extends EventOf<Out>>(
    event: Event,
    handler: (
      payload: Out[Event],
      socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>,
    ) => Out[Event] | undefined,
  ): this;
  /** What the server tells this channel by `sendInfo`. With a schema, what does not fit goes to `onRefused`, and the handler is not asked. */
  handleInfo<I>(
    handler: (
      message: I,
      socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>,
    ) => Awaitable<InfoResult<Out>>,
  ): ChannelBuilder<Pattern, SocketAssigns, Assigns, In, Out, I, Meta>;
  /** The same, with a schema for what is told. */
  handleInfo<Told extends Schema>(
    message: Told,
    handler: (
      message: OutputOf<Told>,
      socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>,
    ) => Awaitable<InfoResult<Out>>,
  ): ChannelBuilder<Pattern, SocketAssigns, Assigns, In, Out, OutputOf<Told>, Meta>;
  /**
   * Whether the client may stay, asked by `channels.reauthorise`: false ends the channel as `phx_close`. Without it
   * everybody stays.
   */
  mayStay(handler: (socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>) => Awaitable<boolean>): this;
  /** The channel has ended for this client: called once, whatever ended it. What it throws is reported. */
  terminate(
    handler: (
      reason: StopReason,
      socket: ChannelSocket<SocketAssigns & Assigns, Out, Meta>,
    ) => Awaitable<void>,
  ): this;
}
