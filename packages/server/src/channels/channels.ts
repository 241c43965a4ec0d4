// createChannels: the composition root of the channels half, and its public methods. Not here: what its parts do.
import { CallaError } from "@calla/shared";
import type { Limits } from "@calla/shared";
import { briefUrl } from "../base/brief.ts";
import { contain } from "../base/contain.ts";
import { consoleOnce } from "../base/development.ts";
import { TokenBucket } from "../base/token-bucket.ts";
import { generateClientId } from "../identity/signed-identity.ts";
import { houseOf, openHouse } from "../house/house.ts";
import { setPresence } from "../house/house-presence.ts";
import type { House } from "../house/house.ts";
import type { Channels, ChannelsOptions, SystemPresence } from "./channels-api.ts";
import { definitionOf } from "./definition/definition.ts";
import { Admissions } from "./engine/admission.ts";
import type { Connect } from "./engine/admission.ts";
import { Broadcasting } from "./engine/broadcasting.ts";
import type { ChannelEvent, ChannelsContext } from "./engine/channels-context.ts";
import { channelLimitsOf, DEFAULT_CHANNEL_LIMITS } from "./engine/channels-limits.ts";
import { setHost } from "./engine/hosts.ts";
import type { ChannelsHost } from "./engine/host.ts";
import { NodeMessages } from "./engine/node-messages.ts";
import { CLOSE } from "./engine/phoenix-socket.ts";
import { ChannelRegistry } from "./engine/registry.ts";
import { SocketTable } from "./engine/socket-table.ts";
import { unmatchedMistake } from "./engine/unmatched.ts";
import { AppPresence } from "./presence/app-presence.ts";
import { ChannelsPresence } from "./presence/channels-presence.ts";
import { byKey, DIFF, diffPayload, listOf } from "./presence/presence-words.ts";
import { parsePattern, topicOf } from "./topics/pattern.ts";
import type { Payload } from "./wire/message.ts";
import { serialisers } from "./wire/vsn.ts";
import { connectSocket } from "./connect-socket.ts";

/** Options that are the server's own where channels stand beside one. */
const THE_SERVERS = [
  "pubsub",
  "nodeName",
  "origins",
  "hosts",
  "trustedProxies",
  "clock",
  "random",
  "onError",
  "observe",
] as const;

/**
 * Makes a system of channels: register what `defineChannel` gives, then let `phoenix` serve it.
 *
 * @example
 * const channels = createChannels({ connect: ({ authToken }) => (authToken === KEY ? accept({}) : deny(401)) });
 * channels.register(room);
 * phoenix(channels, { httpServer, path: "/socket" });
 * @throws CallaError `wiring`: an option is wrong; the message says which and what to write.
 */
