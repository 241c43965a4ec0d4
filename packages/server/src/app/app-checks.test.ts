// How many of the app's checks are under way, whose turn it is, and what is taken back.
import { describe, expect, test } from "vitest";
import { handClock, inHand } from "../../test/wired.ts";
import { Asker, Check, AppChecks, Shown } from "./app-checks.ts";
import type { Question, Unanswered } from "./app-checks.ts";

class Ask implements Question<string> {
  readonly shown = new Shown();
  readonly call = inHand<unknown>();
  asked = false;
  reported: unknown[] = [];
  readonly #name: string;
  readonly #begun: string[];
  readonly #answer: unknown;
  constructor(name: string, begun: string[], answer?: unknown) {
    this.#name = name;
    this.#begun = begun;
    this.#answer = answer;
  }
  ask(): unknown {
    this.asked = true;
    this.#begun.push(this.#name);
    return this.#answer ?? this.call.promise;
  }
  said(answer: unknown): string {
    if (answer === "throw") throw new Error("looked at");
    return `said ${String(answer)}`;
  }
  failed(error: unknown): string {
    return `failed ${(error as Error).message}`;
  }
  unanswered(why: Unanswered): string {
    return why;
  }
  report(error: unknown): void {
    this.reported.push(error);
  }
}

function counted({ ofOne = 2, ofAll = 8, within = 1_000 } = {}) {
  const hand = handClock();
  const crowded: string[] = [];
  const checks = new AppChecks({
    clock: hand.clock,
    ofOne,
    ofAll,
    within,
    crowded: (limit) => crowded.push(limit),
  });
  const begun: string[] = [];
  const answers: string[] = [];
  /** Asks so many questions, and writes down what comes of them. */
  const ask = (asker: Asker, ...names: string[]) =>
    names.map((name) => {
      const question = new Ask(name, begun);
      const answer = checks.ask(asker, question);
      if (!(answer instanceof Check)) throw new Error("answered at once");
      void answer.answer.then((said) => answers.push(`${name} ${said}`));
      return { question, check: answer };
    });
  const take = (list: string[]): string[] => list.splice(0);
  return { ...hand, checks, ask, crowded, begun: () => take(begun), answers: () => take(answers) };
}
const letters = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);

describe("how many are under way", () => {
  test("[HA12] [HA20] so many of one connection; the others wait in order and begin as those end", async () => {
    const { ask, begun, answers, settle, checks } = counted();
    const asked = ask(new Asker("ada"), "a", "b", "c", "d");
    expect(begun()).toEqual(["a", "b"]);
    asked[1]!.question.call.keep(true);
    await settle();
    expect([begun(), answers()]).toEqual([["c"], ["b said true"]]);
    asked[0]!.question.call.break(new Error("no database"));
    await settle();
    expect([begun(), answers()]).toEqual([["d"], ["a failed no database"]]);
    for (const { question } of asked.slice(2)) question.call.keep(false);
    await settle();
    expect([answers(), checks.running]).toEqual([["c said false", "d said false"], 0]);
  });

  test("[HA12] an answer that comes at once is none under way, however many there are", () => {
    const { checks } = counted();
    const asker = new Asker("ada");
    for (let i = 0; i < 100; i++) expect(checks.ask(asker, new Ask("a", [], "yes"))).toBe("said yes");
    expect(checks.running).toBe(0);
  });

  test("[HA12] of one party at most a quarter of all, whatever its connections, so that others find room", () => {
    const { ask, begun } = counted({ ofOne: 2, ofAll: 8 });
    for (let i = 0; i < 10; i++) ask(new Asker("greedy"), "g", "g");
    expect(begun()).toEqual(["g", "g"]);
    ask(new Asker("ada"), "a", "b");
    expect(begun()).toEqual(["a", "b"]);
  });

  test("[HA12] [HA20] turns go round the parties, and within one round its connections", async () => {
    const { ask, begun, settle } = counted({ ofOne: 4, ofAll: 4 });
    const busy = ["p", "q", "r", "s"].map((party) => ask(new Asker(party), "busy")[0]!);
    begun();
    const [one, two, ada] = [new Asker("greedy"), new Asker("greedy"), new Asker("ada")];
    ask(one, ...letters(3, "one"));
    ask(two, ...letters(3, "two"));
    ask(ada, ...letters(2, "ada"));
    const order: string[] = [];
    let ends = busy.map(({ question }) => question);
    for (let i = 0; i < 10; i++) {
      for (const question of ends) question.call.keep(true);
      await settle();
      order.push(...begun());
      // Only one of a party is under way at a time here.
      ends = [one, two, ada].flatMap(({ calls }) =>
        [...(calls ?? [])].map(({ question }) => question as Ask),
      );
    }
    expect(order).toEqual(["one1", "ada1", "two1", "ada2", "one2", "two2", "one3", "two3"]);
  });
});

