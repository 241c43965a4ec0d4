// Guests in a run: a small one of a test's own, whose steps and words are recorded.
import { expect, test } from "vitest";
import { ADD, planOf, setup as small } from "../../test/small-run.ts";
import type { HistoryEvent } from "../history/history.ts";
import type { GuestStep } from "./guest-plan.ts";
import type { Step } from "./plan.ts";
import type { Guest, GuestOptions, SimulationSetup } from "./setup.ts";
import { runPlan } from "./simulate.ts";

/** A guest that does nothing but note what it is asked. */
function noted({ closes = false }: { readonly closes?: boolean } = {}) {
  const asked: string[] = [];
  const opened: GuestOptions[] = [];
  const open = (options: GuestOptions): Guest => {
    opened.push(options);
    options.named(`guest ${opened.length}`);
    const isFirst = opened.length === 1;
    return {
      get status() {
        return closes && isFirst ? "closed" : "live";
      },
      model: [],
      pending: 0,
      dispatch(messages) {
        const id = `${asked.length}`;
        asked.push(`dispatch ${messages.length} ${options.server() === undefined ? "away" : "here"}`);
        void Promise.resolve().then(() => options.told(id, { is: "rejected", code: "forbidden" }));
        return id;
      },
      cut: (loses) => void asked.push(`cut ${loses}`),
      end: () => void asked.push("end"),
    };
  };
  const { slice } = small.actions[ADD]!;
  const setup = { ...small, guests: { at: [{ slice, params: ["1"] }], open } } as unknown as SimulationSetup;
  return { asked, opened, setup };
}
const step = (more: GuestStep | { readonly do: "kill"; readonly node: number }): Step => ({
  after: 5,
  ...more,
});
const acts = step({ do: "guest-acts", guest: 0, action: ADD, seed: 1, count: 2 });
const config = { guests: [{ user: "ann", node: 0, place: 0 }] };

test("acts, is cut, moves, is away for a time, and is cut off when its node is killed", async () => {
  const { asked, opened, setup } = noted();
  const report = await runPlan(
    planOf(
      [
        acts,
        step({ do: "guest-cut", guest: 0, loses: "to-client" }),
        step({ do: "guest-moves", guest: 0, node: 1 }),
        step({ do: "guest-away", guest: 0, for: 50 }),
        acts,
        step({ do: "kill", node: 0 }),
        step({ do: "kill", node: 1 }),
      ],
      { ...config, nodes: 2 },
    ),
    setup,
  );
  expect(asked).toEqual([
    "dispatch 1 here",
    "dispatch 1 here",
    "cut to-client",
    "cut both",
    "cut both",
    "dispatch 1 away",
    "dispatch 1 away",
    "cut both",
    "end",
  ]);
  const { user, target, params } = opened[0]!;
  expect([opened.length, user, target, params]).toEqual([1, "ann", "list:1", ["1"]]);
  expect(report.violations).toEqual([]);
  expect(report.fired.get("guest: rejected (forbidden)")).toBe(4);
});

test("each page of it is a client of its own in the history, and one that was sent away comes again", async () => {
  for (const closes of [false, true]) {
    const { opened, setup } = noted({ closes });
    const steps = closes ? [acts] : [step({ do: "guest-reloads", guest: 0 }), acts];
    const report = await runPlan(planOf(steps, config), setup);
    expect(opened).toHaveLength(2);
    const events = report.history!.events.filter(
      ({ type }) => type === "named" || type === "ended" || type === "dispatched",
    ) as Extract<HistoryEvent, { type: "named" }>[];
    const acted = closes ? [] : ["dispatched 2", "dispatched 2"];
    expect(events.map(({ type, client }) => `${type} ${client}`)).toEqual([
      "named 1",
      "ended 1",
      "named 2",
      ...acted,
    ]);
  }
});

test("a step of a guest that is not there, or is not known to a server, does nothing", async () => {
  const { setup } = noted();
  const revoked = (guest: number) => step({ do: "guest-revoked", guest });
  const report = await runPlan(planOf([revoked(0), revoked(7)], config), setup);
  expect(report.fired.has("guest-revoked")).toBe(false);
  expect(report.violations).toEqual([]);
});
