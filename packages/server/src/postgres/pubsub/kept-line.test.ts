// A line that is lost, by a driver that does what a test says.
import { expect, test } from "vitest";
import { handClock } from "../../../test/wired.ts";
import type { PostgresDriver, PostgresLineEvents } from "../driver/driver.ts";
import { deafFailure } from "../driver/failures.ts";
import { KeptLine } from "./kept-line.ts";

function started() {
  const { clock, advance } = handClock();
  const told: string[] = [];
  /** When lines were asked for. */
  const asked: number[] = [];
  const state = { refuses: "" };
  let events: PostgresLineEvents | undefined;
  const driver: PostgresDriver = {
    name: "told",
    query: () => Promise.reject(new Error("not here")),
    listen(_, its) {
      asked.push(clock.monotonic());
      events = its;
      if (state.refuses !== "")
        return Promise.reject(Object.assign(new Error("no"), { code: state.refuses }));
      return Promise.resolve({ close: () => void told.push("closed") });
    },
  };
  const line = new KeptLine({
    driver,
    clock,
    random: { uint32: () => 0 },
    channel: "bell",
    deadline: 10_000,
    heard: (payload) => void told.push(payload),
    opened: () => void told.push("opened"),
    away: () => void told.push("away"),
    onError: (error) => void told.push((error as { details: { code: string } }).details.code),
  });
  return { line, state, asked, told, advance, events: () => events! };
}
const cut = Object.assign(new Error("cut"), { code: "ECONNRESET" });

test("[PG15] each failure is told once until it works again, and tries are further and further apart", async () => {
  const { line, state, asked, told, advance, events } = started();
  await advance(1);
  events().lost(cut);
  state.refuses = "ECONNREFUSED";
  await advance(30_000);
  state.refuses = "28P01";
  await advance(30_000);
  expect(told.filter((one) => one !== "away")).toEqual([
    "opened",
    "closed",
    "ECONNRESET",
    "ECONNREFUSED",
    "28P01",
  ]);
  const pauses = asked.slice(1).map((at, i) => at - asked[i]!);
  expect(pauses).toEqual(pauses.toSorted((one, other) => one - other));
  expect(pauses.at(-1)).toBe(2_500); // half of five seconds, for there is no chance here
  state.refuses = "";
  await advance(3_000);
  line.works();
  told.length = 0;
  events().lost(cut);
  expect(told).toEqual(["away", "closed", "ECONNRESET"]);
});

test("[PG15] what a former line says counts no more, nor anything once it is closed", async () => {
  const { line, told, advance, events } = started();
  await advance(1);
  const former = events();
  line.dead(deafFailure("bell"));
  await advance(1_000);
  former.heard("late");
  former.lost(cut);
  events().heard("new");
  expect(told).toEqual(["opened", "away", "closed", "deaf", "opened", "new"]);
  line.close();
  events().heard("later");
  events().lost(cut);
  await advance(60_000);
  expect(told.slice(6)).toEqual(["closed"]);
});
