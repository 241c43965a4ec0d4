// What the page makes of what it hears: lines in a row, days and groups, who types, addresses.
import { describe, expect, test } from "vitest";
import { dayName } from "../client/dates.ts";
import { pieces } from "../client/links.ts";
import { RoomLines } from "../client/room-lines.ts";
import { timeline } from "../client/timeline.ts";
import type { TimelineOf } from "../client/timeline.ts";
import { Typists, typingSentence, TypingSignal } from "../client/typists.ts";
import type { Line } from "../shared/chat.ts";

const NOON = new Date(2026, 2, 4, 12, 0).getTime();
const MINUTE = 60_000;
const line = (n: number, more: Partial<Line> = {}): Line => ({
  n,
  id: `id-${n}`,
  author: "bo",
  name: "Bo",
  text: `line ${n}`,
  at: NOON + n * MINUTE,
  ...more,
});
const page = (lines: readonly Line[], continues = true, earlier = false) => ({ lines, continues, earlier });
const numbers = (lines: RoomLines) => lines.all.map(({ n }) => n);

describe("the lines of a room", () => {
  test("each is there once, whatever brings it", () => {
    const lines = new RoomLines();
    lines.newer(page([line(4), line(5)], false, true));
    lines.add(line(5));
    lines.add(line(6));
    lines.newer(page([line(5), line(6), line(7)]));
    expect([numbers(lines), lines.cursor, lines.earlier]).toEqual([[4, 5, 6, 7], { n: 7, id: "id-7" }, true]);
    lines.older(page([line(2), line(3), line(4)]));
    expect([numbers(lines), lines.earlier]).toEqual([[2, 3, 4, 5, 6, 7], false]);
  });

  test("what came too early waits for what is between", () => {
    const lines = new RoomLines();
    lines.newer(page([line(1)], false));
    for (const n of [4, 3, 4]) lines.add(line(n));
    expect([numbers(lines), lines.gap]).toEqual([[1], true]);
    lines.newer(page([line(2), line(3)]));
    expect([numbers(lines), lines.gap]).toEqual([[1, 2, 3, 4], false]);
  });

  test("another history takes the place of what was there", () => {
    const lines = new RoomLines();
    lines.newer(page([line(1), line(2)], false));
    lines.add(line(9));
    lines.newer(page([line(1, { id: "other" })], false));
    expect([lines.all, lines.gap]).toEqual([[line(1, { id: "other" })], false]);
    lines.newer(page([], false));
    expect([lines.all, lines.cursor]).toEqual([[], null]);
  });
});

describe("the timeline", () => {
  const of = (more: Partial<TimelineOf>) =>
    timeline({
      lines: [],
      unsent: [],
      me: { author: "ann", name: "Ann" },
      joined: true,
      newAfter: undefined,
      ...more,
    }).map((entry) =>
      entry.kind === "line"
        ? `${entry.text}${entry.first ? " first" : ""}${entry.last ? " last" : ""}`
        : entry.kind,
    );

  test("lines of one author soon after each other are a group; a day, a name and a pause end it", () => {
    const lines = [
      line(1),
      line(2),
      line(3, { author: "cy" }),
      line(4),
      line(5, { name: "Boris" }),
      line(20, { name: "Boris" }),
      line(21, { name: "Boris", at: NOON + 24 * 60 * MINUTE }),
    ];
    expect(of({ lines })).toEqual([
      "day",
      "line 1 first",
      "line 2 last",
      "line 3 first last",
      "line 4 first last",
      "line 5 first last",
      "line 20 first last",
      "day",
      "line 21 first last",
    ]);
  });

  test("the mark of what is new stands before the first line of others, and parts a group", () => {
    const lines = [line(1), line(2, { author: "ann" }), line(3), line(4)];
    expect(of({ lines, newAfter: 1 })).toEqual([
      "day",
      "line 1 first last",
      "line 2 first last",
      "new",
      "line 3 first",
      "line 4 last",
    ]);
    expect(of({ lines, newAfter: 3 }).slice(-3)).toEqual(["line 3 first last", "new", "line 4 first last"]);
    expect(of({ lines, newAfter: 4 })).not.toContain("new");
  });

  test("what is not said yet stands below, and says how it is", () => {
    const unsent = [
      { id: "a", text: "a", at: NOON },
      { id: "b", text: "b", at: NOON, failed: "why" },
    ];
    const states = (joined: boolean) =>
      timeline({ lines: [line(1)], unsent, me: { author: "ann", name: "Ann" }, joined, newAfter: 0 })
        .filter((entry) => entry.kind === "line")
        .map(({ key, own, state, failed }) => [key, own, state, failed]);
    expect(states(true)).toEqual([
      ["bo:id-1", false, "said", undefined],
      ["ann:a", true, "sending", undefined],
      ["ann:b", true, "failed", "why"],
    ]);
    expect(states(false)[1]).toEqual(["ann:a", true, "waiting", undefined]);
  });

  test("days have names", () => {
    expect(dayName(NOON, NOON)).toBe("Today");
    // Over a change of the clocks, too, a day has another name.
    for (let days = 0; days < 400; days += 7) {
      const now = new Date(2026, 0, 1 + days, 0, 30).getTime();
      expect(dayName(new Date(2026, 0, days, 23, 30).getTime(), now)).toBe("Yesterday");
    }
    expect(dayName(new Date(2026, 0, 1, 12).getTime(), NOON)).not.toContain("2026");
    expect(dayName(new Date(2024, 0, 1, 12).getTime(), NOON)).toContain("2024");
  });
});

