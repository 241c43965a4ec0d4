// What is asked of the writer, statement by statement. What the statements do is in statements.test.ts.
import { describe, expect, test } from "vitest";
import { appendOf, at, ORIGIN, record, revival, row, snapshot } from "../../testing/log-contract/kit.ts";
import type { Append, Outcome, RowWrite } from "../log.ts";
import type { ExecutorStep, Group } from "./executor.ts";
import {
  advanceGroup,
  appendGroup,
  bytesOf,
  claimGroup,
  dropGroup,
  expireClientGroup,
  expireConsumerGroup,
  expireSessionGroup,
  expireTombstoneGroup,
  freshenGroup,
  removeGroup,
  saveGroup,
  secretGroup,
  sweepGroups,
  touchGroup,
} from "./jobs.ts";
import { ROW, STATEMENTS, statement } from "./statements.ts";
import type { StatementName } from "./statements.ts";
import { DAY } from "./tables.ts";
import { plainText } from "../text.ts";

const text = plainText();
const NAMES = (
  "begin append stay never record records client outcomes revive save thin snapshot " +
  "rebase outdated litter remove forget next gone expireSession expireTombstone expireClient freshen " +
  "expireConsumer touch claim advance drop dirty sweep left swept bury heard hush secret"
).split(" ") as StatementName[];
const nameOf = ([number]: ExecutorStep): string =>
  NAMES.find((name) => statement(name) === number) ?? `${number}`;
const named = (step: ExecutorStep): readonly unknown[] => [nameOf(step), ...step.slice(1)];
const guardOf = ({ guard }: Group) => named(guard);
const stepsOf = ({ steps }: Group) => steps.map(named);
const append = (given: Append): Group => appendGroup(given, text);
/** An append of rows alone. */
const rows = (...written: RowWrite[]): Group =>
  append({ target: "t", expected: at(3), records: [], rows: written, at: 2 * DAY + 5 });
const alone = (one: RowWrite) => stepsOf(rows(one));
const write = (more: Partial<RowWrite>): RowWrite => ({ ...row("ann", 4), was: 3, ...more });
/** An outcome whose list is so many characters of JSON. */
const sized = (characters: number): readonly Outcome[] => {
  const of = (details: string): readonly Outcome[] => [{ mid: 4, id: "a", from: "app", code: "no", details }];
  return of("x".repeat(characters - text.outcomes.write(of("")).length));
};

test("every statement has a name here", () => {
  expect(NAMES.map((name) => statement(name)).toSorted((a, b) => a - b)).toEqual([...STATEMENTS.keys()]);
});

