// What a slice is: a model with its messages and updates, and the types that follow from one. Not here: making one
// (define.ts), running its updates (apply.ts) and the table of slices (wiring.ts).
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Rejection } from "../codes/rejection-codes.ts";
import type { Schema, Schemas } from "./standard.ts";
import type { Params, TopicPattern } from "./topic-pattern.ts";

/** A message of any slice, as engines see it. */
export interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What a slice is about. Its types carry this one bag, so that they stay short where an editor shows them. */
export interface SliceTypes {
  readonly model: unknown;
  /** Message type to its fields. */
  readonly messages: object;
  /** The message types that only the server may send. */
  readonly serverOnly: string;
  /** Rejection code to its details. */
  readonly rejections: object;
  /** What each says of itself who is here; `never`: nobody is listed. */
  readonly presence?: unknown;
}

/** `z.object({})` gives `Record<string, never>`, in which no `type` could stand: such a message has no fields. */
type Fields<Out> = Out extends Record<string, never> ? unknown : Out;
/** A message: its type and its fields. */
export type Typed<Type extends string, Out> = Out extends unknown
  ? { readonly type: Type } & Fields<Out>
  : never;
/** The union of a slice's messages, from its fields by type. */
export type MessageIn<Messages> = { [K in keyof Messages & string]: Typed<K, Messages[K]> }[keyof Messages &
  string];

/** In place of a message: it means nothing any more. Made by `drop`. */
export interface Dropped {
  readonly drop: string;
}

/** Brings what one older version has left behind straight into the present one. What is not given goes as it is. */
export interface Migration<Model, AnyMessage> {
  /** A model of that version; give the parameter the type it had then. */
  model?(old: unknown): Model;
  /** A message of that version, logged or still unsent. `drop(reason)`: it means nothing any more. */
  message?(old: Message, context: { readonly drop: (reason: string) => Dropped }): AnyMessage | Dropped;
}

/**
 * Older version to what brings it into the present one. A version that is not listed, and what an entry leaves out, goes
 * as it is where the present schemas take it.
 */
export interface Migrations<Model, AnyMessage> {
  readonly [fromVersion: number]: Migration<Model, AnyMessage>;
}

/** What every slice has. */
interface Base<T extends SliceTypes> {
  /** Only a type: never there at runtime. */
  readonly "~types"?: T;
  /** The pattern of a topic; "session" or "local". */
  readonly name: string;
  readonly version: number;
  readonly messages: Schemas;
  /** Whether clients may not send messages of this type. */
  serverOnly(type: string): boolean;
}

/** Whose first message makes a topic: anybody's who may dispatch, or the server's alone. */
export type Created = "client" | "server";

/** A slice with a model. Its functions are untyped here: apply.ts runs them, and everyone else goes through it. */
export interface ModelSlice<T extends SliceTypes = SliceTypes> extends Base<T> {
  readonly kind: "topic" | "session" | "local";
  readonly model: Schema;
  /** Gives the model of a target that has no record. */
  readonly initial: () => unknown;
  readonly rejections: Schemas;
  /** Message type to its update. */
  readonly update: Readonly<Record<string, (model: never, message: never, context: never) => unknown>>;
  readonly migrate: Migrations<unknown, unknown>;
  /** Of a session always "client". */
  readonly created: Created;
}
/** Who is here on a slice's topics, as `definePresence` makes it: what a meta looks like. */
export interface SlicePresence<Meta = unknown> {
  /** Only a type: never there at runtime. */
  readonly "~meta"?: Meta;
  readonly schema: Schema;
  /** Its code in a page, for the client (presence/presence-page.ts). */
  readonly "~page": object;
}
/** A slice of topics, as `defineTopic` makes it: a model that its subscribers share. `P` is the pattern of its ids. */
export interface TopicSlice<
  P extends string = string,
  T extends SliceTypes = SliceTypes,
> extends ModelSlice<T> {
  readonly kind: "topic";
  readonly pattern: TopicPattern<P>;
  /** Milliseconds after which a topic without a subscriber and a dispatch goes; undefined: never. */
  readonly lifetime: number | undefined;
  /** undefined: nobody is listed. */
  readonly presence: SlicePresence | undefined;
}
/**
 * The slice of sessions, as `defineSession` makes it: a model for each client, shared by that client and the server
 * alone.
 */
export interface SessionSlice<T extends SliceTypes = SliceTypes> extends ModelSlice<T> {
  readonly kind: "session";
}
/** The local slice, as `defineLocal` makes it: a model of the page alone. Nothing of it is sent or stored. */
export interface LocalSlice<T extends SliceTypes = SliceTypes> extends ModelSlice<T> {
  readonly kind: "local";
  /** Its code in a page, for the client. */
  readonly "~page": LocalPage;
}
/** What the server keeps of an ephemeral topic for those who come later: each client's latest message, or nothing. */
export type Keep = "latest" | "none";
/**
 * A slice of topics without a model, as `defineEphemeral` makes it: its messages reach the subscribers of now and
 * change nothing.
 */
export interface EphemeralSlice<
  P extends string = string,
  T extends SliceTypes = SliceTypes,
