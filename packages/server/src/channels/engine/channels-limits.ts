// Ceilings of the channels half, beside those that it shares with the sync half (frames, bytes, connections by address).
import { CallaError } from "@calla/shared";
import type { Limits } from "@calla/shared";

/** Times are milliseconds, rates a second. `Infinity` lifts one. */
export interface ChannelLimits {
  /** Channels of one connection. Over it: the join is refused, `too many channels joined`. */
  readonly maxChannelsPerSocket: number;
  /** How long a join may take. Then: refused, `timeout`, and the signal of the join aborts. */
  readonly joinTimeout: number;
  /** How long `connect` may take to decide. Then: status 503. */
  readonly connectTimeout: number;
  /** Calls of `connect` under way for one address. Over it: status 429. */
  readonly maxConnectsPerAddress: number;
  /** Frames of one connection. Over it: answered with `rate_limited`. */
  readonly messageRate: number;
  readonly messageBurst: number;
  /** Joins of one connection. Over it: refused, `rate_limited`. */
  readonly joinRate: number;
  readonly joinBurst: number;
  /** Messages of one connection to one topic. Over it: answered with `rate_limited`. */
  readonly channelRate: number;
  readonly channelBurst: number;
  /** Frames that wait for handlers of one connection, and their bytes. Over it: the connection is closed, 1013. */
  readonly maxWaitingMessages: number;
  readonly maxWaitingBytes: number;
  /** Members of a topic who are listed to its clients. Over it: `presence_count`, and names again below four fifths of it. */
  readonly maxPresenceList: number;
  /** Bytes of one meta of presence, as JSON in UTF-8. Over it: `track` throws, `too-large`. */
  readonly maxPresenceBytes: number;
  /** Keys under which one channel is tracked. Over it: `track` throws, `too-large`. */
  readonly maxPresenceKeys: number;
}

export const DEFAULT_CHANNEL_LIMITS: ChannelLimits = {
  maxChannelsPerSocket: 100,
  joinTimeout: 10_000,
  connectTimeout: 10_000,
  maxConnectsPerAddress: 100,
  messageRate: 500,
  messageBurst: 2_000,
  joinRate: 100,
  joinBurst: 1_000,
  channelRate: 250,
  channelBurst: 1_000,
  maxWaitingMessages: 1_000,
  maxWaitingBytes: 4_194_304,
  maxPresenceList: 1_000,
  maxPresenceBytes: 4_096,
  maxPresenceKeys: 100,
};

/** @throws CallaError `wiring`: no limit of this name, no number from 0, or a rate of 0. */
export function channelLimitsOf(given: Partial<ChannelLimits & Limits> = {}): ChannelLimits {
  const own: Record<string, number> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_CHANNEL_LIMITS, name)) continue;
    if (value === undefined) continue;
    if (!(typeof value === "number" && value >= 0) || (value === 0 && /Rate$|Timeout$/.test(name)))
      throw new CallaError(
        "wiring",
        { name, value },
        `limits.${name} must be a number above 0 (or Infinity).`,
      );
    own[name] = value;
  }
  return { ...DEFAULT_CHANNEL_LIMITS, ...own };
}