describe("an append", () => {
  test("compares the head, in one of four ways", () => {
    const { sequence, mark } = at(3);
    const head = (one: Append) => guardOf(append(one));
    const last = record(5);
    const moved = [last.sequence, last.mark, last.version, last.at, last.at];
    expect(head(appendOf("t", 3, 2))).toEqual(["append", ...moved, "t", sequence, mark, 0]);
    const first = record(2);
    expect(head(appendOf("t", 0, 2))).toEqual([
      "begin",
      "t",
      first.sequence,
      first.mark,
      first.version,
      first.at,
      first.at,
    ]);
    const none = { ...appendOf("t", 3, 0), records: [] };
    expect(head(none)).toEqual(["stay", "t", sequence, mark]);
    expect(head({ ...none, expected: ORIGIN })).toEqual(["never", "t"]);
    // Only both together are the origin.
    expect(head({ ...none, expected: { sequence: 0, mark: 7 } })).toEqual(["stay", "t", 0, 7]);
    const odd = { ...appendOf("t", 0, 1), expected: { sequence: 0, mark: 7 } };
    expect(head(odd)[0]).toBe("append");
  });

  test("[LG32] that brings back what was removed begins with the model, stored as its snapshot", () => {
    const whole = revival("t", 3, 1);
    const [first, second] = whole.records;
    const group = append(whole);
    expect(guardOf(group).at(-1)).toBe(1);
    expect(guardOf(group).slice(1, 3)).toEqual([second!.sequence, second!.mark]);
    expect(stepsOf(group)[0]).toEqual([
      "revive",
      first!.sequence,
      first!.mark,
      first!.version,
      first!.at,
      '{"sum":4}',
      whole.expected.sequence,
      whole.expected.mark,
    ]);
    expect(stepsOf(group)[1]!.at(-1)).toBe('{"sum":4}');
    expect(stepsOf(group)[2]!.at(-1)).toBeNull();
    expect(stepsOf(append(appendOf("t", 3, 1)))[0]![0]).toBe("record");
  });

  test.each([
    [1, ["record"]],
    [15, Array.from({ length: 15 }, () => "record")],
    [16, ["records"]],
    [17, ["records", "record"]],
    [33, ["records", "records", "record"]],
  ])("of %i records writes sixteen with one statement, and none twice", (count, statements) => {
    const steps = stepsOf(append(appendOf("t", 3, count)));
    expect(steps.map(([name]) => name)).toEqual(statements);
    const cells = steps.flatMap(([, ...more]) => more);
    const sequences = cells.filter((_, i) => i % 10 === 0);
    expect(sequences).toEqual(Array.from({ length: count }, (_, i) => 4 + i));
  });

  test("writes a record's own author, or none; names that are no text of SQLite's are escaped", () => {
    const authors = [null, { clientId: "ann", userId: null }, { clientId: "#\ud800", userId: `"u"` }];
    const records = authors.map((author, i) =>
      record(i + 1, { author, id: i === 2 ? "\ud801" : `id-${i + 1}` }),
    );
    const steps = stepsOf(append({ ...appendOf('"t"', 0, 3), records }));
    const { mark, at: time } = record(1);
    expect(steps[0]).toEqual([
      "record",
      1,
      mark,
      1,
      time,
      null,
      null,
      1,
      "id-1",
      '[{"type":"added","n":1}]',
      null,
    ]);
    expect(steps.map((step) => step.slice(5, 7))).toEqual([
      [null, null],
      ["ann", null],
      [String.raw`"#\ud800"`, String.raw`"\"u\""`],
    ]);
    expect(steps[2]![8]).toBe(String.raw`"\ud801"`);
    expect(guardOf(append({ ...appendOf('"t"', 0, 3), records }))[1]).toBe(String.raw`"\"t\""`);
  });

  test("[SQ3] of what cannot be text is refused", () => {
    const wrong = { messages: [{ type: "t", f: () => 1 }] } as never;
    expect(() => append(appendOf("t", 0, 1, wrong))).toThrow(
      expect.objectContaining({ code: "invalid-value" }),
    );
  });

  test("[LG48] a client that has settled what was decided has one row, outcomes and all, as long as they are short", () => {
    const short = write({ settled: 3, outcomes: sized(512) });
    expect(alone(short)).toEqual([
      ["client", "t", "ann", 4, 3, text.outcomes.write(sized(512)), ROW.whole, 2 * DAY + 5, 2, 3],
    ]);
    const long = write({ settled: 3, outcomes: sized(513) });
    expect(alone(long)).toEqual([
      ["client", "t", "ann", 4, 3, "", ROW.other, 2 * DAY + 5, 2, 3],
      ["outcomes", "t", "ann", 4, text.outcomes.write(sized(513))],
    ]);
    expect(alone({ ...long, whole: true })).toEqual([
      ["client", "t", "ann", 4, 3, text.outcomes.write(sized(513)), ROW.whole, 2 * DAY + 5, 2, 3],
    ]);
    expect(alone(write({ settled: 4, outcomes: [] }))[0]!.slice(5, 7)).toEqual(["", ROW.whole]);
  });

  test("[LG48] beside what is not settled new outcomes are a row of their own, by the last of them", () => {
    const late = write({
      settled: 2,
      outcomes: [...row("ann", 4).outcomes, { mid: 5, id: "id-5", sequence: 5 }],
    });
    expect(alone({ ...late, last: 5 })).toEqual([
      ["client", "t", "ann", 5, 2, "", ROW.more, 2 * DAY + 5, 2, 3],
      ["outcomes", "t", "ann", 5, text.outcomes.write(late.outcomes)],
    ]);
    expect(alone({ ...late, whole: true })[0]!.slice(5, 7)).toEqual([
      text.outcomes.write(late.outcomes),
      ROW.whole,
    ]);
    expect(alone(write({ settled: 2, outcomes: [] }))).toEqual([
      ["client", "t", "ann", 4, 2, "", ROW.same, 2 * DAY + 5, 2, 3],
    ]);
  });

  test("writes each client's row, after the records", () => {
    const group = append(appendOf("t", 3, 1, { rows: [row("ann", 4), row("#\udfff", 2)], was: 1 }));
    expect(
      stepsOf(group)
        .map(([name, , client]) => [name, client])
        .slice(1),
    ).toEqual([
      ["client", "ann"],
      ["client", String.raw`"#\udfff"`],
    ]);
  });

  test("counts its texts, and eight bytes for everything else; the guard is no write", () => {
    const guard: ExecutorStep = [0, "a long name that does not count"];
    expect(bytesOf({ guard, steps: [] })).toBe(0);
    expect(
      bytesOf({
        guard,
        steps: [
          [1, "four", 1, null],
          [2, ""],
        ],
      }),
    ).toBe(8 + 4 + 8 + 8 + 8);
  });
});

