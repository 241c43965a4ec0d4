// What clients of supabase say of their presence, by the event `presence`: what is asked for, and whether it may be listed.
import type { Json, JsonObject } from "../channels/wire/message.ts";

/** `unknown`: nobody knows what it asks. `nothing`: it asks nothing. */
export type PresenceCall =
  | { readonly asks: "track"; readonly meta: JsonObject | undefined }
  | { readonly asks: "untrack" | "nothing" | "unknown" };

/** As supabase's server words it. */
export const NO_MAP = "Presence track payload must be a map";

/** Events count in any case. A `track` whose payload is no object has no meta. */
export function presenceCallOf(said: Json): PresenceCall {
  const { event, payload = {} } = (isObject(said) ? said : {}) as JsonObject;
  if (event === undefined) return { asks: "nothing" };
  const name = typeof event === "string" ? event.toLowerCase() : "";
  if (name === "track") return { asks: "track", meta: isObject(payload) ? payload : undefined };
  return { asks: name === "untrack" ? "untrack" : "unknown" };
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a client hears of who is here only once it asks. */
const OF_PRESENCE = new Set(["presence_diff", "presence_count"]);

/** Whether an event is for those only who have presence: what comes before a state, realtime-js keeps for ever. */
export const isOfPresence = (event: string): boolean => OF_PRESENCE.has(event);
