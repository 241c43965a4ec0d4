// Servers over one log, each a process: what they say goes through a client in the test's hand.
import { memoryLog } from "@calla/server";
import { PROTOCOL_VERSION } from "@calla/shared";
import type { ServerFrame } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { CLEAR, configOf, setup, wiring } from "../../test/small-run.ts";
import { virtualClock } from "../doubles/clock.ts";
import { seededRandom } from "../doubles/random.ts";
import type { HistoryEvent } from "../history/history.ts";
import { Nodes } from "./nodes.ts";
import type { RunConfig } from "./plan.ts";
import type { SimulationSetup } from "./setup.ts";

type AnyTopic = (
  slice: unknown,
  ...params: string[]
) => {
  dispatch(message: unknown): Promise<{ sequence: number }>;
  read(): Promise<{ sequence: number }>;
};

function started(config: Partial<RunConfig> = {}, of: SimulationSetup<typeof wiring> = setup) {
  const clock = virtualClock(100_000_000);
  const events: HistoryEvent[] = [];
  const counted: string[] = [];
  const nodes = new Nodes<typeof wiring>({
    setup: of as never,
    config: configOf(config),
    clock,
    random: seededRandom(1),
    record: (event) => void events.push(event),
    count: (what) => void counted.push(what),
    restored: () => {},
  });
  const { slice } = of.actions[CLEAR]!;
  /** What a node says to a dispatch of its own, in a second. */
  const dispatch = async (node: number): Promise<unknown> => {
    let told: unknown = "nothing";
    const { server } = nodes.all[node]!;
    (server.topic as unknown as AnyTopic)(slice, "1")
      .dispatch({ type: "cleared" })
      .then(
        ({ sequence }) => (told = sequence),
        (error: unknown) => (told = error),
      );
    await clock.advance(1_000);
    return told;
  };
  return { clock, events, counted, nodes, dispatch };
}
/** A client that says Hello to whatever a node is at the moment; what it hears, by type. */
async function greeted({ clock, nodes }: ReturnType<typeof started>, node = 0) {
  const heard: string[] = [];
  const incoming = nodes.reachable(node).connect({
    connection: {
      send: ({ bytes }) =>
        void heard.push(
          ...([JSON.parse(Buffer.from(bytes).toString()) as ServerFrame].flat() as ServerFrame[]).map(
            ({ type }) => type,
          ),
        ),
      close: (code) => void heard.push(`closed ${code}`),
      bufferedAmount: () => 0,
    },
    request: { url: "/", headers: {}, remoteAddress: undefined },
    format: "json",
  });
  incoming.incoming(
    JSON.stringify({
      type: "Hello",
      protocol: PROTOCOL_VERSION,
      slices: wiring.versions(),
      targets: [],
      token: "ann",
    }),
  );
  await clock.advance(50);
  return { heard, incoming };
}

describe("the nodes of a run", () => {
  test("share one log, and what they append is recorded, each record once", async () => {
    const { events, nodes, dispatch } = started({ nodes: 2 });
    expect(nodes.all.map(({ life, older }) => [life, older])).toEqual([
      [0, false],
      [0, false],
    ]);
    expect([await dispatch(0), await dispatch(1), await dispatch(0)]).toEqual([1, 2, 3]);
    expect(events).toEqual(
      [1, 2, 3].map((sequence) => ({ type: "appended", target: "list:1", path: 0, sequence })),
    );
    expect(nodes.log.archive.get("list:1")!.paths[0]!.places).toHaveLength(4);
  });

  test("ask for users by their tokens, or nobody where visitors come", async () => {
    const known = started({}, { ...setup, user: (name) => ({ id: `user of ${name}` }) });
    expect((await greeted(known)).heard).toEqual(["Connected"]);
    const visitors = started({ visitors: true });
    expect((await greeted(visitors)).heard).toEqual(["Connected"]);
    expect([known.events, visitors.events]).toEqual([[], []]);
  });

  test("report what goes wrong under their own name", async () => {
    const { events, nodes, dispatch } = started({ nodes: 2 });
    nodes.all[1]!.faults.push({ matches: ({ method }) => method === "append", fault: "fail" });
    expect(await dispatch(1)).toBe(1);
    expect(events.find(({ type }) => type === "reported")).toMatchObject({ by: "node 1" });
    expect(nodes.fired.map((fired) => fired["fail"])).toEqual([0, 1]);
  });
});

