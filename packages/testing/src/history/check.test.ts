// Each rule is broken on purpose by a small written history, so that a checker that cannot fail is noticed.
import { CallaError, defineTopic, defineWiring } from "@calla/shared";
import { memoryLog } from "@calla/server";
import { expect, test } from "vitest";
import * as z from "zod";
import { added, me, target, whole, wiring, written } from "../../test/written.ts";
import type { Written } from "../../test/written.ts";
import { archivedLog } from "./archive.ts";
import { checkHistory } from "./check.ts";
import type { HistoryEvent, Quiet } from "./history.ts";

const broken: Record<string, (run: Written) => Promise<Partial<Quiet> | void> | Partial<Quiet> | void> = {
  HC1: (run) => run.dispatched("a"),
  HC2: async (run) => {
    await whole(run, 1, "a");
    await run.appended(2, "a");
  },
  HC3: async (run) => {
    run.dispatched("a");
    run.stored(1, "a");
    await run.appended(1, "a");
    run.recorded(1, 0);
    run.told("a", { is: "rejected", code: "poor" });
  },
  HC4: async (run) => {
    run.dispatched("a");
    run.stored(1, "a");
    run.told("a", { is: "applied", sequence: 1, messages: [added("a")] });
    await run.appended(1, "a");
  },
  HC5: async (run) => {
    for (const id of ["a", "b"]) {
      run.dispatched(id);
      run.told(id, { is: "ended", code: "client-expired" });
    }
    await run.appended(1, "b");
    await run.appended(2, "a");
  },
  HC6: async (run) => {
    run.dispatched("a");
    run.told("a", { is: "ended", code: "client-expired" });
    // A log that skips a place, as no log should.
    await run.appended(1, "a");
    const place = { sequence: 3, mark: 10, version: 1, record: undefined, model: ["a"] };
    run.places().push(place);
  },
  HC7: async (run) => {
    await whole(run, 1, "a");
    run.shown(["other"]);
  },
  HC8: async (run) => {
    await whole(run, 1, "a");
    run.shown([]);
  },
  HC9: async (run) => {
    await whole(run, 1, "a");
    run.shown(["a"]);
    return run.quiet([["a", "b"]]);
  },
  HC10: async (run) => {
    await whole(run, 1, "a");
    run.shown(["a"]);
    run.shown(["a"]);
  },
  HC11: async (run) => {
    await whole(run, 1, "a");
    const server = { node: 0, target, model: ["a"], sequence: 1 };
    return { ...run.quiet([[]]), servers: [server] };
  },
  HC12: async (run) => {
    await whole(run, 1, "a");
    return { servers: [{ node: 0, target, model: ["a", "a"], sequence: 1 }] };
  },
  HC13: (run) => {
    run.dispatched("a");
    run.stored(1, "a", "asked");
    run.sent(1, "a");
    run.told("a", { is: "ended", code: "client-expired" });
  },
  HC14: (run) => {
    for (const id of ["a", "b"]) {
      run.dispatched(id);
      run.stored(1, id);
      run.sent(1, id);
      run.told(id, { is: "ended", code: "client-expired" });
    }
  },
  HC15: (run) => run.add({ type: "reported", by: "node 0", error: new TypeError("x is undefined") }),
  HC16: () => ({ problem: "client 0 is waiting" }),
  HC19: () => ({ present: [{ by: "node 0", target, expected: [], listed: ['["ada",{}]'] }] }),
  HC20: () => ({ guests: [{ ...me, target, status: "away", model: [], pending: 0 }] }),
  HC17: async (run) => {
    await whole(run, 1, "a");
    run.dispatched("b");
    run.stored(2, "b");
    await run.appended(2, "b");
    run.told("b", { is: "applied", sequence: 2, messages: [added("not b")] });
  },
};

test("a right history breaks no rule, storage and update errors included", async () => {
  const run = written();
  await whole(run, 1, "a");
  run.shown(["a"]);
  run.dispatched("b");
  run.stored(2, "b");
  run.shown(["a", "b"], ["b"]);
  run.told("b", { is: "ended", code: "client-expired" });
  run.add({ type: "reported", by: "node 0", error: new CallaError("storage") });
  expect(run.rules()).toEqual([]);
});

test("[HC2] another author's message may have the same id; a client's under another identity may not, nor a user's", async () => {
  const run = written();
  await whole(run, 1, "a");
  await run.appended(1, "a", "eve", "c7");
  await run.appended(1, "a", "bob", "c8");
  expect(run.rules()).not.toContain("HC2");
  await run.appended(1, "a", "eve", "c9");
  expect(run.rules()).toContain("HC2");
  const moved = written();
  await whole(moved, 1, "a");
  moved.add({ type: "sent", client: 0, page: 0, clientId: "my next", target, mid: 1, id: "a", empty: false });
  await moved.appended(1, "a", null, "my next");
  expect(moved.rules()).toContain("HC2");
});

for (const [rule, spoil] of Object.entries(broken)) {
  test(`[${rule}] a history that breaks it is blamed for it`, async () => {
    const run = written();
    const end = await spoil(run);
    expect(run.rules(end ?? {})).toContain(rule);
  });
}

