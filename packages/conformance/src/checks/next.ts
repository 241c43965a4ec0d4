// PR and SB: what the table keeps a place for.
import type { Check } from "./check.ts";

const later = (prefix: string, count: number, says: string, notRun: string): Check[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `${prefix}${i + 1}`,
    says,
    over: ["websocket"],
    notRun,
  }));

export const presenceChecks: readonly Check[] = later(
  "PR",
  18,
  "Who is present on a topic.",
  "Presence is not part of the kit yet.",
);

export const supabaseChecks: readonly Check[] = later(
  "SB",
  11,
  "What @supabase/realtime-js finds on a topic that begins with realtime:.",
  "Supabase's own protocol over these channels; Calla's tests run its client against Calla.",
);
