import { sessionKey } from "@calla/shared";
import { describe, expect, test } from "vitest";
import {
  appendOf,
  at,
  record,
  revival,
  snapshot,
  timeOf,
  tombstone,
} from "../../testing/log-contract/kit.ts";
import { History } from "./target-history.ts";

/** A history of so many records. */
function grown(count: number, key = "t"): History {
  const history = new History(key);
  if (count > 0) history.append(appendOf(key, 0, count));
  return history;
}
const sequences = (history: History, after = at(0), limit = 1_000) => {
  const read = history.read(after, limit);
  return read.status === "records" ? read.records.map(({ sequence }) => sequence) : read.status;
};

describe("append", () => {
  test("takes what continues the head, and nothing that expects another one", () => {
    const history = grown(2);
    expect(history.append(appendOf("t", 1, 1))).toBe(false);
    expect(history.append(appendOf("t", 2, 1, { expected: at(2, 1) }))).toBe(false);
    expect(history.append(appendOf("t", 2, 2))).toBe(true);
    expect(history.asHead()).toMatchObject({ ...at(4), at: timeOf(4), removed: false, snapshot: undefined });
    expect(history).toHaveLength(4);
  });

  test("of rows alone only asks whether the head is the expected one", () => {
    const history = grown(2);
    expect(history.append({ ...appendOf("t", 2, 0), records: [] })).toBe(true);
    expect(history.append({ ...appendOf("t", 1, 0), records: [] })).toBe(false);
    expect(history.asHead()).toMatchObject(at(2));
  });

  test("with a gap is the caller's mistake", () => {
    expect(() => grown(1).append({ ...appendOf("t", 1, 1), records: [record(3)] })).toThrow(RangeError);
  });
});

describe("read", () => {
  test("gives what follows a cursor, at most so much", () => {
    const history = grown(5);
    expect(sequences(history, at(3))).toEqual([4, 5]);
    expect(sequences(history, at(1), 2)).toEqual([2, 3]);
    expect(sequences(history, at(5))).toEqual([]);
  });

  test("of another history, or past the head, is refused as one", () => {
    const history = grown(5);
    expect(sequences(history, at(3, 1))).toBe("other-history");
    expect(sequences(history, at(6))).toBe("other-history");
    expect(sequences(history, { sequence: 0, mark: 7 })).toBe("other-history");
  });

  test("`history` gives the last so many up to a sequence, and says where all begins", () => {
    const page = grown(5).history(4, 2);
    expect(page.from).toBe(0);
    expect(page.records.map(({ sequence }) => sequence)).toEqual([3, 4]);
    expect(
      grown(5)
        .history(99, 2)
        .records.map(({ sequence }) => sequence),
    ).toEqual([4, 5]);
    expect(grown(5).history(0, 2).records).toEqual([]);
  });
});

describe("a snapshot", () => {
  test("counts where its record is there to vouch for it, and is newer", () => {
    const history = grown(5);
    expect(history.save({ ...snapshot(3), mark: 1 }, 100)).toBe(0);
    expect(history.save(snapshot(6), 100)).toBe(0);
    expect(history.asHead().snapshot).toBeUndefined();
    history.save(snapshot(3), 100);
    history.save(snapshot(2), 100);
    expect(history.asHead().snapshot).toEqual(snapshot(3));
    expect(history.snapshotAt(2)).toBeUndefined();
    expect(history.snapshotAt(4)).toEqual(snapshot(3));
  });

  test("lets records go once it is `retention` records behind the newest one, and never more", () => {
    const history = grown(10);
    expect(history.save(snapshot(4), 5)).toBe(0);
    expect(history.save(snapshot(8), 5)).toBe(0);
    // 9 - 5: the records may begin at 4 now.
    expect(history.save(snapshot(9), 5)).toBe(4);
    expect(history).toHaveLength(6);
    expect(sequences(history, at(4))).toEqual([5, 6, 7, 8, 9, 10]);
    expect(sequences(history, at(3))).toBe("compacted");
    expect(sequences(history, at(0))).toBe("compacted");
    expect(history.has(record(4))).toBe(false);
    expect(history.has(record(5))).toBe(true);
    expect(history.has(record(5, { mark: 1 }))).toBe(false);
    expect(history.snapshotAt(4)).toEqual(snapshot(4));
  });

  test("however many are stored, records go on beginning at one of them", () => {
    const history = grown(100);
    for (let sequence = 1; sequence <= 100; sequence++) {
      history.save(snapshot(sequence), 10);
      const { from } = history.history(100, 0);
      if (from > 0) expect(history.snapshotAt(from)).toEqual(snapshot(from));
      expect(from).toBeLessThanOrEqual(Math.max(0, sequence - 10));
    }
    expect(history.length).toBeLessThanOrEqual(30);
  });
});

describe("a removal", () => {
  test("leaves a tombstone at the same sequence, once", () => {
    const history = grown(3);
    history.save(snapshot(2), 100);
    expect(history.remove(9)).toBe(3);
    expect(history.asHead()).toMatchObject({ ...tombstone(3), removed: true, snapshot: undefined });
    expect(history.remove(10)).toBeUndefined();
    expect(sequences(history, at(2))).toBe("compacted");
    expect(sequences(history, at(3))).toBe("other-history");
    // None of before it comes back.
    expect(history.save(snapshot(3), 100)).toBe(0);
  });

  test("passes over what has been used since", () => {
    const history = grown(3);
    expect(history.remove(9, timeOf(3))).toBeUndefined();
    expect(history.remove(9, timeOf(3) + 1)).toBe(3);
    const touched = grown(3);
    touched.touch(timeOf(9));
    touched.touch(timeOf(1)); // never back
    expect(touched.remove(9, timeOf(9))).toBeUndefined();
    expect(touched.asListed()).toMatchObject({ at: timeOf(3), used: timeOf(9), removed: false });
  });

  test("is undone only by a record that holds the whole model, and that begins the records", () => {
    const history = grown(3);
    history.remove(9);
    expect(history.append(appendOf("t", 3, 1, { expected: tombstone(3) }))).toBe(false);
    expect(history.append(revival("t", 3, 1))).toBe(true);
    expect(history.asHead()).toMatchObject({
      sequence: 5,
      removed: false,
      snapshot: { sequence: 4, model: { sum: 4 } },
    });
    expect(sequences(history, tombstone(3))).toEqual([4, 5]);
  });
});

test("only sessions and tombstones outlive their time, sessions when unused", () => {
  const times = { sessions: timeOf(4), tombstones: timeOf(4) };
  expect(grown(3).outlived(times)).toBeUndefined();
  expect(grown(3, sessionKey("ann")).outlived(times)).toBe("session");
  expect(grown(4, sessionKey("ann")).outlived(times)).toBeUndefined();
  const removed = grown(3);
  removed.remove(timeOf(3));
  expect(removed.outlived(times)).toBe("tombstone");
  expect(removed.outlived({ ...times, tombstones: timeOf(3) })).toBeUndefined();
});
