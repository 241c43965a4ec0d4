import { automatic, DEFAULT_LIMITS, json } from "@calla/shared";
import type { Limits, Message } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { countingRandom, list } from "../../test/wired.ts";
import { admission } from "../app/handlers.ts";
import type { LooseHandlers } from "../app/handlers.ts";
import type { Intent } from "../app/intent.ts";
import type { Append, ClientRow, LogRecord, RowWrite } from "../log/log.ts";
import { chainMark } from "../log/record.ts";
import { TargetEngine } from "./target-engine.ts";
import type { Effect } from "./effects.ts";

type Told = Effect<string>;

/** An engine whose rows are there at once, and whose effects the test carries out by hand. */
function engineOf(
  options: {
    hooked?: boolean;
    limits?: Partial<Limits>;
    handlers?: LooseHandlers;
    rows?: Record<string, ClientRow>;
    removed?: boolean;
  } = {},
) {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const errors: unknown[] = [];
  const engine = new TargetEngine<string>({
    target: "list:1",
    slice: list,
    state: {
      sequence: options.removed ? 4 : 0,
      mark: 0,
      at: 0,
      model: { items: [] },
      removed: !!options.removed,
    },
    admit: admission<string>({
      slice: list,
      handlers: options.handlers ?? { public: true },
      topic: "list:1",
      params: ["1"],
      maxBatch: limits.maxBatch,
      strict: true,
      who: (clientId) => ({ clientId, user: null }),
      report: (error) => void errors.push(error),
    }),
    carrier: automatic(json()),
    limits,
    random: countingRandom(),
    strict: true,
    hooked: () => options.hooked ?? true,
  });
  /** Offers, with the row loaded where that is asked for. */
  const offer = (...intents: Intent<string>[]): Told[] =>
    intents.flatMap((intent) =>
      engine
        .offer(intent)
        .flatMap((effect) =>
          effect.type === "load-row"
            ? [...engine.rowLoaded(effect.clientId, options.rows?.[effect.clientId])]
            : [effect],
        ),
    );
  /** Offers and takes; the append, if there was one, and what was told before it. */
  const take = (now: number, ...intents: Intent<string>[]) => {
    const told = [...offer(...intents), ...engine.take(now)];
    const append = told.find((effect) => effect.type === "append")?.append;
    return { append, told: told.filter((effect) => effect.type !== "append") };
  };
  return { engine, offer, take, errors };
}

const from = (
  clientId: string,
  mid: number,
  message: Message | readonly Message[] | null,
  more: Partial<Intent<string>> = {},
): Intent<string> => ({
  author: { clientId, userId: `user of ${clientId}` },
  row: clientId,
  mid,
  id: `${clientId}-${mid}`,
  settled: 0,
  messages: message === null ? [] : Array.isArray(message) ? (message as Message[]) : [message as Message],
  reply: clientId,
  ...more,
});
const byServer = (message: Message, key?: string): Intent<string> => ({
  author: null,
  row: key === undefined ? "" : `#${key}`,
  mid: key === undefined ? 0 : 1,
  id: key ?? "own",
  settled: 0,
  messages: [message],
  reply: "server",
});
const add = (item: string): Message => ({ type: "added", item });
const remove = (item: string): Message => ({ type: "removed", item });
const kinds = (told: readonly Told[]): string[] => told.map((effect) => effect.type);
/** The foreign record that another node would have appended after `cursor`. */
const foreign = (
  cursor: { sequence: number; mark: number },
  clientId: string,
  mid: number,
  message: Message,
): LogRecord => {
  const record = {
    sequence: cursor.sequence + 1,
    version: 1,
    at: 5,
    author: { clientId, userId: null },
    mid,
    id: `${clientId}-${mid}`,
    messages: [message],
  };
  return { ...record, mark: chainMark(cursor.mark, record) };
};
const rowsOf = (append: Append | undefined, clientId: string): RowWrite | undefined =>
  append?.rows.find((row) => row.clientId === clientId);

