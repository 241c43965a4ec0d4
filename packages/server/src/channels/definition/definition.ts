// What a channel comes to for the engine: its handlers, by name, without their types.
import type { Schema } from "@calla/shared";
import type { Json } from "../wire/message.ts";
import type { ChannelSocket, Joining, StopReason } from "./channel-types.ts";
import type { PresenceList } from "./presence-types.ts";

export type Handler = (said: unknown, socket: ChannelSocket) => unknown;

/** A handler, and what it is handed must fit. */
export interface Checked<H> {
  readonly schema: Schema | undefined;
  readonly handler: H;
}

/** What a channel says of its presence. */
export interface PresenceDeclaration {
  readonly meta: Schema | undefined;
  readonly key: ((socket: ChannelSocket) => unknown) | undefined;
  readonly initial: ((socket: ChannelSocket) => unknown) | undefined;
  readonly state: boolean;
  readonly fetch: ((topic: string, presences: PresenceList) => unknown) | undefined;
}

export interface ChannelDefinition {
  readonly pattern: string;
  readonly join: Checked<(joining: Joining) => unknown> | undefined;
  /** Its first argument is nothing. */
  readonly joined: Handler | undefined;
  readonly events: ReadonlyMap<string, Checked<Handler>>;
  readonly binaries: ReadonlyMap<string, Handler>;
  readonly raw: Handler | undefined;
  readonly other: ((event: string, payload: Json | Uint8Array, socket: ChannelSocket) => unknown) | undefined;
  readonly out: ReadonlyMap<string, Handler>;
  readonly info: Checked<Handler> | undefined;
  readonly presence: PresenceDeclaration | undefined;
  readonly mayStay: ((socket: ChannelSocket) => unknown) | undefined;
  /** Whose broadcasts it hears, and who hears its own. Not there: those of its topic. */
  readonly audience?: (channel: Pick<ChannelSocket, "topic" | "assigns">) => string;
  /** Whether a client hears what is broadcast by an event. Not there: it does. */
  readonly hears?: (event: string, channel: Pick<ChannelSocket, "assigns">) => boolean;
  /** Of the house that its channels must be of; it joins with its connection's line (engine/socket-line.ts). Not there: any. */
  readonly house?: object;
  readonly terminate: ((reason: StopReason, socket: ChannelSocket) => unknown) | undefined;
}

const DEFINITIONS = new WeakMap<object, ChannelDefinition>();

/** The definition that a builder stands for. */
export const definitionOf = (channel: object): ChannelDefinition | undefined => DEFINITIONS.get(channel);
/** Remembers it; the builder shows an app nothing of it. */
export const setDefinition = (channel: object, definition: ChannelDefinition): void =>
  void DEFINITIONS.set(channel, definition);
