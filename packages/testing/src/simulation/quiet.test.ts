// Coming to rest, over nodes and pages that say what the test wants.
import { memoryLog } from "@calla/server";
import type { LogStorage } from "@calla/server";
import { describe, expect, test } from "vitest";
import { wiring } from "../../test/small-run.ts";
import { virtualClock } from "../doubles/clock.ts";
import { archivedLog } from "../history/archive.ts";
import type { Nodes } from "./nodes.ts";
import type { PagePlace, Pages } from "./pages.ts";
import { persisted, quietOf } from "./quiet.ts";

const target = "list:1";
const [slice] = wiring.topics;
const place = { slice, params: ["1"], key: target } as unknown as PagePlace;
const message = (item: string) => ({ type: "added", item });

async function logOf(items: readonly string[], inner: LogStorage = memoryLog({ shared: true })) {
  const log = archivedLog(inner, wiring);
  const records = items.map((item, i) => ({
    sequence: i + 1,
    mark: (i + 1) * 10,
    version: 1,
    at: 1,
    author: null,
    mid: 0,
    id: item,
    messages: [message(item)],
  }));
  await log.append([{ target, expected: { sequence: 0, mark: 0 }, records, rows: [], at: 1 }]);
  return log;
}

/** One page and one node over a log of `a` and `b`, at rest unless it is spoilt. */
async function resting() {
  const clock = virtualClock();
  const log = await logOf(["a", "b"]);
  const page = {
    page: 3,
    untold: 0,
    subscribed: [target] as string[],
    client: { clientId: "c", status: { connection: "open", reason: "", pending: 0 } },
    state: { status: "live", model: ["a", "b"] as unknown, pending: [] as unknown[] },
    topic: () => ({ state: page.state }),
  };
  const server = {
    wiring,
    asked: [] as unknown[],
    topic(of: unknown, ...params: string[]) {
      server.asked.push([of, ...params]);
      return { read: () => Promise.resolve({ model: ["a", "b"], sequence: 2 }) };
    },
  };
  const nodes = {
    all: [{ server }, { server }],
    log,
    reopened: 0,
    reopen: async () => void nodes.reopened++,
  };
  const guests = { problem: undefined as string | undefined, restless: () => guests.problem, shown: [] };
  const quiet = () =>
    quietOf({
      guests,
      consumption: { restless: undefined },
      clock,
      nodes: nodes as unknown as Nodes<typeof wiring>,
      pages: [page as unknown as Pages<typeof wiring>],
      places: [place],
    });
  return { clock, log, page, server, nodes, guests, quiet };
}

describe("a world at rest", () => {
  test("is looked at twice, a second apart, and says what everybody has", async () => {
    const { clock, quiet, server, nodes } = await resting();
    const began = clock.now();
    const clients = [{ client: 0, page: 3, target, status: "live", model: ["a", "b"], pending: 0 }];
    expect(await quiet()).toEqual({
      problem: undefined,
      clients,
      servers: [0, 1].map((node) => ({ node, target, model: ["a", "b"], sequence: 2 })),
      persisted: [{ target, model: ["a", "b"], sequence: 2, mark: 20, problem: undefined }],
      guests: [],
      present: [],
    });
    expect(clock.now() - began).toBe(2_000 + 2 * 10);
    expect([server.asked, nodes.reopened]).toEqual([
      [
        [slice, "1"],
        [slice, "1"],
      ],
      1,
    ]);
  });

  test("is one for two seconds on end: what stirs between begins anew", async () => {
    const { clock, quiet, page } = await resting();
    clock.setTimeout(() => void (page.untold = 1), 1_500);
    clock.setTimeout(() => void (page.untold = 0), 3_500);
    const began = clock.now();
    expect((await quiet()).problem).toBeUndefined();
    expect(clock.now() - began).toBe(5_000 + 2 * 10);
  });

  test("may have refused pages, and pages of nothing that is in the log", async () => {
    const refused = await resting();
    refused.page.state = { status: "refused", model: undefined, pending: [] };
    expect((await refused.quiet()).problem).toBeUndefined();
    const session = await resting();
    session.page.subscribed = ["@"];
    session.page.state = { status: "live", model: "", pending: [] };
    expect((await session.quiet()).problem).toBeUndefined();
  });
});

