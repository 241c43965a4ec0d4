// Every complaint once, each beside the nearest history that is right.
import { describe, expect, test } from "vitest";
import { added, me, target, whole, written } from "../../test/written.ts";
import type { Written } from "../../test/written.ts";
import { checkOutcomes, targetKeys } from "./check-outcomes.ts";
import type { HistoryEvent, Quiet, Told } from "./history.ts";

/** What is said of a history, its target left out. */
const said = (run: Written, end?: Partial<Quiet> | null): string[] =>
  checkOutcomes(run.history(end)).map(({ rule, what }) => `${rule} ${what.replace(`${target}: `, "")}`);
const ENDED: Told = { is: "ended", code: "client-expired" };
const applied = (id: string, sequence: number): Told => ({ is: "applied", sequence, messages: [added(id)] });
const rejected = (code = "poor"): Told => ({ is: "rejected", code });
const hooked = (
  run: Written,
  id: string,
  more: Partial<Extract<HistoryEvent, { type: "hooked" }>> = {},
): void => run.add({ type: "hooked", ...me, target, id, is: "applied", sequence: 1, code: "", ...more });
const sent = (run: Written, mid: number, id: string, more: object = {}): void =>
  run.add({ type: "sent", ...me, clientId: "me", target, mid, id, empty: false, ...more });
const unstored = (run: Written): void => run.add({ type: "unstored", ...me });
const ended = (run: Written): void => run.add({ type: "ended", ...me });

test("a right history has nothing to be said of, before quiet and after it", async () => {
  const run = written();
  await whole(run, 1, "a");
  hooked(run, "a");
  run.dispatched("b");
  run.stored(2, "b");
  run.sent(2, "b");
  run.refused("b");
  run.recorded(2, 0);
  run.told("b", rejected());
  hooked(run, "b", { is: "rejected", sequence: 0, code: "poor" });
  expect([said(run), said(run, null)]).toEqual([[], []]);
});

describe("[HC13] what is sent", () => {
  test("is blamed where its storage has not got it, nor refused it", () => {
    const run = written();
    run.dispatched("a");
    run.told("a", ENDED);
    run.sent(1, "a");
    expect(said(run)).toEqual(["HC13 client 0 sent mid 1 (a) before it was durable"]);
    run.stored(1, "a", "asked");
    run.sent(1, "a");
    expect(said(run)).toHaveLength(2);
    run.stored(1, "a");
    // Asked again when it is given up: it was durable before.
    run.stored(1, "a", "asked");
    run.sent(1, "a");
    expect(said(run)).toHaveLength(2);
  });

  test("may be what its storage has refused", () => {
    const run = written();
    run.dispatched("a");
    run.add({ type: "stored", ...me, stage: "failed", target, mid: 1, id: "a", at: 1 });
    run.sent(1, "a");
    run.told("a", ENDED);
    expect(said(run)).toEqual([]);
  });

  test("may be an empty mid that a disk, a log or a server that had sent a refusal has lost, and no other empty one", async () => {
    const gap = (lose: (run: Written) => void): string[] => {
      const run = written();
      sent(run, 9, "first");
      lose(run);
      sent(run, 1, "void", { empty: true });
      return said(run).slice(1);
    };
    expect(gap(() => undefined)).toEqual(["HC13 client 0 sent mid 1 (void) before it was durable"]);
    expect(gap(unstored)).toEqual([]);
    expect(gap((run) => run.add({ type: "unstored", client: 1, page: 0 }))).toHaveLength(1);
    expect(gap((run) => run.add({ type: "rewound", target, from: 3, to: 1 }))).toEqual([]);
    expect(gap((run) => run.add({ type: "rewound", target: "list:2", from: 3, to: 1 }))).toHaveLength(1);
    expect(
      gap((run) => {
        run.dispatched("a");
        run.stored(1, "a", "asked");
        run.recorded(1, 0);
        run.told("a", ENDED);
      }),
    ).toEqual([]);
    // Not one that says something.
    const run = written();
    unstored(run);
    sent(run, 1, "a");
    expect(said(run)).toHaveLength(1);
  });

  test("a rejection is told when it is recorded, unless the storage refuses", () => {
    const told = (before: (run: Written) => void): string[] => {
      const run = written();
      run.dispatched("a");
      run.stored(1, "a");
      run.refused("a");
      before(run);
      run.told("a", rejected());
      return said(run);
    };
    expect(told(() => undefined)).toEqual(["HC13 client 0 was told of a's rejection before it was durable"]);
    expect(told((run) => run.recorded(1, 0))).toEqual([]);
    expect(told(unstored)).toEqual([]);
  });
});

