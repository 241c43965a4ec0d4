import { expect, test } from "vitest";
import { handClock } from "../../../test/wired.ts";
import { postgresCalls } from "./calls.ts";
import type { PostgresRow } from "./driver.ts";

const refused = (code: string): Error => Object.assign(new Error("refused"), { code });

/** A driver that answers as it is told, one call after another; then not at all. */
function calls(...answers: readonly (Error | PostgresRow)[]) {
  const { clock, advance } = handClock();
  const said: unknown[] = [];
  const rest = [...answers];
  const { query } = postgresCalls({
    clock,
    deadline: 10_000,
    driver: {
      name: "told",
      query(text, values, signal) {
        said.push([text, ...values]);
        signal?.addEventListener("abort", () => said.push("given up"));
        const answer = rest.shift();
        if (answer === undefined) return new Promise(() => undefined);
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve([answer]);
      },
      listen: () => Promise.reject(new Error("not here")),
      renew: () => void said.push("renewed"),
    },
  });
  return { advance, said, query };
}

test("[PG1] values go out as text", async () => {
  const { query, said } = calls({});
  await query("it", [1, [true, "a"], null]);
  expect(said).toEqual([["it", "1", '{true,"a"}', null]]);
});

test.each(["40P01", "40001", "57014", "53300", "55P03"])(
  "[PG4] what was surely not done (%s) is repeated once",
  async (code) => {
    const { query, said } = calls(refused(code), { n: "1" });
    expect(await query("it")).toEqual([{ n: "1" }]);
    expect(said).toEqual([["it"], ["it"]]);
    const twice = calls(refused(code), refused(code), { n: "1" });
    await expect(twice.query("it")).rejects.toMatchObject({ code: "storage", details: { code } });
    expect(twice.said).toHaveLength(2);
  },
);

test.each(["23505", "CA001", "57P01", "ECONNRESET"])(
  "[PG4] anything else (%s) is not, and rejects with its code",
  async (code) => {
    const { query, said } = calls(refused(code), { n: "1" });
    await expect(query("it")).rejects.toMatchObject({
      code: "storage",
      details: { code, message: "refused" },
    });
    expect(said).toEqual([["it"]]);
  },
);

test("[PG4] a server that has become read-only is left before the repeat", async () => {
  const { query, said } = calls(refused("25006"), { n: "1" });
  expect(await query("it")).toEqual([{ n: "1" }]);
  expect(said).toEqual([["it"], "renewed", ["it"]]);
});

test("[PG5] what does not answer in time is given up, its repeat too, and nothing is repeated behind that", async () => {
  const { query, said, advance } = calls(refused("40001"));
  const answer = query("it").catch((error: unknown) => error);
  await advance(9_999);
  expect(said).toEqual([["it"], ["it"]]);
  await advance(1);
  expect(await answer).toMatchObject({ code: "storage", details: { code: "deadline" } });
  expect(new Set(said.slice(2))).toEqual(new Set(["given up"]));
});

test("[PG5] an answer in time leaves no timer", async () => {
  const { query, said, advance } = calls({});
  await query("it");
  await advance(20_000);
  expect(said).toEqual([["it"]]);
});
