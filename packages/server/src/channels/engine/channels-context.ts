// What all parts of the channels share. No state and no logic.
import type { Random, SteadyClock } from "@calla/shared";
import type { ServerEvent } from "../../app/events.ts";
import type { Report } from "../../base/contain.ts";
import type { ByteIntake } from "../../connection/byte-limits.ts";
import type { TokenBucket } from "../../base/token-bucket.ts";
import type { ChannelDefinition } from "../definition/definition.ts";
import type { ChannelsPresence } from "../presence/channels-presence.ts";
import type { Payload } from "../wire/message.ts";
import type { ChannelLimits } from "./channels-limits.ts";
import type { TopicIndex } from "./topic-index.ts";

/** A topic's channel, and what stands for the `*` of its pattern. */
export interface Route {
  readonly definition: ChannelDefinition;
  readonly params: readonly string[];
}

/** Something a client did that was not allowed, for the app's records and the observers. */
export interface ChannelRefusal {
  readonly code:
    | "malformed"
    | "unmatched-topic"
    | "unmatched-event"
    | "invalid"
    | "join-refused"
    /** It may not say this here. */
    | "write-refused"
    | "too-many-channels"
    | "rate"
    | "busy"
    | "slow"
    /** A request that was not let in. */
    | "connection";
  /** undefined: a request that was not let in. */
  readonly socketId: string | undefined;
  readonly topic: string | undefined;
  readonly details: unknown;
}

/** Something that happened, for the observers. */
export type ChannelEvent = Extract<ServerEvent, { readonly type: `${"channel" | "socket"}-${string}` }>;

export interface ChannelsContext {
  readonly clock: SteadyClock;
  readonly random: Random;
  readonly limits: ChannelLimits;
  /** Bytes that may wait to be written to one connection (`maxBufferedBytes`). Over it: closed, 1013. */
  readonly maxBufferedBytes: number;
  readonly buckets: {
    readonly messages: TokenBucket;
    readonly joins: TokenBucket;
    readonly channel: TokenBucket;
  };
  readonly index: TopicIndex;
  readonly presence: ChannelsPresence;
  /** What comes in, in bytes. */
  readonly bytes: ByteIntake;
  readonly strictPhoenix: boolean;
  readonly rawBinary: boolean;
  /** Somebody stands on these connections who needs to know how they came. */
  readonly keepsRequests: boolean;
  routeOf(topic: string): Route | undefined;
  /** The first patterns that are registered. */
  readonly patterns: readonly string[];
  /** To all on a topic of every node but one socket. Throws for a payload that is none. */
  broadcast(topic: string, event: string, payload: Payload, from: string | undefined): void;
  readonly report: Report;
  refused(refusal: ChannelRefusal): void;
  /** undefined: nobody watches. */
  readonly observe: ((event: ChannelEvent) => void) | undefined;
}

/** Whether this may be pushed and broadcast: an object, or bytes (W5). */
export const isPayload = (value: unknown): value is Payload =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** @throws TypeError: it may not. */
export function mustBePayload(event: string, value: unknown): void {
  if (isPayload(value)) return;
  const got = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  throw new TypeError(
    `The payload of "${event}" must be an object or bytes, and is ${got}: Phoenix clients take nothing else.`,
  );
}