describe("[HC14] a mid", () => {
  const twice = (
    between: (run: Written) => void,
    second: { id?: string; clientId?: string; target?: string; empty?: boolean } = {},
  ): string[] => {
    const run = written();
    for (const id of ["a", "b"]) {
      run.dispatched(id);
      run.stored(1, id);
      run.told(id, ENDED);
    }
    run.add({ type: "stored", ...me, stage: "durable", target: "list:2", mid: 1, id: "b", at: 1 });
    run.sent(1, "a");
    between(run);
    sent(run, 1, "b", second);
    return said(run);
  };

  test("is of one message only", () => {
    expect(twice(() => undefined)).toEqual(["HC14 mid 1 of me was sent as a and as b"]);
    expect(twice(() => undefined, { id: "a" })).toEqual([]);
    expect(twice(() => undefined, { clientId: "my next" })).toEqual([]);
    expect(twice(() => undefined, { target: "list:2" })).toEqual([]);
  });

  test("may be given out again where a disk has refused, or go out empty where it is lost", () => {
    expect(twice(unstored)).toEqual([]);
    expect(twice((run) => run.add({ type: "rewound", target, from: 3, to: 1 }), { empty: true })).toEqual([]);
    expect(twice((run) => run.add({ type: "rewound", target, from: 3, to: 1 }))).toHaveLength(1);
  });
});

describe("[HC1] one outcome", () => {
  test("is told once", async () => {
    const run = written();
    await whole(run, 1, "a");
    run.told("a", applied("a", 1));
    expect(said(run)).toEqual(["HC1 a of client 0 was told 2 outcomes"]);
  });

  test("is told at all, once everything is quiet, to a page that lives", () => {
    const run = written();
    run.dispatched("a");
    expect(said(run)).toEqual(["HC1 a of client 0 was never told an outcome"]);
    expect([said(run, null), said(run, { problem: "client 0 is waiting" })]).toEqual([[], []]);
    ended(run);
    expect(said(run)).toEqual([]);
  });

  test("is told to no page that is gone", async () => {
    const run = written();
    await whole(run, 1, "a");
    run.events.pop();
    ended(run);
    run.told("a", applied("a", 1));
    expect(said(run)).toEqual(["HC1 a page that was gone was told of a"]);
  });

  test("comes to what was durable when its page ended: in the log, refused, recorded, or given up", async () => {
    const left = async (more: (run: Written) => unknown): Promise<string[]> => {
      const run = written();
      run.dispatched("a");
      run.stored(1, "a", "asked");
      run.stored(1, "a");
      ended(run);
      await more(run);
      return said(run);
    };
    expect(await left(() => undefined)).toEqual([
      "HC1 a of client 0 was durable when its page ended, and came to no end",
    ]);
    expect(await left((run) => run.appended(1, "a"))).toEqual([]);
    expect(await left((run) => run.recorded(1, 0))).toEqual([]);
    expect(await left((run) => sent(run, 1, "a", { empty: true }))).toEqual([]);
    expect(await left((run) => hooked(run, "a", { is: "rejected", sequence: 0, code: "poor" }))).toEqual([]);
    expect(
      await left((run) => hooked(run, "a", { is: "unknown", sequence: 0, code: "client-expired" })),
    ).toEqual([]);
    // What was not durable went with its page.
    const run = written();
    run.dispatched("a");
    run.stored(1, "a", "asked");
    ended(run);
    expect(said(run)).toEqual([]);
  });

  test("is heard once by the hook; on a later page again only where the disk has forgotten", async () => {
    const heard = async (
      second: object,
      before: (run: Written) => void = () => undefined,
    ): Promise<string[]> => {
      const run = written();
      await whole(run, 1, "a");
      before(run);
      hooked(run, "a");
      hooked(run, "a", second);
      return said(run);
    };
    const twice = ["HC1 the outcome of a was told twice"];
    expect([await heard({}), await heard({ page: 1 })]).toEqual([twice, twice]);
    expect([await heard({}, unstored), await heard({ page: 1 }, unstored)]).toEqual([twice, []]);
    // Of a message that nobody here dispatched it may hear whenever.
    const run = written();
    await run.appended(1, "x");
    hooked(run, "x");
    hooked(run, "x");
    expect(said(run)).toEqual([]);
  });
});

