// The reference client on phoenix.js itself, over a line in the test's hand: what it says, and what it shows.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SyncedTopic } from "../client/synced-topic.ts";
import type { Outcome } from "../client/synced-types.ts";
import { Line } from "./line.ts";

interface List {
  readonly items: readonly string[];
}

let line: Line;
let topic: SyncedTopic<List>;
/** Each time that something changed: what was to be seen. */
let shown: (readonly string[] | undefined)[];

beforeEach(() => {
  vi.useFakeTimers();
  line = new Line();
  shown = [];
  topic = new SyncedTopic(line.socket, line.identity, "list:1", () => shown.push(topic.visible?.items));
});
afterEach(() => void vi.useRealTimers());

const place = (sequence: number, mark = sequence * 11) => ({ sequence, mark });
const joined = (sequence: number, more: object = {}) => ({
  client_id: "anna",
  user_id: null,
  max_in_flight: 3,
  outcomes: [],
  resync: "current",
  ...place(sequence),
  ...more,
});
const begin = (items: readonly string[] = ["a"]) =>
  line.answers("phx_join", "ok", joined(1, { secret: "s", model: { items } }));
/** Adds an item, and notes what becomes of it. */
function add(item: string): { outcome?: Outcome } {
  const its: { outcome?: Outcome } = {};
  const change = [{ op: "add", path: "/items/-", value: item }] as const;
  void topic.dispatch([{ type: "added", item }], () => change).then((outcome) => (its.outcome = outcome));
  return its;
}
const patch = (after: number, ...items: readonly string[]) => ({
  after,
  ...place(after + items.length),
  patch: items.map((value) => ({ op: "add", path: "/items/-", value })),
});
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const mids = () =>
  line.said().flatMap(({ event, payload }) => (event === "dispatch" ? [payload["mid"]] : []));
/** The line breaks and comes back; gives the join's payload. */
async function comeBack(): Promise<object | undefined> {
  line.breaks();
  await pass(100);
  line.opens();
  return line.said().find(({ event }) => event === "phx_join")?.payload;
}

test("joins with nothing, and shows what the server says", () => {
  expect(line.params).toMatchObject({ vsn: "2.0.0" });
  expect(line.said()).toEqual([{ event: "phx_join", payload: { form: "patch", settled: 0, sent: 0 } }]);
  expect([topic.status, topic.visible]).toEqual(["joining", undefined]);
  begin();
  expect([topic.status, topic.visible]).toEqual(["joined", { items: ["a"] }]);
  expect(line.identity).toEqual({ client_id: "anna", secret: "s" });
  line.pushes("patch", patch(1, "b"));
  expect(topic.visible).toEqual({ items: ["a", "b"] });
});

test("a change is shown at once and once, whichever of its answer and its patch is how late", async () => {
  begin();
  const b = add("b");
  const [said] = line.said();
  expect(said).toMatchObject({
    event: "dispatch",
    payload: { mid: 1, settled: 0, messages: [{ type: "added", item: "b" }] },
  });
  line.answers(1, "ok", { mid: 1, sequence: 3 });
  await pass(0);
  expect(b.outcome).toEqual({ status: "ok", mid: 1, sequence: 3 });
  // Somebody else's comes first: the own one stays on top until the model has come so far.
  line.pushes("patch", patch(1, "x"));
  expect([topic.visible?.items, topic.pending.length]).toEqual([["a", "x", "b"], 1]);
  line.pushes("patch", patch(2, "b"));
  expect([topic.confirmed, topic.pending]).toEqual([{ items: ["a", "x", "b"] }, []]);
  expect(shown.slice(-4)).toEqual([
    ["a", "b"],
    ["a", "b"],
    ["a", "x", "b"],
    ["a", "x", "b"],
  ]);
});

test("[S8] what is refused goes, with its reason, and what comes after is shown on top of what is left", async () => {
  begin();
  const [b, c] = [add("b"), add("c")];
  expect(topic.visible?.items).toEqual(["a", "b", "c"]);
  line.answers(1, "error", { mid: 1, from: "app", code: "full", details: { limit: 2 } });
  await pass(0);
  expect(b.outcome).toMatchObject({ status: "error", from: "app", code: "full", details: { limit: 2 } });
  expect([c.outcome, topic.visible?.items]).toEqual([undefined, ["a", "c"]]);
});

test("a change that does not fit what others have done is left out until the server has decided", () => {
  begin(["a", "b"]);
  void topic.dispatch([], () => [{ op: "remove", path: "/items/1" }]);
  add("c");
  expect(topic.visible?.items).toEqual(["a", "c"]);
  line.pushes("patch", { ...patch(1), ...place(2), patch: [{ op: "remove", path: "/items/0" }] });
  expect(topic.visible?.items).toEqual(["b", "c"]);
});