describe("what else is asked", () => {
  test("[SQ7] a snapshot is saved, and records go that are more than the retention behind it", () => {
    const { sequence, mark, version, at: time } = snapshot(9);
    const saved = (retention: number) => saveGroup("t", snapshot(9), retention, text);
    expect([guardOf(saved(3)), ...stepsOf(saved(3))]).toEqual([
      ["save", "t", sequence, mark],
      ["thin"],
      ["snapshot", sequence, mark, version, time, '{"sum":9}'],
      ["rebase", 6],
      ["outdated"],
      ["litter"],
    ]);
    for (const [retention, from] of [
      [0, 9],
      [9, 0],
      [10, 0],
      [Infinity, 0],
    ] as const)
      expect(stepsOf(saved(retention))[2]).toEqual(["rebase", from]);
  });

  test("consumers get what is removed, or has expired, before it is forgotten", () => {
    const told = ["next", "gone", "forget", "litter"];
    const removed = removeGroup("t", 7, 5);
    expect(guardOf(removed)).toEqual(["remove", 7, "t", 5]);
    expect(stepsOf(removed).map(([name]) => name)).toEqual(told);
    expect(stepsOf(removed)[1]).toEqual(["gone", "removed", 7]);
    const limits = { at: 9, sessions: 1, rows: 2, tombstones: 3, consumers: 4, limit: 5 };
    const session = expireSessionGroup("@s", limits);
    expect(guardOf(session)).toEqual(["expireSession", "@s", 1]);
    expect(stepsOf(session).map(([name]) => name)).toEqual([...told, "bury"]);
    expect(stepsOf(session)[1]).toEqual(["gone", "expired", 9]);
    const tombstone = expireTombstoneGroup("t", limits);
    expect([guardOf(tombstone), ...stepsOf(tombstone)]).toEqual([["expireTombstone", "t", 3], ["bury"]]);
    const aged = { target: "t", client: "ann", at: 1 };
    expect(guardOf(expireClientGroup(aged, limits))).toEqual(["expireClient", "t", "ann", 2]);
    expect(guardOf(freshenGroup(aged))).toEqual(["freshen", "t", "ann"]);
    expect(guardOf(expireConsumerGroup("r", limits))).toEqual(["expireConsumer", "r", 4]);
  });

  test("what was found in the file is not escaped again; what others chose is", () => {
    const limits = { at: 9, sessions: 1, rows: 2, tombstones: 3, consumers: 4, limit: 5 };
    const found = String.raw`"\ud800"`;
    expect(guardOf(expireSessionGroup(found, limits))[1]).toBe(found);
    expect(guardOf(expireTombstoneGroup(found, limits))[1]).toBe(found);
    expect(guardOf(freshenGroup({ target: found, client: found, at: 1 })).slice(1)).toEqual([found, found]);
    expect(guardOf(removeGroup("\ud800", 1, 1))[2]).toBe(found);
    expect(guardOf(touchGroup("\ud800", 4))).toEqual(["touch", 4, found, 4]);
    expect(guardOf(dropGroup("\ud800"))).toEqual(["drop", found]);
    expect(guardOf(advanceGroup("\ud800", "\ud800", 3, 9))).toEqual(["advance", 3, 9, found, found]);
  });

  test("a consumer is made at the beginning, or at what came last", () => {
    const claim = { owner: "o", now: 5, until: 8 };
    expect(guardOf(claimGroup("r", { ...claim, from: "beginning" }))).toEqual(["claim", "r", 0, "o", 8, 5]);
    expect(guardOf(claimGroup("r", { ...claim, from: "now" }))).toEqual(["claim", "r", 1, "o", 8, 5]);
    expect(guardOf(secretGroup("00ff"))).toEqual(["secret", "00ff"]);
  });

  test("[SQ7] a sweep deletes records before it forgets whose they were", () => {
    const [records, told] = sweepGroups;
    expect([guardOf(records!), ...stepsOf(records!)]).toEqual([
      ["dirty"],
      ["sweep"],
      ["left"],
      ["swept"],
      ["bury"],
    ]);
    expect([guardOf(told!), ...stepsOf(told!)]).toEqual([["heard"], ["hush"]]);
  });
});
