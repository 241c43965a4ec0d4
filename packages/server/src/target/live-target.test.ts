// What subscribers are brought up to date with, made once for all who need the same: and made anew where it is another.
import { expect, test } from "vitest";
import { countingRandom, handClock, handPubSub, list, subscribe, types, wire } from "../../test/wired.ts";
import type { Said } from "../../test/wired.ts";
import { rewindableLog } from "../testing/rewindable-log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

const items = (said: readonly Said[]): unknown[] =>
  said.flatMap((frame) =>
    frame.type === "TopicUpdate"
      ? frame.records.map(([, , , , [message]]) => (message as { item: string }).item)
      : [],
  );

test("[SV9] [TE11] what was encoded of a former history is nobody's of the next one, though sequences are the same", async () => {
  const hand = handClock();
  const rings = handPubSub();
  const log = rewindableLog(memoryLog({ shared: true }));
  const near = wire({ log, pubsub: rings.pubsub }, hand);
  const far = wire({ log, pubsub: rings.pubsub, random: countingRandom(9) }, hand);
  for (const { server } of [near, far]) server.handle(list, { public: true });
  const add = (node: typeof near, item: string) =>
    node.done(node.server.topic(list, "1").dispatch({ type: "added", item }));

  await add(near, "shared");
  const watcher = await near.client();
  watcher.say(subscribe("list:1"));
  const cursor = (await watcher.heard()).flatMap((frame) =>
    frame.type === "Snapshot" ? [{ sequence: frame.sequence, mark: frame.mark }] : [],
  )[0]!;
  await add(near, "lost");
  /** Somebody who comes to the near node with the first record only. */
  const late = async () => {
    const one = await near.client();
    one.say(subscribe("list:1", 1, { cursor }));
    return one.heard();
  };
  expect(items(await late())).toEqual(["lost"]);

  // A failover loses the second record, and another node writes another one in its place.
  await log.rewind("list:1", 1);
  await add(far, "kept");
  rings.deliver();
  expect(types(await watcher.heard())).toContain("Snapshot");
  const said = await late();
  expect(said).toMatchObject([{ type: "Settled", sequence: 2, resync: "records" }, { type: "TopicUpdate" }]);
  expect(items(said)).toEqual(["kept"]);
});
