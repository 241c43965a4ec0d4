// A log that does not answer for long, or never: what waits for it is bounded, and ends.
import { CallaError } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { heldLog, list, say, subscribe, types, wire } from "./wired.ts";
import { faultyLog } from "../src/testing/faulty-log.ts";
import { memoryLog } from "../src/log/memory/memory-log.ts";

const add = (item: string) => ({ type: "added", item }) as const;
const closing = (code: string, within = 0) => ({ type: "Closing", code, retryable: true, within });

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

describe("a log that never answers", () => {
  test("[SV2] [SV12] stop waits `within` for it, reports, and closes; what lands later is sent to nobody", async () => {
    for (const [options, within] of [
      [undefined, 5_000],
      [{ within: 20 }, 20],
    ] as const) {
      const held = heldLog(memoryLog(), "append");
      const hooked: unknown[] = [];
      let closed = 0;
      const log = { ...memoryLog(), append: held.log.append, close: async () => void closed++ };
      const { server, client, errors, settle, advance } = wire({
        log,
        onTopicMessage: (message) => void hooked.push(message),
      });
      server.handle(list, { public: true });
      const ada = await client();
      ada.say(subscribe("list:1"));
      await ada.heard();
      ada.say(say("list:1", 1, add("x")));
      const call = server.topic(list, "2").dispatch(add("own"));
      const failed = call.catch((error: unknown) => error);
      await advance(1);
      let done = false;
      const stopped = server.stop(options).then(() => void (done = true));
      await advance(within - 1);
      expect([done, closed, ada.closed]).toEqual([false, 0, []]);
      await advance(1);
      await stopped;
      expect(await failed).toMatchObject({ code: "closed" });
      expect(await ada.heard()).toEqual([closing("stopping", 1_000)]);
      expect(closed).toBe(1);
      expect(errors.map(String)).toEqual([expect.stringContaining(`server.stop() waited ${within} ms`)]);
      held.release();
      await settle();
      await advance(600_000);
      expect(hooked).toEqual([]);
      expect(errors).toHaveLength(1);
    }
  });

  test("[SV2] [SV12] nor does stop wait longer for snapshots, for the log's close, or for a topic that cannot be opened", async () => {
    for (const method of ["saveSnapshot", "close", "open"] as const) {
      const { log } = heldLog(memoryLog(), method);
      const { server, client, errors, done, advance } = wire({ log });
      server.handle(list, { public: true });
      const ada = await client();
      ada.say(say("list:1", 1, add("x")));
      await ada.heard();
      const read = server.topic(list, "1").read();
      read.catch(() => undefined);
      await advance(1);
      const stopped = server.stop();
      if (method !== "open") await advance(5_000);
      await done(stopped);
      expect(errors).toHaveLength(method === "open" ? 0 : 1);
    }
  });

  test("[SV2] a topic that is being opened while the server stops is no fault, though its log is closed by then", async () => {
    const log = memoryLog();
    let closed = false;
    const held = heldLog(
      {
        ...log,
        open(target) {
          if (closed) throw new CallaError("closed", {}, "The log has been closed.");
          return log.open(target);
        },
        close: () => Promise.resolve(void (closed = true)),
      },
      "open",
    );
    const { server, client, errors, done, advance } = wire({ log: held.log });
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1"));
    await ada.heard();
    const waiting = held.waiting();
    await done(server.stop());
    expect(closed).toBe(true);
    held.release();
    await advance(100);
    expect(waiting).toBe(1);
    expect(errors).toEqual([]);
  });

  test("[SV4] stopping a topic waits `within` for it, reports, and tells the subscribers; it ends when it can", async () => {
    const held = heldLog(memoryLog(), "append");
    const { server, client, errors, done, advance } = wire({ log: held.log });
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1"));
    await ada.heard();
    ada.say(say("list:1", 1, add("x")));
    await advance(1);
    const stopped = server.topic(list, "1").stop();
    await advance(4_999);
    expect(await ada.heard()).toEqual([]);
    await advance(1);
    await done(stopped);
    const told = { type: "Unsubscribed", target: "list:1", code: "stopped", retryable: true };
    expect(await ada.heard()).toMatchObject([told]);
    expect(errors.map(String)).toEqual([expect.stringMatching(/stop\(\) of "list:1" waited 5000 ms/)]);
    ada.say(subscribe("list:1", 2), say("list:1", 1, add("x")));
    expect(await ada.heard()).toMatchObject([told, { type: "Paused", from: 1, code: "draining" }]);
    held.release();
    await advance(10);
    expect(types(await ada.heard())).toEqual(["Acknowledge"]);
    ada.say(subscribe("list:1", 3), say("list:1", 1, add("x")));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot", "Acknowledge"]);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["x"] });
    await done(server.topic(list, "1").stop({ within: 1 })); // in time
    expect(errors).toHaveLength(1);
  });

  test("[SV5] a removal that fails is reported to nobody but its caller; subscribers come back to what there is", async () => {
    const log = faultyLog(memoryLog(), { plan: ({ method }) => (method === "remove" ? "fail" : undefined) });
    const { server, client, done } = wire({ log });
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(subscribe("list:1"), say("list:1", 1, add("x")));
    await ada.heard();
    await expect(done(server.topic(list, "1").remove())).rejects.toThrow(/failed before its remove/);
    expect(await ada.heard()).toMatchObject([{ type: "Unsubscribed", code: "stopped", retryable: true }]);
    ada.say(subscribe("list:1", 2));
    expect(await ada.heard()).toMatchObject([{ type: "Settled" }, { model: { items: ["x"] } }]);
  });

  test("[SV5] a removal that the server's stop overtakes fails at its caller", async () => {
    const held = heldLog(memoryLog(), "append");
    const { server, client, done, advance } = wire({ log: held.log });
    server.handle(list, { public: true });
    const ada = await client();
    ada.say(say("list:1", 1, add("x")));
    await advance(1);
    const removed = server.topic(list, "1").remove();
    const failed = removed.catch((error: unknown) => error);
    await advance(1);
    const stopped = server.stop({ within: 10 });
    await advance(20);
    await done(stopped);
    expect(await failed).toMatchObject({ code: "closed" });
  });
});
