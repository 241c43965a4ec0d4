import { describe, expect, test } from "vitest";
import { hasServer } from "../../../test/postgres/engines.ts";
import { inSchema, testedNodes } from "../../../test/postgres/nodes.ts";
import {
  appendOf,
  at,
  fill,
  ORIGIN,
  recordsAfter,
  REMOVED_AT,
  snapshot,
} from "../../testing/log-contract/kit.ts";

describe.skipIf(!hasServer)("what is read", () => {
  const nodes = testedNodes();

  test("[PL15] which of ten thousand idle targets have moved is one call", async () => {
    const schema = nodes.schema();
    const one = await nodes.held(schema);
    const targets = Array.from({ length: 10_000 }, (_, i) => `topic:${i}`);
    await fill(one.log, "topic:1", 0, 1);
    // Nobody else has made the rest: as fast as a database can.
    await one.query(
      `INSERT INTO ${inSchema(schema, "targets")} (name, sequence, mark, version, at, used, aged)
       SELECT 'topic:' || i, 1, ${at(1).mark}, 1, 0, 0, 0 FROM generate_series(0, 9999) AS i ON CONFLICT DO NOTHING`,
    );
    const before = one.statements();
    expect(await one.log.moved!(targets.map((target) => [target, at(1)]))).toEqual([]);
    expect(one.statements() - before).toBe(1);
    await fill(one.log, "topic:77", 1, 1);
    const places = targets.map((target) => [target, at(1)] as const);
    expect(await one.log.moved!([...places, ["never", ORIGIN], ["never too", at(1)]])).toEqual([
      "topic:77",
      "never too",
    ]);
    expect(await one.log.moved!([])).toEqual([]);
  });

  test("[PL16] what belongs together is of one moment: a page and whether it is all, a head and its snapshot", async () => {
    const schema = nodes.schema();
    const writer = nodes.node(schema, { retention: 0 });
    const reader = nodes.node(schema);
    await fill(writer, "t", 0, 1);
    const writing = (async () => {
      for (let sequence = 1; sequence < 40; sequence++) {
        await fill(writer, "t", sequence, 1);
        await writer.saveSnapshot("t", snapshot(sequence + 1));
      }
    })();
    for (let sequence = 0; sequence < 40;) {
      const head = await reader.open("t");
      sequence = head!.sequence;
      expect(head!.snapshot?.sequence ?? 0).toBeLessThanOrEqual(sequence);
      const { records, from } = await reader.history("t", Number.MAX_SAFE_INTEGER, 100);
      expect(records).toEqual(recordsAfter(from, records.length));
      const read = await reader.read("t", at(sequence), 100);
      if (read.status === "records")
        expect(read.records).toEqual(recordsAfter(sequence, read.records.length));
      else expect(read.status).toBe("compacted");
    }
    await writing;
  });

  test("[PL16] records behind the base that are still to be deleted are nobody's", async () => {
    const schema = nodes.schema();
    const log = nodes.node(schema, { retention: 0 });
    await log.claimConsumer("keeps", { owner: "o", now: 0, until: 9, from: "beginning" });
    await log.append([appendOf("t", 0, 9)]);
    await log.saveSnapshot("t", snapshot(6));
    expect(await log.read("t", at(3), 9)).toEqual({ status: "compacted" });
    expect(await log.read("t", at(6), 9)).toEqual({ status: "records", records: recordsAfter(6, 3) });
    expect(await log.history("t", 9, 9)).toEqual({ from: 6, records: recordsAfter(6, 3) });
    expect((await log.changes("", 99)).changes).toHaveLength(9);
    await log.remove("t", REMOVED_AT);
    expect(await log.history("t", 9, 9)).toEqual({ from: 9, records: [] });
    expect((await log.changes("", 99)).changes).toHaveLength(10);
    expect(await log.bytes!()).toBeGreaterThan(8_192);
  });
});
