// Clients of a channel with presence, on one node or several, in virtual time.
import { createChannels, defineChannel, reply } from "../src/channels/index.ts";
import type { ChannelsOptions, Json, JsonObject } from "../src/channels/index.ts";
import { houseOf } from "../src/house/house.ts";
import type { Tracker } from "../src/presence/tracker.ts";
import { localPubSub } from "../src/cluster/pubsub.ts";
import type { PubSub } from "../src/cluster/pubsub.ts";
import { talk } from "./phoenix-talk.ts";
import type { Talker, TalkOptions } from "./phoenix-talk.ts";
import { countingRandom, handClock, wire } from "./wired.ts";

export const TOPIC = "room:1";

type Said = { readonly key: string; readonly meta: JsonObject };
/** Tracks what it is told to, and tells a state when it is asked for one. */
export const room = defineChannel("room:*")
  .presence({ state: false })
  .handleIn("track", (said, { presence }) => {
    const { key, meta } = said as Said;
    return reply({ ref: presence.track(key, meta) });
  })
  .handleIn("update", (said, { presence }) => {
    const { key, meta } = said as Said;
    return reply({ ref: presence.update(key, meta) });
  })
  .handleIn("untrack", (said, { presence }) => {
    presence.untrack((said as Said).key);
    return reply();
  })
  .handleIn("list", (_, { presence }) => presence.pushState())
  .handleIn("raise", () => {
    throw new Error("boom");
  });

export interface PresenceNode {
  /** Of its house; only where it stands beside a server. */
  readonly tracker: Tracker | undefined;
  readonly channels: ReturnType<typeof createChannels>;
  /** A client that has joined; it has said nothing of what it heard. */
  connect(options?: TalkOptions): Talker;
  /** The same, when all that follows from it has happened, and was taken. */
  join(options?: TalkOptions): Promise<Talker>;
}

/** Nodes over one pubsub. One alone has none, unless it is given one. */
export function nodes({
  channel = room,
  count = 1,
  pubsubOf,
  besideServers = false,
  ...options
}: ChannelsOptions<object> & {
  readonly channel?: object;
  readonly count?: number;
  /** Each node's own way to the pubsub. */
  readonly pubsubOf?: (pubsub: PubSub, node: number) => PubSub;
  /** Each beside a server of the sync half. */
  readonly besideServers?: boolean;
} = {}) {
  const hand = handClock();
  const pubsub = options.pubsub ?? localPubSub();
  const errors: unknown[] = [];
  const open = (n: number): PresenceNode => {
    const house = {
      clock: hand.clock,
      random: countingRandom(n + 1),
      onError: (error: unknown) => void errors.push(error),
      ...(count > 1 || options.pubsub !== undefined ? { pubsub: pubsubOf?.(pubsub, n) ?? pubsub } : {}),
    };
    const server = besideServers ? wire(house, hand).server : undefined;
    const channels = createChannels(
      server === undefined ? { ...options, ...house } : { ...options, beside: server },
    ).register(channel as typeof room);
    const connect = (how: TalkOptions = {}): Talker => {
      const client = talk(channels, how);
      const heard = client.say(
        how.vsn === "1.0.0"
          ? { topic: TOPIC, event: "phx_join", payload: {}, ref: "1" }
          : ["1", "1", TOPIC, "phx_join", {}],
      );
      client.heard.push(...heard);
      return client;
    };
    return {
      channels,
      tracker: server && houseOf(server)?.presence.tracker,
      connect,
      async join(how) {
        const client = connect(how);
        await hand.settle();
        client.take();
        return client;
      },
    };
  };
  const all = Array.from({ length: count }, (_, n) => open(n));
  return { ...hand, pubsub, errors, open, all, ...all[0]! };
}

export const diff = (joins: JsonObject, leaves: JsonObject = {}): Json => [
  null,
  null,
  TOPIC,
  "presence_diff",
  { joins, leaves },
];
export const metas = (...all: JsonObject[]): JsonObject => ({ metas: all });
/** A state as it is pushed to one, or (joinRef null) told to all. */
export const state = (payload: JsonObject, joinRef: Json = "1"): Json => [
  joinRef,
  null,
  TOPIC,
  "presence_state",
  payload,
];
export const counted = (count: number, joinRef: Json = null): Json => [
  joinRef,
  null,
  TOPIC,
  "presence_count",
  { count },
];

let refs = 1;
export const say = (client: Talker, event: string, payload: unknown = {}) =>
  client.say(["1", String(++refs), TOPIC, event, payload]);
/** Tracks, and gives the ref that it was answered with. */
export const track = (client: Talker, key: string, meta: JsonObject = {}, event = "track"): string => {
  const answers = say(client, event, { key, meta }) as unknown as [
    0,
    0,
    0,
    string,
    { response: { ref: string } },
  ][];
  return answers.find(([, , , name]) => name === "phx_reply")![4].response.ref;
};
export const update = (client: Talker, key: string, meta: JsonObject): string =>
  track(client, key, meta, "update");