test("what was dispatched before the join and on the way back is sent in order, and nothing twice in a join", async () => {
  add("b");
  expect(line.said().map(({ event }) => event)).toEqual(["phx_join"]);
  begin();
  expect(mids()).toEqual([1]);
  line.breaks();
  expect(topic.status).toBe("away");
  add("c");
  expect(topic.visible?.items).toEqual(["a", "b", "c"]);
  expect(await comeBack()).toEqual({ form: "patch", settled: 0, sent: 1, cursor: place(1) });
  line.answers("phx_join", "ok", joined(1));
  expect(mids()).toEqual([1, 2]);
});

test("[S4] an outcome that was lost comes with the join; what it does not tell is sent again", async () => {
  begin();
  const [b, c] = [add("b"), add("c")];
  await comeBack();
  const outcomes = [{ mid: 1, id: topic.pending[0]!.id, status: "ok", sequence: 2 }];
  line.answers(
    "phx_join",
    "ok",
    joined(3, { outcomes, resync: "snapshot", model: { items: ["a", "b", "x"] } }),
  );
  expect(topic.visible?.items).toEqual(["a", "b", "x", "c"]);
  await pass(0);
  expect([b.outcome, c.outcome]).toEqual([{ status: "ok", mid: 1, sequence: 2 }, undefined]);
  const again = line.said().filter(({ event }) => event === "dispatch");
  expect(again.map(({ payload }) => [payload["mid"], payload["settled"]])).toEqual([[2, 1]]);
});

test("outcomes that come before a snapshot which nobody asked for", async () => {
  begin();
  const b = add("b");
  line.pushes("settled", {
    sequence: 2,
    next: 2,
    outcomes: [{ mid: 1, id: topic.pending[0]!.id, status: "ok", sequence: 2 }],
  });
  expect(topic.visible?.items).toEqual(["a", "b"]);
  line.pushes("snapshot", { ...place(2), model: { items: ["a", "b"] }, reason: "slow" });
  await pass(0);
  expect([b.outcome?.status, topic.visible?.items, topic.pending]).toEqual(["ok", ["a", "b"], []]);
});

test("no more are on their way than the server takes", () => {
  begin();
  for (const item of "bcdef") add(item);
  expect(mids()).toEqual([1, 2, 3]);
  line.answers(1, "ok", { mid: 1, sequence: 2 });
  expect(mids()).toEqual([4]);
  line.answers(2, "error", { mid: 2, from: "app", code: "full" });
  expect(mids()).toEqual([5]);
});

test.each([
  ["paused", () => line.pushes("paused", { from: 1, code: "rate", retry_after: 1_000 })],
  ["a word of channels", () => line.answers(2, "error", { reason: "rate_limited" })],
])("while it is to wait (%s) nothing is sent, then all that has no outcome", async (_, wait) => {
  begin();
  for (const item of "bc") add(item);
  expect(mids()).toEqual([1, 2]);
  wait();
  add("d");
  await pass(999);
  expect(mids()).toEqual([]);
  await pass(1);
  expect(mids()).toEqual([1, 2, 3]);
  expect(topic.visible?.items).toEqual(["a", "b", "c", "d"]);
});

test("what is not answered in ten seconds is sent again", async () => {
  begin();
  add("b");
  expect(mids()).toEqual([1]);
  await pass(10_000);
  expect(mids()).toEqual([1]);
});

test("what is not answered for long is sent again once in ten seconds, however much it is", async () => {
  begin();
  for (const item of ["b", "c", "d"]) add(item);
  for (let round = 0; round < 5; round++) {
    expect([round, ...mids()]).toEqual([round, 1, 2, 3]);
    await pass(10_000);
  }
  for (const mid of [1, 2, 3]) line.answers(mid, "ok", { sequence: mid + 1 });
  await pass(60_000);
  expect(topic.pending.filter(({ sequence }) => sequence === undefined)).toEqual([]);
});

test("a fresh identity: what was sent nobody can tell of, the rest goes on from 1", async () => {
  begin();
  const [b, , , e] = [add("b"), add("c"), add("d"), add("e")];
  line.answers(1, "ok", { mid: 1, sequence: 2 });
  expect(mids()).toEqual([4]);
  const [f, g] = [add("f"), add("g")];
  expect(await comeBack()).toMatchObject({ settled: 1, sent: 4 });
  expect(line.params).toMatchObject({ client_id: "anna", secret: "s" });
  line.answers(
    "phx_join",
    "ok",
    joined(2, { client_id: "ben", secret: "t", refused: "expired", model: { items: ["a", "b"] } }),
  );
  await pass(0);
  expect([b.outcome?.status, e.outcome, f.outcome, g.outcome]).toEqual([
    "ok",
    { status: "unknown" },
    undefined,
    undefined,
  ]);
  expect([mids(), topic.visible?.items]).toEqual([
    [1, 2],
    ["a", "b", "f", "g"],
  ]);
  expect(line.identity).toEqual({ client_id: "ben", secret: "t" });
});

