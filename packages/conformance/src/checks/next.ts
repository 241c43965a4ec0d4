// SB: what the table keeps a place for.
import type { Check } from "./check.ts";

export const supabaseChecks: readonly Check[] = Array.from({ length: 11 }, (_, i) => ({
  id: `SB${i + 1}`,
  says: "What @supabase/realtime-js finds on a topic that begins with realtime:.",
  over: ["websocket"],
  notRun: "Supabase's own protocol over these channels; Calla's tests run its client against Calla.",
}));
