import { describe, expect, test } from "vitest";
import { Budget } from "./budget.ts";
import { Rounds } from "./rounds.ts";

describe("rounds", () => {
  const all = (rounds: Rounds<string, string>): string[] => {
    const order: string[] = [];
    for (let one = rounds.next(); one !== undefined; one = rounds.next()) order.push(one);
    return order;
  };

  test("[LM22] go over the groups first and their members second, whoever came first", () => {
    const rounds = new Rounds<string, string>();
    for (const member of ["a1", "a2", "a3", "b1", "c1", "c2"]) rounds.add(member[0]!, member);
    expect(all(rounds)).toEqual(["a1", "b1", "c1", "a2", "c2", "a3"]);
    expect(rounds.empty).toBe(true);
  });

  test("[LM22] who asks again is behind its group, and waits once, however often it asks", () => {
    const rounds = new Rounds<string, string>();
    for (const member of ["a1", "a2", "b1"]) rounds.add(member[0]!, member);
    const order: string[] = [];
    for (let i = 0; i < 6; i++) {
      const one = rounds.next()!;
      order.push(one);
      rounds.add(one[0]!, one);
      rounds.add(one[0]!, one);
    }
    expect(order).toEqual(["a1", "b1", "a2", "b1", "a1", "b1"]);
  });

  test("[LM22] who has gone is not waited for", () => {
    const rounds = new Rounds<string, string>();
    for (const member of ["a1", "b1", "b2"]) rounds.add(member[0]!, member);
    rounds.remove("a", "a1");
    rounds.remove("b", "b1");
    rounds.remove("c", "c1");
    expect(all(rounds)).toEqual(["b2"]);
    expect(rounds.empty).toBe(true);
  });
});

describe("a budget", () => {
  test("[LM23] ends by its time or by its count, and begins anew", () => {
    let now = 10;
    const budget = new Budget(() => now, 2, 3);
    budget.begin();
    expect([budget.spend(), budget.spend(), budget.spend()]).toEqual([false, false, true]);
    budget.begin();
    expect(budget.spent).toBe(false);
    now = 12;
    expect(budget.spend()).toBe(true);
    budget.begin();
    expect([budget.spend(2), budget.spend(32)]).toEqual([false, true]);
  });
});
