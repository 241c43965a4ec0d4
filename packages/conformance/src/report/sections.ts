// The sections of a report, by the letters with which ids begin.
import type { Result } from "../run/outcome.ts";

export const sections: Readonly<Record<string, string>> = {
  CN: "connecting",
  HB: "heartbeat and idling",
  JN: "join",
  MS: "messages",
  BC: "broadcast",
  LV: "leave and close",
  BI: "binary frames",
  MF: "malformed frames",
  LP: "LongPoll",
  DC: "disconnect and drain",
  PR: "presence",
  SB: "supabase",
};

/** Results by section, in their order. */
export function bySection(results: readonly Result[]): ReadonlyMap<string, readonly Result[]> {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const group = groups.get(sectionOf(result)) ?? [];
    groups.set(sectionOf(result), group);
    group.push(result);
  }
  return groups;
}

const sectionOf = ({ id }: Pick<Result, "id">): string => id.replace(/\d.*$/, "");
