// Plans that are written by hand: each step does what it says, and counts where there was something to do it to.
import { CallaError } from "@calla/shared";
import { describe, expect, test } from "vitest";
import {
  ADD,
  ADD_ELSEWHERE,
  CLEAR,
  clientOf,
  dispatch,
  NAME,
  planOf,
  setup,
  WRONG,
} from "../../test/small-run.ts";
import { checkHistory } from "../history/check.ts";
import type { HistoryEvent } from "../history/history.ts";
import type { RunConfig, Step } from "./plan.ts";
import { action } from "./setup.ts";
import { placesOf, World } from "./world.ts";

async function ran(steps: readonly Step[], config: Partial<RunConfig> = {}, of = setup) {
  const world = new World(of as never, planOf(steps, config));
  const history = await world.run();
  const events = <T extends HistoryEvent["type"]>(type: T) =>
    history.events.filter((event): event is Extract<HistoryEvent, { type: T }> => event.type === type);
  return { world, history, fired: world.fired, events };
}
const two = { clients: [clientOf(), clientOf({ user: "bob" })] };

test("the places are the topics that actions name, each once; a session is none", () => {
  expect(placesOf(setup as never).map(({ key }) => key)).toEqual(["list:1", "list:2"]);
});

describe("a run", () => {
  test("carries its steps out, comes to rest, and is a right history", async () => {
    const { history, fired, events } = await ran(
      [
        dispatch(0),
        dispatch(1, ADD, { count: 3, seed: 2 }),
        dispatch(0, NAME),
        { do: "serve", after: 50, node: 0, action: CLEAR, seed: 1, keyed: false },
        dispatch(1, ADD_ELSEWHERE),
      ],
      two,
    );
    expect(checkHistory(history)).toEqual([]);
    expect(Object.fromEntries(fired)).toMatchObject({ dispatch: 4, serve: 1, served: 1 });
    expect(events("dispatched").map(({ client, target }) => `${client} ${target}`)).toEqual([
      "0 list:1",
      "1 list:1",
      "1 list:1",
      "1 list:1",
      "0 @",
      "1 list:2",
    ]);
    expect(events("told").every(({ told }) => told.is === "applied")).toBe(true);
    const { places } = history.archive.get("list:1")!.paths[0]!;
    expect(places.map(({ model }) => (model as string[]).length)).toEqual([0, 1, 2, 3, 4, 0]);
    expect(history.users).toEqual(["ann", "bob"]);
    expect(history.quiet).toMatchObject({ problem: undefined });
    expect(history.quiet!.clients.map(({ target }) => target).toSorted()).toEqual([
      "@",
      "@",
      "list:1",
      "list:1",
    ]);
  });

  test("counts what an action makes that is no message, and throws what it throws otherwise", async () => {
    const { fired, events } = await ran([dispatch(0, WRONG, { count: 2 }), dispatch(0)]);
    expect([fired.get("invalid"), events("dispatched").length]).toEqual([2, 1]);
    const thrown = new CallaError("closed");
    const throwing = action(setup.actions[0]!.slice as never, ["1"] as never, () => {
      throw thrown;
    });
    await expect(ran([dispatch()], {}, { ...setup, actions: [throwing] })).rejects.toBe(thrown);
  });

  test("has one outcome for each key that a server dispatches with, however often", async () => {
    const serve: Step = { do: "serve", after: 20, node: 0, action: CLEAR, seed: 3, keyed: true };
    const { history, fired } = await ran([dispatch(), serve, serve, { ...serve, seed: 4 }]);
    expect(fired.get("served")).toBe(3);
    expect(history.archive.get("list:1")!.paths[0]!.places).toHaveLength(1 + 1 + 2);
  });
});