describe("[HC3] [HC4] [HC17] what was applied", () => {
  test("is in the log where it is said to be, and was there before it was told", async () => {
    const nowhere = written();
    nowhere.dispatched("a");
    nowhere.stored(1, "a");
    nowhere.told("a", applied("a", 1));
    expect(said(nowhere)).toEqual(["HC3 a was acknowledged at 1, where the log never had it"]);
    const elsewhere = written();
    await whole(elsewhere, 1, "a");
    elsewhere.dispatched("b");
    await elsewhere.appended(2, "b");
    elsewhere.told("b", applied("b", 1));
    expect(said(elsewhere)).toEqual(["HC3 b was acknowledged at 1, where the log never had it"]);
    const early = written();
    early.dispatched("a");
    early.told("a", applied("a", 1));
    await early.appended(1, "a");
    expect(said(early)).toEqual(["HC4 a was acknowledged at 1 before the log had it"]);
    // Also where the log had others by then.
    const second = written();
    await whole(second, 1, "a");
    second.dispatched("b");
    second.told("b", applied("b", 2));
    await second.appended(2, "b");
    expect(said(second)).toEqual(["HC4 b was acknowledged at 2 before the log had it"]);
  });

  test("is in the log's own words, amended or not, one message or several", async () => {
    const told = async (messages: readonly unknown[]): Promise<string[]> => {
      const run = written();
      await whole(run, 1, "a");
      run.events.pop();
      run.told("a", { is: "applied", sequence: 1, messages });
      return said(run);
    };
    expect(await told([added("b")])).toEqual(["HC17 the caller of a got another message than the log has"]);
    expect(await told([added("a")])).toEqual([]);
    expect(await told([added("a"), added("a")])).toHaveLength(1);
  });

  test("may be in a history that was cut off since", async () => {
    const run = written();
    await whole(run, 1, "a");
    await run.log.rewind(target, 0);
    expect(said(run)).toEqual([]);
  });

  test("is the same to the hook", async () => {
    const run = written();
    await whole(run, 1, "a");
    hooked(run, "a", { sequence: 2 });
    expect(said(run)).toEqual(["HC3 a was said to be at 2, where the log never had it"]);
    const other = written();
    await whole(other, 1, "a");
    hooked(other, "a", { is: "unknown", sequence: 0, code: "client-expired" });
    expect(said(other)).toEqual(["HC3 a of client 0 was applied to its caller, and not to the hook"]);
  });

  test("may be another one to a later page whose storage had refused it, in a history that lacks it, and only there", async () => {
    const run = written();
    await whole(run, 1, "a");
    run.add({ type: "unstored", ...me });
    run.add({ type: "ended", ...me });
    await run.log.rewind(target, 0);
    run.refused("a");
    hooked(run, "a", { is: "rejected", sequence: 0, code: "poor", page: 1 });
    expect(said(run)).toEqual([]);
    const kept = written();
    await whole(kept, 1, "a");
    kept.add({ type: "unstored", ...me });
    kept.add({ type: "ended", ...me });
    kept.refused("a");
    hooked(kept, "a", { is: "rejected", sequence: 0, code: "poor", page: 1 });
    expect(said(kept)).toEqual(["HC3 a of client 0 was rejected, and is in the log"]);
  });
});