describe("time", () => {
  test("[HA12] [HA3] the time of an answer counts from its call, that of a turn from the asking", async () => {
    const { ask, advance, answers, begun, crowded, checks } = counted({ ofOne: 1 });
    const asker = new Asker("ada");
    ask(asker, "first");
    await advance(500);
    ask(asker, "second", "third");
    await advance(499);
    expect([answers(), begun()]).toEqual([[], ["first"]]);
    await advance(1);
    expect([answers(), begun()]).toEqual([["first late"], ["second"]]);
    await advance(499);
    expect([answers(), crowded]).toEqual([[], []]);
    await advance(1);
    expect([answers(), crowded]).toEqual([["third crowded"], ["ofOne"]]);
    await advance(499);
    expect(answers()).toEqual([]);
    await advance(1);
    expect([answers(), begun(), checks.running]).toEqual([["second late"], [], 0]);
  });

  test("[HA12] [HA22] what hangs is given up when it is late, and its signal says so", async () => {
    const { ask, advance, answers, checks, begun } = counted({ ofOne: 1, within: 1_000 });
    const [hangs] = ask(new Asker("ada"), "hangs");
    const { signal } = hangs!.question.shown;
    await advance(500);
    const [next] = ask(hangs!.check.asker, "next");
    expect(signal.aborted).toBe(false);
    await advance(500);
    expect([answers(), begun()]).toEqual([["hangs late"], ["hangs", "next"]]);
    expect([signal.aborted, (signal.reason as Error).name]).toEqual([true, "TimeoutError"]);
    hangs!.question.call.break(new Error("too late"));
    next!.question.call.keep(1);
    await advance(0);
    expect([answers(), checks.running, hangs!.question.reported]).toEqual([["next said 1"], 0, []]);
  });
});

describe("what means nothing any more", () => {
  test("[HA13] whoever has gone takes back what waits and what is asked; that counts until it has ended", async () => {
    const { ask, checks, settle, answers, begun } = counted();
    const ada = new Asker("ada");
    const [a, b, c] = ask(ada, "a", "b", "c");
    const { signal } = a!.question.shown;
    checks.left(ada);
    await settle();
    expect(answers().toSorted()).toEqual(["a withdrawn", "b withdrawn", "c withdrawn"]);
    expect(signal.aborted).toBe(true);
    expect(b!.question.shown.signal.aborted).toBe(true);
    expect([checks.running, c!.question.asked]).toEqual([2, false]);
    // The same party asks again, and finds its share still in use.
    begun();
    ask(new Asker("ada"), "again");
    expect(begun()).toEqual([]);
    a!.question.call.keep(true);
    await settle();
    expect([begun(), checks.running]).toEqual([["again"], 2]);
  });

  test("[HA13] a call that was withdrawn keeps its asker's place until it has ended, one after the other", async () => {
    const { ask, settle, begun } = counted({ ofOne: 2, ofAll: 80 });
    const ada = new Asker("ada");
    const [a, b] = ask(ada, "a", "b");
    for (const { check } of [a!, b!]) check.withdraw();
    await settle();
    begun();
    ask(ada, "again", "once more");
    await settle();
    expect(begun()).toEqual([]);
    a!.question.call.keep(true);
    await settle();
    expect(begun()).toEqual(["again"]);
    b!.question.call.keep(true);
    await settle();
    expect(begun()).toEqual(["once more"]);
  });

  test("[HA13] [HA22] what a call throws after its signal said stop is not reported; of one that never read the signal it is", async () => {
    const { ask, settle } = counted();
    const [told, untold] = ask(new Asker("ada"), "told", "untold");
    expect(told!.question.shown.signal.aborted).toBe(false);
    for (const { check } of [told!, untold!]) check.withdraw();
    for (const { question } of [told!, untold!]) question.call.break(new Error("stopped"));
    await settle();
    expect([told!.question.reported, untold!.question.reported]).toEqual([[], [new Error("stopped")]]);
  });

  test("[HA13] [HA22] a signal costs nothing unless it is read, also afterwards", async () => {
    const { ask, settle } = counted();
    const [one] = ask(new Asker("ada"), "one");
    expect(Shown.heard(one!.question.shown)).toBe(false);
    one!.question.call.keep(true);
    await settle();
    one!.check.withdraw();
    // It was answered: nothing is aborted.
    expect(one!.question.shown.signal.aborted).toBe(false);
  });

  test("[HA12] an answer that throws when it is looked at has failed", async () => {
    const { ask, settle, answers, checks } = counted({ ofOne: 1 });
    const asker = new Asker("ada");
    const [one] = ask(asker, "one", "two");
    one!.question.call.keep("throw");
    await settle();
    expect(answers()).toEqual(["one failed looked at"]);
    expect(checks.running).toBe(1);
    expect(checks.ask(new Asker("bob"), new Ask("x", [], "throw"))).toBe("failed looked at");
  });
});