describe("a network's faults", () => {
  const CUTS: readonly Step[] = [
    { do: "cut", after: 5, client: 0, noticedBy: "both", other: 10 },
    { do: "half-open", after: 5, client: 0, direction: "both" },
    { do: "drop", after: 5, client: 0, lane: "toServer", index: 0 },
    { do: "duplicate", after: 5, client: 0, lane: "toClient", index: 0 },
    { do: "reorder", after: 5, client: 0, lane: "toServer", index: 0 },
    { do: "delay", after: 5, client: 0, lane: "toServer", for: 50 },
    { do: "slow", after: 5, client: 0, rate: 1, for: 50 },
  ];

  test("count only where there is a whole connection to do them to", async () => {
    for (const fault of CUTS) {
      const { fired } = await ran([fault]);
      expect(fired.get(fault.do), fault.do).toBe(1);
      const away: Step = { do: "away", after: 0, client: 0, for: 500 };
      const { fired: nothing, history } = await ran([away, fault]);
      expect([nothing.get("away"), nothing.get(fault.do)], fault.do).toEqual([1, undefined]);
      expect(checkHistory(history)).toEqual([]);
    }
  });

  test("that are noticed by the client alone are heard of by the server later", async () => {
    const { history, fired } = await ran([
      { do: "cut", after: 5, client: 0, noticedBy: "client", other: 200 },
      dispatch(0, ADD, { after: 1 }),
    ]);
    expect([fired.get("cut"), checkHistory(history)]).toEqual([1, []]);
  });

  test("at a named moment happen when it comes, and are over when the run becomes quiet", async () => {
    const { fired } = await ran([{ do: "cut-at", after: 5, client: 0, point: "before-outcome" }, dispatch()]);
    expect([fired.get("cut-at"), fired.get("cut before-outcome")]).toEqual([1, 1]);
    const { fired: never } = await ran([{ do: "cut-at", after: 5, client: 0, point: "before-outcome" }]);
    expect(never.get("cut before-outcome")).toBeUndefined();
  });

  test("of a client that leaves, or is moved, let it come back by itself", async () => {
    const { history, fired, events } = await ran(
      [
        { do: "leave", after: 5, client: 0, for: 300 },
        dispatch(0),
        { do: "move", after: 5, client: 0, node: 1 },
        dispatch(0, ADD, { seed: 2 }),
      ],
      { nodes: 2 },
    );
    expect([fired.get("leave"), fired.get("move"), checkHistory(history)]).toEqual([1, 1, []]);
    expect(events("told")).toHaveLength(2);
  });
});

describe("a page", () => {
  test("that crashes is followed by another one, over what is on the disk", async () => {
    const { history, fired, events } = await ran([
      dispatch(),
      { do: "crash", after: 50, client: 0, for: 0, late: 5 },
      dispatch(0, ADD, { seed: 2, after: 100 }),
    ]);
    expect([fired.get("crash"), checkHistory(history)]).toEqual([1, []]);
    expect(events("ended")).toEqual([{ type: "ended", client: 0, page: 0 }]);
    expect(events("dispatched").map(({ page }) => page)).toEqual([0, 1]);
    expect(new Set(events("sent").map(({ clientId }) => clientId)).size).toBe(1);
  });

  test("may go between two commits, where that is counted when it comes", async () => {
    const reload = (count: number): Step => ({
      do: "reload",
      after: 5,
      client: 0,
      for: 0,
      late: 0,
      at: { count, side: "before" },
    });
    const { fired, events, history } = await ran([
      reload(0),
      dispatch(),
      dispatch(0, ADD, { seed: 2, after: 200 }),
    ]);
    expect([fired.get("reload"), fired.get("crashed before a commit"), events("ended").length]).toEqual([
      1, 1, 1,
    ]);
    expect(checkHistory(history)).toEqual([]);
    const { fired: never } = await ran([reload(50)]);
    expect([never.get("reload"), never.get("crashed before a commit")]).toEqual([1, undefined]);
  });

  test("whose disk is full crashes after a while, unless another one is there by then", async () => {
    const full: Step = { do: "disk-full", after: 5, client: 0, count: 1, crash: 100 };
    const { fired, events } = await ran([full, dispatch()]);
    expect([fired.get("disk-full"), events("unstored").length, events("ended").length]).toEqual([1, 1, 1]);
    expect(fired.get("disk: failed")).toBe(1);
    const early = await ran([full, { do: "crash", after: 5, client: 0, for: 0, late: 0 }]);
    expect(early.events("ended")).toHaveLength(1);
    const none = await ran([{ ...full, crash: 0 }, dispatch()]);
    expect(none.events("ended")).toEqual([]);
  });

  test("subscribes to topics and leaves them, and is refused and let in again by the server", async () => {
    const { fired, events, history } = await ran([
      { do: "subscribe", after: 5, client: 0, topic: 1 },
      { do: "subscribe", after: 5, client: 0, topic: 1 },
      { do: "revoke", after: 50, client: 0, topic: 1 },
      { do: "unsubscribe", after: 50, client: 0, topic: 0 },
      { do: "grant", after: 50, client: 0, topic: 0 },
    ]);
    expect(Object.fromEntries(fired)).toMatchObject({ subscribe: 2, revoke: 1, unsubscribe: 1 });
    expect(events("listens").map(({ target }) => target)).toEqual(["list:1", "@", "list:2", "list:2"]);
    // What was revoked is asked for anew before it becomes quiet.
    expect(history.quiet!.clients.map(({ target, status }) => `${target} ${status}`).toSorted()).toEqual([
      "@ live",
      "list:2 live",
    ]);
  });

  test("or a node whose clock is set goes on", async () => {
    const { history, fired } = await ran([
      { do: "set-clock", after: 5, node: 0, by: 3_600_000 },
      { do: "set-page-clock", after: 0, client: 0, by: -3_600_000 },
      dispatch(),
    ]);
    expect([fired.get("set-page-clock"), checkHistory(history)]).toEqual([1, []]);
  });
});

