/// <reference types="node" preserve="true" />
// What a supabase mount takes and gives, as the app sees it. Not here: how (supabase.ts).
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Json } from "../channels/wire/message.ts";
import type { PhoenixWebSocketOptions } from "../channels/transports/mount.ts";
import type { OriginPolicy } from "../identity/origin.ts";
import type { UpgradeSource } from "../transports/websocket/upgrade-listener.ts";
import type { SupabaseLimits } from "./limits.ts";
import type { ReplayStore } from "./replay.ts";

/** What `authenticate` is asked about. */
export interface TokenAsked<Assigns extends object = object> {
  /** The client's access token: what it gave to `setAuth`, or its session's. Never the connection's apikey. */
  readonly token: string;
  /** What the connection, or the HTTP request, was opened with. */
  readonly apikey: string;
  /** What `connect` gave it. */
  readonly assigns: Readonly<Assigns>;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What `mayRead` and `mayWrite` are asked about. */
export interface RightAsked<Assigns extends object = object, User = unknown> {
  /** The private channel's topic, as the client named it: without `realtime:`. */
  readonly topic: string;
  /** What `authenticate` made of the token; undefined: the client has given none. */
  readonly user: User | undefined;
  /** What `connect` gave the connection. */
  readonly assigns: Readonly<Assigns>;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What `supabase` takes; every option has a default. */
export interface SupabaseOptions<Assigns extends object = object, User = unknown> {
  /** Takes the upgrade requests of this server. Without it, hand them to `handleUpgrade`. */
  readonly httpServer?: UpgradeSource | undefined;
  /**
   * Where it is mounted. Default "/realtime/v1", where `createClient(url)` of supabase-js looks for it. Below it lie
   * "/websocket" and "/api/broadcast"; of "/socket", as realtime-js alone has it, "/api/broadcast" lies beside.
   */
  readonly path?: string | undefined;
  /** Which pages may connect and send. Default: as `createChannels` says, those of the server's own origin. */
  readonly origins?: OriginPolicy | undefined;
  /** Of the WebSocket: milliseconds of silence, bytes of a frame. */
  readonly websocket?: Omit<PhoenixWebSocketOptions, "path"> | undefined;
  /**
   * Who a token stands for; undefined: it is refused. Calla reads no token itself: verify it here, with its signature and
   * its time. If the user has a number `exp` (seconds since the epoch, as a JWT has it), private channels end then.
   * Default: tokens are not read, and nobody has a user.
   */
  readonly authenticate?:
    | ((asked: TokenAsked<Assigns>) => User | undefined | Promise<User | undefined>)
    | undefined;
  /** Who may join a private channel and hear it. Default: nobody, and a join is refused. */
  readonly mayRead?: ((asked: RightAsked<Assigns, User>) => boolean | Promise<boolean>) | undefined;
  /** Who may broadcast on a private channel; asked once until its token or rights change. Default: nobody. */
  readonly mayWrite?: ((asked: RightAsked<Assigns, User>) => boolean | Promise<boolean>) | undefined;
  /** Keeps the broadcasts of private channels for those who ask for a replay. Default: none are kept. */
  readonly replay?: ReplayStore | undefined;
  /** Ceilings that differ from the defaults. */
  readonly limits?: Partial<SupabaseLimits> | undefined;
}

/** A supabase mount at work. */
export interface Supabase {
  /**
   * Says something to all on a topic, on every node: bytes reach clients of version 2. `private`: to those of its private
   * channels, and to no others.
   *
   * @throws CallaError `topic`: the topic or the event is none.
   */
  broadcast(
    topic: string,
    event: string,
    payload: Json | Uint8Array,
    options?: { readonly private?: boolean },
  ): void;
  /** Takes an http server's upgrade requests, where the framework makes the server: as the option `httpServer`. */
  listen(httpServer: UpgradeSource): void;
  /** Takes an upgrade request if its path is the mount's; otherwise false, and nothing was done to it. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /**
   * Answers a request of Node's http server if its path is the mount's: broadcasts over HTTP, and what asks for no WebSocket
   * at the WebSocket's path. Otherwise calls `next`, if there is one, and returns false. It is a middleware of Express.
   */
  handle(request: IncomingMessage, response: ServerResponse, next?: () => void): boolean;
  /** Answers a broadcast over HTTP that came as a web request; undefined: the path is another's. */
  fetch(request: Request, remoteAddress?: string): Promise<Response | undefined>;
  /** Live connections. */
  readonly connections: number;
  /** Takes no more requests and closes what is open (1001); resolves when all are gone. */
  close(): Promise<void>;
}
