// What groups take and do, as the app sees them. Not here: how (groups.ts).
import type { AnyTopicSlice, InWiring, MessageOf, Params, ParamsOf, Wiring } from "@calla/shared";
import type { Channel } from "../channels/definition/channel-types.ts";
import type { Channels } from "../channels/channels-api.ts";
import type { Payload } from "../channels/wire/message.ts";
import type { AnyUser } from "../app/handlers.ts";
import type { Server } from "../server-api.ts";
import type { GroupLimits } from "./group-limits.ts";

/**
 * What `createGroups` takes: one of both halves, or both.
 *
 * @example
 * createGroups({ channels, server, limits: { maxGroups: 1_000 } });
 */
export interface GroupsOptions<W extends Wiring = never> {
  /** What `createChannels` gives. Default: none, and groups hold no channel topics. */
  readonly channels?: Pick<Channels, "broadcast">;
  /** What `createServer` gives. Default: none, and groups hold no topics of slices. */
  readonly server?: Pick<Server<W, AnyUser>, "wiring" | "topic">;
  /** Ceilings that differ from the defaults. `Infinity` lifts one. */
  readonly limits?: Partial<GroupLimits>;
}

/** The topics of a group by kind, each in the order in which they were added. A list stays as it is when the group changes. */
export interface GroupTopics {
  readonly channels: readonly string[];
  readonly sync: readonly string[];
}

/**
 * Named sets of topics, as `createGroups` makes them. They are in the memory of this node: create the same ones on each
 * node that tells them something. What is told reaches members on every node.
 *
 * @example
 * groups.create("team:eng");
 * groups.add("team:eng", "room:frontend");
 * groups.broadcast("team:eng", "announce", { text: "All hands at noon" });
 */
export interface Groups<W extends Wiring = never> {
  /**
   * Makes an empty group.
   *
   * @throws CallaError `exists`: there is one of this name. `too-large`: the name, or there are too many groups.
   */
  create(name: string): void;
  /** Forgets a group. Its topics know nothing of it. @throws CallaError `unknown`: there is none of this name. */
  delete(name: string): void;
  /** Whether there is a group of this name. */
  has(name: string): boolean;
  /** The names of all groups, in the order in which they were created. */
  list(): readonly string[];
  /** What a group holds. @throws CallaError `unknown`: there is none of this name. */
  topics(name: string): GroupTopics;
  /**
   * Adds a channel topic by its text. False: it is in the group already.
   *
   * @throws CallaError `unknown`: there is no such group. `too-large`: the topic's text, or the group has too many topics.
   * `wiring`: there are no channels. `topic`: the parameters make no topic.
   */
  add(name: string, topic: string): boolean;
  /** The same by a channel and what stands for its `*`. */
  add<C extends Channel>(name: string, channel: C, params: Params<C["pattern"]>): boolean;
  /** Adds the topic of a slice. @throws CallaError as above, `wiring` also for a slice that the server's wiring has not. */
  add<S extends AnyTopicSlice>(name: string, slice: InWiring<W, S>, ...params: ParamsOf<S>): boolean;
  /** Takes a channel topic out. False: it is not in the group. @throws CallaError `unknown`, `wiring`, `topic`: as `add`. */
  remove(name: string, topic: string): boolean;
  /** The same by a channel and what stands for its `*`. */
  remove<C extends Channel>(name: string, channel: C, params: Params<C["pattern"]>): boolean;
  /** Takes the topic of a slice out. */
  remove<S extends AnyTopicSlice>(name: string, slice: InWiring<W, S>, ...params: ParamsOf<S>): boolean;
  /**
   * Says something to all on the group's channel topics, on every node; as `channels.broadcast` on each. To an unknown
   * group it is nothing. Returns how many topics that were.
   *
   * @throws TypeError: the payload is neither an object nor bytes; nobody has heard it.
   */
  broadcast(name: string, event: string, payload: Payload): number;
  /** The same to all but one connection, on every node. */
  broadcastFrom(socketId: string, name: string, event: string, payload: Payload): number;
  /**
   * Pushes a message to the subscribers of the group's topics of one slice, on every node; as `server.topic(…).push` on
   * each. To an unknown group it is nothing. Returns how many topics that were.
   *
   * @throws CallaError `invalid`: it is no message of the slice; nobody has heard it.
   */
  push<S extends AnyTopicSlice>(name: string, slice: InWiring<W, S>, message: MessageOf<S>): number;
  /** The same in the name of a client, which does not get it itself. */
  pushFrom<S extends AnyTopicSlice>(
    clientId: string,
    name: string,
    slice: InWiring<W, S>,
    message: MessageOf<S>,
  ): number;
}
