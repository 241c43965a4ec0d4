// What both transports of one mount go by: the options of `phoenix(channels, options)`, checked and read once.
import { CallaError } from "@calla/shared";
import type { ConnectRequest } from "../../base/connection.ts";
import { originSentence } from "../../base/mistakes.ts";
import { originAllowed, originPolicyProblem } from "../../identity/origin.ts";
import type { OriginPolicy } from "../../identity/origin.ts";
import type { UpgradeSource } from "../../transports/websocket/upgrade-listener.ts";
import type { ChannelsHost } from "../engine/host.ts";
import type { ChannelSerialiser } from "../wire/serialiser.ts";
import { placeAt } from "./place.ts";
import type { Place } from "./place.ts";

/** What `phoenix` takes; every option has a default. */
export interface PhoenixOptions {
  /** Takes the upgrade requests of this server. Without it, hand them to `handleUpgrade`. */
  readonly httpServer?: UpgradeSource | undefined;
  /**
   * Where the socket is mounted; `:name` is a variable, which becomes a param. Default "/socket", which puts the
   * transports at /socket/websocket and /socket/longpoll.
   */
  readonly path?: string | undefined;
  /** Which pages may connect. Default: as `createChannels` says. */
  readonly origins?: OriginPolicy | undefined;
  /** Takes phoenix.js' `authToken`: from the subprotocol or from `x-phoenix-authtoken`. Default false. */
  readonly authToken?: boolean | undefined;
  /** Subprotocols of your own: the first of this list that a client offers is answered. */
  readonly subprotocols?: readonly string[] | undefined;
  /** Which versions of the wire are spoken. Default: both. */
  readonly vsns?: readonly ChannelSerialiser["vsn"][] | undefined;
  /** False: there is none. */
  readonly websocket?: false | PhoenixWebSocketOptions | undefined;
  /** False: there is none. */
  readonly longpoll?: false | PhoenixLongPollOptions | undefined;
}

/** The WebSockets of a mount; every option has a default. */
export interface PhoenixWebSocketOptions {
  /** Below the mount's path. Default "/websocket". */
  readonly path?: string | undefined;
  /** Milliseconds without a frame of the peer until it is closed (1001). Default 60,000. */
  readonly timeout?: number | undefined;
  /** Bytes of a client's message; a longer one closes the connection (1009). Default: as the channels' limits say. */
  readonly maxFrameBytes?: number | undefined;
}

/** The LongPoll of a mount; every option has a default. */
export interface PhoenixLongPollOptions {
  /** Below the mount's path. Default "/longpoll". */
  readonly path?: string | undefined;
  /** Milliseconds that a poll waits for something to be told. Default 10,000. */
  readonly window?: number | undefined;
  /** Signs the sessions' tokens; the same on every node. Default: the channels' key. */
  readonly secret?: Uint8Array | string | undefined;
}

/** Why a request may not come in, whatever it asks for. */
export interface MountRefusal {
  readonly status: 403 | 500;
  readonly reason: "origin" | "host" | "failed";
  /** What is to be done about it. */
  readonly why?: string | undefined;
  /** What the check threw. */
  readonly error?: unknown;
}

export interface Mount {
  /** Undefined: this transport is off. */
  readonly websocket: (PhoenixWebSocketOptions & { readonly place: Place }) | undefined;
  /** Undefined: this transport is off. */
  readonly longpoll: (PhoenixLongPollOptions & { readonly place: Place }) | undefined;
  readonly authToken: boolean;
  readonly subprotocols: readonly string[] | undefined;
  /** What a refusal is answered with, where that is not the hook's text alone. */
  readonly refusalIn?: (status: number, text: string) => { readonly text: string; readonly type: string };
  /** A client gave a token to a mount that reads none: reported once (CN68). */
  tokenNotRead(): void;
  /** What a request's `vsn` negotiates here; undefined: nothing. */
  serialiserFor(vsn: unknown): ChannelSerialiser | undefined;
  /** By its origin and its Host; undefined: it may. */
  refusalOf(request: ConnectRequest): MountRefusal | undefined;
}

/** @throws CallaError `transport`: options that cannot be meant. */
export function mountOf(host: ChannelsHost, options: PhoenixOptions): Mount {
  const { path = "/socket", origins, websocket = {}, longpoll = {}, vsns = ["1.0.0", "2.0.0"] } = options;
  const problem = origins === undefined ? undefined : originPolicyProblem(origins);
  if (problem !== undefined) throw new CallaError("transport", { origins }, problem);
  let told = false;
  return {
    websocket:
      websocket === false
        ? undefined
        : { ...websocket, place: placeAt(path, websocket.path ?? "/websocket") },
    longpoll:
      longpoll === false ? undefined : { ...longpoll, place: placeAt(path, longpoll.path ?? "/longpoll") },
    authToken: options.authToken ?? false,
    subprotocols: options.subprotocols,
    tokenNotRead() {
      if (told) return;
      told = true;
      host.report(
        new CallaError(
          "transport",
          { path },
          `A client gave an auth token to the mount at ${path}, which reads none: write phoenix(channels, { authToken: true }). Until then connect gets no authToken, and a browser gives up a WebSocket whose token was not taken.`,
        ),
      );
    },
    serialiserFor(vsn) {
      const serialiser = host.serialiserFor(vsn);
      return serialiser !== undefined && vsns.includes(serialiser.vsn) ? serialiser : undefined;
    },
    refusalOf(request) {
      try {
        const why = host.hostRefusal(request);
        if (why !== undefined) return { status: 403, reason: "host", why };
        const allowed =
          origins === undefined
            ? host.allowsOrigin(request)
            : originAllowed(
                origins,
                { origin: request.headers["origin"], host: request.headers["host"] },
                { asPhoenix: host.strictPhoenix, report: host.report },
              );
        if (allowed) return undefined;
        const named = origins === undefined ? `${host.originsOf}({` : "phoenix(channels, {";
        return { status: 403, reason: "origin", why: originSentence(request.headers["origin"], named) };
      } catch (error) {
        return { status: 500, reason: "failed", error };
      }
    },
  };
}
