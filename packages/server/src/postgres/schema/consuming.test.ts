// The one order, and its consumers, over several connections, one of which holds its transaction open.
import { describe, expect, test } from "vitest";
import { hasServer } from "../../../test/postgres/engines.ts";
import { hurriedClock, inSchema, testedNodes } from "../../../test/postgres/nodes.ts";
import type { Changes, Position } from "../../log/log.ts";
import { appendOf, fill, REMOVED_AT, status } from "../../testing/log-contract/kit.ts";

const brief = ({ changes }: Changes): string[] =>
  changes.map((change) =>
    "record" in change ? `${change.target} ${change.record.sequence}` : `${change.target} ${change.gone}`,
  );

describe.skipIf(!hasServer)("one order over several nodes", () => {
  const nodes = testedNodes();

  test("[PL6] what commits late stands behind no position that was given out", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    const clock = hurriedClock();
    const two = nodes.node(schema, { clock });
    await fill(two, "before", 0, 1);
    const { position } = await two.changes("", 9);
    await one.begin();
    await fill(one.log, "slow", 0, 1);
    await fill(two, "quick", 0, 1);
    const held = await two.changes(position, 9);
    expect(brief(held)).toEqual([]);
    expect(held.position).toBe(position);
    expect(clock.waited()).toBeGreaterThanOrEqual(1_000);
    // A transaction that is open for that long is not waited for again.
    const waited = clock.waited();
    await two.changes(position, 9);
    expect(clock.waited()).toBe(waited);
    await one.commit();
    expect(brief(await two.changes(held.position, 9))).toEqual(["slow 1", "quick 1"]);
  });

  test("[PL6] what is committed in a moment is waited for", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    await one.begin();
    await fill(one.log, "slow", 0, 1);
    let looks = 0;
    const clock = hurriedClock();
    const two = nodes.node(schema, {
      clock: {
        ...clock,
        setTimeout(run, milliseconds) {
          if (milliseconds < 10_000 && ++looks === 3) void one.commit();
          return clock.setTimeout(run, milliseconds);
        },
      },
    });
    await fill(two, "quick", 0, 1);
    expect(brief(await two.changes("", 9))).toEqual(["slow 1", "quick 1"]);
  });

  test("[PL6] a consumer that begins now misses nothing that is committed late", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    const two = nodes.node(schema, { clock: hurriedClock() });
    await fill(two, "before", 0, 1);
    await one.begin();
    await fill(one.log, "slow", 0, 1);
    await fill(two, "quick", 0, 1);
    const claim = { owner: "o", now: 0, until: 9, from: "now" } as const;
    const claimed = await two.claimConsumer("now", claim);
    await one.commit();
    expect(claimed.status === "held" && brief(await two.changes(claimed.position, 9))).toEqual([
      "slow 1",
      "quick 1",
    ]);
  });

  test("[PL14] a transaction that holds consumers back for long is told once, and by whom", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    const clock = hurriedClock();
    let told: unknown[] = [];
    const two = nodes.node(schema, { clock, onError: (error) => told.push(error) });
    await two.opened();
    told = [];
    await one.begin();
    await fill(one.log, "slow", 0, 1);
    await fill(two, "quick", 0, 1);
    for (let i = 0; i < 4; i++) {
      await two.changes("", 9);
      clock.setTimeout(() => undefined, 9_000);
    }
    expect(told).toEqual([]);
    for (let i = 0; i < 3; i++) await two.changes("", 9);
    await two.consumers();
    await expect.poll(() => told).toHaveLength(1);
    expect(String(told[0])).toMatch(/held-back.*30 seconds by the transaction of process \d+ .*End it/);
    await one.commit();
    expect(brief(await two.changes("", 9))).toEqual(["slow 1", "quick 1"]);
  });

  test("[PL9] of nodes that claim a new consumer at once one holds it, and of those that claim one whose lease has ended", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    const two = nodes.node(schema);
    const claim = (owner: string, now = 0) => ({ owner, now, until: now + 10, from: "beginning" }) as const;
    await one.begin();
    expect(await one.log.claimConsumer("c", claim("one"))).toMatchObject({ status: "held" });
    const second = two.claimConsumer("c", claim("two"));
    await nodes.waiting();
    await one.commit();
    expect(await second).toEqual({ status: "taken", until: 10 });
    await one.begin();
    expect(await one.log.claimConsumer("c", claim("three", 20))).toMatchObject({ status: "held" });
    const fourth = two.claimConsumer("c", claim("four", 20));
    await nodes.waiting();
    await one.commit();
    expect(await fourth).toEqual({ status: "taken", until: 30 });
  });

  test("[PL9] a consumer that was given up to another node while it is moved on is not moved", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    const two = nodes.node(schema);
    await fill(two, "t", 0, 2);
    const claim = (owner: string, now: number) =>
      ({ owner, now, until: now + 10, from: "beginning" }) as const;
    await two.claimConsumer("c", claim("two", 0));
    const { position } = await two.changes("", 1);
    await one.begin();
    expect(await one.log.claimConsumer("c", claim("one", 50))).toMatchObject({
      status: "held",
      position: "0.0.0",
    });
    const moved = two.advanceConsumer("c", { owner: "two", position, until: 99 });
    await nodes.waiting();
    await one.commit();
    expect(await moved).toBe(false);
    expect(await two.consumers()).toEqual([{ name: "c", owner: "one", position: "0.0.0", until: 60 }]);
  });

  test("[PL9] a consumer begins behind what is just being deleted, and hears of its end or of none of it", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    const two = nodes.node(schema);
    await fill(two, "gone", 0, 10);
    await one.begin();
    await one.log.remove("gone", REMOVED_AT);
    await one.log.consumers(); // behind its sweep
    await one.log.consumers();
    const claimed = two.claimConsumer("late", { owner: "o", now: 0, until: 9, from: "beginning" });
    await nodes.waiting();
    await one.commit();
    const held = await claimed;
    expect(held.status === "held" && brief(await two.changes(held.position, 99))).toEqual([]);
  });

  test("[PL10] in a cluster that counts from lower numbers what is new stands behind all that was given out", async () => {
    const schema = nodes.schema();
    const before = nodes.node(schema);
    await fill(before, "t", 0, 2);
    await fill(before, "gone", 0, 1);
    const claim = { owner: "o", now: 0, until: 9, from: "now" } as const;
    await before.claimConsumer("c", claim);
    await before.remove("gone", REMOVED_AT);
    await before.close();
    // As after a restore: what is stored has the numbers of another cluster.
    for (const table of ["records", "gone", "consumers"])
      await nodes.query(`UPDATE ${inSchema(schema, table)} SET tx = tx + 1000000000000`);
    const [one, two] = [nodes.node(schema), nodes.node(schema)];
    await Promise.all([one.opened(), two.opened()]);
    const claimed = await one.claimConsumer("c", { ...claim, now: 9 });
    const position: Position = claimed.status === "held" ? claimed.position : "";
    const had = await one.changes(position, 9);
    expect(brief(had)).toEqual(["gone removed"]);
    await fill(one, "t", 2, 1);
    await fill(two, "new", 0, 1);
    expect(brief(await two.changes(had.position, 9))).toEqual(["t 3", "new 1"]);
    expect(brief(await two.changes("", 9))).toEqual(["t 1", "t 2", "gone removed", "t 3", "new 1"]);
    const [shift] = await nodes.query(`SELECT shift FROM ${inSchema(schema, "settings")}`);
    // Once is enough.
    await nodes.node(schema).opened();
    expect(await nodes.query(`SELECT shift FROM ${inSchema(schema, "settings")}`)).toEqual([shift]);
    expect(Number(shift!["shift"])).toBeGreaterThan(1e11);
  });

  test("[PL11] secret and name of a log that many nodes make at once are one", async () => {
    const schema = nodes.schema();
    const logs = Array.from({ length: 4 }, () => nodes.node(schema));
    const secrets = await Promise.all(logs.map((log) => log.secret()));
    expect(new Set(secrets.map((secret) => Buffer.from(secret!).toString("hex"))).size).toBe(1);
    expect(new Set(await Promise.all(logs.map((log) => log.identity!()))).size).toBe(1);
    expect(await status(logs[0]!, appendOf("t", 0, 1))).toBe("appended");
  });
});
