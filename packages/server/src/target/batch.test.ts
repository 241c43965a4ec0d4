import { automatic, DEFAULT_LIMITS, json } from "@calla/shared";
import type { Limits, Message } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { countingRandom, list } from "../../test/wired.ts";
import type { Admit, Intent } from "../app/intent.ts";
import type { ClientRow } from "../log/log.ts";
import { chainMark } from "../log/record.ts";
import { Scales } from "../model/model-limits.ts";
import { Batch } from "./batch.ts";
import { emptyRow, rowOf } from "./client-row.ts";

const carrier = automatic(json());
const EMPTY = { sequence: 0, mark: 0, at: 0, model: { items: [] as string[] }, removed: false };
interface Given {
  readonly state?: Partial<typeof EMPTY>;
  readonly limits?: Partial<Limits>;
  readonly admit?: Admit<string>;
  readonly rows?: readonly ClientRow[];
  readonly now?: number;
  readonly hooked?: boolean;
  readonly slice?: typeof list;
}

/** A batch at work: what it decides of intents, one after the other. */
function begun({
  state,
  limits: given,
  admit,
  rows = [],
  now = 100,
  hooked = true,
  slice = list,
}: Given = {}) {
  const limits = { ...DEFAULT_LIMITS, ...given };
  const batch = new Batch<string>(
    {
      target: "list:1",
      slice,
      state: EMPTY,
      admit: admit ?? ((intent) => ({ ok: true, messages: intent.messages, amended: false })),
      carrier,
      limits,
      random: countingRandom(),
      strict: true,
      hooked: () => hooked,
      scales: new Scales({ target: "list:1", limits, domain: carrier.domain }),
    },
    { ...EMPTY, ...state },
    new Map(["ann", "bo"].map((id) => [id, rows.find((row) => row.clientId === id) ?? emptyRow(id)])),
    now,
  );
  const decide = (...intents: Intent<string>[]) => {
    for (const intent of intents) batch.decide(intent);
    return batch.flight;
  };
  return { batch, decide, flight: batch.flight };
}
const add = (item: string): Message => ({ type: "added", item });
const from = (clientId: string, mid: number, more: Partial<Intent<string>> = {}): Intent<string> => ({
  author: { clientId, userId: null },
  row: clientId,
  mid,
  id: `${clientId}-${mid}`,
  settled: 0,
  messages: [add(`${clientId}${mid}`)],
  reply: clientId,
  ...more,
});
const byServer = (more: Partial<Intent<string>> = {}): Intent<string> =>
  from("", 0, { author: null, row: "", id: "own", messages: [add("own")], ...more });
const told = ({ tells }: { tells: readonly { type: string; code?: string }[] }) =>
  tells.map(({ type, code }) => (code === undefined ? type : `${type} ${code}`));

describe("what is accepted", () => {
  test("follows the head, each on the model that the ones before it left, in a chain of marks", () => {
    const { decide } = begun({ state: { sequence: 4, mark: 77, at: 50 } });
    const flight = decide(from("ann", 1), from("bo", 1), byServer());
    expect(flight.state).toMatchObject({ sequence: 7, at: 100, model: { items: ["ann1", "bo1", "own"] } });
    expect(flight.records.map(({ sequence, mid }) => [sequence, mid])).toEqual([
      [5, 1],
      [6, 1],
      [7, 0],
    ]);
    let mark = 77;
    for (const record of flight.records) expect(record.mark).toBe((mark = chainMark(mark, record)));
    expect(flight.state.mark).toBe(mark);
    expect(told(flight)).toEqual(["accepted", "accepted", "accepted"]);
  });

  test("[TE8] begins a history by chance, so that another one with equal content has other marks", () => {
    const one = begun().decide(from("ann", 1)).records[0]!;
    expect(one.mark).not.toBe(chainMark(0, one));
    expect(one.mark).toBe(chainMark(countingRandom().uint32(), one));
  });

  test("is never dated before what stands there already", () => {
    expect(begun({ state: { at: 500 }, now: 100 }).decide(from("ann", 1)).records[0]?.at).toBe(500);
  });

  test("is remembered of its client; the server's own without a key is remembered of nobody", () => {
    const { rows } = begun().decide(from("ann", 1), from("ann", 2), byServer());
    expect([...rows.keys()]).toEqual(["ann"]);
    expect(rowOf(rows.get("ann")!)).toMatchObject({
      last: 2,
      outcomes: [
        { mid: 1, id: "ann-1", sequence: 1 },
        { mid: 2, id: "ann-2", sequence: 2 },
      ],
    });
  });

  test("[S9] keeps what was made of it where the app amended it, one message or several", () => {
    const amended =
      (messages: Message[]): Admit<string> =>
      () => ({ ok: true, messages, amended: true });
    const outcome = (messages: Message[]) =>
      rowOf(
        begun({ admit: amended(messages) })
          .decide(from("ann", 1))
          .rows.get("ann")!,
      ).outcomes[0];
    expect(outcome([add("x")])).toMatchObject({ messages: [add("x")] });
    expect(outcome([add("x"), add("y")])).toMatchObject({ messages: [add("x"), add("y")] });
  });

  test("comes with the model after it only where a hook asks", () => {
    expect(begun().decide(from("ann", 1)).tells[0]).toMatchObject({ model: { items: ["ann1"] } });
    expect(begun({ hooked: false }).decide(from("ann", 1)).tells[0]).toMatchObject({ model: undefined });
  });
});

