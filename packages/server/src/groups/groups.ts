// createGroups: named sets of topics, of channels and of slices. A name is known here and nowhere else; who is on a topic
// the channels and the server know.
import { CallaError } from "@calla/shared";
import type { AnyTopicSlice, Wiring } from "@calla/shared";
import type { ChannelsHost } from "../channels/engine/host.ts";
import { hostOf } from "../channels/engine/hosts.ts";
import { parsePattern, topicOf } from "../channels/topics/pattern.ts";
import type { Payload } from "../channels/wire/message.ts";
import { Group } from "./group.ts";
import type { SyncTopic } from "./group.ts";
import { groupLimitsOf, within } from "./group-limits.ts";
import type { Groups, GroupsOptions } from "./groups-api.ts";

interface SyncServer {
  topic(slice: unknown, ...params: unknown[]): SyncTopic;
}

/** A channel topic's text; or a channel and its params; or a slice, and behind it its params. */
type Named = string | { readonly pattern: string } | AnyTopicSlice;

/**
 * Makes groups over a system of channels, a server of the sync half, or both. They are of this node's memory, and end
 * with it; what is told them reaches members on every node.
 *
 * @example
 * const groups = createGroups({ channels, server });
 * groups.create("team:eng");
 * groups.add("team:eng", room, ["frontend"]);
 * groups.add("team:eng", board, "42");
 * groups.broadcast("team:eng", "announce", { text: "All hands at noon" });
 * groups.push("team:eng", board, { type: "announced", text: "All hands at noon" });
 * @throws CallaError `wiring`: neither channels nor server, or not what `createChannels` gives; a limit that cannot be meant.
 */
export function createGroups<W extends Wiring = never>(options: GroupsOptions<W>): Groups<W> {
  const { channels, server, limits } = options;
  const host = channels && hostOf(channels);
  if (host === undefined && server === undefined)
    throw new CallaError("wiring", {}, "createGroups needs channels, a server, or both.");
  return groupsOver<W>({ host: host && (() => host), server: server && (() => server), limits });
}

/** Who is on the topics, asked at each call: they may be made anew beneath the groups. undefined: there is no such half. */
export interface GroupsBeneath {
  readonly host: (() => ChannelsHost) | undefined;
  readonly server: (() => object) | undefined;
  readonly limits: GroupsOptions["limits"];
}

export function groupsOver<W extends Wiring>(beneath: GroupsBeneath): Groups<W> {
  const limits = groupLimitsOf(beneath.limits);
  const { host } = beneath;
  const server = beneath.server as (() => SyncServer) | undefined;
  const all = new Map<string, Group>();

  const groupOf = (name: string): Group => {
    const group = all.get(name);
    if (group !== undefined) return group;
    const known = `There is no group ${quoted(name)}: groups.create makes it, on this node.`;
    throw new CallaError("unknown", { name: brief(name) }, known);
  };
  const channelTopicOf = (
    named: string | { readonly pattern: string },
    params: readonly unknown[],
  ): string => {
    if (host === undefined) throw missing("channels", "channel topics");
    if (typeof named === "string") return named;
    return topicOf<string>(parsePattern(named.pattern, { strictPhoenix: true }), ...(params[0] as string[]));
  };
  const syncTopicOf = (slice: Named, params: readonly unknown[]): SyncTopic => {
    if (server === undefined) throw missing("server", "topics of slices");
    const topic = (): SyncTopic => server().topic(slice, ...params);
    return {
      slice: slice as AnyTopicSlice,
      id: topic().id,
      push: (message) => topic().push(message),
      pushFrom: (clientId, message) => topic().pushFrom(clientId, message),
    };
  };
  const roomIn = (name: string, { size }: Group): void =>
    within(limits, "maxTopicsPerGroup", size + 1, `Group ${quoted(name)} would have ${size + 1} topics`);

  const broadcast = (from: string | undefined, name: string, event: string, payload: Payload): number => {
    const topics = all.get(name)?.channels.list ?? [];
    host?.().broadcast(topics, event, payload, from);
    return topics.length;
  };
  const push = (name: string, slice: Named, tell: (topic: SyncTopic) => void): number => {
    const topics = (all.get(name)?.sync.list ?? []).filter((topic) => topic.slice === slice);
    for (const topic of topics) tell(topic);
    return topics.length;
  };

  const groups = {
    create(name: string) {
      textOf(name, "A group's name");
      within(limits, "maxNameLength", name.length, `The name of a group has ${name.length} units`);
      if (all.has(name))
        throw new CallaError("exists", { name }, `There is a group ${quoted(name)} already: use it.`);
      within(limits, "maxGroups", all.size + 1, `There would be ${all.size + 1} groups`);
      all.set(name, new Group());
    },
    delete(name: string) {
      groupOf(name);
      all.delete(name);
    },
    has: (name: string) => all.has(name),
    list: () => [...all.keys()],
    topics(name: string) {
      const { channels, sync } = groupOf(name);
      return { channels: channels.list, sync: sync.list.map(({ id }) => id) };
    },
    add(name: string, named: Named, ...params: unknown[]) {
      const group = groupOf(name);
      if (isChannel(named, params)) {
        const topic = channelTopicOf(named, params);
        within(limits, "maxNameLength", topic.length, `The topic has ${topic.length} units`);
        if (group.channels.has(topic)) return false;
        roomIn(name, group);
        group.channels.add(topic, topic);
        return true;
      }
      const topic = syncTopicOf(named, params);
      if (group.sync.has(topic.id)) return false;
      roomIn(name, group);
      group.sync.add(topic.id, topic);
      return true;
    },
    remove(name: string, named: Named, ...params: unknown[]) {
      const group = groupOf(name);
      return isChannel(named, params)
        ? group.channels.delete(channelTopicOf(named, params))
        : group.sync.delete(syncTopicOf(named, params).id);
    },
    broadcast: (name: string, event: string, payload: Payload) => broadcast(undefined, name, event, payload),
    broadcastFrom: broadcast,
    push: (name: string, slice: Named, message: unknown) => push(name, slice, (topic) => topic.push(message)),
    pushFrom: (clientId: string, name: string, slice: Named, message: unknown) =>
      push(name, slice, (topic) => topic.pushFrom(clientId, message)),
  };
  return groups as unknown as Groups<W>;
}

/** A channel's params come as a list, a slice's one by one. */
const isChannel = (
  named: Named,
  params: readonly unknown[],
): named is string | { readonly pattern: string } => typeof named === "string" || Array.isArray(params[0]);

const missing = (half: "channels" | "server", what: string): CallaError =>
  new CallaError("wiring", {}, `These groups hold no ${what}: give createGroups({ ${half} }).`);

/** Whoever is no TypeScript may give anything. */
function textOf(value: unknown, what: string): void {
  if (typeof value !== "string") throw new TypeError(`${what} is a text, and was given ${typeof value}.`);
}

/** A name that was asked for may be of any length. */
const brief = (name: string): string => String(name).slice(0, 100);
const quoted = (name: string): string => JSON.stringify(brief(name));
