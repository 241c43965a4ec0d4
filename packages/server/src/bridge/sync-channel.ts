// syncChannel: a slice's topics for Phoenix clients. Not here: what becomes of a join (bridged-topic.ts).
import { CallaError, topicId } from "@calla/shared";
import type {
  AnyTopicSlice,
  EphemeralSlice,
  TargetKey,
  TopicPattern,
  TopicSlice,
  Wiring,
} from "@calla/shared";
import type { Channel, ChannelSocket, Joining, StopReason } from "../channels/definition/channel-types.ts";
import { setDefinition } from "../channels/definition/definition.ts";
import type { Checked, Handler } from "../channels/definition/definition.ts";
import { refused } from "../channels/definition/results.ts";
import type { Joined, Refused } from "../channels/definition/results.ts";
import type { JoinedChannel } from "../channels/engine/joined-channel.ts";
import type { LinedSocket } from "../channels/engine/socket-line.ts";
import { parsePattern } from "../channels/topics/pattern.ts";
import { houseOf } from "../house/house.ts";
import { hubOf } from "../hub/hubs.ts";
import { bridgeOf } from "./bridge.ts";
import type { Bridge } from "./bridge.ts";
import { BridgedTopic, TOPIC } from "./bridged-topic.ts";
import { isRefused, joinWords, trackOf, unsayable } from "./words.ts";

/** How a slice's topics are named to Phoenix clients. */
export interface SyncChannelOptions {
  /**
   * The pattern of the channel's topics, with as many `*` as the slice's own has, which stand for the same. Default: the
   * slice's pattern, so that the channel's topic is the topic's id.
   */
  readonly pattern?: string;
}

/**
 * A channel by which Phoenix clients have a slice's topics: they join, are told the model and what changes in it, and
 * dispatch, under the same authorisation, limits and guarantees as Calla's own clients.
 *
 * @example
 * const channels = createChannels({ beside: server });
 * channels.register(syncChannel(server, board)); // topics "board:42"
 * phoenix(channels, { httpServer, path: "/socket" });
 * @throws CallaError `wiring`: the server is none, the slice is not in its wiring or has no topics, the pattern does not fit.
 */
export function syncChannel<S extends AnyTopicSlice>(
  server: { readonly wiring: Wiring },
  slice: S,
  options: SyncChannelOptions = {},
): Channel {
  const hub = hubOf(server);
  const house = houseOf(server)!;
  const bridge = bridgeOf(hub, house);
  const named = slice as TopicSlice | EphemeralSlice;
  if (!(server.wiring.topics as readonly unknown[]).includes(slice)) {
    const name = String((slice as { readonly name?: unknown } | undefined)?.name);
    throw new CallaError(
      "wiring",
      { slice: name },
      `syncChannel: slice "${name}" is none of the topics of this server's wiring. A session has no topic, and a Phoenix client none.`,
    );
  }
  const { pattern = named.name } = options;
  const wildcards = pattern.split("*").length - 1;
  const own = named.name.split("*").length - 1;
  if (wildcards !== own)
    throw new CallaError(
      "wiring",
      { pattern },
      `syncChannel: the pattern "${pattern}" has ${wildcards} "*", and the slice's "${named.name}" has ${own}.`,
    );
  parsePattern(pattern, { strictPhoenix: true });
  const targetOf = (topic: string, params: readonly string[]): TargetKey =>
    options.pattern === undefined
      ? topic
      : topicId(named.pattern as TopicPattern<"*">, ...(params as [string]));
  const channel = { pattern };
  setDefinition(channel, {
    pattern,
    house,
    join: { schema: undefined, handler: (joining) => join(bridge, named, targetOf, joining) },
    joined: (_, socket) => topicOf(socket).begins(socket as unknown as JoinedChannel),
    events: new Map(
      Object.entries({
        dispatch: (said, socket) => topicOf(socket).dispatch(said, socket as unknown as JoinedChannel),
        push: (said, socket) => topicOf(socket).push(said),
        track: (said, socket) => topicOf(socket).track(said, socket as unknown as JoinedChannel),
        untrack: (_, socket) => topicOf(socket).untrack(),
        authenticate: (said, socket) => topicOf(socket).authenticate(said),
      } satisfies { readonly [event: string]: Handler }).map(
        ([event, handler]): [string, Checked<Handler>] => [event, { schema: undefined, handler }],
      ),
    ),
    binaries: new Map(),
    raw: undefined,
    other: undefined,
    out: new Map(),
    info: undefined,
    presence: undefined,
    mayStay: undefined,
    terminate: (reason, socket) => topicOf(socket).ends(goesOn(reason)),
  });
  return channel;
}

const topicOf = ({ assigns }: ChannelSocket): BridgedTopic =>
  (assigns as { readonly [TOPIC]: BridgedTopic })[TOPIC];

/** Whether the connection goes on, of which one channel has ended. */
const goesOn = (reason: StopReason): boolean =>
  reason.type === "normal" ||
  reason.type === "error" ||
  (reason.type === "shutdown" &&
    reason.why !== "closed" &&
    reason.why !== "disconnected" &&
    reason.why !== "draining" &&
    reason.why !== "inactive");

function join(
  bridge: Bridge,
  slice: TopicSlice | EphemeralSlice,
  targetOf: (topic: string, params: readonly string[]) => TargetKey,
  joining: Joining,
): Promise<Joined<object> | Refused> | Refused {
  const misspoken = (problem: string): Refused =>
    refused({ code: "protocol", retryable: false, details: { problem } });
  const words = joinWords(joining.payload);
  if (isRefused(words)) return misspoken(words.what);
  if (words.version !== undefined && words.version !== slice.version)
    return refused({ code: "version", retryable: false, details: { version: slice.version } });
  let target: TargetKey;
  try {
    target = targetOf(joining.topic, joining.params as readonly string[]);
  } catch (error) {
    if (!(error instanceof CallaError)) throw error;
    return refused({ code: "topic", retryable: false });
  }
  if (target.length > LONGEST_TOPIC) return refused({ code: "topic", retryable: false });
  const { maxFrameBytes, maxHelloBytes } = bridge.hub.context.limits;
  const problem = unsayable(trackOf(target, words.meta), maxFrameBytes);
  if (problem !== undefined) return refused({ ...problem, retryable: false });
  const line = bridge.lineOf((joining.socket as LinedSocket).line);
  const place = bridge.enter(target);
  const topic = new BridgedTopic({
    line,
    target,
    version: slice.version,
    view: slice.kind === "ephemeral" ? undefined : place.view,
    presence: slice.presence === undefined ? undefined : place.presence,
    words,
    maxFrameBytes,
    maxTokenBytes: Math.min(maxFrameBytes, maxHelloBytes) - HELLO,
    clock: bridge.hub.context.clock,
    ended: () => bridge.leave(target, place),
  });
  joining.signal.addEventListener("abort", () => topic.giveUp(), { once: true });
  if (!line.enter(topic)) {
    topic.ends(false);
    return misspoken(`Another channel of this connection has the topic "${target}".`);
  }
  return topic.answer;
}

/** No topic has a longer id (TP6). */
const LONGEST_TOPIC = 256;
/** Bytes of a Hello beside its token. */
const HELLO = 1_024;