describe("dedupe", () => {
  const row: ClientRow = {
    clientId: "ann",
    last: 3,
    settled: 1,
    outcomes: [
      { mid: 2, id: "ann-2", sequence: 9 },
      { mid: 3, id: "ann-3", from: "app", code: "no", details: { why: 1 } },
    ],
  };

  test("what is known has its outcome again, and nothing is applied", () => {
    const flight = begun({ rows: [row] }).decide(from("ann", 2), from("ann", 3));
    expect(flight.tells).toMatchObject([
      { type: "applied", mid: 2, sequence: 9 },
      { type: "rejected", mid: 3, from: "app", code: "no", details: { why: 1 } },
    ]);
    expect(flight.records).toEqual([]);
  });

  test("what came twice in one batch is applied once", () => {
    const flight = begun().decide(from("ann", 1), from("ann", 1));
    expect(told(flight)).toEqual(["accepted", "applied"]);
    expect(flight.records).toHaveLength(1);
  });

  test("a mid before it is missing: it waits for that", () => {
    expect(begun({ rows: [row] }).decide(from("ann", 5)).tells).toEqual([
      { type: "pause", reply: "ann", from: 4, code: "gap" },
    ]);
  });

  test("[TE5] a mid under another id, or forgotten, is a conflict, and nothing more of it is taken; of others it is", () => {
    for (const conflicting of [from("ann", 2, { id: "other" }), from("ann", 1)]) {
      const flight = begun({ rows: [row] }).decide(conflicting, from("ann", 4), from("bo", 1));
      expect(told(flight)).toEqual(["mid-conflict", "accepted"]);
      expect(flight.midConflicts).toEqual(new Set(["ann"]));
      expect(flight.records.map(({ id }) => id)).toEqual(["bo-1"]);
    }
  });

  test("who settles no outcomes is paused once so many are kept, and goes on when it does", () => {
    const { decide, flight } = begun({ limits: { maxInFlight: 2 } });
    decide(from("ann", 1), from("ann", 2), from("ann", 3));
    expect(told(flight)).toEqual(["accepted", "accepted", "pause in-flight"]);
    decide(from("ann", 3, { settled: 1 }));
    expect(told(flight).at(-1)).toBe("accepted");
  });
});

describe("what is refused", () => {
  test("by the app or by an update leaves the model, and its outcome is remembered", () => {
    const refusing: Admit<string> = () => ({ ok: false, from: "app", code: "no", details: { why: 1 } });
    const flight = begun({ admit: refusing }).decide(from("ann", 1));
    expect(flight).toMatchObject({ refused: true, records: [], state: EMPTY_STATE });
    expect(flight.tells).toMatchObject([{ type: "rejected", from: "app", code: "no", details: { why: 1 } }]);
    expect(rowOf(flight.rows.get("ann")!).outcomes).toMatchObject([{ mid: 1, code: "no" }]);
  });

  test("[TE21] an update's mistake is reported to the app as well", () => {
    const throwing = {
      ...list,
      update: {
        ...list.update,
        added: () => {
          throw new Error("a mistake");
        },
      },
    } as unknown as typeof list;
    const { batch, decide } = begun({ slice: throwing });
    expect(told(decide(from("ann", 1)))).toEqual(["rejected update-threw"]);
    expect(batch.effects).toMatchObject([{ type: "report", error: { code: "update-threw" } }]);
  });

  test("a mid that its client gave up is decided: never applied, whenever it is sent again", () => {
    const flight = begun().decide(from("ann", 1, { messages: [] }), from("ann", 1));
    expect(told(flight)).toEqual(["rejected cancelled", "rejected cancelled"]);
  });

  test("[LM7] a model over the limit, whoever makes it; the batch goes on without it", () => {
    const flight = begun({ limits: { maxModelBytes: 60 } }).decide(
      from("ann", 1, { messages: [add("x".repeat(100))] }),
      byServer({ messages: [add("x".repeat(100))] }),
      from("ann", 2),
    );
    expect(told(flight)).toEqual(["rejected too-large", "rejected too-large", "accepted"]);
    expect(flight.state.model).toEqual({ items: ["ann2"] });
  });

  test("[TE19] of strangers who may not come here nothing is kept; of a client that is known the outcome is", () => {
    const stranger = begun().decide(from("ann", 1, { denied: "forbidden" }));
    expect(told(stranger)).toEqual(["rejected forbidden"]);
    expect(stranger.rows.size).toBe(0);
    expect(stranger.refused).toBe(false);
  });

  test("[TE23] a topic that only the server makes is made by nobody else, and nothing is kept of who tried", () => {
    const made = { ...list, created: "server" } as typeof list;
    const flight = begun({ slice: made }).decide(
      from("ann", 1),
      byServer({ unlessRemoved: true }),
      byServer(),
      from("ann", 1),
    );
    expect(told(flight)).toEqual(["rejected missing", "rejected missing", "accepted", "accepted"]);
    expect(flight.refused).toBe(true);
  });
});

describe("a removed target", () => {
  const state = { sequence: 4, mark: 7, removed: true };

  test("comes back by the server's own dispatch alone, with a record of the whole model before it", () => {
    const flight = begun({ state }).decide(from("ann", 1), byServer({ unlessRemoved: true }), byServer());
    expect(told(flight)).toEqual(["rejected removed", "rejected removed", "accepted"]);
    expect(flight.records).toMatchObject([
      { sequence: 5, author: null, model: { value: { items: [] } } },
      { sequence: 6, author: null, messages: [add("own")] },
    ]);
    expect(flight.state).toMatchObject({ sequence: 6, removed: false });
  });

  test("is there for those behind it in the batch", () => {
    expect(told(begun({ state }).decide(byServer(), from("ann", 1)))).toEqual(["accepted", "accepted"]);
  });
});

const EMPTY_STATE = { sequence: 0, mark: 0, model: { items: [] } };