const later = defineTopic("list:*", {
  version: 2,
  model: z.object({ items: z.array(z.string()) }),
  initial: () => ({ items: [] }),
  messages: { added: z.object({ item: z.string() }) },
  update: { added: ({ items }, { item }) => ({ items: [...items, item] }) },
  migrate: {
    1: {
      model: (items: string[]) => ({ items }),
      message: (old, { drop }) =>
        old["item"] === "unknown" ? drop("nobody knows it any more") : (old as never),
    },
  },
});

/** The rules that a log of two versions breaks, by the server's own records, and what a page of a version shows of it. */
async function ofTwoVersions(
  records: readonly { version: number; item?: string; id?: string; model?: unknown }[],
  ...shown: readonly { version: number; model: unknown }[]
): Promise<readonly string[]> {
  const log = archivedLog(memoryLog(), [wiring, defineWiring({ topics: [later] })]);
  const events: HistoryEvent[] = [];
  let expected = { sequence: 0, mark: 0 };
  for (const [i, { version, item, id = `id ${i}`, model }] of records.entries()) {
    const [sequence, mark] = [i + 1, (i + 1) * 10];
    const messages = item === undefined ? [] : [added(item)];
    const whole = model === undefined ? {} : { model: { value: model } };
    const record = { sequence, mark, version, at: 1, author: null, mid: 0, id, messages, ...whole };
    await log.append([{ target, expected, records: [record], rows: [], at: 1 }]);
    events.push({ type: "appended", target, path: 0, sequence });
    expected = { sequence, mark };
  }
  const state = { listener: "state", target, status: "live", code: "", pending: [] } as const;
  for (const { version, model } of shown) events.push({ type: "shown", ...me, ...state, version, model });
  const found = checkHistory({ events, archive: log.archive, quiet: undefined, users: [null] });
  return found.map(({ rule }) => rule);
}
const migration = { version: 2, id: "migrated-1-2-2", model: { items: ["a"] } };

test.each<[string, readonly string[], Parameters<typeof ofTwoVersions>]>([
  [
    "a migrated model, and what pages of both versions show",
    [],
    [
      [{ version: 1, item: "a" }, migration, { version: 2, item: "b" }],
      { version: 1, model: ["a"] },
      { version: 2, model: { items: ["a"] } },
      { version: 2, model: { items: ["a", "b"] } },
    ],
  ],
  ["a migrated model that is another", ["HC18"], [[{ version: 1, item: "b" }, migration]]],
  [
    "a newer record on an older model",
    ["HC18"],
    [
      [
        { version: 1, item: "a" },
        { version: 2, item: "b" },
      ],
    ],
  ],
  [
    "an older record behind a newer one",
    ["HC18"],
    [
      [
        { version: 2, item: "a" },
        { version: 1, model: ["a"] },
      ],
    ],
  ],
  [
    "an older page shows what only newer ones can",
    ["HC7"],
    [[{ version: 2, item: "a" }], { version: 1, model: ["a"] }],
  ],
  [
    "a newer page shows what was never there",
    ["HC7"],
    [[{ version: 1, item: "a" }], { version: 2, model: { items: ["b"] } }],
  ],
])("[HC18] S38 %s", async (_, rules, given) => {
  expect(await ofTwoVersions(...given)).toEqual(rules);
});

test.each<[string, string, readonly string[]]>([
  ["shows nothing of what means nothing there", "unknown", []],
  ["lacks what means the same there", "known", ["HC8"]],
])("[HC8] [VE7] S38 before it is live, a newer page %s", async (_, item, rules) => {
  const log = archivedLog(memoryLog(), [wiring, defineWiring({ topics: [later] })]);
  const id = "own";
  const message = added(item);
  const record = {
    version: 1,
    at: 1,
    author: { clientId: "me", userId: null },
    mid: 1,
    id,
    messages: [message],
  };
  const first = {
    sequence: 1,
    mark: 10,
    version: 1,
    at: 1,
    author: null,
    mid: 0,
    id: "a",
    messages: [added("a")],
  };
  const records = [first, { ...record, sequence: 2, mark: 20 }];
  await log.append([{ target, expected: { sequence: 0, mark: 0 }, records, rows: [], at: 1 }]);
  const events: HistoryEvent[] = [
    { type: "listens", ...me, target },
    { type: "appended", target, path: 0, sequence: 1 },
    { type: "kept", ...me, target, sequence: 1 },
    { type: "dispatched", ...me, target, id, userId: null },
    { type: "stored", ...me, stage: "asked", target, mid: 1, id, at: 1 },
    { type: "stored", ...me, stage: "durable", target, mid: 1, id, at: 1 },
    { type: "sent", ...me, clientId: "me", target, mid: 1, id, empty: false },
    { type: "appended", target, path: 0, sequence: 2 },
    { type: "recorded", ...me, target, mid: 1, sequence: 2 },
    { type: "told", ...me, target, id, told: { is: "applied", sequence: 2, messages: [message] } },
    { type: "ended", ...me },
    { type: "listens", client: 0, page: 1, target },
  ];
  const state = { listener: "state", target, status: "stale", code: "", pending: [], version: 2 } as const;
  const shown = { type: "shown", client: 0, page: 1, ...state, model: { items: ["a"] } } as const;
  events.push(shown);
  const found = checkHistory({ events, archive: log.archive, quiet: undefined, users: [null] });
  expect(found.map(({ rule }) => rule)).toEqual(rules);
});
