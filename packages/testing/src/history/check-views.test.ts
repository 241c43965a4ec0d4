// Every complaint once, each beside the nearest history that is right.
import { memoryLog } from "@calla/server";
import { defineSession, defineTopic, defineWiring } from "@calla/shared";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { added, me, target, whole, written } from "../../test/written.ts";
import type { Written } from "../../test/written.ts";
import { archivedLog } from "./archive.ts";
import { checkViews } from "./check-views.ts";
import type { HistoryEvent, Quiet } from "./history.ts";

type Shown = Extract<HistoryEvent, { type: "shown" }>;
/** What is said of a history, its target left out. */
const said = (run: Written, end: Partial<Quiet> | null = null): string[] =>
  checkViews(run.history(end)).map(({ rule, what }) => `${rule} ${what.replace(`${target}: `, "")}`);
const rules = (run: Written, end: Partial<Quiet> | null = null): string[] =>
  checkViews(run.history(end)).map(({ rule }) => rule);
const show = (run: Written, model: unknown, more: Partial<Shown> = {}): void =>
  run.add({
    type: "shown",
    ...me,
    listener: "state",
    target,
    status: "live",
    code: "",
    model,
    pending: [],
    ...more,
  });
const pending = (...ids: string[]) => ids.map((id) => ({ id, messages: [added(id)] }));
const listens = (run: Written, page = 0): void => run.add({ type: "listens", client: 0, page, target });
const kept = (run: Written, sequence: number, of: string | null = target): void =>
  run.add({ type: "kept", ...me, target: of, sequence });
/** Two records of this client, told and shown. */
async function two(): Promise<Written> {
  const run = written();
  await whole(run, 1, "a");
  run.shown(["a"]);
  await whole(run, 2, "b");
  run.shown(["a", "b"]);
  return run;
}

describe("[HC7] a model that is shown", () => {
  test("is a place of the log with what is pending on top, in its order", async () => {
    const run = written();
    await run.appended(1, "a");
    for (const id of ["b", "c"]) {
      run.dispatched(id);
      run.stored(id === "b" ? 2 : 3, id);
    }
    show(run, ["a", "b", "c"], { pending: pending("b", "c") });
    expect(said(run)).toEqual([]);
    show(run, ["a", "c", "b"], { pending: pending("b", "c") });
    show(run, ["a", "b"], { pending: pending("b", "c") });
    show(run, ["x"]);
    expect(said(run)).toEqual([
      'HC7 client 0 showed what is no place of the log with its pending messages on top: ["a","c","b"] with 2 pending',
      'HC7 client 0 showed what is no place of the log with its pending messages on top: ["a","b"] with 2 pending',
      'HC7 client 0 showed what is no place of the log with its pending messages on top: ["x"] with 0 pending',
    ]);
  });

  test("has none of what is pending twice, once in the log and once on top of it", async () => {
    const run = written();
    run.dispatched("a");
    run.stored(1, "a");
    await run.appended(1, "a");
    show(run, ["a"], { pending: pending("a") });
    expect(said(run)).toEqual([]);
    show(run, ["a", "a"], { pending: pending("a") });
    expect(rules(run)).toEqual(["HC7"]);
  });

  test("is not at a place that the log had not reached when it was shown", async () => {
    const run = written();
    show(run, ["a"]);
    await run.appended(1, "a");
    expect(rules(run)).toEqual(["HC8"]);
  });

  test("is not looked at where there is none, nothing is known of what is pending, or it is only a part", async () => {
    const run = written();
    await run.appended(1, "a");
    show(run, undefined);
    show(run, ["nonsense"], { pending: pending("never stored") });
    show(run, ["nonsense"], { listener: "model" });
    show(run, ["nonsense"], { target: "@" });
    show(run, ["nonsense"], { target: "list:2" });
    expect(said(run)).toEqual([]);
  });

  test("is long-winded to no reader", async () => {
    const run = written();
    await run.appended(1, "a");
    show(run, ["x".repeat(500)]);
    expect(said(run)[0]!.length).toBeLessThan(300);
  });
});

