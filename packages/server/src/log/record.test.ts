import { authorTag, OWN_SESSION, restOfTag, visitorName, visitorOf } from "@calla/shared";
import { expect, test } from "vitest";
import { list, session } from "../../test/wired.ts";
import { dedupe, draftOf, emptyRow, remember, settle } from "../target/client-row.ts";
import type { LogRecord } from "./log.ts";
import { contextOf, foldRecord, toUpdate } from "./record.ts";

const author = { clientId: "secret-client-id", userId: "ada" };
const record = (sequence: number, more: Partial<LogRecord> = {}): LogRecord => ({
  sequence,
  mark: sequence * 10,
  version: 1,
  at: 100 + sequence,
  author,
  mid: sequence,
  id: `id-${sequence}`,
  messages: [{ type: "added", item: `${sequence}` }],
  ...more,
});

test("[PR5] an update frame names authors by tag, once each, and never by clientId", () => {
  const records = [
    record(5),
    record(6),
    record(7, { author: null, mid: 0 }),
    record(8, { messages: [{ type: "a" }, { type: "b" }] }),
  ];
  const update = toUpdate("list:1", { sequence: 4, mark: 40 }, records);
  expect(update).toEqual({
    after: 4,
    from: 40,
    at: 105,
    authors: [[authorTag("secret-client-id", "list:1"), "ada", 0]],
    records: [
      [0, 0, 5, "id-5", [{ type: "added", item: "5" }]],
      [1, 0, 6, "id-6", [{ type: "added", item: "6" }]],
      [2, -1, 0, "id-7", [{ type: "added", item: "7" }]],
      [3, 0, 8, "id-8", [{ type: "a" }, { type: "b" }]],
    ],
    mark: 80,
  });
  expect(JSON.stringify(update)).not.toContain("secret-client-id");
  expect(authorTag("secret-client-id", "list:1")).not.toBe(authorTag("secret-client-id", "list:2"));
});

test("[PR5] a session's records carry the tag its client knows itself by", () => {
  expect(toUpdate("@secret-client-id", { sequence: 4, mark: 40 }, [record(5)]).authors).toEqual([
    [authorTag("secret-client-id", OWN_SESSION), "ada", 0],
  ]);
});

test("[PR5] a visitor's whole tag is in each frame, and another one in each target", () => {
  const visitor = { clientId: "secret-client-id", userId: null };
  const from = record(5, { author: visitor });
  // By turns: what is kept of an author must not be another target's.
  for (const target of ["list:1", "list:2", "list:1", OWN_SESSION]) {
    const tag = authorTag("secret-client-id", target);
    const rest = restOfTag("secret-client-id", target);
    expect(toUpdate(target, { sequence: 4, mark: 40 }, [from]).authors).toEqual([[tag, null, rest]]);
    const visitorHere = visitorName(tag, rest);
    expect(contextOf(target, visitor, 1, "m")).toEqual({
      at: 1,
      userId: null,
      visitor: visitorHere,
      messageId: "m",
    });
    expect(visitorOf("secret-client-id", null, target)).toBe(visitorHere);
  }
});

test("[WR16] whose ids an update makes: a session's by its name on the wire, a user's by the user, the server's by none", () => {
  const session = contextOf("@secret-client-id", { clientId: "secret-client-id", userId: null }, 1, "m");
  expect(session.visitor).toBe(visitorOf("secret-client-id", null, OWN_SESSION));
  expect(contextOf("list:1", author, 1, "m")).toEqual({ at: 1, userId: "ada", visitor: "", messageId: "m" });
  expect(contextOf("list:1", null, 1, "m")).toEqual({ at: 1, userId: null, visitor: "", messageId: "m" });
});

test("[TE8] folding gives the model, a whole model replaces it, and what cannot be folded leaves it and says so", () => {
  expect(foldRecord(list, "list:1", { items: [] }, record(1))).toEqual({ model: { items: ["1"] } });
  expect(
    foldRecord(
      list,
      "list:1",
      { items: ["old"] },
      record(1, { messages: [], model: { value: { items: ["new"] } } }),
    ),
  ).toEqual({ model: { items: ["new"] } });
  const broken = foldRecord(
    list,
    "list:1",
    { items: ["kept"] },
    record(1, { messages: [{ type: "exploded" }] }),
  );
  expect(broken.model).toEqual({ items: ["kept"] });
  expect(String(broken.error)).toContain("boom");
  expect(
    foldRecord(session, "@c", { name: "" }, record(1, { messages: [{ type: "gone" }] })).error,
  ).toBeDefined();
});

test("[TE3] a row takes exactly the next mid, remembers outcomes above settled, and knows stale ones", () => {
  const row = draftOf(emptyRow("a"));
  expect(dedupe(row, 1, "x")).toEqual({ is: "next" });
  expect(dedupe(row, 2, "x")).toEqual({ is: "early", from: 1 });
  remember(row, { mid: 1, id: "x", sequence: 4 });
  remember(row, { mid: 2, id: "y", from: "app", code: "no", details: {} });
  expect(dedupe(row, 1, "x")).toEqual({ is: "known", outcome: { mid: 1, id: "x", sequence: 4 } });
  expect(dedupe(row, 1, "z")).toEqual({ is: "conflict" });
  settle(row, 1);
  expect(row.outcomes.map(({ mid }) => mid)).toEqual([2]);
  expect(dedupe(row, 1, "x")).toEqual({ is: "conflict" });
  settle(row, 0); // never back
  expect(row.settled).toBe(1);
  settle(row, 7);
  expect(row).toMatchObject({ last: 7, settled: 7, outcomes: [] });
  expect(dedupe(row, 8, "w")).toEqual({ is: "next" });
});

test("[TE3] a draft does not touch the row it was made of", () => {
  const row = { ...emptyRow("a"), outcomes: Object.freeze([]) };
  remember(draftOf(row), { mid: 1, id: "x", sequence: 1 });
  expect(row).toEqual({ clientId: "a", last: 0, settled: 0, outcomes: [] });
});