describe("[HC3] [HC4] what was refused", () => {
  /** Dispatched, stored, in the log, and told so. */
  const inLog = async (told: Told, more: (run: Written) => unknown = () => undefined): Promise<string[]> => {
    const run = written();
    run.dispatched("a");
    run.stored(1, "a");
    await run.appended(1, "a");
    run.recorded(1, 0);
    run.refused("a");
    await more(run);
    run.told("a", told);
    return said(run);
  };

  test("is not in the log, unless nobody could know, or its refusal was cut off", async () => {
    const found = ["HC3 a of client 0 was rejected, and is in the log"];
    expect(await inLog(rejected())).toEqual(found);
    expect(await inLog(ENDED)).toEqual([]);
    expect(await inLog(rejected("client-expired"))).toEqual([]);
    expect(
      await inLog(rejected(), (run) =>
        hooked(run, "a", { is: "unknown", sequence: 0, code: "client-expired" }),
      ),
    ).toEqual([]);
    expect(await inLog(rejected(), (run) => void run.log.archive.get(target)!.cutOff!.add("a"))).toEqual([]);
    expect(await inLog(rejected(), (run) => run.log.rewind(target, 0))).toEqual([]);
  });

  test("by the hook alone is refused, too", async () => {
    const run = written();
    run.dispatched("a");
    run.stored(1, "a");
    ended(run);
    await run.appended(1, "a");
    hooked(run, "a", { page: 1, is: "rejected", sequence: 0, code: "poor" });
    expect(said(run)).toEqual(["HC3 a of client 0 was rejected, and is in the log"]);
  });

  test("by its caller is not in the log in any history, unless a disk forgot that it was", async () => {
    const cancelled: Told = { is: "ended", code: "cancelled" };
    const found = ["HC3 a of client 0 was cancelled, and is in the log"];
    expect(await inLog(cancelled)).toEqual(found);
    expect(await inLog(cancelled, (run) => run.log.rewind(target, 0))).toEqual(found);
    expect(await inLog(cancelled, unstored)).toEqual([]);
  });

  test("was refused in the log first, but for the client's own verdict and strangers", () => {
    const told = (code: string, id = "b"): string[] => {
      const run = written();
      run.dispatched("a");
      run.refused(id);
      run.told("a", rejected(code));
      return said(run);
    };
    expect(told("poor")).toEqual(["HC4 a was refused (poor) before the log had it"]);
    expect(told("poor", "a")).toEqual([]);
    for (const code of ["client-expired", "forbidden", "missing"]) expect(told(code)).toEqual([]);
    // Nobody saw refusals being written.
    const run = written();
    run.dispatched("a");
    run.told("a", rejected());
    const { refusals: _, ...blind } = { slices: [], paths: [], refusals: new Map() };
    expect(checkOutcomes({ ...run.history(), archive: new Map([[target, blind]]) })).toEqual([]);
  });
});

test("a session is in the log by the names that its client has had; a topic by its own", () => {
  const name = (client: number, clientId: string): HistoryEvent => ({
    type: "sent",
    client,
    page: 0,
    clientId,
    target: "@",
    mid: 1,
    id: "a",
    empty: false,
  });
  const keys = targetKeys([name(0, "first"), name(1, "other"), name(0, "second"), name(0, "first")]);
  expect([keys("@", 0), keys("@", 1), keys("@", 2)]).toEqual([["@first", "@second"], ["@other"], []]);
  expect(keys(target, 0)).toEqual([target]);
});
