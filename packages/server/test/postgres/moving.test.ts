// A server over a file that is moved under its clients' hands, and a server over what it became.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { sqlite } from "../../src/log/sqlite/sqlite.ts";
import { pgDriver } from "../../src/postgres/driver/pg-driver.ts";
import { postgresLog } from "../../src/postgres/log/create.ts";
import { moveLog } from "../../src/postgres/move/move-log.ts";
import { hello, list, say, subscribe, wire } from "../wired.ts";
import type { Said } from "../wired.ts";
import { hasServer, ownDatabase } from "./engines.ts";
import { apart } from "./nodes.ts";

/** Turns as they come. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const real = { clock: systemClock, settle, advance: settle } as unknown as Parameters<typeof wire>[1];
const limits = { messageRate: Infinity, topicMessageRate: Infinity };

/** A socket whose Hello was answered, when it was. */
async function joined({ socket }: ReturnType<typeof wire>, identity?: { clientId: string; secret: string }) {
  const its = socket();
  its.say(hello(identity && { identity }));
  for (;;) {
    const [connected] = await its.heard();
    if (connected?.type !== "Connected") continue;
    const { clientId, secret = identity?.secret ?? "" } = connected;
    return { ...its, identity: { clientId, secret } };
  }
}

describe.skipIf(!hasServer)("a server whose log is moved", () => {
  apart("ordered");
  const url = ownDatabase();

  test("[MV1] [MV2] under load: clients go on by records, as the same, and nothing is lost or done twice", async () => {
    const folder = mkdtempSync(join(tmpdir(), "calla-moving-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "calla.db");
    const near = wire({ log: sqlite(file, { durability: "process-crash" }), limits, strict: false }, real);
    near.server.handle(list, { public: true });
    const ann = await joined(near);
    ann.say(subscribe("list:1"));

    /** What the client knows: its outcomes, and the place that it has records up to. */
    const outcomes = new Map<number, number>();
    const cursors: { sequence: number; mark: number }[] = [];
    let cursor = { sequence: 0, mark: 0 };
    const take = (said: readonly Said[]): void => {
      for (const frame of said) {
        if (frame.type === "Acknowledge") outcomes.set(frame.mid, frame.sequence);
        if (frame.type === "Settled") for (const [mid, , at] of frame.outcomes) outcomes.set(mid, at);
        if (frame.type === "Snapshot") cursor = { sequence: frame.sequence, mark: frame.mark };
        if (frame.type === "TopicUpdate") {
          expect(frame.after).toBe(cursor.sequence);
          frame.records.forEach(([, , mid], i) => outcomes.set(mid, frame.after + i + 1));
          cursors.push(cursor);
          cursor = { sequence: frame.after + frame.records.length, mark: frame.mark };
        }
      }
    };
    let sent = 0;
    /** It stores its outcomes late. */
    const settled = (): number => Math.max(0, outcomes.size - 30);
    const item = (mid: number): string => `${mid}`.padStart(20, "0");
    const message = (mid: number) =>
      say("list:1", mid, { type: "added", item: item(mid) }, { settled: settled() });
    const send = (): void => ann.say(message(++sent));
    // So many that no snapshot is cheaper than the records that are missed in the end.
    while (outcomes.size < 800) {
      while (sent - outcomes.size < 40) send();
      take(await ann.heard());
    }
    const driver = pgDriver({ url: url() });
    onTestFinished(() => driver.close?.());
    const moving = { under: true };
    const moved = moveLog({ from: file, to: driver }).finally(() => (moving.under = false));
    while (moving.under) {
      if (sent - outcomes.size < 40) send();
      take(await ann.heard());
    }
    await moved;
    for (let n = 0; n < 5; n++) send();
    take(await ann.heard());
    const before = new Map(outcomes);
    expect(before.size).toBeGreaterThan(1);
    expect(before.size).toBeLessThan(sent);
    ann.drop();
    await near.server.stop();

    const far = wire({ log: postgresLog({ driver, onError: () => undefined }), limits }, real);
    far.server.handle(list, { public: true });
    const back = await joined(far, ann.identity);
    expect(back.identity.clientId).toBe(ann.identity.clientId);
    cursor = cursors.at(-5)!;
    back.say(subscribe("list:1", 1, { cursor, sent, settled: settled() }));
    // It has forgotten what it has not stored, and sends that again: some of it the file had taken.
    for (let mid = settled() + 1; outcomes.delete(mid); mid++);
    const said: Said[] = [];
    for (let mid = 1 + outcomes.size; outcomes.size < sent; mid = 1 + outcomes.size) {
      const upTo = Math.min(sent, mid + 50);
      for (let next = mid; next <= upTo; next++) back.say(message(next));
      for (let paused = false; !paused && outcomes.size < upTo;) {
        const heard = await back.heard();
        said.push(...heard);
        take(heard);
        paused = heard.some(({ type }) => type === "Paused");
      }
    }
    expect(said.find(({ type }) => type === "Settled")).toMatchObject({ resync: "records" });
    expect(said.map(({ type }) => type)).not.toContain("Snapshot");
    for (const [mid, sequence] of before) expect(outcomes.get(mid)).toBe(sequence);
    const { model, sequence } = await far.server.topic(list, "1").read();
    expect(sequence).toBe(sent);
    expect(model.items).toEqual(Array.from({ length: sent }, (_, i) => item(i + 1)));
    expect(far.errors).toEqual([]);
    await far.server.stop();
  });
});