describe("a fault of a node's log", () => {
  test("is met by the first call that fits, once, by this node only", async () => {
    const { nodes, dispatch } = started({ nodes: 2 });
    await dispatch(0);
    const { faults } = nodes.all[0]!;
    const append = {
      matches: ({ method }: { method: string }) => method === "append",
      fault: "fail",
    } as const;
    faults.push({ matches: () => false, fault: "fail" }, append, append);
    await dispatch(1);
    expect(faults).toHaveLength(3);
    await dispatch(0);
    expect(faults).toHaveLength(1);
    nodes.calm();
    expect(faults).toHaveLength(0);
  });

  test("is taken back by calm: a log that was frozen goes on", async () => {
    const { clock, nodes, dispatch } = started();
    nodes.all[0]!.log.freeze();
    expect(await dispatch(0)).toBe("nothing");
    nodes.calm();
    await clock.advance(5_000);
    expect(nodes.log.archive.get("list:1")!.paths[0]!.places).toHaveLength(2);
  });
});

describe("a process", () => {
  test("that is killed does nothing more, and the next one begins over what the log has", async () => {
    const run = started();
    const { clock, nodes, dispatch } = run;
    await dispatch(0);
    const before = nodes.all[0]!;
    let late = 0;
    before.clock.setTimeout(() => late++, 10);
    const { heard } = await greeted(run);
    nodes.kill(0);
    expect([nodes.all[0]!.life, nodes.all[0] === before, nodes.fired.length]).toEqual([1, false, 2]);
    await clock.advance(5_000);
    expect([late, heard]).toEqual([1, ["Connected"]]);
    expect(await dispatch(0)).toBe(2);
    nodes.kill(0);
    expect(nodes.all[0]!.life).toBe(2);
  });

  test("that is killed has its clock, and its frozen log, to itself", async () => {
    const { nodes } = started();
    const { clock } = nodes.all[0]!;
    let late = 0;
    clock.setTimeout(() => late++, 10);
    nodes.kill(0);
    expect(nodes.all[0]!.clock).not.toBe(clock);
    clock.setTimeout(() => late++, 0);
    expect(late).toBe(0);
  });

  test("that is killed says and hears nothing more by its doorbell", async () => {
    const { clock, nodes } = started();
    const heard: unknown[] = [];
    nodes.pubsub.subscribe("bell", (payload) => heard.push(payload));
    const process = clock.process();
    const own = nodes.engine.pubsub(0, nodes.pubsub, process);
    const here: unknown[] = [];
    own.subscribe("bell", (payload) => here.push(payload));
    own.publish("bell", 1);
    await clock.advance(1_000);
    own.publish("bell", 2);
    process.kill();
    own.publish("bell", 3);
    await clock.advance(1_000);
    expect([heard, here]).toEqual([[1, 2], [1]]);
  });

  test("that is restarted says goodbye first, at once or over a while", async () => {
    for (const [over, goodbye] of [
      [0, "Closing"],
      [300, "Closing"],
    ] as const) {
      const run = started();
      const { heard } = await greeted(run);
      let done = false;
      void run.nodes.restart(0, over).then(() => (done = true));
      await run.clock.advance(over + 5_000);
      expect([done, run.nodes.all[0]!.life, heard.includes(goodbye)]).toEqual([true, 1, true]);
      expect((await greeted(run)).heard).toEqual(["Connected"]);
    }
  });

  test("that was killed while it said goodbye is not killed again", async () => {
    const run = started();
    await greeted(run);
    const restarting = run.nodes.restart(0, 2_000);
    run.nodes.kill(0);
    await run.clock.advance(10_000);
    await Promise.race([restarting, Promise.resolve()]);
    expect(run.nodes.all[0]!.life).toBe(1);
  });

  test("is reached by the same name in all its lives", async () => {
    const run = started({ nodes: 2 });
    const reachable = run.nodes.reachable(1);
    expect(run.nodes.reachable(1)).toBe(reachable);
    expect(run.nodes.reachable(0)).not.toBe(reachable);
    run.nodes.kill(1);
    expect((await greeted(run, 1)).heard).toEqual(["Connected"]);
  });
});