describe("deciding", () => {
  test("[TE1] a batch is decided in order, each message on the model the one before left; one append at a time", () => {
    const { engine, take, offer } = engineOf();
    const { append, told } = take(
      10,
      from("a", 1, add("x")),
      from("b", 1, remove("x")),
      from("a", 2, add("y")),
    );
    expect(append?.expected).toEqual({ sequence: 0, mark: 0 });
    expect(append?.records.map(({ sequence, at, messages }) => ({ sequence, at, messages }))).toEqual([
      { sequence: 1, at: 10, messages: [add("x")] },
      { sequence: 2, at: 10, messages: [remove("x")] },
      { sequence: 3, at: 10, messages: [add("y")] },
    ]);
    expect(told).toEqual([]);
    expect(engine.state.model).toEqual({ items: [] });
    offer(from("b", 2, add("z")));
    expect(engine.take(11)).toEqual([]); // one append is under way
    expect(kinds(engine.appended())).toEqual(["update", "accepted", "accepted", "accepted"]);
    expect(engine.state).toMatchObject({ sequence: 3, model: { items: ["y"] } });
    expect(take(12).append?.records[0]).toMatchObject({ sequence: 4, messages: [add("z")] });
  });

  test("[HA6] the models between are kept for hooks, and for nobody else: a batch may hold thousands", () => {
    const models = (hooked: boolean): unknown[] => {
      const { engine, take } = engineOf({ hooked });
      take(10, from("a", 1, add("x")), from("a", 2, add("y")));
      return engine.appended().flatMap((effect) => (effect.type === "accepted" ? [effect.model] : []));
    };
    expect(models(true)).toEqual([{ items: ["x"] }, { items: ["x", "y"] }]);
    expect(models(false)).toEqual([undefined, undefined]);
  });

  test("[TE2] S28 a throwing update and a throwing hook refuse that message alone and are reported", () => {
    const { engine, take, errors } = engineOf({
      handlers: {
        canDispatch(message) {
          if (message["item"] === "bad hook") throw new Error("in the hook");
          return true;
        },
      },
    });
    const { append, told } = take(
      1,
      from("a", 1, { type: "exploded" }),
      from("a", 2, add("bad hook")),
      from("a", 3, add("x")),
    );
    expect(append?.records).toHaveLength(1);
    expect(kinds(told)).toEqual(["report"]);
    expect(errors).toEqual([new Error("in the hook")]);
    expect(
      engine
        .appended()
        .filter((effect) => effect.type === "rejected")
        .map((effect) => [effect.mid, effect.code]),
    ).toEqual([
      [1, "update-threw"],
      [2, "hook"],
    ]);
    expect(engine.state.model).toEqual({ items: ["x"] });
  });

  test("[TE16] several messages of a dispatch are one record, and none is applied if one is refused", () => {
    const { engine, take } = engineOf();
    expect(take(1, from("a", 1, [add("x"), remove("nowhere")])).append?.records).toEqual([]);
    engine.appended();
    expect(engine.state.model).toEqual({ items: [] });
    expect(
      take(1, from("a", 2, [add("x"), add("y")])).append?.records.map(({ messages }) => messages),
    ).toEqual([[add("x"), add("y")]]);
  });

  test("[TE15] context.at never goes back", () => {
    const { engine, take } = engineOf();
    take(100, from("a", 1, add("x")));
    engine.appended();
    expect(take(50, from("a", 2, add("y"))).append?.records[0]?.at).toBe(100);
  });

  test("[TE8] marks chain over what a fold reads, and two histories of equal content differ", () => {
    const one = engineOf();
    const { append } = one.take(1, from("a", 1, add("x")), from("a", 2, add("y")));
    const [first, second] = append!.records;
    expect(second!.mark).toBe(chainMark(first!.mark, second!));
    for (const change of [
      { at: 2 },
      { version: 2 },
      { id: "?" },
      { author: null },
      { messages: [add("z")] },
    ]) {
      expect(chainMark(first!.mark, { ...second!, ...change })).not.toBe(second!.mark);
    }
    expect(chainMark(0, second!)).not.toBe(second!.mark);
    // The first record's mark is seeded by chance, not by what stands before it.
    expect(first!.mark).not.toBe(chainMark(0, first!));
  });
});