export function createChannels<Assigns extends object = object>(
  options: ChannelsOptions<Assigns> = {},
): Channels<Assigns> {
  const limits = channelLimitsOf(options.limits);
  const house = houseFor(options as ChannelsOptions<object>);
  const { clock, random, report, node, observe } = house;
  const nodes = options.beside === undefined && options.pubsub === undefined ? undefined : house.pubsub;
  const broadcasting = new Broadcasting(nodes, node, report);
  const registry = new ChannelRegistry(options.strictPhoenix ?? false);
  const [tellUnmatched, tellRequest] = [consoleOnce(MOST_TOLD), consoleOnce(MOST_TOLD)];
  const presence = new ChannelsPresence({
    clock,
    report,
    bounds: limits,
    tracker: () => house.presence.tracker,
    tell: (audience, said) => broadcasting.tell([audience], said, undefined),
  });
  let bridged = false;
  const context: ChannelsContext = {
    presence,
    clock,
    random,
    limits,
    maxBufferedBytes: house.limits.maxBufferedBytes,
    buckets: {
      messages: new TokenBucket(limits.messageRate, limits.messageBurst),
      joins: new TokenBucket(limits.joinRate, limits.joinBurst),
      channel: new TokenBucket(limits.channelRate, limits.channelBurst),
    },
    index: broadcasting.index,
    bytes: house.bytes,
    strictPhoenix: options.strictPhoenix ?? false,
    rawBinary: options.rawBinary ?? false,
    get keepsRequests() {
      return bridged;
    },
    routeOf: (topic) => registry.routeOf(topic),
    get patterns() {
      return registry.patterns;
    },
    broadcast: (topic, event, payload, from) => broadcasting.broadcast([topic], event, payload, from),
    report,
    refused(refusal) {
      const { code, socketId, topic } = refusal;
      const mistake = code === "unmatched-topic" ? unmatchedMistake(refusal) : undefined;
      if (mistake !== undefined) tellUnmatched(mistake.key, mistake.sentence);
      observe?.({ type: "channel-refused", code, socketId, topic });
      contain(report, () => options.onRefused?.(refusal));
    },
    observe: observe && ((event: ChannelEvent) => observe(event)),
  };
  const sockets = new SocketTable(context, house);
  const admissions = new Admissions(house, limits, options.connect as Connect<object> | undefined);
  const messages = new NodeMessages(nodes, node, {
    disconnect: (id) => sockets.disconnect(id, CLOSE.disconnected, "disconnected"),
    reauthorise: (id) => sockets.reauthorise(id),
  });
  const leave = async (over: number): Promise<void> => {
    await sockets.drain(over);
    // Until here the server's stop ends a drain that is under way, and waits for it.
    house.guests.delete(guest);
    messages.stop();
    presence.stop();
    if (options.beside === undefined) house.presence.close();
  };
  const guest = { drain: leave, stop: () => leave(0) };
  if (options.beside !== undefined) house.guests.add(guest);

  const host: ChannelsHost = {
    admit: (request, gone) =>
      sockets.leaving ? { accepted: false, status: 503, body: "" } : admissions.admit(request, gone),
    connect: (opened) => sockets.connect(opened),
    allowsOrigin: (request) => house.allowsOrigin(request),
    originsOf: options.beside === undefined ? "createChannels" : "createServer",
    hostRefusal: (request) => house.hostRefusal(request),
    serialiserFor: serialisers({ limits: house.limits, strictPhoenix: context.strictPhoenix }),
    strictPhoenix: context.strictPhoenix,
    rawBinary: context.rawBinary,
    clock,
    random,
    limits: { maxFrameBytes: house.limits.maxFrameBytes },
    jsonLimits: house.limits,
    addressOf: house.addressOf,
    refuse: context.refused,
    broadcast: (topics, event, payload, from) => broadcasting.broadcast(topics, event, payload, from),
    secret: secretOf(random),
    node,
    report,
    refused({ status, reason, request, why }) {
      if (why !== undefined && (reason === "origin" || reason === "host")) tellRequest(why, () => why);
      // Whatever transport tells of it: a query has tokens (CN66).
      const details = { status, reason, url: briefUrl(request.url), ...(why === undefined ? {} : { why }) };
      observe?.({ type: "channel-refused", code: reason, socketId: undefined, topic: undefined });
      contain(report, () =>
        options.onRefused?.({ code: "connection", socketId: undefined, topic: undefined, details }),
      );
    },
    get stopping() {
      return sockets.leaving;
    },
  };
  const app = new AppPresence({
    presence,
    topicOf: (given) =>
      typeof given[0] === "string"
        ? (given as [string, ...unknown[]])
        : [named((given[0] as { pattern: string }).pattern, given[1] as string[]), ...given.slice(2)],
    schemaOf: (topic) => registry.routeOf(topic)?.definition.presence?.meta,
  });
  const channels: Channels<Assigns> = {
    register(...given: readonly unknown[]) {
      const channel = given.at(-1) as { readonly pattern: string };
      const definition = definitionOf(Object(channel) as object);
      if (definition?.house !== undefined) {
        if (definition.house !== house) throw elsewhere(channel.pattern);
        bridged = true;
      }
      registry.add(given.length > 1 ? (given[0] as string) : channel?.pattern, definition);
      if (definition?.presence !== undefined) presence.serves();
      return channels;
    },
    broadcast(...said: Said) {
      const [topic, event, payload] = saidOf(said);
      broadcasting.broadcast([topic], event, payload, undefined);
    },
    broadcastFrom(from: string, ...said: Said) {
      const [topic, event, payload] = saidOf(said);
      broadcasting.broadcast([topic], event, payload, from);
    },
    localBroadcast(...said: Said) {
      const [topic, event, payload] = saidOf(said);
      broadcasting.here([topic], event, payload, undefined);
    },
    push(socketId: string, ...said: Said) {
      const [topic, event, payload] = saidOf(said);
      const channel = sockets.get(socketId)?.channel(topic);
      channel?.push(event, payload);
      return channel !== undefined;
    },
    sendInfo(socketId: string, ...told: readonly unknown[]) {
      const [topic, message] =
        told.length < 3
          ? told
          : [named((told[0] as { pattern: string }).pattern, told[1] as string[]), told[2]];
      sockets
        .get(socketId)
        ?.channel(topic as string)
        ?.take({ type: "info", told: message, bytes: 0 });
    },
    presence: app as unknown as SystemPresence,
    broadcastPresenceDiff(topic, diff) {
      const [joins, leaves] = [listOf(byKey(diff.joins)), listOf(byKey(diff.leaves))];
      if (joins.size > 0 || leaves.size > 0)
        broadcasting.here([topic], DIFF, diffPayload(joins, leaves), undefined);
    },
    disconnect(id) {
      messages.tell({ type: "disconnect", id });
      sockets.disconnect(id, CLOSE.disconnected, "disconnected");
    },
    reauthorise(id) {
      messages.tell({ type: "reauthorise", id });
      sockets.reauthorise(id);
    },
    connect: (socket) => connectSocket(host, socket),
    get sockets() {
      return sockets.size;
    },
    get ready() {
      return !sockets.leaving;
    },
    drain: ({ over = DRAIN_OVER } = {}) => leave(over),
    stop: () => leave(0),
  } as Channels<Assigns>;
  setHost(channels, host);
  setPresence(channels, house.presence);
  return channels;
}