describe("[HC8] the place", () => {
  test("goes on, and never back", async () => {
    const run = await two();
    run.shown(["a"]);
    expect(said(run)).toEqual([
      "HC8 client 0 went back to before 2 (or lost an acknowledged write of its own)",
    ]);
  });

  test("may stay behind the log, and go back on another client", async () => {
    const run = written();
    await run.appended(1, "a");
    await run.appended(2, "b");
    for (const model of [[], ["a"]]) show(run, model);
    show(run, [], { client: 1 });
    expect(said(run)).toEqual([]);
    show(run, [], { page: 1 });
    expect(rules(run)).toEqual(["HC8"]);
  });

  test("is at one's own write from the moment that it is told, though nothing was shown of it", async () => {
    const run = written();
    await run.appended(1, "x");
    await whole(run, 2, "a");
    show(run, ["x"]);
    expect(rules(run)).toEqual(["HC8"]);
    const other = written();
    await other.appended(1, "x");
    await whole(other, 2, "a");
    show(other, ["x"], { client: 1 });
    show(other, ["x", "a"]);
    expect(said(other)).toEqual([]);
  });

  test("goes back with the log where that was rewound, and no further than that", async () => {
    const run = await two();
    await run.log.rewind(target, 1);
    run.shown(["a"]);
    expect(said(run)).toEqual([]);
    const further = await two();
    await further.log.rewind(target, 1);
    further.shown([]);
    expect(rules(further)).toEqual(["HC8"]);
    // Not before the rewind.
    const early = await two();
    early.shown(["a"]);
    await early.log.rewind(target, 1);
    expect(rules(early)).toEqual(["HC8"]);
  });

  test("of a stored model is what was stored, or later; once live, what was ever shown", async () => {
    const later = (shown: unknown, status: string, stored = 1): string[] => {
      kept(run, stored);
      listens(run, 1);
      show(run, shown, { page: 1, status });
      return rules(run);
    };
    let run = written();
    const others = async (): Promise<void> => {
      run = written();
      await run.appended(1, "a", null, "other");
      await run.appended(2, "b", null, "other");
      run.shown(["a", "b"]);
    };
    await others();
    expect(later(["a"], "stale")).toEqual([]);
    await others();
    expect(later([], "stale")).toEqual(["HC8"]);
    await others();
    expect(later(["a"], "live")).toEqual(["HC8"]);
    await others();
    expect(later(["a"], "stale", 2)).toEqual(["HC8"]);
    // Live it has caught up: it does not go back to what was stored.
    await others();
    expect(later(["a"], "stale")).toEqual([]);
    show(run, ["a", "b"], { page: 1 });
    show(run, ["a"], { page: 1, status: "stale" });
    expect(rules(run)).toEqual(["HC8"]);
    // A storage that keeps no models has none to begin with.
    await others();
    listens(run, 1);
    show(run, ["a"], { page: 1, status: "stale" });
    expect(rules(run)).toEqual(["HC8"]);
  });

  test("of a stored model has one's own writes that were durable and told, in it or on top", async () => {
    const next = async (shown: unknown, more: Partial<Shown> = {}): Promise<string[]> => {
      const run = await two();
      kept(run, 1);
      listens(run, 1);
      show(run, shown, { page: 1, status: "stale", ...more });
      return rules(run);
    };
    expect(await next(["a"])).toEqual(["HC8"]);
    expect(await next(["a", "b"])).toEqual([]);
    expect(await next(["a", "b"], { pending: pending("b") })).toEqual([]);
    // What no storage had does not survive the page.
    const run = written();
    await run.appended(1, "a", null, "other");
    run.dispatched("b");
    run.stored(2, "b", "asked");
    await run.appended(2, "b");
    run.told("b", { is: "applied", sequence: 2, messages: [added("b")] });
    kept(run, 1);
    listens(run, 1);
    show(run, ["a"], { page: 1, status: "stale" });
    expect(said(run)).toEqual([]);
  });

  test("of a client that began anew is any: nothing that was stored is there", async () => {
    const run = written();
    await run.appended(1, "a", null, "other");
    run.shown(["a"]);
    kept(run, 1);
    kept(run, 0, null);
    listens(run, 1);
    show(run, [], { page: 1, status: "stale" });
    expect(said(run)).toEqual([]);
  });
});