> extends Base<T> {
  readonly kind: "ephemeral";
  readonly pattern: TopicPattern<P>;
  readonly keep: Keep;
  /** undefined: nobody is listed. */
  readonly presence: SlicePresence | undefined;
  /** Its code in a page, for the client. */
  readonly "~page": EphemeralPage;
}
/** Any slice: of topics, sessions, a page alone, or ephemeral topics. */
export type Slice<T extends SliceTypes = SliceTypes> = ModelSlice<T> | EphemeralSlice<string, T>;

// ------------------------------------------------------------------------------------------------ what runs in a page
// An ephemeral topic and the local slice have code of their own in a page. It comes with the slice, so that a page which
// defines none does not carry it (ephemeral-page.ts, updates/define-local.ts); here is what the client gives it to work with.

type Stop = () => void;

/** What was pushed in one author's name, one's own left out. No messages: the author has left (EP2). */
export interface Heard {
  /** The author's tag; null: the server. */
  readonly from: number | null;
  readonly userId: string | null;
  readonly messages: readonly Message[];
}

/** A message without a mid: sent now or never. */
export interface Told {
  readonly type: "TopicMessage";
  readonly target: string;
  readonly mid: 0;
  readonly id: string;
  readonly settled: 0;
  readonly messages: readonly unknown[];
}

/** A client, for the code of its slices. */
export interface PageHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly strict: boolean;
  /** Compares two selections. */
  same(a: unknown, b: unknown): boolean;
  readonly line: { send(frames: readonly Told[]): void };
}

/** What every topic has. */
export interface TopicHandle {
  /** The topic's id. */
  readonly id: string;
  /** Its status, and what stands for its model. */
  readonly state: () => { readonly status: string; readonly code: string; readonly model: unknown };
  /** Keeps it subscribed until the undo is called. */
  readonly retain: () => Stop;
  /** Subscribes it for a while. */
  readonly touch: () => void;
  /** Keeps it subscribed, and calls when its state has changed, once per turn. */
  onChange(listener: () => void): Stop;
  /** Keeps it subscribed, and calls for each message that others push. */
  onPush(listener: (pushed: object) => void): Stop;
}

/** What an ephemeral slice does in a page. */
export interface EphemeralPage {
  /** Makes what the app gets. `accept` checks what the app gives, and throws before anything has happened. */
  open<Host extends PageHost>(
    host: Host,
    handle: TopicHandle,
    accept: (host: Host, topic: string, input: unknown) => readonly unknown[],
  ): object;
  /** What stands for the topic's model, a Map, once these were heard. */
  heard(model: unknown, all: readonly Heard[]): unknown;
}

/** What a local slice does in a page: makes what the app gets. */
export type LocalPage = <Host extends PageHost>(
  host: Host,
  changes: { add(listener: (model: unknown) => void): Stop; emit(model: unknown): void },
  accept: (slice: ModelSlice, input: unknown, host: Host) => readonly unknown[],
  select: <T>(
    read: () => unknown,
    onChange: (listener: () => void) => Stop,
    pick: (model: unknown) => T,
    host: Host,
    equal?: (a: T, b: T) => boolean,
  ) => object,
) => object;

// ------------------------------------------------------------------------------------------------------ a slice's types

type TypesOf<S> = S extends { readonly "~types"?: infer T } ? Extract<T, SliceTypes> : never;
/** The model of a slice: `ModelOf<typeof board>`. */
export type ModelOf<S> = TypesOf<S>["model"];
/** Every message of a slice. */
export type MessageOf<S> = MessageIn<TypesOf<S>["messages"]>;
/** The messages that a client may send: all but the server-only ones. */
export type ClientMessageOf<S> = MessageIn<Omit<TypesOf<S>["messages"], TypesOf<S>["serverOnly"]>>;
/** What each says of itself who is here, where the slice has a presence: `PresenceMeta<typeof board>`; else `never`. */
export type PresenceMeta<S> = TypesOf<S> extends { readonly presence: infer Meta } ? Meta : never;
/** The fields of a slice's messages by type. */
export type MessagesOf<S> = TypesOf<S>["messages"];
/** The same of those that a client may send. */
export type ClientMessagesOf<S> = Omit<TypesOf<S>["messages"], TypesOf<S>["serverOnly"]>;
/** The fields that go with a type K. Where K is several types, but not all, they belong to that very one. */
export type FieldsOf<Messages, K extends keyof Messages> = {
  [P in K]: [K] extends [P]
    ? Named<Messages[P]>
    : [keyof Messages] extends [K]
      ? Named<Messages[P]>
      : Typed<P & string, Messages[P]>;
}[K];
/** As `Fields`, but of no fields an object of none: in a union `unknown` would take in all others. */
type Named<Out> = Out extends Record<string, never> ? object : Out;
/** The parameters of a topic: one string per "*" of its pattern. */
export type ParamsOf<S> = S extends { readonly pattern: TopicPattern<infer P> } ? Params<P> : [];
type AppRejection<R> = {
  [C in keyof R & string]: { readonly from: "app"; readonly code: C; readonly details: R[C] };
}[keyof R & string];
/** Why a message of this slice was rejected: one of the app's own reasons or one of Calla's. */
export type RejectionOf<S> =
  | AppRejection<TypesOf<S>["rejections"]>
  | Extract<Rejection, { readonly from: "calla" }>;
