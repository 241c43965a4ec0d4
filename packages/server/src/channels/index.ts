// Entry point @calla/server/channels: channels that speak the Phoenix wire.
export type {
  Admission,
  Admitted,
  ChannelConnection,
  ChannelsHost,
  NotAdmitted,
  PhoenixRequest,
} from "./engine/host.ts";

// Topics and their patterns
export { extractId, extractWildcards, matches, parsePattern, topicOf } from "./topics/pattern.ts";
export type { ChannelPattern, PatternOptions } from "./topics/pattern.ts";
export { fromSegments, namespace, segments, validate } from "./topics/topic.ts";