describe("[HC10] a listener", () => {
  test("is called when something is another than before, of whatever kind", async () => {
    const run = written();
    await run.appended(1, "a");
    run.dispatched("b");
    run.stored(2, "b");
    show(run, ["a"]);
    show(run, ["a"], { status: "stale" });
    show(run, ["a"], { status: "stale", code: "offline" });
    const one = { id: "b", messages: [added("b")] };
    show(run, ["a", "b"], { pending: [one] });
    show(run, ["a", "b"], { pending: [{ ...one, messages: [added("b")] }] });
    const skipped = { ...one, skipped: { code: "full" } };
    show(run, ["a"], { pending: [skipped] });
    expect(rules(run).filter((rule) => rule === "HC10")).toEqual([]);
    show(run, ["a"], { pending: [{ ...skipped, skipped: { code: "full" } }] });
    expect(said(run).filter((what) => what.startsWith("HC10"))).toEqual([
      "HC10 client 0's state listener was called and nothing had changed",
    ]);
  });

  test("of a part is called when that is another, whatever else has changed; order counts", async () => {
    const run = written();
    show(run, { a: 1, b: [1] }, { listener: "model" });
    show(run, { b: [1], a: 1 }, { listener: "model", status: "stale" });
    expect(said(run)).toEqual([]);
    show(run, { b: [1], a: 1 }, { listener: "model", status: "live", code: "x" });
    expect(said(run)).toEqual(["HC10 client 0's model listener was called and nothing had changed"]);
  });

  test("that was added anew, or on another page, has heard nothing yet", async () => {
    const run = written();
    await run.appended(1, "a");
    const both = (page = 0): void => {
      show(run, ["a"], { page });
      show(run, ["a"], { page, listener: "model" });
    };
    both();
    listens(run);
    both();
    both(1);
    expect(said(run)).toEqual([]);
    both(1);
    expect(rules(run)).toEqual(["HC10", "HC10"]);
  });
});

describe("[HC9] [HC11] after quiet", () => {
  const server = (model: unknown) => [{ node: 0, target, model, sequence: 1 }];
  const end = (more: Partial<Quiet["clients"][number]> = {}, model: unknown = ["a"]): Partial<Quiet> => ({
    clients: [{ ...me, target, status: "live", model: ["a"], pending: 0, ...more }],
    servers: server(model),
  });
  const shown = async (): Promise<Written> => {
    const run = written();
    await whole(run, 1, "a");
    run.shown(["a"]);
    return run;
  };

  test("each target is live, has nothing pending and shows the server's model; its listener has heard of it", async () => {
    expect(said(await shown(), end())).toEqual([]);
    expect(said(await shown(), end({ pending: 2 }))).toEqual(["HC11 client 0 has 2 pending after quiet"]);
    expect(said(await shown(), end({ status: "stale" }))).toEqual(["HC11 client 0 is stale after quiet"]);
    expect(said(await shown(), end({}, ["a", "b"]))).toEqual([
      'HC11 client 0 shows ["a"], the server has ["a","b"]',
    ]);
    expect(said(await shown(), end({ model: [] }, []))).toEqual([
      "HC9 client 0's listener last heard another model than there is",
    ]);
  });

  test("one that was refused has nothing to show, but nothing pending either", async () => {
    expect(said(await shown(), end({ status: "refused", model: undefined }))).toEqual([]);
    expect(rules(await shown(), end({ status: "refused", pending: 1 }))).toEqual(["HC11"]);
  });

  test("a page that never became quiet is not asked, nor one whose server says nothing", async () => {
    expect(said(await shown(), { ...end({ pending: 1 }), problem: "client 0 is waiting" })).toEqual([]);
    expect(said(await shown(), { ...end({ model: ["b"] }), servers: [] })).toEqual([
      "HC9 client 0's listener last heard another model than there is",
    ]);
    // Of another page nothing was heard.
    expect(said(await shown(), end({ page: 1 }))).toEqual([]);
  });
});

