// A log that does not answer for long: what waits for it is bounded.
import { expect, test } from "vitest";
import { heldLog, list, say, types, wire } from "../test/wired.ts";
import { memoryLog } from "./log-memory.ts";

const add = (item: string) => ({ type: "added", item }) as const;

test("[TE20] what waits for a target to be opened is bounded like what waits for its append", async () => {
  const held = heldLog(memoryLog(), "open");
  const { server, client } = wire({ log: held.log, limits: { maxQueued: 3 } });
  server.handle(list, { public: true });
  const ada = await client();
  ada.say(...[1, 2, 3, 4, 5].map((mid) => say("list:1", mid, add("x"))));
  expect(await ada.heard()).toMatchObject([
    { type: "Paused", from: 4, code: "busy" },
    { type: "Paused", from: 5, code: "busy" },
  ]);
  held.release();
  expect(types(await ada.heard())).toEqual(["Acknowledge", "Acknowledge", "Acknowledge"]);
});

test("[TE19] [TE20] so is what strangers wait for, of whom it must be known whether they are", async () => {
  const held = heldLog(memoryLog(), "client");
  const { server, client } = wire({ log: held.log, limits: { maxQueued: 3 } });
  server.handle(list, { canSubscribe: () => false });
  const eve = await client();
  eve.say(...[1, 2, 3, 4, 5].map((mid) => say(`list:${mid}`, mid, add("x"))));
  expect(await eve.heard()).toMatchObject([
    { type: "Paused", from: 4, code: "busy" },
    { type: "Paused", from: 5, code: "busy" },
  ]);
  held.release();
  expect(types(await eve.heard())).toEqual(["Rejected", "Rejected", "Rejected"]);
  eve.say(say("list:4", 1, add("x")));
  expect(types(await eve.heard())).toEqual(["Rejected"]);
});
