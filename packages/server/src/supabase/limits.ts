// Ceilings of the supabase mount, beside those of its channels.
import { CallaError } from "@calla/shared";

/** Rates are a second. `Infinity` lifts one. */
export interface SupabaseLimits {
  /** Bytes of what a broadcast carries. Over it: `payload_size_exceeded` where it is acknowledged, 422 over HTTP. */
  readonly maxBroadcastBytes: number;
  /** Messages of one client to one channel. Over it: `system` says so, and the channel is closed. */
  readonly broadcastRate: number;
  readonly broadcastBurst: number;
  /** Calls of presence of one client on one channel, `track` and all others. Over it: as `broadcastRate`. */
  readonly presenceRate: number;
  readonly presenceBurst: number;
  /** Bytes of an HTTP request's body. Over it: 413. */
  readonly maxRequestBytes: number;
  /** Messages of one HTTP request. Over it: 422. */
  readonly maxRequestMessages: number;
  /** Messages over HTTP of one address. Over it: 429. */
  readonly requestRate: number;
  readonly requestBurst: number;
  /** HTTP requests under way, of all and of one address. Over it: 429. */
  readonly maxRequests: number;
  readonly maxRequestsPerAddress: number;
  /**
   * Milliseconds that a hook, or a store's `read`, has for an answer. Then: an HTTP request gets 503, and a channel ends as
   * a crash, behind which its client joins again. A join has `joinTimeout` of the channels.
   */
  readonly hookTimeout: number;
}

const DEFAULT_SUPABASE_LIMITS: SupabaseLimits = {
  maxBroadcastBytes: 262_144,
  broadcastRate: 100,
  broadcastBurst: 500,
  // As with supabase's server: 5 in 30 seconds.
  presenceRate: 5 / 30,
  presenceBurst: 5,
  maxRequestBytes: 1_048_576,
  maxRequestMessages: 100,
  requestRate: 50,
  requestBurst: 500,
  maxRequests: 64,
  maxRequestsPerAddress: 16,
  hookTimeout: 10_000,
};

/** @throws CallaError `wiring`: no limit of this name, or no number above 0. */
export function supabaseLimitsOf(given: Partial<SupabaseLimits> = {}): SupabaseLimits {
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(DEFAULT_SUPABASE_LIMITS, name) && typeof value === "number" && value > 0) continue;
    const known = Object.keys(DEFAULT_SUPABASE_LIMITS).join(", ");
    throw new CallaError(
      "wiring",
      { name, value },
      `supabase(channels, { limits }) takes numbers above 0 (or Infinity) for ${known}; limits.${name} is none.`,
    );
  }
  return { ...DEFAULT_SUPABASE_LIMITS, ...given };
}
