// The mount: clients of supabase's realtime on a system of channels, over WebSocket and HTTP.
import { CallaError } from "@calla/shared";
import { steady } from "../base/clock.ts";
import type { Channels } from "../channels/channels-api.ts";
import { hostOf } from "../channels/engine/hosts.ts";
import type { ChannelsHost } from "../channels/engine/host.ts";
import { mountOf } from "../channels/transports/mount.ts";
import type { Mount } from "../channels/transports/mount.ts";
import { phoenixWebSocket } from "../channels/transports/phoenix-websocket.ts";
import type { WebSocketMount } from "../channels/transports/phoenix-websocket.ts";
import { Broadcasts, contentOf } from "./broadcasts.ts";
import { HttpBroadcasts } from "./http.ts";
import { messageProblem } from "./http-requests.ts";
import { supabaseLimitsOf } from "./limits.ts";
import { RealtimeChannel } from "./realtime-channel.ts";
import { Rights } from "./rights.ts";
import { supabaseSerialisers } from "./serialisers.ts";
import type { Supabase, SupabaseOptions } from "./supabase-api.ts";
import { apikeyOf, Visitor, VISITOR, VisitorConnection, withKey } from "./visitor.ts";

/** Where `createClient(url)` of supabase-js looks for it. */
const PATH = "/realtime/v1";

/**
 * Serves clients of supabase's realtime (supabase-js, realtime-js): channels with broadcasts, public and private. It takes
 * the topics `realtime:*` of a system of channels; `connect` of that system decides about the key (`params.apikey`). With
 * `httpServer` WebSockets are served at once; hand the server's other requests to `handle` (or `fetch`), or broadcasts over
 * HTTP reach nobody.
 *
 * @example
 * const channels = createChannels({
 *   connect: ({ params }) => (params["apikey"] === KEY ? accept({}) : deny(401)),
 * });
 * const realtime = supabase(channels, {
 *   httpServer,
 *   authenticate: ({ token }) => verify(token),
 *   mayRead: ({ topic, user }) => user?.rooms.includes(topic) === true,
 *   mayWrite: ({ topic, user }) => user?.rooms.includes(topic) === true,
 * });
 * realtime.broadcast("room:1", "opened", { by: "ada" });
 * @throws CallaError `wiring`: `channels` is not what `createChannels` gives, or has a supabase mount already; an option is wrong. `transport`: a path, an origin or a timeout that cannot be meant.
 */
export function supabase<Assigns extends object = object, User = unknown>(
  channels: Channels<Assigns>,
  options: SupabaseOptions<Assigns, User> = {},
): Supabase {
  const below = hostOf(channels);
  if (below.rawBinary)
    throw new CallaError(
      "wiring",
      { rawBinary: true },
      "Clients of supabase say broadcasts by binary frames, which createChannels({ rawBinary: true }) keeps for your own: make channels without it for supabase(channels).",
    );
  const { path = PATH } = options;
  const limits = supabaseLimitsOf(options.limits);
  const host = supabaseHost(below);
  const clock = steady(host.clock);
  const mount = supabaseMount(host, options.websocket ?? {}, path, options.origins);
  const rights = new Rights(options as SupabaseOptions, host.report);
  const broadcasts = new Broadcasts(channels as unknown as Channels, host, options.replay);
  const parts = { host, clock, limits, rights, broadcasts };
  const http = new HttpBroadcasts({ ...parts, mount, path });
  channels.register(new RealtimeChannel(parts).channel);
  const sockets = phoenixWebSocket(host, mount, options.httpServer);
  return {
    broadcast(topic, event, payload, { private: isPrivate = false } = {}) {
      const problem = messageProblem(topic, event, isPrivate);
      if (problem !== undefined) throw new CallaError("topic", { topic, event }, `${problem}.`);
      broadcasts.say({ topic, isPrivate }, contentOf(event, payload));
    },
    listen: (httpServer) => sockets.listen(httpServer),
    handleUpgrade: (request, socket, head) => sockets.handleUpgrade(request, socket, head),
    handle(request, response, next) {
      if (http.handle(request, response) || sockets.handle(request, response)) return true;
      next?.();
      return false;
    },
    fetch: (request, remoteAddress) => http.fetch(request, remoteAddress),
    get connections() {
      return sockets.connections;
    },
    close() {
      http.close();
      return sockets.close();
    },
  };
}

/** The channels' host with supabase's serialisers, keys and connections. */
function supabaseHost(below: ChannelsHost): ChannelsHost {
  const own: Partial<ChannelsHost> = {
    serialiserFor: supabaseSerialisers(below.serialiserFor, below.jsonLimits),
    admit(request, gone) {
      const apikey = apikeyOf(request);
      if (apikey === undefined) return { accepted: false, status: 401, body: NO_KEY };
      return below.admit({ ...request, params: withKey(request.params, apikey) }, gone);
    },
    connect({ connection, admitted, serialiser }) {
      const { request, assigns } = admitted;
      const visitor = new Visitor(apikeyOf(request) ?? "", assigns);
      return below.connect({
        connection: new VisitorConnection(connection, serialiser, visitor),
        admitted: { ...admitted, assigns: { ...assigns, [VISITOR]: visitor } },
        serialiser,
      });
    },
  };
  // It has getters.
  return Object.assign(Object.create(below) as ChannelsHost, own);
}

function supabaseMount(
  host: ChannelsHost,
  websocket: NonNullable<SupabaseOptions["websocket"]>,
  path: string,
  origins: SupabaseOptions["origins"],
): WebSocketMount {
  const mount = mountOf(host, {
    path,
    websocket: { ...websocket, path: "/websocket" },
    longpoll: false,
    ...(origins === undefined ? {} : { origins }),
  });
  return { ...mount, refusalIn: inJson } as WebSocketMount;
}

const NO_KEY = "No API key found in request";

const inJson: NonNullable<Mount["refusalIn"]> = (status, text) => ({
  text: JSON.stringify({ error: text === "" ? (REASONS[status] ?? "The connection was refused") : text }),
  type: "application/json; charset=utf-8",
});

const REASONS: Readonly<Record<number, string>> = {
  400: "The request is malformed",
  401: "The key was refused",
  403: "This connection is not allowed",
  429: "Too many connections",
  500: "The server failed",
  503: "The server is stopping",
};
