import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { CallaError } from "../base/errors.ts";
import type { UpdateStep } from "../updates/run-update.ts";
import { runUpdate } from "../updates/run-update.ts";
import type { Context } from "../wiring/context.ts";
import { defineTopic } from "../wiring/define.ts";
import type { Message } from "../wiring/slice.ts";
import type { Budget } from "./budget.ts";
import { checkInitial, conversion, strictUpdate } from "./strict.ts";

const Board = z.object({
  cards: z.array(z.object({ id: z.string(), text: z.string(), at: z.number().optional() })),
  seen: z.map(z.string(), z.number()).optional(),
});
type Board = z.infer<typeof Board>;
type Update = (
  board: Board,
  message: { readonly type: "run" },
  context: Context<{ no: { id: string } }>,
) => Board;

/** A board with one message whose update is the test's. */
const boardWith = (
  run: Update,
  model: z.ZodType<Board> = Board,
  initial: () => Board = () => ({ cards: [] }),
) =>
  defineTopic("board:*", {
    model,
    initial,
    messages: { run: z.object({}) },
    rejections: { no: z.object({ id: z.string() }) },
    update: { run },
  });
const values = { at: 1_000, userId: "ada", visitor: "", messageId: "m7" };
/** What a rule-breaking update is, to the compiler. */
const wrong = (
  update: (board: Board, message: Message, context: Context<{ no: { id: string } }>) => unknown,
) => update as Update;
/** A budget that has room for every check. */
const always: Budget = { within: (_slice, _kind, check) => check((work) => work()) };

const apply = (
  run: Update,
  { strict = true, model = { cards: [] } }: { strict?: boolean; model?: Board } = {},
): UpdateStep =>
  strict
    ? strictUpdate(boardWith(run), model, { type: "run" }, values, 0, always)
    : runUpdate(boardWith(run), model, { type: "run" }, values, 0);