describe("what depends on who dispatched it", () => {
  const names = {
    model: z.array(z.string()),
    initial: (): string[] => [],
    messages: { signed: z.object({}) },
  };
  const sign = (
    signed: string[],
    _: object,
    context: { readonly userId: string | null; id(): string },
  ): string[] => [...signed, context.userId ?? context.id()];
  const book = defineTopic("book:*", { ...names, update: { signed: sign } });
  const own = defineSession({ ...names, update: { signed: sign } });
  const wiring = defineWiring({ topics: [book], session: own });
  const message = { type: "signed" };

  /** A message of a visitor that is in the log under a name, and shown as pending by a page that takes itself for another. */
  async function signed(by: { clientId: string; userId: string | null }, key = "book:1") {
    const log = archivedLog(memoryLog(), wiring);
    const record = {
      sequence: 1,
      mark: 10,
      version: 1,
      at: 5,
      author: by,
      mid: 1,
      id: "m",
      messages: [message],
    };
    await log.append([
      { target: key, expected: { sequence: 0, mark: 0 }, records: [record], rows: [], at: 5 },
    ]);
    const applied = log.archive.get(key)!.paths[0]!.places[1]!.model as string[];
    const check = (
      model: unknown,
      more: Partial<Shown> = {},
      users: readonly (string | null)[] = [null],
      target = key,
    ): string[] => {
      const events: HistoryEvent[] = [
        { type: "dispatched", ...me, target, id: "m", userId: null },
        { type: "stored", ...me, stage: "durable", target, mid: 1, id: "m", at: 5 },
        { type: "sent", ...me, clientId: by.clientId, target, mid: 1, id: "m", empty: false },
        { type: "appended", target: key, path: 0, sequence: 1 },
        {
          type: "shown",
          ...me,
          listener: "state",
          target,
          status: "live",
          code: "",
          model,
          pending: [{ id: "m", messages: [message] }],
          ...more,
        },
      ];
      const found = checkViews({ events, archive: log.archive, quiet: undefined, users });
      return found.map(({ rule }) => rule);
    };
    return { applied, check };
  }

  test("[HC7] a page predicts as itself, and keeps the name under which its message was applied", async () => {
    const { applied, check } = await signed({ clientId: "first", userId: null });
    const as = (clientId: string | undefined, userId: string | null = null) => ({ as: { userId, clientId } });
    expect(check(applied, as("first"))).toEqual([]);
    // Under a new identity it may know of that name, or not yet.
    const { applied: other } = await signed({ clientId: "second", userId: null });
    expect(other).not.toEqual(applied);
    expect([check(applied, as("second")), check(other, as("second"))]).toEqual([[], []]);
    expect(check(other, as("first"))).toEqual(["HC7"]);
    // Signed in it predicts as the user.
    expect([check(["ada"], as("first", "ada")), check(applied, as("first", "ada"))]).toEqual([[], ["HC7"]]);
  });

  test("[HC7] before the server has named it a page is the user that it dispatched as, and a later page its client's", async () => {
    const { check } = await signed({ clientId: "first", userId: "ada" });
    expect(check(["m-1"])).toEqual([]);
    expect(check(["ada"], { page: 1 }, ["ada"])).toEqual([]);
    expect(check(["m-1"], { page: 1 }, ["ada"])).toEqual(["HC7"]);
  });

  test("[HC7] [HC11] a session is its client's, under each name that it has had", async () => {
    const { applied, check } = await signed({ clientId: "c", userId: null }, "@c");
    expect(check(applied, { pending: [] }, [null], "@")).toEqual([]);
    expect(check(["other"], { pending: [] }, [null], "@")).toEqual(["HC7"]);
    expect(check([], { pending: [], client: 7 }, [null], "@")).toEqual([]);
  });
});
