import { expect, it } from "vitest";
import type { Failure } from "../run/outcome.ts";
import { differenceLines } from "./difference.ts";

const failure = (more: Partial<Failure>): Failure => ({ conversation: "join-ok", about: "a join", ...more });

it("[KT4] shows what was said, expected and heard, and where the two part", () => {
  expect(
    differenceLines(
      failure({
        who: "main",
        at: 2,
        late: 7,
        said: { do: "text", text: '["1","1","t","phx_join",{}]' },
        expected: { hear: "text", json: ["1", "1", "t", "phx_reply", { status: "ok", response: {} }] },
        heard: { hear: "text", json: ["1", "1", "t", "phx_reply", { status: "ok", response: { a: 1 } }] },
      }),
    ),
  ).toEqual([
    "join-ok: a join (what it hears 2nd, 7 ms later)",
    '  said      ["1","1","t","phx_join",{}]',
    '  expected  ["1","1","t","phx_reply",{"response":{},"status":"ok"}]',
    '  heard     ["1","1","t","phx_reply",{"response":{"a":1},"status":"ok"}]',
    "                                                  ^",
  ]);
});

it("[KT4] cuts what is long around the place where it parts", () => {
  const long = "x".repeat(5000);
  const [, expected = "", heard = "", mark = ""] = differenceLines(
    failure({ expected: `${long}a${long}`, heard: `${long}b${long}` }),
  );
  expect(expected.length).toBeLessThan(170);
  expect(expected.at(mark.indexOf("^"))).toBe("a");
  expect(heard.at(mark.indexOf("^"))).toBe("b");
});

it("[KT4] says nothing where nothing was heard, or should have been", () => {
  expect(
    differenceLines(failure({ who: "watcher", at: 11, expected: { hear: "close", code: 1001 } })),
  ).toEqual([
    "join-ok: a join (watcher, what it hears 11th)",
    "  expected  close 1001",
    "  heard     nothing",
  ]);
  expect(differenceLines(failure({ says: "It was not done within 5 ms." }))).toEqual([
    "join-ok: a join",
    "  It was not done within 5 ms.",
  ]);
});

it("[KT4] shows each kind of thing", () => {
  const shown = (heard: Failure["heard"]): string | undefined =>
    differenceLines(failure(heard === undefined ? {} : { heard })).at(-1);
  expect(shown({ hear: "answer", status: 403, headers: {}, body: "" })).toBe('  heard     HTTP 403 ""');
  expect(
    shown({ hear: "answer", status: 200, headers: { b: "1", a: "2" }, json: { y: 1, x: 2 }, after: 600 }),
  ).toBe('  heard     HTTP 200 {"x":2,"y":1} {"a":"2","b":"1"} (not before 600 ms)');
  expect(shown({ hear: "binary", hex: "00ff" })).toBe("  heard     binary 00ff");
  expect(shown({ hear: "end" })).toBe("  heard     the connection is cut");
  expect(shown({ hear: "upgraded", headers: {} })).toBe("  heard     the WebSocket opens");
});
