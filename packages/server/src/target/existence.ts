// Whether there is such a topic: for `asking.exists()`, at the cost of one look at the log. Nothing is opened and
// nothing kept for it, because the client that asks may be a stranger (TE26).
import type { TargetKey } from "@calla/shared";
import type { ServerContext } from "../context/server-context.ts";
import type { TargetRegistry } from "./target-registry.ts";

/** It has begun, and was not removed. */
export async function exists(
  { log }: ServerContext,
  registry: TargetRegistry,
  key: TargetKey,
): Promise<boolean> {
  const state = registry.get(key)?.engine?.state;
  // Other nodes may have made or removed it since.
  if (state !== undefined && !log.shared) return state.sequence > 0 && !state.removed;
  const { records, from } = await log.history(key, Number.MAX_SAFE_INTEGER, 1);
  if (records.length > 0 || from === 0) return records.length > 0;
  // A tombstone, or a log that keeps no record behind its snapshot.
  return (await log.open(key))?.removed === false;
}