describe("a rolling deploy", () => {
  const older = { wiring, server: setup.server as never, actions: setup.actions };

  test("upgrades a node once, whatever ends its life; elsewhere there is nothing to upgrade", async () => {
    const { clock, nodes } = started({ nodes: 2, rolling: true }, { ...setup, older });
    expect(nodes.all.map((node) => node.older)).toEqual([true, true]);
    nodes.kill(1);
    expect(nodes.all[1]!.older).toBe(true);
    const upgrading = nodes.upgrade(0, 0);
    expect(upgrading).not.toBe(false);
    await clock.advance(5_000);
    expect(nodes.all.map((node) => node.older)).toEqual([false, true]);
    expect(nodes.upgrade(0, 0)).toBe(false);
    // Killed before it was through, its next life is of the newer version all the same.
    void nodes.upgrade(1, 2_000);
    nodes.kill(1);
    expect(nodes.all[1]!.older).toBe(false);
    await clock.advance(5_000);
    expect(nodes.all[1]!.life).toBe(2);
    expect(started({}, { ...setup, older }).nodes.upgrade(0, 0)).toBe(false);
  });
});

describe("the log they share", () => {
  test("goes back by so many records, to the beginning at most; there is nothing to lose before", async () => {
    const { events, nodes, dispatch } = started();
    expect(await nodes.rewind("list:1", 1)).toBe(false);
    await dispatch(0);
    await dispatch(0);
    expect(await nodes.rewind("list:1", 1)).toBe(true);
    expect(events.at(-1)).toEqual({ type: "rewound", target: "list:1", from: 2, to: 1 });
    expect(await nodes.rewind("list:1", 9)).toBe(true);
    expect(events.at(-1)).toEqual({ type: "rewound", target: "list:1", from: 1, to: 0 });
    expect(await nodes.rewind("list:1", 1)).toBe(false);
  });

  test("is in a file that goes away, and comes back or is replaced by a backup", async () => {
    const { clock, counted, nodes, dispatch, events } = started();
    await dispatch(0);
    nodes.fileGoes("commit", 2_000, undefined);
    expect(await dispatch(0)).not.toBe(2);
    await clock.advance(10_000);
    expect(counted).toContain("a write into a file that is elsewhere");
    expect(await dispatch(0)).toBe(3);
    nodes.fileGoes("second", 500, 1);
    await clock.advance(5_000);
    expect(counted).toContain("the log replaced by a backup");
    expect(events.filter(({ type }) => type === "rewound")).toHaveLength(1);
    expect(counted.filter((what) => what === "a write into a file that is elsewhere")).toHaveLength(1);
  });

  test("says when two nodes append from the same place, and forgets what it has not stored where it can", async () => {
    const asked: string[] = [];
    const { clock, counted, nodes } = started(
      { nodes: 2 },
      {
        ...setup,
        log: ({ shared, retention }) => {
          asked.push(`${shared} ${retention}`);
          return Object.assign(memoryLog({ shared }), { reopen: async () => void asked.push("reopened") });
        },
      },
    );
    const { slice } = setup.actions[CLEAR]!;
    for (const { server } of nodes.all)
      (server.topic as unknown as AnyTopic)(slice, "1")
        .dispatch({ type: "cleared" })
        .catch(() => undefined);
    await clock.advance(1_000);
    expect(counted).toContain("conflict");
    await nodes.reopen();
    expect(asked).toEqual(["true 10000", "reopened"]);
    await started().nodes.reopen();
  });
});