describe("mids", () => {
  test("[TE3] [TE7] S32 a refusal takes its mid; a mid above the next is paused, a void one is refused as cancelled", () => {
    const { engine, take } = engineOf();
    const { append, told } = take(
      1,
      from("a", 1, remove("x")),
      from("a", 3, add("early")),
      from("a", 2, null),
      from("a", 3, add("y")),
    );
    expect(told).toEqual([]);
    expect(append?.records.map(({ mid }) => mid)).toEqual([3]);
    expect(rowsOf(append, "a")).toMatchObject({ last: 3, settled: 0 });
    expect(engine.appended()).toMatchObject([
      { type: "update" },
      { type: "rejected", mid: 1, code: "missing" },
      { type: "pause", reply: "a", from: 2, code: "gap" },
      { type: "rejected", mid: 2, code: "cancelled" },
      { type: "accepted" },
    ]);
  });

  test("[TE3] S32 after a crash that forgot a refusal, the client's settled mid stands in for it", () => {
    const { take } = engineOf(); // a fresh server: nothing is known of mid 1
    expect(take(1, from("a", 2, add("x"), { settled: 1 })).append?.records[0]).toMatchObject({ mid: 2 });
    expect(engineOf().take(1, from("a", 2, add("x"))).told).toEqual([
      { type: "pause", reply: "a", from: 1, code: "gap" },
    ]);
  });

  test("[TE4] a repeated mid is answered only once its record is durable, also within one batch", () => {
    const { engine, take } = engineOf();
    const { told } = take(1, from("a", 1, add("x")), from("a", 1, add("x")));
    expect(told).toEqual([]);
    expect(kinds(engine.appended())).toEqual(["update", "accepted", "applied"]);
    expect(engine.state.model).toEqual({ items: ["x"] });
    expect(take(2, from("a", 1, add("x"))).told).toEqual([
      { type: "applied", reply: "a", mid: 1, id: "a-1", sequence: 1 },
    ]);
  });

  test("[TE4] S9 what was taken in place of an amended message comes with every repeat of its outcome", () => {
    const { engine, take } = engineOf({
      handlers: { canDispatch: () => true, amend: (message) => ({ ...message, item: "amended" }) },
    });
    const { append } = take(1, from("a", 1, add("x")), from("a", 2, [add("y"), add("z")]));
    engine.appended();
    const amended = { type: "added", item: "amended" };
    expect(rowsOf(append, "a")?.outcomes).toMatchObject([
      { messages: [amended] },
      { messages: [amended, amended] },
    ]);
    expect(take(2, from("a", 1, add("x"))).told).toMatchObject([
      { type: "applied", mid: 1, messages: [amended] },
    ]);
  });

  test("[TE5] S35 another message under a known mid, or a forgotten one, is a conflict and never acknowledged", () => {
    const { engine, take } = engineOf();
    take(1, from("a", 1, add("x")), from("a", 2, add("y")));
    engine.appended();
    expect(take(2, from("a", 2, add("z"), { id: "another" })).told).toEqual([
      { type: "mid-conflict", reply: "a", mid: 2, id: "another" },
    ]);
    take(3, from("a", 3, add("z"), { settled: 2 }));
    engine.appended();
    expect(take(4, from("a", 1, add("x"))).told).toEqual([
      { type: "mid-conflict", reply: "a", mid: 1, id: "a-1" },
    ]);
    expect(engine.state.model).toEqual({ items: ["x", "y", "z"] });
  });

  test("[TE5] nothing behind a conflict is taken in the same turn, of that client alone", () => {
    const { engine, take } = engineOf();
    take(1, from("a", 1, add("x")));
    engine.appended();
    const { append, told } = take(
      2,
      from("a", 1, add("y"), { id: "another" }),
      from("a", 2, add("z")),
      from("b", 1, add("b")),
    );
    expect(told).toEqual([]);
    expect(append?.records.map(({ id }) => id)).toEqual(["b-1"]);
    // Sent before the conflict is heard of.
    engine.offer(from("a", 2, add("z")));
    expect(kinds(engine.appended())).toEqual(["update", "mid-conflict", "accepted"]);
    expect(take(3).append).toBeUndefined();
  });

  test("[TE4] [TE5] S35 a mid-conflict with what the same batch took is not sent before that is durable", () => {
    // Two lives of one client. "y" reached another node too, which takes it first.
    const { engine, take } = engineOf();
    const x = from("a", 1, add("x"), { reply: "life 1" });
    const y = from("a", 1, add("y"), { id: "y", reply: "life 2" });
    expect(take(1, x, y).told).toEqual([]);
    engine.conflicted();
    const taken = { ...foreign({ sequence: 0, mark: 0 }, "a", 1, add("y")), id: "y" };
    engine.missed({ status: "records", records: [taken] }, 100);
    engine.rowLoaded("a", {
      clientId: "a",
      last: 1,
      settled: 0,
      outcomes: [{ mid: 1, id: "y", sequence: 1 }],
    });
    // It was told nothing else before: else its author would have sent it as another client's.
    expect(take(2).told).toEqual([
      { type: "mid-conflict", reply: "life 1", mid: 1, id: "a-1" },
      { type: "applied", reply: "life 2", mid: 1, id: "y", sequence: 1 },
    ]);
  });

  test("[TE9] what unsettled outcomes hold is bounded: every append of their client writes it", () => {
    const { engine, take } = engineOf({ limits: { maxOutcomeBytes: 1_000 } });
    const refused = (mid: number, more: object = {}) =>
      take(mid, from("a", mid, remove("x".repeat(600)), more));
    for (const mid of [1, 2]) {
      expect(refused(mid).append?.rows).toHaveLength(1);
      engine.appended();
    }
    expect(refused(3)).toMatchObject({ append: undefined, told: [{ type: "pause", code: "in-flight" }] });
    expect(refused(3, { settled: 1 }).append?.rows).toHaveLength(1);
  });

  test("[TE9] S34 at maxInFlight outcomes that the client has not settled it is paused; at its ceiling it is not", () => {
    const { engine, take } = engineOf({ limits: { maxInFlight: 3 } });
    const { told, append } = take(1, ...[1, 2, 3, 4].map((mid) => from("a", mid, add(`${mid}`))));
    expect(append?.records).toHaveLength(3);
    expect(told).toEqual([]);
    expect(engine.appended().at(-1)).toEqual({ type: "pause", reply: "a", from: 4, code: "in-flight" });
    expect(take(2, from("a", 4, add("4"), { settled: 1 })).append?.records).toHaveLength(1);
    expect(DEFAULT_LIMITS.maxInFlight).toBe(256);
  });

  test("[TE9] S34 every one of 256 refusals is remembered until its client settles it", () => {
    const { engine, take } = engineOf();
    take(1, ...Array.from({ length: 256 }, (_, i) => from("a", i + 1, remove("nothing"))));
    engine.appended();
    const again = take(2, ...Array.from({ length: 256 }, (_, i) => from("a", i + 1, remove("nothing"))));
    expect(again.told.map((effect) => (effect.type === "rejected" ? effect.mid : 0))).toEqual(
      Array.from({ length: 256 }, (_, i) => i + 1),
    );
  });

  test("[TE19] a refusal is sent once its row is in the log, and says which row it replaces", () => {
    const { engine, take } = engineOf();
    const { append, told } = take(1, from("a", 1, remove("x")));
    expect(told).toEqual([]);
    expect(append).toMatchObject({ expected: { sequence: 0, mark: 0 }, records: [], at: 1 });
    expect(append?.rows).toMatchObject([{ was: 0, last: 1, outcomes: [{ mid: 1, code: "missing" }] }]);
    expect(engine.appended()).toMatchObject([{ type: "rejected", mid: 1 }]);
    expect(take(2, from("a", 2, add("y"))).append?.rows).toMatchObject([{ was: 1, last: 2 }]);
  });

  test("[TE19] what another node has told a client stands: the row conflicts, is read, and answers", () => {
    const { engine, offer, take } = engineOf({ rows: {} });
    expect(take(1, from("a", 1, add("y"))).append?.records).toHaveLength(1);
    expect(kinds(engine.conflicted())).toEqual(["read"]);
    // The head has not moved. The row has.
    expect(engine.missed({ status: "records", records: [] }, 100)).toEqual([
      { type: "load-row", clientId: "a" },
    ]);
    const refused = { mid: 1, id: "a-1", from: "app", code: "missing", details: {} } as const;
    engine.rowLoaded("a", { clientId: "a", last: 1, settled: 0, outcomes: [refused] });
    expect(take(2)).toMatchObject({
      append: undefined,
      told: [{ type: "rejected", mid: 1, code: "missing" }],
    });
    expect(offer()).toEqual([]);
  });

  test("[TE19] what is known already is answered without an append", () => {
    const { engine, take } = engineOf();
    take(1, from("a", 1, remove("x")));
    engine.appended();
    expect(take(2, from("a", 1, remove("x")))).toMatchObject({
      append: undefined,
      told: [{ type: "rejected" }],
    });
  });

  test("[TE18] a key is applied once; another dispatch under it is the first one's", () => {
    const { engine, take } = engineOf();
    expect(rowsOf(take(1, byServer(add("x"), "job")).append, "#job")).toMatchObject({ last: 1 });
    engine.appended();
    expect(take(2, byServer(add("x"), "job")).told).toEqual([
      { type: "applied", reply: "server", mid: 1, id: "job", sequence: 1 },
    ]);
    expect(engine.state.model).toEqual({ items: ["x"] });
  });
});

