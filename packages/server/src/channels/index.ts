// Entry point @calla/server/channels: channels that speak the Phoenix wire.
export { createChannels } from "./channels.ts";
export type {
  AnySocket,
  Channels,
  ChannelsOptions,
  ConnectSocket,
  Fits,
  SystemPresence,
} from "./channels-api.ts";
export { defineChannel } from "./definition/define-channel.ts";
export type {
  Channel,
  ChannelBuilder,
  ChannelSocket,
  EventOf,
  Events,
  HandleResult,
  InfoOf,
  InfoResult,
  InOf,
  Joining,
  MetaOf,
  OutOf,
  PushOf,
  ReplyRef,
  SocketOf,
  StopReason,
} from "./definition/channel-types.ts";
export type {
  ChannelPresence,
  MetaChange,
  PresenceFields,
  PresenceList,
  PresenceOptions,
  TopicPresenceDiff,
  Tracked,
} from "./definition/presence-types.ts";
export { joined, noReply, push, refused, reply, stop } from "./definition/results.ts";
export type { Joined, NoReply, Push, Refused, Reply, Stop, StopWith } from "./definition/results.ts";
export { accept, deny } from "./engine/admission.ts";
export type { Accepted, Connect, Denied } from "./engine/admission.ts";
export type { ChannelRefusal } from "./engine/channels-context.ts";
export type { ChannelLimits } from "./engine/channels-limits.ts";
export type { PhoenixRequest } from "./engine/host.ts";
export type { Json, JsonObject, Payload } from "./wire/message.ts";

// Topics and their patterns
export { extractId, extractWildcards, matches, parsePattern, topicOf } from "./topics/pattern.ts";
export type { ChannelPattern, PatternOptions } from "./topics/pattern.ts";
export { fromSegments, namespace, segments, validate } from "./topics/topic.ts";

// The mount
export { phoenix } from "./phoenix.ts";
export type { PhoenixMount } from "./phoenix.ts";
export type { PhoenixLongPollOptions, PhoenixOptions, PhoenixWebSocketOptions } from "./transports/mount.ts";
