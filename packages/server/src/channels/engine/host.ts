// What a transport needs of the channels, and gives them. Transports lie above and know nothing else of them.
import type { Clock, Random } from "@calla/shared";
import type { Connection, ConnectRequest } from "../../base/connection.ts";
import type { ChannelSerialiser } from "../wire/serialiser.ts";
import type { JsonLimits } from "../wire/json.ts";
import type { JsonObject, Payload } from "../wire/message.ts";
import type { ChannelRefusal } from "./channels-context.ts";
import type { RequestRefusal } from "./words.ts";

/** What a socket's `connect` hook is given. */
export interface PhoenixRequest extends ConnectRequest {
  /** The query and the variables of the path, nested as Phoenix reads them (`a[b]=c`), without prototypes. */
  readonly params: JsonObject;
  readonly transport: "websocket" | "longpoll";
  readonly vsn: string;
  /** From the subprotocol or `x-phoenix-authtoken`, where the mount has `authToken`. */
  readonly authToken: string | undefined;
}

/** Let in: what the hook gave the socket. */
export interface Admitted {
  readonly accepted: true;
  readonly request: PhoenixRequest;
  readonly assigns: object;
  /** What `channels.disconnect(id)` names it by. */
  readonly id: string | undefined;
}
/** Not let in: the status and the body of the answer. LongPoll says 403 whatever the status is (CN13). */
export interface NotAdmitted {
  readonly accepted: false;
  readonly status: number;
  readonly body: string;
  /** What the operator can do about it, where the hook was not asked. */
  readonly why?: string;
}
/** What `admit` answers. */
export type Admission = Admitted | NotAdmitted;

/** A connection's side of the channels: where a transport brings what comes in. */
export interface ChannelConnection {
  /**
   * A whole frame. Never throws, and never waits. A malformed one closes the connection (`connection.close`) with the code
   * that says so.
   */
  incoming(data: string | Uint8Array): void;
  /** As of `Incoming` of the sync server. */
  received(bytes: number, unfinished: number): void;
  /** It is gone: every channel terminates. Repeating it does nothing. `why` of a poll: "inactive". */
  disconnect(code?: number, why?: string): void;
  /** As of `Incoming` of the sync server: what was handed over has left. */
  drained(): void;
}

/** What a transport needs of the channels: who is let in, and what a connection is joined to. */
export interface ChannelsHost {
  /**
   * Runs the `connect` hook, within its time; counts by address. Never rejects: a hook that throws is reported and gives
   * status 500. `gone.signal`: the peer has gone meanwhile; it is made when it is asked for.
   */
  admit(request: PhoenixRequest, gone: { readonly signal: AbortSignal }): Admission | Promise<Admission>;
  /** Wires in a connection that was admitted. `serialiser` is what its vsn negotiated. */
  connect(opened: {
    readonly connection: Connection;
    readonly admitted: Admitted;
    readonly serialiser: ChannelSerialiser;
  }): ChannelConnection;
  /** Of this system: a broadcast is encoded once for all who have the same. undefined: there is none for this `vsn`. */
  readonly serialiserFor: (vsn?: unknown) => ChannelSerialiser | undefined;
  /** Whether a page of the request's origin may connect, and whether Host is ours, where the mount does not say. */
  allowsOrigin(request: ConnectRequest): boolean;
  /** Whose option `origins` that goes by. */
  readonly originsOf: "createChannels" | "createServer";
  /** Why the request's Host is none of ours, or undefined. */
  hostRefusal(request: ConnectRequest): string | undefined;
  /** Phoenix's own answers, wherever Calla's differ on purpose (spec/phoenix-wire.md). */
  readonly strictPhoenix: boolean;
  /** Binary frames are the app's own. */
  readonly rawBinary: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: { readonly maxFrameBytes: number };
  /** Of one JSON that comes in beside the serialisers. */
  readonly jsonLimits: JsonLimits;
  /** What a request's address is counted as. */
  addressOf(request: ConnectRequest): string | undefined;
  /** The key that signs the tokens of poll sessions, and this node's name. */
  readonly secret: Uint8Array;
  readonly node: string;
  /** The app's code or ours threw; the server goes on. */
  readonly report: (error: unknown) => void;
  /** A request was not let in, for the observers. */
  refused(refusal: {
    readonly status: number;
    readonly reason: RequestRefusal;
    readonly request: ConnectRequest;
    readonly why?: string | undefined;
  }): void;
  /** What a joined client did was not allowed, for the observers. */
  refuse(refusal: ChannelRefusal): void;
  /** To all on these topics, on every node, but one connection; the payload is written once. Throws as `channels.broadcast`. */
  broadcast(topics: readonly string[], event: string, payload: Payload, from: string | undefined): void;
  /** Stopping: nobody is let in (503). */
  readonly stopping: boolean;
}