type Page = Awaited<ReturnType<typeof resting>>["page"];
test.each<[string, (page: Page) => unknown, string]>([
  [
    "a connection",
    ({ client }) => Object.assign(client.status, { connection: "waiting", reason: "slow" }),
    "client 0 is waiting (slow)",
  ],
  ["a caller", (page) => (page.untold = 2), "client 0 has 2 dispatches whose callers wait"],
  ["an outcome", ({ client }) => (client.status.pending = 1), "client 0 has 1 dispatches without an outcome"],
  ["a pending message", ({ state }) => state.pending.push(1), "client 0's list:1 has 1 pending"],
  ["a model", ({ state }) => (state.status = "loading"), "client 0's list:1 is loading"],
  ["a live one", ({ state }) => (state.status = "stale"), "client 0's list:1 is stale"],
  ["the head", ({ state }) => (state.model = ["a"]), "client 0's list:1 is not at 2"],
  ["the same order", ({ state }) => (state.model = ["b", "a"]), "client 0's list:1 is not at 2"],
])(
  "one that waits for %s for two minutes is not at rest, and nobody else is asked",
  async (_, spoil, problem) => {
    const { clock, quiet, page, server, nodes } = await resting();
    spoil(page);
    const began = clock.now();
    const found = await quiet();
    expect(found).toMatchObject({
      problem: `after 120 s without faults ${problem}`,
      servers: [],
      persisted: [],
    });
    expect(found.clients).toHaveLength(1);
    expect(clock.now() - began).toBe(120_000);
    expect([server.asked, nodes.reopened]).toEqual([[], 1]);
  },
);

test("a session is held against its own client's history", async () => {
  const { quiet, page, log } = await resting();
  const record = {
    sequence: 1,
    mark: 10,
    version: 1,
    at: 1,
    author: null,
    mid: 0,
    id: "n",
    messages: [{ type: "named", name: "me" }],
  };
  await log.append([
    { target: "@c", expected: { sequence: 0, mark: 0 }, records: [record], rows: [], at: 1 },
  ]);
  page.subscribed = ["@"];
  page.state = { status: "live", model: "other", pending: [] };
  expect((await quiet()).problem).toMatch(/client 0's @ is not at 1$/);
  page.state = { status: "live", model: "me", pending: [] };
  expect((await quiet()).problem).toBeUndefined();
});

describe("[HC12] what a server would find if it were started now", () => {
  const found = async (log: Awaited<ReturnType<typeof logOf>>) =>
    persisted(log, target, log.archive.get(target)!);
  const many = ["0", "1", "2", "3", "4"];

  test("is the fold of all records, page by page, or of the snapshot and those after it", async () => {
    const log = await logOf(many);
    const all = { target, model: many, sequence: 5, mark: 50, problem: undefined };
    expect(await found(log)).toEqual(all);
    await log.saveSnapshot(target, { sequence: 3, mark: 30, version: 1, at: 1, model: ["saved"] });
    expect(await found(log)).toEqual({ ...all, model: ["saved", "3", "4"] });
    const limits: number[] = [];
    const paged = {
      open: () => Promise.resolve(undefined),
      read: async (...[name, after, limit]: Parameters<LogStorage["read"]>) => {
        limits.push(limit);
        return (await logOf(many)).read(name, after, 2);
      },
    };
    expect(await persisted(paged, target, log.archive.get(target)!)).toEqual(all);
    expect(limits).toEqual([100, 100, 100, 100]);
  });

  test("of a target without a history is its origin", async () => {
    const log = await logOf([]);
    await log.append([
      {
        target,
        expected: { sequence: 0, mark: 0 },
        records: [],
        rows: [{ clientId: "c", was: 0, last: 1, settled: 0, outcomes: [] }],
        at: 1,
      },
    ]);
    expect(await found(log)).toEqual({ target, model: [], sequence: 0, mark: 0, problem: undefined });
  });

  test("may not be there: then it is said where the records end", async () => {
    const log = await logOf(many);
    for (const status of ["compacted", "other-history"] as const) {
      const broken = { open: log.open, read: () => Promise.resolve({ status }) };
      await log.saveSnapshot(target, { sequence: 3, mark: 30, version: 1, at: 1, model: ["saved"] });
      expect(await persisted(broken, target, log.archive.get(target)!)).toEqual({
        target,
        model: ["saved"],
        sequence: 3,
        mark: 30,
        problem: `the records after its snapshot at 3 are ${status}`,
      });
    }
  });
});

test("a guest that is not at rest is waited for", async () => {
  const { quiet, guests } = await resting();
  guests.problem = "guest 5's list:1 is away";
  expect((await quiet()).problem).toBe("after 120 s without faults guest 5's list:1 is away");
});