/** Of so many topics' names, and of so many requests, the console tells in development. */
const MOST_TOLD = 20;

/** Milliseconds over which connections are sent away. */
const DRAIN_OVER = 10_000;

/** `(topic, event, payload)`, or `(channel, params, event, payload)`. */
type Said =
  | readonly [string, string, Payload]
  | readonly [{ readonly pattern: string }, readonly string[], string, Payload];

function saidOf(said: Said): readonly [topic: string, event: string, payload: Payload] {
  if (said.length === 3) return said;
  const [{ pattern }, params, event, payload] = said;
  return [named(pattern, params), event, payload];
}

function named(pattern: string, params: readonly string[]): string {
  if (!Array.isArray(params))
    throw new CallaError(
      "topic",
      { pattern, params },
      `params is a list with a text for each "*" of ${JSON.stringify(pattern)}: ["lobby"], and not "lobby".`,
    );
  return topicOf<string>(parsePattern(pattern, { strictPhoenix: true }), ...params);
}

const elsewhere = (pattern: string): CallaError =>
  new CallaError(
    "wiring",
    { pattern },
    `syncChannel(server, …) for "${pattern}" is served by channels beside that very server: createChannels({ beside: server }).`,
  );

function houseFor(options: ChannelsOptions<object>): House {
  const { beside } = options;
  if (beside === undefined) {
    const own = Object.entries(options.limits ?? {}).filter(
      ([name]) => !Object.hasOwn(DEFAULT_CHANNEL_LIMITS, name),
    );
    return openHouse({ ...options, limits: Object.fromEntries(own) as Partial<Limits> });
  }
  const house = houseOf(beside);
  if (house === undefined)
    throw new CallaError("wiring", {}, "createChannels({ beside }) needs what createServer gives.");
  const twice = THE_SERVERS.find((name) => options[name] !== undefined);
  if (twice !== undefined)
    throw new CallaError(
      "wiring",
      { [twice]: true },
      `createChannels({ beside: server }) takes ${twice} from the server: write createServer({ ${twice} }) instead.`,
    );
  const shared = Object.keys(options.limits ?? {}).find(
    (name) => !Object.hasOwn(DEFAULT_CHANNEL_LIMITS, name),
  );
  if (shared !== undefined)
    throw new CallaError(
      "wiring",
      { limit: shared },
      `createChannels({ beside: server }) takes limits.${shared} from the server: write createServer({ limits: { ${shared} } }) instead.`,
    );
  return house;
}

/** Of this node: a session that polls lives on one node. */
const secretOf = (random: House["random"]): Uint8Array =>
  new TextEncoder().encode(generateClientId(random) + generateClientId(random));