describe("other nodes", () => {
  test("[TE14] S31 a conflict whose missed record is the very message being retried applies it once", () => {
    const rows: Record<string, ClientRow> = {};
    const { engine, take, offer } = engineOf({ rows });
    take(1, from("a", 1, add("x")));
    const [read] = engine.conflicted();
    expect(read).toMatchObject({ type: "read", retry: true });
    const record = foreign({ sequence: 0, mark: 0 }, "a", 1, add("x"));
    rows["a"] = { clientId: "a", last: 1, settled: 0, outcomes: [{ mid: 1, id: "a-1", sequence: 1 }] };
    const told = engine.missed({ status: "records", records: [record] }, 100);
    expect(kinds(told)).toEqual(["update", "load-row"]); // decided again from dedupe, with the log's row
    engine.rowLoaded("a", rows["a"]);
    expect(take(2).told).toEqual([{ type: "applied", reply: "a", mid: 1, id: "a-1", sequence: 1 }]);
    expect(engine.state.model).toEqual({ items: ["x"] });
    expect(offer()).toEqual([]);
  });

  test("[TE14] a message is decided again on the model that another node made", () => {
    const { engine, take } = engineOf();
    take(1, from("a", 1, remove("x")), from("a", 2, add("q")));
    engine.conflicted();
    engine.missed({ status: "records", records: [foreign({ sequence: 0, mark: 0 }, "b", 1, add("x"))] }, 100);
    engine.rowLoaded("a", undefined);
    const { append } = take(2);
    expect(append?.expected.sequence).toBe(1);
    expect(append?.records.map(({ mid }) => mid)).toEqual([1, 2]); // what was a refusal is none any more
  });

  test("[TE37] what a conflict brings along is folded without a read", () => {
    const { engine, take } = engineOf();
    take(1, from("a", 1, remove("x")));
    const records = [foreign({ sequence: 0, mark: 0 }, "b", 1, add("x"))];
    expect(kinds(engine.conflicted({ status: "records", records }))).toEqual(["update", "load-row"]);
    engine.rowLoaded("a", undefined);
    expect(take(2).append).toMatchObject({
      expected: { sequence: 1 },
      records: [{ messages: [remove("x")] }],
    });
    expect(kinds(engine.conflicted({ status: "compacted" }))).toEqual(["reopen"]);
  });

  test("[TE37] [TE22] a row that came since the append was sent may know of more: then it is read", () => {
    const { engine, offer, take } = engineOf();
    take(1, from("a", 1, add("x")));
    engine.needRow("b");
    const outcomes = [{ mid: 1, id: "b-1", sequence: 2 }];
    expect(engine.rowLoaded("b", { clientId: "b", last: 1, settled: 0, outcomes })).toEqual([]);
    const records = [foreign({ sequence: 0, mark: 0 }, "c", 1, add("y"))];
    expect(kinds(engine.conflicted({ status: "records", records }))).toEqual(["update", "load-row", "read"]);
    expect(offer()).toEqual([]);
  });

  test("[TE38] what a ring brings along is folded without a read, where it continues what is here", () => {
    const { engine, take } = engineOf();
    const start = { sequence: 0, mark: 0 };
    const one = foreign(start, "b", 1, add("x"));
    // At its beginning a history cannot be told from another.
    expect(engine.rung({ after: start, records: [one] })).toBeUndefined();
    take(1, from("a", 1, add("w")));
    engine.appended();
    const here = engine.state;
    const two = foreign(here, "b", 1, add("x"));
    const three = foreign(two, "b", 2, add("y"));
    expect(engine.rung({ after: two, records: [three] })).toBeUndefined();
    expect(engine.rung({ after: { ...here, mark: 7 }, records: [two] })).toBeUndefined();
    expect(engine.rung({ after: here, records: [three] })).toBeUndefined();
    for (const changed of [{ mark: 7 }, { messages: [add("z")] }, { version: 2 }, { at: 6 }])
      expect(engine.rung({ after: here, records: [{ ...two, ...changed }, three] })).toBeUndefined();
    expect(engine.state).toBe(here);
    expect(engine.rung({ after: here, records: [two, three] })).toEqual([
      { type: "update", after: here, records: [two, three] },
    ]);
    expect(engine.state).toMatchObject({ sequence: 3, mark: three.mark, model: { items: ["w", "x", "y"] } });
    // Once more, and late: nothing new.
    expect(engine.rung({ after: here, records: [two, three] })).toEqual([]);
    expect(engine.rung({ after: here, records: [two] })).toEqual([]);
    expect(engine.ready).toBe(true);
  });

  test("[TE38] [TE6] a ring that comes while an append or a read is under way leaves it to the log, and outdates rows", () => {
    const { engine, take, offer } = engineOf();
    take(1, from("a", 1, add("w")));
    engine.appended();
    const next = foreign(engine.state, "b", 1, add("x"));
    const grown = { after: engine.state, records: [next] };
    expect(take(2, from("a", 2, add("y"))).append).toBeDefined();
    expect(engine.rung(grown)).toBeUndefined();
    engine.conflicted();
    expect(engine.rung(grown)).toBeUndefined();
    engine.missed({ status: "records", records: [next] }, 100);
    const outcomes = [{ mid: 1, id: "a-1", sequence: 1 }];
    engine.rowLoaded("a", { clientId: "a", last: 1, settled: 0, outcomes });
    expect(take(3).append?.records).toMatchObject([{ messages: [add("y")] }]);
    engine.appended();
    const other = foreign(engine.state, "a", 3, add("z"));
    expect(engine.row("a")).toBeDefined();
    expect(kinds(engine.rung({ after: engine.state, records: [other] }) as Told[])).toEqual(["update"]);
    expect(engine.row("a")).toBeUndefined();
    expect(offer()).toEqual([]);
  });

  test("[TE10] a refusal waits for the log; if the head has moved it is decided again", () => {
    const rows = {};
    const { engine, take, offer } = engineOf({ rows });
    expect(take(1, from("a", 1, remove("x"))).told).toEqual([]);
    engine.conflicted();
    const missed = foreign({ sequence: 0, mark: 0 }, "b", 1, add("x"));
    expect(kinds(engine.missed({ status: "records", records: [missed] }, 100))).toEqual([
      "update",
      "load-row",
    ]);
    engine.rowLoaded("a", undefined);
    expect(offer()).toEqual([]);
    expect(take(3).append?.records[0]).toMatchObject({ mid: 1, messages: [remove("x")] });
  });

  test("[TE6] a row whose read a foreign record overtook is read again", () => {
    const { engine } = engineOf();
    expect(engine.offer(from("a", 2, add("y")))).toEqual([{ type: "load-row", clientId: "a" }]);
    engine.look();
    engine.missed({ status: "records", records: [foreign({ sequence: 0, mark: 0 }, "a", 1, add("x"))] }, 100);
    // The read began before that record: it shows mid 1 as not yet taken.
    expect(engine.rowLoaded("a", undefined)).toEqual([{ type: "load-row", clientId: "a" }]);
    engine.rowLoaded("a", {
      clientId: "a",
      last: 1,
      settled: 0,
      outcomes: [{ mid: 1, id: "a-1", sequence: 1 }],
    });
    expect(engine.take(1).find((effect) => effect.type === "append")?.append.records[0]).toMatchObject({
      mid: 2,
      sequence: 2,
    });
  });

  test("[TE6] a row in memory is dropped when another node has taken its client's messages", () => {
    const { engine, take } = engineOf();
    take(1, from("a", 1, add("x")));
    engine.appended();
    engine.look();
    engine.missed({ status: "records", records: [foreign(engine.state, "a", 2, add("y"))] }, 100);
    expect(engine.row("a")).toBeUndefined();
  });

  test("[TE22] a row that is ahead of the model makes the engine look, once what is under way has ended", () => {
    const ahead: ClientRow = {
      clientId: "a",
      last: 1,
      settled: 0,
      outcomes: [{ mid: 1, id: "a-1", sequence: 1 }],
    };
    const record = foreign({ sequence: 0, mark: 0 }, "a", 1, add("x"));
    for (const busy of [false, true]) {
      const { engine } = engineOf();
      engine.needRow("a");
      if (busy) engine.look(); // began before the record was there
      expect(kinds(engine.rowLoaded("a", ahead))).toEqual(busy ? [] : ["read"]);
      expect(engine.isBehind(engine.row("a"))).toBe(true);
      if (busy) expect(kinds(engine.missed({ status: "records", records: [] }, 100))).toEqual(["read"]);
      expect(kinds(engine.missed({ status: "records", records: [record] }, 100))).toEqual(["update"]);
      expect(engine.ready).toBe(true);
      expect(engine.state.sequence).toBe(1);
    }
  });

  test("[TE22] a row that came ahead of the model while an append was under way makes the engine look behind that", () => {
    const { engine, take } = engineOf();
    take(1, from("b", 1, add("b")));
    // It has landed at 1, and another node has appended 2 of "a", before this node hears of either.
    engine.offer(from("a", 1, add("a")));
    engine.rowLoaded("a", {
      clientId: "a",
      last: 1,
      settled: 0,
      outcomes: [{ mid: 1, id: "a-1", sequence: 2 }],
    });
    expect(kinds(engine.appended())).toEqual(["update", "accepted", "read"]);
    expect(engine.take(2)).toEqual([]);
  });

  test("[TE12] [TE27] clients that come while the log cannot be read after a conflict are paused, until it can", () => {
    const { engine, take } = engineOf();
    take(1, from("b", 1, add("b")));
    engine.conflicted();
    expect(kinds(engine.stalled())).toEqual(["pause"]);
    expect(engine.offer(from("a", 1, add("a")))).toMatchObject([{ type: "pause", code: "storage" }]);
    engine.missed({ status: "records", records: [] }, 100);
    expect(kinds(engine.offer(from("a", 1, add("a"))))).toEqual(["load-row"]);
  });

  test("[TE22] a log whose row is ahead of all its records is looked at once", () => {
    const { engine } = engineOf();
    engine.needRow("a");
    engine.rowLoaded("a", {
      clientId: "a",
      last: 1,
      settled: 0,
      outcomes: [{ mid: 1, id: "a-1", sequence: 9 }],
    });
    expect(engine.missed({ status: "records", records: [] }, 100)).toEqual([]);
    expect(engine.ready).toBe(true);
  });

  test("[TE12] S36 an append that threw and is there is announced once; the author hears of it by dedupe", () => {
    const { engine, take } = engineOf();
    const { append } = take(1, from("a", 1, add("x")));
    expect(engine.lost()).toEqual([
      { type: "read", after: expect.objectContaining({ sequence: 0 }) as unknown, retry: true },
    ]);
    expect(engine.offer(from("b", 1, add("z")))).toEqual([
      { type: "pause", reply: "b", from: 1, code: "storage" },
    ]);
    expect(kinds(engine.missed({ status: "records", records: append!.records }, 100))).toEqual([
      "update",
      "load-row",
    ]);
    engine.rowLoaded("a", append!.rows[0]!);
    expect(take(2).told).toEqual([{ type: "applied", reply: "a", mid: 1, id: "a-1", sequence: 1 }]);
    expect(engine.state.model).toEqual({ items: ["x"] });
  });

  test("[TE12] an append that threw and is not there is decided again", () => {
    const { engine, take } = engineOf();
    take(1, from("a", 1, add("x")));
    engine.lost();
    expect(kinds(engine.missed({ status: "records", records: [] }, 100))).toEqual(["load-row"]);
    engine.rowLoaded("a", undefined);
    expect(take(2).append?.records).toHaveLength(1);
  });

  test("[TE12] a server's own dispatch without a key is found by its message id", () => {
    const { engine, take } = engineOf();
    const { append } = take(1, byServer(add("x")));
    engine.lost();
    const told = engine.missed({ status: "records", records: append!.records }, 100);
    expect(told).toContainEqual({ type: "applied", reply: "server", mid: 0, id: "own", sequence: 1 });
    expect(take(2).append).toBeUndefined();
  });

  test("[TE12] [TE28] where the records to look for are gone, a dispatch without a key is unknown, and never applied twice", () => {
    const { engine, take } = engineOf();
    take(1, byServer(add("x")), byServer(add("y"), "key"));
    engine.lost();
    expect(kinds(engine.missed({ status: "compacted" }, 100))).toEqual(["reopen"]);
    const state = { sequence: 7, mark: 7, at: 1, model: { items: ["x", "y"] }, removed: false };
    expect(kinds(engine.reset(state, "compacted"))).toEqual(["snapshot", "unknown", "load-row"]);
    expect(take(2).append).toBeUndefined();
  });

  test("[TE12] [TE27] while the log cannot be read, clients are paused; the server's own waits", () => {
    const { engine, take } = engineOf();
    take(1, from("a", 1, add("x")), byServer(add("y")));
    engine.lost();
    expect(engine.stalled()).toEqual([{ type: "pause", reply: "a", from: 1, code: "storage" }]);
    engine.missed({ status: "records", records: [] }, 100);
    expect(take(2).append?.records.map(({ messages }) => messages)).toEqual([[add("y")]]);
  });

  test("[TE11] S14 S37 a log with another history is opened anew, and what waits is decided from dedupe", () => {
    const { engine, take } = engineOf();
    take(1, from("a", 1, add("x")));
    engine.conflicted();
    expect(engine.missed({ status: "other-history" }, 100)).toEqual([
      { type: "reopen", reason: "other-history" },
    ]);
    const state = { sequence: 9, mark: 77, at: 5, model: { items: ["restored"] }, removed: false };
    expect(kinds(engine.reset(state, "other-history"))).toEqual(["snapshot", "load-row"]);
    engine.rowLoaded("a", undefined);
    expect(take(6).append).toMatchObject({
      expected: { sequence: 9, mark: 77 },
      records: [{ sequence: 10 }],
    });
    expect(engine.recentAfter({ sequence: 0, mark: 0 })).toBeUndefined();
  });
});

