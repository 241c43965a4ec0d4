import { automatic, CallaError, json } from "@calla/shared";
import type { Limits } from "@calla/shared";
import { expect, test } from "vitest";
import { list, say, types, wire, wiring } from "../../test/wired.ts";
import { faultyLog, scriptedFaults } from "../testing/faulty-log.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import type { AppendResult, LogStorage } from "../log/log.ts";
import { createServer } from "../server.ts";

const add = (item: string) => ({ type: "added", item }) as const;
/** A server by the machine's own clock. */
function serve(log: LogStorage, given: Partial<Limits> = {}) {
  // Whatever a busy machine takes for it: what is asked for at once is one turn's.
  const limits = { turnTime: Infinity, ...given };
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const server = createServer({ wiring, serialiser: automatic(json()), log, limits, onError });
  server.handle(list, { public: true });
  return { server, errors };
}
const passing = () => new Promise((resolve) => setImmediate(resolve));

test("[TE12] a log that does not know what became of one target: that one is looked up, the others are told", async () => {
  const memory = memoryLog();
  const appends: string[][] = [];
  const error = new CallaError("invalid-value", {}, "cannot be written");
  const log: LogStorage = {
    ...memory,
    async append(batch) {
      appends.push(batch.map(({ target }) => target));
      if (appends.length > 1) return memory.append(batch);
      // The first of the batch is done and nobody knows; the second is not done, and nobody knows either.
      const done = await memory.append(batch.filter((_, i) => i !== 1));
      const unknown: AppendResult = { status: "unknown", error };
      return [unknown, unknown, ...done.slice(1)];
    },
  };
  const { server, errors } = serve(log);
  const told = await Promise.all(["a", "b", "c"].map((id) => server.topic(list, id).dispatch(add("x"))));
  expect(told).toEqual([{ sequence: 1 }, { sequence: 1 }, { sequence: 1 }]);
  expect(appends).toEqual([["list:a", "list:b", "list:c"], ["list:b"]]);
  expect(errors.map((one) => (one as CallaError).details)).toEqual([
    { method: "append", cause: error },
    { method: "append", cause: error },
  ]);
});

test("[LM1] a snapshot is stored after so many bytes, where the log counts them", async () => {
  const memory = memoryLog();
  const saved: number[] = [];
  const log: LogStorage = {
    ...memory,
    append: async (batch) =>
      (await memory.append(batch)).map((result) =>
        result.status === "appended" ? { ...result, bytes: 400 } : result,
      ),
    saveSnapshot: async (_, { sequence }) => void saved.push(sequence),
  };
  const { server } = serve(log, { snapshotEvery: 1_000, snapshotEveryBytes: 1_000 });
  for (let i = 0; i < 7; i++) {
    await server.topic(list, "1").dispatch(add("x"));
    await passing();
  }
  expect(saved).toEqual([3, 6]);
});

test("[TE12] [TE27] an append that lands ends the row of those that threw: the next one that throws is again the first", async () => {
  for (const between of ["appended", "conflict"] as const) {
    const log = faultyLog(memoryLog({ shared: true }), {
      plan: scriptedFaults({ append: ["fail", undefined, undefined, "fail"] }),
    });
    const near = wire({ log });
    near.server.handle(list, { public: true });
    const far = wire({ log });
    far.server.handle(list, { public: true });
    const ada = await near.client();
    ada.say(say("list:1", 1, add("a")));
    await near.advance(100);
    expect(types(await ada.heard())).toEqual(["Acknowledge"]);
    // The third append lands, or finds that another node was first.
    if (between === "conflict") await far.done(far.server.topic(list, "1").dispatch(add("far")));
    else ada.say(say("list:1", 2, add("b")));
    await near.advance(100);
    await ada.heard();
    const mid = between === "conflict" ? 2 : 3;
    ada.say(say("list:1", mid, add("c")));
    await near.advance(100);
    expect(await ada.heard()).toMatchObject([{ type: "Acknowledge", mid, sequence: 3 }]);
  }
});