test("a topic that joins after another one has brought a fresh identity says nothing of the old numbers", async () => {
  begin();
  add("b");
  line.identity.client_id = "ben";
  expect(await comeBack()).toMatchObject({ settled: 0, sent: 0 });
});

test("a number that another life of this identity has used: nothing is lost, all goes on under a fresh one", async () => {
  begin();
  for (const item of "bc") add(item);
  expect(mids()).toEqual([1, 2]);
  line.answers(1, "error", { mid: 1, from: "calla", code: "mid-conflict" });
  line.pushes("mid_conflict", { mid: 1 });
  line.pushes("closing", { code: "mid-conflict", retryable: true, within: 0 });
  line.pushes("phx_error", {});
  add("d");
  expect([mids(), topic.status, topic.code]).toEqual([[], "away", "mid-conflict"]);
  await pass(100);
  line.answers("phx_join", "ok", joined(1, { client_id: "ben", secret: "t" }));
  expect(mids()).toEqual([1, 2, 3]);
  expect(topic.visible?.items).toEqual(["a", "b", "c", "d"]);
});

test.each([
  ["one between is missing", patch(2, "c")],
  ["it names what is not there", { ...patch(1), ...place(2), patch: [{ op: "remove", path: "/items/9" }] }],
])("a patch that does not fit (%s) is not applied: the next join brings the model", async (_, misfit) => {
  begin();
  line.pushes("patch", misfit);
  expect(topic.visible?.items).toEqual(["a"]);
  await pass(100);
  line.opens();
  expect(line.said()).toEqual([{ event: "phx_join", payload: { form: "patch", settled: 0, sent: 0 } }]);
  line.answers("phx_join", "ok", joined(3, { model: { items: ["a", "b", "c"] } }));
  expect(topic.visible?.items).toEqual(["a", "b", "c"]);
});

test.each(["in a snapshot", "at a join"])(
  "[S37] what was applied beyond a history that has been cut off is not shown any more (told %s)",
  async (where) => {
    begin();
    add("b");
    line.answers(1, "ok", { mid: 1, sequence: 9 });
    expect(topic.visible?.items).toEqual(["a", "b"]);
    const model = { items: ["other"] };
    if (where === "at a join") {
      await comeBack();
      line.answers("phx_join", "ok", joined(3, { model, mark: 7, reason: "other-history" }));
    } else line.pushes("snapshot", { ...place(3, 7), model, reason: "other-history" });
    expect([topic.visible, topic.pending]).toEqual([model, []]);
  },
);

test("a snapshot of the same history that is not so far leaves what was applied on top", () => {
  begin();
  add("b");
  line.answers(1, "ok", { mid: 1, sequence: 3 });
  line.pushes("snapshot", { ...place(2), model: { items: ["a", "x"] }, reason: "slow" });
  expect(topic.visible?.items).toEqual(["a", "x", "b"]);
});

test("a subscription that has ended for now is joined again; one that has ended for good is closed, and nothing is left untold", async () => {
  begin();
  line.pushes("unsubscribed", { code: "storage", retryable: true });
  line.pushes("phx_error", {});
  expect([topic.status, topic.code, topic.visible?.items]).toEqual(["away", "storage", ["a"]]);
  await pass(100);
  line.answers("phx_join", "ok", joined(1));
  expect([topic.status, topic.code]).toEqual(["joined", ""]);
  const [b, , , e] = [add("b"), add("c"), add("d"), add("e")];
  expect(mids()).toEqual([1, 2, 3]);
  line.pushes("unsubscribed", { code: "forbidden", retryable: false });
  line.pushes("phx_close", {});
  await pass(0);
  expect([b.outcome, e.outcome, topic.status, topic.pending]).toEqual([
    { status: "unknown" },
    { status: "error", from: "calla", code: "forbidden" },
    "closed",
    [],
  ]);
  const late = add("f");
  await pass(10_000);
  expect([late.outcome, mids()]).toEqual([{ status: "error", from: "calla", code: "forbidden" }, []]);
});

test.each([
  [{ code: "forbidden", retryable: false }, "closed", 0],
  [{ code: "storage", retryable: true, retry_after: 500 }, "away", 1],
  [{ reason: "rate_limited" }, "away", 1],
])("a join that is refused (%j) is asked again, or not", async (why, status, again) => {
  line.said();
  line.answers("phx_join", "error", why);
  expect(topic.status).toBe(status);
  await pass(100);
  expect(line.said().filter(({ event }) => event === "phx_join")).toHaveLength(again);
});