describe("the rest", () => {
  test("[TE17] S46 a removed target refuses new messages, answers known ones with their outcome, and comes back whole", () => {
    const rows = {
      a: { clientId: "a", last: 1, settled: 0, outcomes: [{ mid: 1, id: "a-1", sequence: 4 }] },
    };
    const { engine, take } = engineOf({ removed: true, rows });
    const { append, told } = take(1, from("a", 1, add("x")), from("a", 2, add("late")));
    expect([append?.records, told]).toEqual([[], []]);
    expect(engine.appended()).toMatchObject([
      { type: "applied", sequence: 4 },
      { type: "rejected", mid: 2, code: "removed" },
    ]);
    const back = take(2, byServer(add("new")));
    expect(back.append?.records).toMatchObject([
      { sequence: 5, messages: [], model: { value: { items: [] } } },
      { sequence: 6, messages: [add("new")] },
    ]);
    expect(kinds(engine.appended())).toEqual(["snapshot", "accepted"]);
    expect(engine.state).toMatchObject({ sequence: 6, removed: false, model: { items: ["new"] } });
  });

  test("[TE20] maxQueued: at the ceiling taken, over it paused as busy", () => {
    const { offer } = engineOf({ limits: { maxQueued: 2 } });
    const told = offer(from("a", 1, add("1")), from("a", 2, add("2")), from("a", 3, add("3")));
    expect(told).toEqual([{ type: "pause", reply: "a", from: 3, code: "busy" }]);
    expect(DEFAULT_LIMITS.maxQueued).toBe(10_000);
  });

  test("[TE20] maxClientRows: the oldest rows leave memory, those of an append under way stay", () => {
    const { engine, take, offer } = engineOf({ limits: { maxClientRows: 2 } });
    take(1, from("quiet", 1, add("x")));
    engine.appended();
    take(2, from("flying", 1, remove("none")));
    offer(from("new", 1, add("y")));
    offer(from("newer", 1, add("z")));
    const known = () => ["quiet", "flying", "new", "newer"].map((id) => engine.row(id) !== undefined);
    expect(known()).toEqual([false, true, true, true]);
    engine.appended();
    expect(engine.row("flying")).toMatchObject({ last: 1, outcomes: [{ code: "missing" }] });
  });

  test("[TE13] looking is a read after the state, once nothing is under way", () => {
    const { engine, take } = engineOf();
    take(1, from("a", 1, add("x")));
    expect(engine.look()).toEqual([]);
    engine.appended();
    expect(engine.look()).toMatchObject([{ type: "read", after: { sequence: 1 }, retry: false }]);
    engine.readFailed();
    expect(engine.ready).toBe(true);
  });

  test("[FO1] records after a cursor are at hand while they are recent, by sequence and mark", () => {
    const { engine, take } = engineOf({ limits: { maxCatchUp: 2 } });
    const marks = [0];
    for (let mid = 1; mid <= 5; mid++) {
      take(mid, from("a", mid, add(`${mid}`)));
      engine.appended();
      marks.push(engine.state.mark);
    }
    expect(engine.recentAfter({ sequence: 5, mark: marks[5]! })).toEqual([]);
    expect(engine.recentAfter({ sequence: 3, mark: marks[3]! })?.map(({ sequence }) => sequence)).toEqual([
      4, 5,
    ]);
    expect(engine.recentAfter({ sequence: 3, mark: 1 })).toBeUndefined();
    expect(engine.recentAfter({ sequence: 0, mark: 0 })).toBeUndefined(); // no longer at hand
    expect(engine.recentAfter({ sequence: 6, mark: 0 })).toBeUndefined();
  });
});

