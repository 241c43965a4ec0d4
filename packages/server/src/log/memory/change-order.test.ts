import { describe, expect, test } from "vitest";
import { recordsAfter } from "../../testing/log-contract/kit.ts";
import type { LogRecord } from "../log.ts";
import { ChangeOrder } from "./change-order.ts";

/** An order whose targets discard what is put into `let`. */
function ordered() {
  const released = new Set<LogRecord>();
  const order = new ChangeOrder((_, record) => !released.has(record));
  return {
    order,
    /** `count` records come to a target; gives them back. */
    append(target: string, from: number, count: number): LogRecord[] {
      const records = recordsAfter(from, count);
      order.appended(target, records);
      return records;
    },
    letGo(records: readonly LogRecord[]): void {
      for (const record of records) released.add(record);
      order.dropped(records.length);
    },
    seen: (after: string, limit = 1_000) =>
      order
        .after(after, limit)
        .changes.map((change) =>
          "record" in change
            ? `${change.target} ${change.record.sequence}`
            : `${change.target} ${change.gone}`,
        ),
  };
}
const gone = { gone: "removed", sequence: 1, at: 5 } as const;

describe("what came after a position", () => {
  test("stands in the order in which it came, over all targets", () => {
    const { append, seen } = ordered();
    append("a", 0, 2);
    append("b", 0, 1);
    append("a", 2, 1);
    expect(seen("")).toEqual(["a 1", "a 2", "b 1", "a 3"]);
    expect(seen("1")).toEqual(["a 2", "b 1", "a 3"]);
    expect(seen("3")).toEqual(["a 3"]);
    expect(seen("4")).toEqual([]);
  });

  test("comes in pages that meet without a gap, though a page ends inside of an append", () => {
    const { order, append } = ordered();
    append("a", 0, 5);
    append("b", 0, 3);
    const all: string[] = [];
    let position = "";
    for (let page = 0; page < 4; page++) {
      const next = order.after(position, 3);
      expect(next.changes.length).toBeLessThanOrEqual(3);
      all.push(...next.changes.map((change) => change.position));
      ({ position } = next);
    }
    expect(all).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);
    expect(position).toBe("8");
  });

  test("has no record that its target has discarded, and no removal, where no consumer is behind them", () => {
    const { order, append, letGo, seen } = ordered();
    letGo(append("a", 0, 2));
    append("b", 0, 1);
    order.gone("c", gone);
    expect(seen("")).toEqual(["b 1"]);
    // And who asks is past what is not there.
    expect(order.after("", 10).position).toBe("4");
  });

  test("is asked for by a position of this log; anything else is refused", () => {
    const { order } = ordered();
    for (const wrong of ["-1", "1.5", "x", "1e99", "NaN"])
      expect(() => order.after(wrong, 1), wrong).toThrow(RangeError);
  });
});

describe("a consumer", () => {
  const claim = (owner: string, now: number, from: "now" | "beginning" = "beginning") => ({
    owner,
    now,
    until: now + 10,
    from,
  });

  test("is held by one owner, until its time is over", () => {
    const { order } = ordered();
    expect(order.claim("r", claim("one", 0))).toEqual({ status: "held", position: "0" });
    expect(order.claim("r", claim("two", 9))).toEqual({ status: "taken", until: 10 });
    expect(order.claim("r", claim("one", 9))).toEqual({ status: "held", position: "0" });
    expect(order.claim("r", claim("two", 19))).toEqual({ status: "held", position: "0" });
    expect(order.advance("r", { owner: "one", position: "0", until: 99 })).toBe(false);
  });

  test("begins at the origin or now, and only moves on", () => {
    const { order, append } = ordered();
    append("a", 0, 3);
    expect(order.claim("new", claim("one", 0, "now"))).toEqual({ status: "held", position: "3" });
    order.claim("old", claim("one", 0));
    expect(order.advance("old", { owner: "one", position: "2", until: 10 })).toBe(true);
    expect(order.advance("old", { owner: "one", position: "1", until: 20 })).toBe(true);
    expect(order.consumers()).toEqual([
      { name: "new", position: "3", owner: "one", until: 10 },
      { name: "old", position: "2", owner: "one", until: 20 },
    ]);
  });

  test("has what it is behind of, though its target has let it go; without it, that is gone", () => {
    const { order, append, letGo, seen } = ordered();
    order.claim("r", claim("one", 0));
    letGo(append("a", 0, 2_000));
    order.gone("a", gone);
    expect(seen("", 3_000)).toHaveLength(2_001);
    expect(seen("1999")).toEqual(["a 2000", "a removed"]);
    order.advance("r", { owner: "one", position: "1999", until: 10 });
    expect(seen("")).toEqual(["a 2000", "a removed"]);
    order.drop("r");
    expect(order.consumers()).toEqual([]);
    expect(seen("")).toEqual([]);
  });

  test("of a long history finds its place though what was discarded has been swept out", () => {
    const { order, append, letGo, seen } = ordered();
    const kept = append("kept", 0, 3);
    for (let i = 0; i < 1_500; i++) letGo(append(`t${i}`, 0, 1));
    append("last", 0, 1);
    expect(kept).toHaveLength(3);
    expect(seen("")).toEqual(["kept 1", "kept 2", "kept 3", "last 1"]);
    expect(seen("2")).toEqual(["kept 3", "last 1"]);
    expect(seen("700")).toEqual(["last 1"]);
    expect(order.after("", 1_000).position).toBe("1504");
  });
});