describe("strict mode", () => {
  afterEach(() => vi.useRealTimers());

  const strictError = (update: Update, model: Board = { cards: [{ id: "1", text: "a" }] }): string => {
    const applied = apply(update, { model });
    if (applied.ok || applied.kind !== "threw") throw new Error(`not thrown: ${JSON.stringify(applied)}`);
    expect(applied.error).toMatchObject({ code: "strict", details: { slice: "board:*", message: "run" } });
    expect(applied.error.message).toMatch(/^Slice "board:\*": the update of "run" /);
    expect(apply(update, { strict: false, model: structuredClone(model) }).ok).toBe(true);
    return applied.error.message;
  };

  test.each<[string, Update]>([
    [
      "a field",
      (board) => {
        board.cards = [];
        return board;
      },
    ],
    [
      "a field deep inside",
      (board) => {
        const [card] = board.cards;
        if (card) card.text = "b";
        return { ...board };
      },
    ],
    [
      "an array",
      (board) => {
        board.cards.push({ id: "2", text: "" });
        return board;
      },
    ],
    [
      "a length",
      (board) => {
        board.cards.length = 0;
        return board;
      },
    ],
    [
      "by deleting",
      wrong((board) => {
        delete (board as Partial<Board>).cards;
        return { cards: [] };
      }),
    ],
    [
      "the message",
      wrong((board, message) => {
        (message as { type: string }).type = "x";
        return board;
      }),
    ],
  ])("[WR21] a mutation is reported: %s", (_, update) => {
    expect(strictError(update)).toMatch(
      /changes what it was given; return a changed copy instead\. \(TypeError: /,
    );
  });

  test("[WR21] so is one by code of another realm", () => {
    const update = runInNewContext('"use strict"; (board) => { board.cards = []; return board; }') as Update;
    expect(strictError(update)).toMatch(/changes what it was given; return a changed copy instead/);
  });

  test("[WR21] a mutated Map is reported", () => {
    const update: Update = (board) => {
      board.seen?.set("x", 1);
      return board;
    };
    expect(strictError(update, { cards: [], seen: new Map() })).toMatch(
      /changes what it was given.*Map, Set, Date or Uint8Array/,
    );
  });

  test("[WR21] the result is frozen deeply", () => {
    const applied = apply((board) => ({ cards: [...board.cards, { id: "2", text: "" }] }));
    if (!applied.ok) throw new Error("refused");
    const { cards } = applied.model as Board;
    expect(
      Object.isFrozen(applied.model) &&
        Object.isFrozen(cards) &&
        cards.every((card) => Object.isFrozen(card)),
    ).toBe(true);
  });

  let outside = 0;
  const add =
    (card: { id?: string; at?: number }): Update =>
    (board) => ({ cards: [...board.cards, { id: "2", text: "", ...card }] });
  test.each<[string, Update]>([
    ["Math.random()", (board, ...rest) => add({ id: String(Math.random()) })(board, ...rest)],
    ["Date.now()", (board, ...rest) => add({ at: Date.now() })(board, ...rest)],
    ["new Date()", (board, ...rest) => add({ at: new Date().getTime() })(board, ...rest)],
    ["Date()", (board, ...rest) => add({ id: Date() })(board, ...rest)],
    ["outside state", (board, ...rest) => add({ at: outside++ })(board, ...rest)],
  ])("[WR22] impurity is reported with its place: %s", (_, update) => {
    expect(strictError(update)).toMatch(
      /is not pure: run twice on the same input it gave two results \(first at cards\[1\]\.(id|at)\)\. Use only the model, the message and the context/,
    );
  });

  test("[WR22] the same in another order by chance is impure too", () => {
    let calls = 0;
    const seen = () => {
      calls++;
      return new Map(["a", "b"].map((_, i) => ((i + calls) % 2 === 0 ? ["a", 1] : ["b", 2])));
    };
    expect(
      strictError((board) => ({ ...board, seen: seen() }) as never, { cards: [], seen: new Map() }),
    ).toMatch(/is not pure/);
  });

  test("[WR22] a clock that stands still hides nothing", () => {
    vi.useFakeTimers({ now: 5 });
    expect(strictError((board, ...rest) => add({ at: Date.now() })(board, ...rest))).toMatch(/is not pure/);
    expect(Date.now()).toBe(5);
  });

  test("[WR22] sometimes rejecting, or making ids at random, is impure too", () => {
    let calls = 0;
    expect(
      apply((board, _, context) => (calls++ % 2 === 1 ? context.reject("no", { id: "1" }) : board)),
    ).toMatchObject({ kind: "threw", error: { code: "strict" } });
    expect(
      apply((board, _, context) => {
        if (calls++ % 2 === 1) context.id();
        return board;
      }),
    ).toMatchObject({ kind: "threw", error: { code: "strict" } });
  });

  test("[WR22] dates made from the record are fine, and Date is put back after a throw", () => {
    const real = globalThis.Date;
    let made: Date | undefined;
    const fine = apply((board, _, context) => {
      made = new Date(context.at);
      expect(
        made instanceof Date && Object.getPrototypeOf(made) === real.prototype && Date.UTC(1970) === 0,
      ).toBe(true);
      return { cards: [{ id: made.toISOString(), text: "" }, ...board.cards] };
    });
    expect(fine.ok).toBe(true);
    expect(made).toBeInstanceOf(real);
    let calls = 0;
    apply(() => {
      calls++;
      if (calls === 2) throw new Error("second");
      return { cards: [] };
    });
    expect(calls).toBe(2);
    expect(globalThis.Date).toBe(real);
  });

  test("[WR23] a typo is reported with its place", () => {
    const typo = wrong((board) => ({ cards: [...board.cards, { id: "2", text: "", txet: "x" }] }));
    expect(strictError(typo)).toMatch(
      /returned a wrong model: the model's schema gives something else back \(first at cards\[1\]\.txet\)/,
    );
    const top = wrong((board) => ({ ...board, crads: [] }));
    expect(strictError(top)).toMatch(/first at crads/);
  });

  test("[WR23] a wrong field is reported with its place", () => {
    expect(strictError(wrong(() => ({ cards: [{ id: 2, text: "" }] })))).toMatch(
      /returned a wrong model: cards\[0\]\.id: /,
    );
    expect(strictError(wrong(() => null))).toMatch(/returned a wrong model: /);
  });

  test("[WR23] what cannot be compared is contained", () => {
    const cycle = wrong(() => {
      const model: { cards: unknown[] } = { cards: [] };
      model.cards.push(model);
      return model;
    });
    expect(apply(cycle)).toMatchObject({ kind: "threw", error: { code: "strict" } });
  });
});

describe("where the checks are made", () => {
  const counted = (budget: Budget) => {
    let runs = 0;
    const slice = boardWith((board) => {
      runs++;
      return { cards: [...board.cards] };
    });
    return { step: strictUpdate(slice, { cards: [] }, { type: "run" }, values, 4, budget), runs, slice };
  };

  test("[WR21] an update runs twice, and what the app's own code takes is told apart", () => {
    const asked: unknown[] = [];
    let own = 0;
    const { step, runs, slice } = counted({
      within(given, kind, check) {
        asked.push(given, kind);
        return check((work) => {
          own++;
          return work();
        });
      },
    });
    expect(step).toEqual({ ok: true, model: { cards: [] }, ids: 4 });
    expect([runs, own]).toEqual([2, 2]);
    expect(asked).toEqual([slice, "run"]);
  });

  test("[WR24] without room for a check it runs once, and nothing is frozen or refused", () => {
    const { step, runs } = counted({ within: () => undefined });
    expect([step, runs]).toEqual([{ ok: true, model: { cards: [] }, ids: 4 }, 1]);
    expect(step.ok && Object.isFrozen(step.model)).toBe(false);
    const typo = boardWith(wrong(() => ({ cards: [], crads: [] })));
    const none: Budget = { within: () => undefined };
    expect(strictUpdate(typo, { cards: [] }, { type: "run" }, values, 0, none).ok).toBe(true);
  });

  test("[WR24] the model that came back as it was is not parsed again", () => {
    let parsed = 0;
    const counting = Board.refine(() => {
      parsed++;
      return true;
    });
    const model = { cards: [] };
    const run = (update: Update) =>
      strictUpdate(boardWith(update, counting), model, { type: "run" }, values, 0, always);
    expect(run((board) => board)).toMatchObject({ ok: true });
    expect(parsed).toBe(0);
    expect(run((board) => ({ ...board }))).toMatchObject({ ok: true });
    expect(parsed).toBe(1);
  });

  test("[WR21] what another has frozen at the top only is frozen inside, too", () => {
    const model = Object.freeze({ cards: [{ id: "1", text: "a" }] });
    const inside: Update = (board) => {
      board.cards[0]!.text = "b";
      return board;
    };
    for (let times = 0; times < 2; times++) {
      const step = apply(inside, { model });
      expect(step).toMatchObject({ ok: false, kind: "threw", error: { code: "strict" } });
      expect(model.cards[0]!.text).toBe("a");
    }
  });

  test("[WR21] a Map is looked at each time it is given, also in a model that was checked before", () => {
    const model = { cards: [], seen: new Map([["x", 1]]) };
    expect(apply((board) => board, { model }).ok).toBe(true);
    const clearing: Update = (board) => {
      board.seen?.clear();
      return board;
    };
    expect(apply(clearing, { model })).toMatchObject({ kind: "threw", error: { code: "strict" } });
  });

  test("[WR22] a rejection that is the same both times is one; with other details the update is not pure", () => {
    const rejecting = (id: () => string) =>
      apply((_board, _message, context) => context.reject("no", { id: id() }));
    expect(rejecting(() => "1")).toEqual({ ok: false, kind: "rejected", code: "no", details: { id: "1" } });
    let calls = 0;
    expect(rejecting(() => String(calls++))).toMatchObject({ kind: "threw", error: { code: "strict" } });
  });

  test("[WR18] an update that throws by itself is not taken for one that changes its input", () => {
    const cause = new TypeError("x is not a function");
    const step = apply(() => {
      throw cause;
    });
    expect(step).toMatchObject({ kind: "threw", error: { code: "update-threw", details: { cause } } });
  });

  test("[WR23] a schema that throws at the result is the update's trouble, contained", () => {
    const throwing = Board.transform(() => {
      throw new Error("in the schema");
    }) as unknown as z.ZodType<Board>;
    const step = strictUpdate(
      boardWith((board) => ({ ...board }), throwing),
      { cards: [] },
      { type: "run" },
      values,
      0,
      always,
    );
    expect(step).toMatchObject({ kind: "threw", error: { code: "strict" } });
    expect(!step.ok && step.kind === "threw" && step.error.message).toMatch(/its schema threw: /);
  });

  test("[WR23] a model that is nested too deeply could not be checked; a little less deeply it can", () => {
    const nested = (levels: number): Board => {
      let deep: unknown = 1;
      for (let i = 0; i < levels; i++) deep = [deep];
      return { cards: deep } as never;
    };
    expect(apply((board) => board, { model: nested(500) }).ok).toBe(true);
    const step = apply((board) => board, { model: nested(600) });
    expect(step).toMatchObject({ kind: "threw", error: { code: "strict" } });
    expect(!step.ok && step.kind === "threw" && step.error.message).toMatch(/could not be checked: /);
  });
});

describe("a first model", () => {
  const begin = (initial: () => unknown, model: unknown = initial()) =>
    checkInitial(
      boardWith((board) => board, Board, initial as () => Board),
      model,
    );
  const refusal = (initial: () => unknown): CallaError => {
    try {
      begin(initial);
    } catch (error) {
      if (error instanceof CallaError) return error;
      throw error;
    }
    throw new Error("nothing was thrown");
  };

  test("[WR25] is frozen, and two calls that agree are fine", () => {
    const model = { cards: [{ id: "1", text: "" }] };
    expect(begin(() => ({ cards: [{ id: "1", text: "" }] }), model)).toBeUndefined();
    expect([Object.isFrozen(model), Object.isFrozen(model.cards[0])]).toEqual([true, true]);
  });

  test("[WR25] that another call makes otherwise is refused with the place, a changed order too", () => {
    let calls = 0;
    const counting = refusal(() => ({ cards: [{ id: String(calls++), text: "" }] }));
    expect(counting.code).toBe("strict");
    expect(counting.message).toMatch(
      /^Slice "board:\*": initial\(\) is not pure: called twice it gave two models \(first at cards\[0\]\.id\)\. Every replica/,
    );
    let turned = false;
    const pairs = [
      ["a", 1],
      ["b", 2],
    ] as const;
    const turning = refusal(() => {
      turned = !turned;
      return { cards: [], seen: new Map(turned ? pairs : pairs.toReversed()) };
    });
    expect(turning.message).toMatch(/is not pure: called twice it gave two models\. /);
  });

  test("[WR25] that its schema does not know is refused, naming the field", () => {
    expect(refusal(() => ({ cards: [], crads: [] })).message).toMatch(/a wrong model: .*\(first at crads\)/);
    expect(refusal(() => ({ cards: "none" })).message).toMatch(/a wrong model: cards: /);
  });
});

test("[WR14] a schema converts if it changes or refuses what it gave; one that only describes does not", () => {
  expect(conversion(z.object({ n: z.number() }), { n: 1 })).toBeUndefined();
  expect(conversion(z.object({ n: z.number().default(1) }), { n: 1 })).toBeUndefined();
  const doubling = z.object({ n: z.number().transform((n) => 2 * n) });
  expect(conversion(doubling, { n: 1 })).toBe(
    "converts: given its own output, it changes it again (first at n). Schemas describe; convert before dispatch.",
  );
  const parsing = z.object({ n: z.string().transform(Number) });
  expect(conversion(parsing, { n: 1 })).toMatch(
    /^converts: given its own output, it refuses it: n: .*\. Schemas describe/,
  );
});

test("[WR22] the place of a difference is named as deep as it can be: an item too many, a field that one lacks", () => {
  let calls = 0;
  const placed = (make: (odd: boolean) => Board): string => {
    const step = apply(() => make(calls++ % 2 === 0));
    return !step.ok && step.kind === "threw" ? step.error.message : "";
  };
  const card = { id: "1", text: "" };
  expect(placed((odd) => ({ cards: odd ? [] : [card] }))).toContain("(first at cards[0])");
  expect(placed((odd) => ({ cards: [odd ? card : { ...card, at: 1 }] }))).toContain("(first at cards[0].at)");
  expect(placed((odd) => ({ cards: [], seen: new Map([["x", odd ? 1 : 2]]) }))).toContain("(first at seen)");
  expect(placed((odd) => ({ cards: odd ? [] : ({} as never) }))).toContain("(first at cards)");
});