describe("a batch", () => {
  /** Enough after so many. */
  const after = (count: number) => {
    let left = count;
    return (): boolean => --left <= 0;
  };

  test("[LM23] ends at its budget; what is left is the next one, in order, and nothing is answered twice", () => {
    const { engine, offer } = engineOf({ hooked: false });
    offer(...[1, 2, 3, 4, 5].map((mid) => from("a", mid, add(`${mid}`))));
    const items: string[] = [];
    const sizes: number[] = [];
    const told: number[] = [];
    for (let now = 1; engine.queued > 0; now++) {
      const append = engine.take(now, after(2)).find(({ type }) => type === "append");
      const { records } = (append as { append: Append }).append;
      sizes.push(records.length);
      items.push(
        ...records.flatMap(({ messages }) => messages.map((one) => (one as { item?: string }).item!)),
      );
      expect(engine.take(now, after(2))).toEqual([]); // one append is under way
      for (const effect of engine.appended()) if (effect.type === "accepted") told.push(effect.intent.mid);
    }
    expect(sizes).toEqual([2, 2, 1]);
    expect(items).toEqual(["1", "2", "3", "4", "5"]);
    expect(told).toEqual([1, 2, 3, 4, 5]);
  });

  test("[LM23] decides one at least, whatever is spent", () => {
    const { engine, offer } = engineOf();
    offer(from("a", 1, add("x")), from("a", 2, add("y")));
    const append = engine.take(1, () => true).find(({ type }) => type === "append") as { append: Append };
    expect(append.append.records).toHaveLength(1);
    expect(engine.queued).toBe(1);
  });

  test("[LM23] [TE5] what stood behind a conflict is ignored, also where the batch ended between them", () => {
    const last = { mid: 1, id: "other", from: "app", code: "no", details: {} } as const;
    const row: ClientRow = { clientId: "a", last: 1, settled: 0, outcomes: [last] };
    const { engine, offer } = engineOf({ rows: { a: row } });
    offer(from("a", 1, add("x")), from("a", 2, add("y")), from("b", 1, add("z")));
    expect(engine.take(1, after(1)).map(({ type }) => type)).toEqual(["mid-conflict"]);
    const next = engine.take(2, after(9)).find(({ type }) => type === "append") as { append: Append };
    expect(next.append.records.map(({ author }) => author?.clientId)).toEqual(["b"]);
  });

  test("[LM23] what a conflict of the log leaves is decided anew before what was not decided yet", () => {
    const { engine, offer } = engineOf();
    offer(...[1, 2, 3].map((mid) => from("a", mid, add(`${mid}`))));
    engine.take(1, after(2));
    expect(engine.conflicted().map(({ type }) => type)).toEqual(["read"]);
    const loads = engine.missed({ status: "records", records: [] }, 100);
    expect(loads.map(({ type }) => type)).toEqual(["load-row"]);
    engine.rowLoaded("a", undefined);
    const append = engine.take(2).find(({ type }) => type === "append") as { append: Append };
    expect(append.append.records.map(({ mid }) => mid)).toEqual([1, 2, 3]);
  });
});
