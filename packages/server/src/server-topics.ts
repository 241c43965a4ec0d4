// Many topics in the server's own hands: those of a pattern, removed. Not here: one of them (server-topic.ts).
import type { TargetKey } from "@calla/shared";
import { ring } from "./cluster/node-messages.ts";
import type { Hub } from "./hub/hub.ts";
import { serverTopic } from "./server-topic.ts";
import { listTopics } from "./target/topic-list.ts";

export interface RemoveTopicsOptions {
  /** Only those that for so many milliseconds nobody has dispatched to, nor been subscribed to where their slice has a `lifetime`. */
  readonly unusedFor?: number;
}

/**
 * Removes the topics of a pattern, one after the other, as `topic.remove()` does; also those whose slice is no longer in
 * the wiring. Gives how many.
 */
export async function removeTopics(
  hub: Hub,
  pattern: string,
  { unusedFor }: RemoveTopicsOptions,
): Promise<number> {
  const { context } = hub;
  const before = unusedFor === undefined ? undefined : context.clock.now() - unusedFor;
  let count = 0;
  for await (const { topic, used } of listTopics(context.log, pattern)) {
    if (before !== undefined && used >= before) continue;
    if (await removeOne(hub, topic, before)) count++;
  }
  return count;
}

async function removeOne(hub: Hub, topic: TargetKey, before: number | undefined): Promise<boolean> {
  const { context, registry, commitLoop } = hub;
  const slice = context.wiring.sliceOf(topic)?.slice;
  const live = registry.get(topic);
  if (slice !== undefined && before === undefined && live !== undefined) {
    // What is under way on it here lands first, and its subscribers are told.
    await serverTopic(hub, slice, topic).remove();
    return true;
  }
  // In use here, and only unused topics were to be removed.
  if (before !== undefined && live?.audience.empty === false) return false;
  const removed = await context.log.remove(topic, context.clock.now(), before);
  if (!removed) return false;
  if (live?.engine !== undefined) void commitLoop.look(live);
  ring(context, topic);
  hub.consumers.grown();
  return true;
}
