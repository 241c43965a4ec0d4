// Entry point @calla/server/supabase: clients of supabase's realtime on a system of channels.
export { supabase } from "./supabase.ts";
export type { RightAsked, Supabase, SupabaseOptions, TokenAsked } from "./supabase-api.ts";
export type { SupabaseLimits } from "./limits.ts";
export { memoryReplay } from "./replay.ts";
export type { MemoryReplayOptions, ReplayMessage, ReplayStore } from "./replay.ts";