describe("who types", () => {
  test("until they have said it, stop, or are not heard of any more", () => {
    const typists = new Typists();
    for (const author of ["bo", "cy", "di"])
      typists.heard({ author, name: author.toUpperCase(), typing: true }, NOON);
    typists.heard({ author: "di", name: "DI", typing: true }, NOON + 4_000);
    expect(typists.names(NOON + 4_999)).toEqual(["BO", "CY", "DI"]);
    expect(typists.names(NOON + 5_000)).toEqual(["DI"]);
    typists.said("bo");
    typists.heard({ author: "cy", name: "CY", typing: false }, NOON);
    expect(typists.names(NOON)).toEqual(["DI"]);
    typists.clear();
    expect(typists.names(NOON)).toEqual([]);
    expect([[], ["Bo"], ["Bo", "Cy"], ["Bo", "Cy", "Di"]].map(typingSentence)).toEqual([
      "",
      "Bo is typing …",
      "Bo and Cy are typing …",
      "Several people are typing …",
    ]);
  });

  test("is told at the beginning, now and then, and at the end", () => {
    const signal = new TypingSignal();
    expect(signal.changed(" ", 0)).toBeUndefined();
    expect(signal.changed("a", 0)).toBe(true);
    expect(signal.changed("ab", 1_999)).toBeUndefined();
    expect(signal.changed("abc", 2_000)).toBe(true);
    expect(signal.changed("", 3_000)).toBe(false);
    expect(signal.changed("", 3_001)).toBeUndefined();
    expect(signal.changed("a", 3_002)).toBe(true);
    // Others know by the line that it is over, and after so long by themselves.
    signal.sent();
    expect(signal.changed("", 3_003)).toBeUndefined();
    expect(signal.changed("a", 4_000)).toBe(true);
    expect(signal.changed("", 9_000)).toBeUndefined();
  });
});

test.each([
  ["no address", [["no address", false]]],
  ["", []],
  [
    "see https://a.example/x?y=1, or",
    [
      ["see ", false],
      ["https://a.example/x?y=1", true],
      [", or", false],
    ],
  ],
  [
    "(http://a.example)",
    [
      ["(", false],
      ["http://a.example", true],
      [")", false],
    ],
  ],
  ["javascript:alert(1) https://", [["javascript:alert(1) https://", false]]],
] as [string, [string, boolean][]][])("addresses in %j are found, and nothing else is one", (text, found) => {
  expect(pieces(text).map(({ text, href }) => [text, href !== undefined])).toEqual(found);
  expect(
    pieces(text)
      .map(({ text }) => text)
      .join(""),
  ).toBe(text);
});
