// The words by which channels tell that something failed. What each means, and what to do about it: codes/channel-codes.ts.
import type { Json } from "../wire/message.ts";

/** Why something of a client failed: the `reason` that it is told, in an error reply or in `phx_error`. */
export type ChannelReason =
  | "channel_crash"
  | "invalid params"
  | "invalid payload"
  | "join crashed"
  | "rate_limited"
  | "timeout"
  | "too long"
  | "too many channels joined"
  | "unmatched event"
  | "unmatched topic";
/** What it is told. */
export type Told = {
  readonly reason: ChannelReason;
  /** Of "invalid …": what does not fit. */
  readonly issues?: Json;
};

/** Why a connection is closed: the reason in the close frame. */
export type CloseReason =
  | "busy"
  | "closing"
  | "disconnected"
  | "draining"
  | "failed"
  | "heartbeat"
  | "malformed"
  | "refused"
  | "slow"
  | "too-large"
  | "too-many-connections"
  | "too-slow"
  | "transport";

/** Why a request was not let in, or not taken whole. */
export type RequestRefusal =
  | "busy"
  | "connect"
  | "cross-site"
  | "elsewhere"
  | "failed"
  | "gone"
  | "handshake"
  | "host"
  | "late"
  | "lines"
  | "malformed"
  | "method"
  | "origin"
  | "params"
  | "stopping"
  | "subprotocol"
  | "token"
  | "too-large"
  | "vsn";
