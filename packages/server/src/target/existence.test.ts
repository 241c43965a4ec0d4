import { expect, test } from "vitest";
import { list, wire } from "../../test/wired.ts";
import { exists } from "./existence.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import type { TargetRegistry } from "./target-registry.ts";
import type { ServerContext } from "../context/server-context.ts";

const look = (log: ReturnType<typeof memoryLog>, state?: { sequence: number; removed: boolean }) =>
  exists(
    { log } as unknown as ServerContext,
    { get: () => state && { engine: { state } } } as unknown as TargetRegistry,
    "list:1",
  );

test("[HA14] a topic in memory answers for itself where no other node writes, otherwise the log does", async () => {
  const states = [
    { sequence: 0, removed: false },
    { sequence: 3, removed: false },
    { sequence: 3, removed: true },
  ];
  const own = memoryLog();
  expect(await Promise.all(states.map((state) => look(own, state)))).toEqual([false, true, false]);
  const shared = memoryLog({ shared: true });
  expect(await Promise.all(states.map((state) => look(shared, state)))).toEqual([false, false, false]);
});

test("[HA14] the log answers for what is not in memory: never made, made, removed, made again", async () => {
  const log = memoryLog();
  const { server, done } = wire({ log });
  const topic = server.topic(list, "1");
  const seen = [await look(log)];
  await done(topic.dispatch({ type: "added", item: "a" }));
  seen.push(await look(log));
  await done(topic.remove());
  seen.push(await look(log));
  await done(topic.dispatch({ type: "added", item: "b" }));
  seen.push(await look(log));
  expect(seen).toEqual([false, true, false, true]);
});