describe("a node", () => {
  test("that is stopped, drained or killed is followed by another one", async () => {
    for (const fault of [
      { do: "restart", after: 5, node: 0, over: 0 },
      { do: "restart", after: 5, node: 0, over: 300 },
      { do: "kill", after: 5, node: 0 },
    ] as const) {
      const { world, history, fired } = await ran([
        dispatch(),
        fault,
        dispatch(0, ADD, { seed: 2, after: 400 }),
      ]);
      expect([fired.get(fault.do), world.nodes.all[0]!.life, checkHistory(history)]).toEqual([1, 1, []]);
    }
  });

  test("meets its log's faults, each as often as was said", async () => {
    for (const [step, counted, times] of [
      [{ do: "append-fails", after: 5, node: 0, count: 2 }, "log: fail", 2],
      [{ do: "append-lost", after: 5, node: 0, count: 1 }, "log: lose", 1],
      [{ do: "append-slow", after: 5, node: 0, count: 1, for: 30, answer: false }, "log: delay", 1],
      [{ do: "append-slow", after: 5, node: 0, count: 1, for: 30, answer: true }, "log: answerAfter", 1],
      [{ do: "log-freezes", after: 5, node: 0, for: 100 }, "log: frozen", undefined],
    ] as const) {
      const { history, fired, events } = await ran([step, dispatch(0, ADD, { after: 1 })]);
      expect(fired.get(step.do), step.do).toBe(1);
      if (times === undefined) expect(fired.get(counted)).toBeGreaterThan(0);
      else expect(fired.get(counted), step.do).toBe(times);
      expect([checkHistory(history), events("told").length]).toEqual([[], 1]);
    }
  });

  test("loses its latest records with a rewound log; there is nothing to lose before", async () => {
    const rewind: Step = { do: "rewind", after: 50, topic: 0, by: 1 };
    const { history, fired, world, events } = await ran([
      rewind,
      dispatch(),
      dispatch(0, ADD, { seed: 2 }),
      rewind,
    ]);
    expect([fired.get("rewind"), world.nodes.all[0]!.life]).toEqual([1, 1]);
    expect(events("rewound")).toEqual([{ type: "rewound", target: "list:1", from: 2, to: 1 }]);
    expect(checkHistory(history)).toEqual([]);
  });

  test("goes on beside one who takes all he can get, and is there again when its log's file is", async () => {
    const { history, fired } = await ran([
      { do: "greedy", after: 5, node: 0, seed: 1, connections: 2, frames: 20, for: 50 },
      dispatch(),
      { do: "log-goes", after: 100, found: "commit", for: 200 },
      dispatch(0, ADD, { seed: 2 }),
    ]);
    expect([
      fired.get("greedy"),
      fired.get("log-goes"),
      fired.get("a write into a file that is elsewhere"),
    ]).toEqual([1, 1, 1]);
    expect(checkHistory(history)).toEqual([]);
  });
});
