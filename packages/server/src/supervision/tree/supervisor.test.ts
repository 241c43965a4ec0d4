// A supervisor over children that say what happens to them, under a clock that moves when told.
import { CallaError } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { handClock, inHand } from "../../../test/wired.ts";
import type { ServerEvent } from "../../app/events.ts";
import { createSupervisor } from "./supervisor.ts";
import type { Child, Starting, Supervisor, SupervisorOptions } from "./supervisor-api.ts";

/** A child that is told how its next starts and stops go; without a word they succeed. */
interface Scripted extends Child<number> {
  starts: ((starting: Starting) => number | Promise<number>)[];
  stops: (() => unknown)[];
  /** What the living one says it has failed by. */
  fail(error?: unknown): void;
  /** Those of all its lives, in order. */
  readonly lives: Starting[];
}

function scene(
  names: readonly string[],
  options: Partial<SupervisorOptions> = {},
  more: Partial<Child<number>> = {},
) {
  const hand = handClock();
  const said: string[] = [];
  const errors: CallaError[] = [];
  const events: ServerEvent[] = [];
  const children = names.map((name): Scripted => {
    const child: Scripted = {
      name,
      starts: [],
      stops: [],
      lives: [],
      start(starting) {
        said.push(`+${name}`);
        child.lives.push(starting);
        return child.starts.shift()?.(starting) ?? child.lives.length;
      },
      stop(value) {
        said.push(`-${name}${value}`);
        return child.stops.shift()?.();
      },
      fail: (error = new Error(`${name} broke`)) => child.lives.at(-1)!.failed(error),
      ...more,
    };
    return child;
  });
  const supervisor = createSupervisor({
    name: "shop",
    children,
    clock: hand.clock,
    onError: (error) => void errors.push(error as CallaError),
    observe: (event) => void events.push(event),
    ...options,
  });
  /** What happened since it was asked last. */
  const happened = async (): Promise<string> => {
    await hand.settle();
    return said.splice(0).join(" ");
  };
  return { ...hand, supervisor, children, errors, events, happened };
}

async function running(names: readonly string[], options: Partial<SupervisorOptions> = {}) {
  const it = scene(names, options);
  await it.supervisor.start();
  await it.happened();
  return it;
}
const statesOf = (supervisor: Supervisor) =>
  supervisor.inspect().children.map(({ name, state }) => `${name} ${state}`);
const boom = () => {
  throw new Error("boom");
};

describe("[SU1] order", () => {
  test("children start one after the other, each when the one before it has", async () => {
    const { supervisor, children, happened } = scene(["a", "b", "c"]);
    const [a, b] = children as [Scripted, Scripted];
    const slow = inHand<number>();
    a.starts.push(() => slow.promise);
    b.starts.push(({ get }) => get(a) + 1);
    const started = supervisor.start();
    expect(await happened()).toBe("+a");
    expect([supervisor.state, supervisor.ready]).toEqual(["starting", false]);
    expect(statesOf(supervisor)).toEqual(["a starting", "b waiting", "c waiting"]);
    slow.keep(41);
    expect(await happened()).toBe("+b +c");
    await started;
    expect(supervisor.ready).toBe(true);
    expect([supervisor.get(a), supervisor.get(b)]).toEqual([41, 42]);
    // It runs already.
    await supervisor.start();
    expect(await happened()).toBe("");
  });

  test("they stop in reverse, each when the one behind it has", async () => {
    const { supervisor, children, happened } = await running(["a", "b", "c"]);
    const slow = inHand<void>();
    children[2]!.stops.push(() => slow.promise);
    const stopped = supervisor.stop();
    expect(await happened()).toBe("-c1");
    expect(supervisor.ready).toBe(false);
    slow.keep();
    expect(await happened()).toBe("-b1 -a1");
    await stopped;
    expect([supervisor.state, ...statesOf(supervisor)]).toEqual([
      "stopped",
      "a stopped",
      "b stopped",
      "c stopped",
    ]);
    await supervisor.stop();
    expect(await happened()).toBe("");
  });

  test("who is asked for and does not run is said to be so", async () => {
    const { supervisor, children } = scene(["a"]);
    expect(() => supervisor.get(children[0]!)).toThrow(/"a" of "shop" does not run \(it is waiting\)/);
    expect(() => supervisor.get({ name: "b", start: () => 1 })).toThrow(/no such child as "b"/);
    await supervisor.start();
    await supervisor.stop();
    expect(() => supervisor.get(children[0]!)).toThrow(CallaError);
  });
});

describe("[SU2] rest for one", () => {
  test.each([
    [0, "-c1 -b1 -a1 +a +b +c"],
    [1, "-c1 -b1 +b +c"],
    [2, "-c1 +c"],
  ])("child %i fails", async (at, order) => {
    const { supervisor, children, errors, events, happened, clock } = await running(["a", "b", "c"]);
    children[at]!.fail();
    // It may be in the middle of something.
    expect(supervisor.state).toBe("running");
    expect(statesOf(supervisor)[at]).toMatch(/failed/);
    expect(await happened()).toBe(order);
    expect([supervisor.state, supervisor.ready]).toEqual(["running", true]);
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      [
        "child-failed",
        expect.stringMatching(
          /^Child ".".*has failed: Error: . broke\. It is started again, with those behind it\.$/,
        ),
      ],
    ]);
    expect(errors[0]!.details).toMatchObject({ cause: expect.any(Error) as Error });
    expect(events.filter(({ type }) => type === "restarted")).toEqual([
      { type: "restarted", supervisor: "shop", child: children[at]!.name, restarts: 1, took: 0 },
    ]);
    expect(supervisor.inspect().children.map(({ restarts }) => restarts)).toEqual(
      [0, 1, 2].map((n) => (n < at ? 0 : 1)),
    );
    expect(clock.monotonic()).toBe(0);
  });

  test("one that lasts goes on where one before it fails, and is restarted when it fails itself", async () => {
    const it = scene(["a", "b", "c"]);
    Object.assign(it.children[1]!, { lasting: true });
    await it.supervisor.start();
    await it.happened();
    it.children[0]!.fail();
    expect(await it.happened()).toBe("-c1 -a1 +a +c");
    it.children[1]!.fail();
    expect(await it.happened()).toBe("-c2 -b1 +b +c");
    expect(it.supervisor.ready).toBe(true);
  });

  test("one that lasts and fails while one before it is restarted is let go of, and made anew once", async () => {
    const it = scene(["a", "b", "c"]);
    Object.assign(it.children[1]!, { lasting: true });
    await it.supervisor.start();
    await it.happened();
    const slow = inHand<number>();
    it.children[0]!.starts.push(() => slow.promise);
    it.children[0]!.fail();
    expect(await it.happened()).toBe("-c1 -a1 +a");
    it.children[1]!.fail();
    slow.keep(2);
    expect(await it.happened()).toBe("-b1 +b +c");
    expect(it.supervisor.ready).toBe(true);
    expect(it.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/"a" .* It is started again/),
      expect.stringMatching(/"b" .* It has been started again meanwhile, with one before it/),
    ]);
  });
});

describe("[SU3] intensity", () => {
  test("one failure more than is tried within the window stops everything in reverse, and is told once", async () => {
    const failed: unknown[] = [];
    const it = await running(["a", "b"], { onFailed: (error) => void failed.push(error) });
    const { supervisor, children, errors, events, happened, advance } = it;
    for (let i = 0; i < 2; i++) {
      children[1]!.fail();
      await advance(1_000);
      expect(supervisor.inspect()).toMatchObject({ restarts: i + 1, intensity: 2, window: 5_000 });
    }
    await happened();
    errors.length = 0;
    children[0]!.fail(new Error("third"));
    expect(await happened()).toBe("-b3 -a1");
    expect([supervisor.state, supervisor.ready, ...statesOf(supervisor)]).toEqual([
      "failed",
      false,
      "a failed",
      "b stopped",
    ]);
    expect(errors.map(({ message }) => message)).toEqual([
      'Child "a" of "shop" has failed: Error: third. That is one more than the 2 restarts that "shop" tries within 5000 ms, so everything of it is stopped: mend what fails, then start it again.',
    ]);
    expect(failed).toEqual(errors);
    expect(events.at(-2)).toEqual({ type: "gave-up", supervisor: "shop", child: "a" });
    await advance(60_000);
    await supervisor.stop();
    expect([await happened(), supervisor.state]).toEqual(["", "failed"]);
  });

  test("restarts of before the window do not count", async () => {
    const { supervisor, children, happened, advance } = await running(["a"], { intensity: 1, window: 1_000 });
    for (let i = 1; i <= 5; i++) {
      children[0]!.fail();
      expect(await happened()).toBe(`-a${i} +a`);
      await advance(1_000);
    }
    children[0]!.fail();
    await advance(999);
    children[0]!.fail();
    await happened();
    expect(supervisor.state).toBe("failed");
  });

  test("of none, the first failure is the last", async () => {
    const { supervisor, children, happened } = await running(["a"], { intensity: 0 });
    children[0]!.fail();
    expect([await happened(), supervisor.state]).toEqual(["-a1", "failed"]);
  });

  test("after it has given up it may be started again, and nothing is behind it", async () => {
    const { supervisor, children, happened } = await running(["a"], { intensity: 1 });
    for (let i = 0; i < 2; i++) {
      children[0]!.fail();
      await happened();
    }
    expect(supervisor.state).toBe("failed");
    await supervisor.start();
    expect(supervisor.inspect()).toMatchObject({
      state: "running",
      restarts: 0,
      children: [{ restarts: 0 }],
    });
    children[0]!.fail();
    await happened();
    expect(supervisor.state).toBe("running");
    children[0]!.fail();
    await happened();
    expect(supervisor.state).toBe("failed");
  });
});

describe("[SU4] a start that fails", () => {
  test.each([
    ["throws", boom],
    ["rejects", () => Promise.reject(new Error("boom"))],
    ["says so", ({ failed }: Starting) => (failed(new Error("boom")), 1)],
  ])("at first: it %s, those before it stop again, and nothing is tried twice", async (_, start) => {
    const { supervisor, children, errors, happened } = scene(["a", "b", "c"]);
    children[1]!.starts.push(start);
    await expect(supervisor.start()).rejects.toMatchObject({
      code: "child-failed",
      message: 'Child "b" of "shop" did not start: Error: boom. Nothing runs now: mend that and start again.',
    });
    // What says so and comes all the same is let go of.
    expect((await happened()).replace(" -b1", "")).toBe("+a +b -a1");
    expect([supervisor.state, ...statesOf(supervisor), errors.length]).toEqual([
      "failed",
      "a stopped",
      "b failed",
      "c waiting",
      0,
    ]);
    await supervisor.start();
    expect([await happened(), supervisor.state]).toEqual(["+a +b +c", "running"]);
  });

  test("in a restart it is another failure, and what had not started waits behind it", async () => {
    const { supervisor, children, errors, happened } = await running(["a", "b", "c"]);
    children[1]!.starts.push(boom);
    children[0]!.fail();
    expect(await happened()).toBe("-c1 -b1 -a1 +a +b +b +c");
    expect([supervisor.state, supervisor.inspect().restarts, errors.length]).toEqual(["running", 2, 2]);
    children[1]!.starts.push(boom);
    children[1]!.fail();
    expect(await happened()).toBe("-c2 -b3 -a2");
    expect(supervisor.state).toBe("failed");
  });
});

describe("[SU5] what takes too long", () => {
  test("a start: it has failed, is told so, and what comes late is stopped", async () => {
    const { supervisor, children, errors, happened, advance } = await running(["a", "b"], {
      startWithin: 1_000,
    });
    const late = inHand<number>();
    children[1]!.starts.push(() => late.promise);
    children[1]!.fail();
    await advance(999);
    expect([await happened(), statesOf(supervisor)[1]]).toEqual(["-b1 +b", "b starting"]);
    const { signal } = children[1]!.lives.at(-1)!;
    expect(signal.aborted).toBe(false);
    await advance(1);
    expect([await happened(), signal.aborted]).toEqual(["+b", true]);
    expect(errors.at(-1)!.message).toMatch(
      /has not started within 1000 ms: see what its start waits for, or raise startWithin/,
    );
    expect(supervisor.get(children[1]!)).toBe(3);
    late.keep(7);
    expect(await happened()).toBe("-b7");
    expect(supervisor.get(children[1]!)).toBe(3);
    await supervisor.stop();
    expect(await happened()).toBe("-b3 -a1");
  });

  test("a stop: it is reported, and the next one's turn comes; one that throws is reported too", async () => {
    const { supervisor, children, errors, happened, advance } = await running(["a", "b", "c"], {
      stopWithin: 1_000,
    });
    children[2]!.stops.push(() => new Promise(() => undefined));
    children[1]!.stops.push(boom);
    children[0]!.stops.push(() => Promise.reject(new Error("no")));
    const stopped = supervisor.stop();
    await advance(999);
    expect(await happened()).toBe("-c1");
    await advance(1);
    await stopped;
    expect(await happened()).toBe("-b1 -a1");
    expect(errors.map(({ message }) => message)).toEqual([
      'Child "c" of "shop" has not stopped within 1000 ms, and is left to itself: see what its stop waits for, or raise stopWithin.',
      "boom",
      "no",
    ]);
  });

  test("a child may have times of its own", async () => {
    const it = scene(["a"], { startWithin: 10, stopWithin: 10 }, { startWithin: 500, stopWithin: 700 });
    it.children[0]!.starts.push(
      () => new Promise(() => undefined),
      () => 1,
    );
    const started = it.supervisor.start().catch((error: CallaError) => error.message);
    await it.advance(499);
    expect(it.supervisor.state).toBe("starting");
    await it.advance(1);
    expect(await started).toMatch(/within 500 ms/);
    await it.supervisor.start();
    it.children[0]!.stops.push(() => new Promise(() => undefined));
    const stopped = it.supervisor.stop();
    await it.advance(699);
    expect(it.supervisor.state).toBe("stopping");
    await it.advance(1);
    await stopped;
  });
});

describe("[SU6] a failure", () => {
  test("with others in one turn: all are restarted once, from the first of them", async () => {
    const { supervisor, children, errors, happened } = await running(["a", "b", "c"]);
    children[2]!.fail();
    children[1]!.fail();
    children[2]!.fail();
    expect(await happened()).toBe("-c1 -b1 +b +c");
    expect([supervisor.inspect().restarts, errors.length]).toEqual([1, 2]);
  });

  test("with others, where it is one too many: each is reported, with what becomes of it", async () => {
    const { children, errors, happened } = await running(["a", "b"], { intensity: 0 });
    children[1]!.fail();
    children[0]!.fail();
    await happened();
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/"b" .*It is stopped, for another one has failed too often/),
      expect.stringMatching(/"a" .*That is one more/),
    ]);
  });

  test("of a life that has ended, or twice of one: nothing more comes of it", async () => {
    const { supervisor, children, errors, happened } = await running(["a", "b"]);
    const [first] = children[0]!.lives;
    first!.failed(new Error("once"));
    first!.failed(new Error("twice"));
    await happened();
    first!.failed(new Error("late"));
    expect([await happened(), errors.length, supervisor.inspect().restarts]).toEqual(["", 1, 1]);
    await supervisor.stop();
    await happened();
    children[0]!.fail();
    children[1]!.fail();
    expect([await happened(), errors.length, supervisor.state]).toEqual(["", 1, "stopped"]);
  });

  test("in a restart, of one that is behind or before: it is seen to next", async () => {
    const { supervisor, children, happened } = await running(["a", "b", "c"], { intensity: 9 });
    const slow = inHand<number>();
    children[2]!.starts.push(() => slow.promise);
    children[1]!.fail();
    expect(await happened()).toBe("-c1 -b1 +b +c");
    // Before it, and c is only now told that its start was in vain.
    children[0]!.fail();
    expect(await happened()).toBe("");
    slow.keep(2);
    expect(await happened()).toBe("-c2 -b2 -a1 +a +b +c");
    const again = inHand<number>();
    children[2]!.starts.push(() => again.promise);
    children[0]!.fail();
    await happened();
    children[1]!.fail();
    again.keep(4);
    expect(await happened()).toBe("-c4 -b4 +b +c");
    expect([supervisor.state, supervisor.inspect().restarts]).toEqual(["running", 4]);
  });

  test("while others have not started yet is seen to when they have", async () => {
    const { supervisor, children, happened } = scene(["a", "b"]);
    const slow = inHand<number>();
    children[1]!.starts.push(() => slow.promise);
    const started = supervisor.start();
    await happened();
    children[0]!.fail();
    expect(await happened()).toBe("");
    slow.keep(1);
    await started;
    expect(await happened()).toBe("-b1 -a1 +a +b");
    expect(supervisor.state).toBe("running");
  });

  test("as it stops, by its stop, is nothing", async () => {
    const { supervisor, children, errors, happened } = await running(["a", "b"]);
    children[1]!.stops.push(() => children[1]!.fail());
    children[0]!.fail();
    expect(await happened()).toBe("-b1 -a1 +a +b");
    expect([errors.length, supervisor.inspect().restarts]).toEqual([1, 1]);
  });

  test("between its start and the next one's is one, and nothing is lost of it", async () => {
    const { supervisor, children, happened } = scene(["a", "b"]);
    children[0]!.starts.push((starting) => {
      const value = Promise.resolve(1);
      void value.then(() => starting.failed(new Error("at once")));
      return value;
    });
    const started = supervisor.start().catch(() => undefined);
    await happened();
    await started;
    expect(supervisor.state).not.toBe("starting");
    expect(supervisor.state === "running" ? supervisor.inspect().restarts : 1).toBe(1);
  });
});

describe("[SU7] a stop", () => {
  test("in the middle of a start: it is not waited for, and what comes late is stopped", async () => {
    const { supervisor, children, happened } = scene(["a", "b"]);
    const slow = inHand<number>();
    children[1]!.starts.push(() => slow.promise);
    const started = supervisor.start();
    const refused = started.catch((error: CallaError) => error.code);
    await happened();
    const stopped = supervisor.stop();
    expect(supervisor.stop()).toBe(stopped);
    await stopped;
    expect(await refused).toBe("closed");
    expect([await happened(), supervisor.state]).toEqual(["-a1", "stopped"]);
    expect(children[1]!.lives[0]!.signal.aborted).toBe(true);
    slow.keep(5);
    expect(await happened()).toBe("-b5");
  });

  test("in the middle of a restart, at each of its steps", async () => {
    for (const step of ["stop", "start"] as const) {
      const { supervisor, children, errors, happened } = await running(["a", "b"]);
      const slow = inHand<number>();
      if (step === "stop") children[1]!.stops.push(() => slow.promise);
      else children[0]!.starts.push(() => slow.promise);
      children[0]!.fail();
      await happened();
      const stopped = supervisor.stop();
      slow.keep(9);
      await stopped;
      expect(await happened()).toBe(step === "stop" ? "-a1" : "-a9");
      expect([supervisor.state, ...statesOf(supervisor), errors.length]).toEqual([
        "stopped",
        "a stopped",
        "b stopped",
        1,
      ]);
    }
  });

  test("with a failure in the same turn: nothing is started again", async () => {
    const { supervisor, children, errors, happened } = await running(["a"]);
    children[0]!.fail();
    await supervisor.stop();
    expect([await happened(), supervisor.state, errors.length]).toEqual(["-a1", "stopped", 0]);
    await supervisor.start();
    expect([await happened(), supervisor.state]).toEqual(["+a", "running"]);
  });

  test("as it gives up: it has stopped, and nobody is told that it failed", async () => {
    const it = await running(["a"], { intensity: 0, onFailed: () => expect.fail("it was stopped") });
    const slow = inHand<void>();
    it.children[0]!.stops.push(() => slow.promise);
    it.children[0]!.fail();
    await it.happened();
    const stopped = it.supervisor.stop();
    slow.keep();
    await stopped;
    expect([it.supervisor.state, it.errors.length]).toEqual(["stopped", 0]);
  });

  test("and a start while it stops: it begins behind it", async () => {
    const { supervisor, children, happened } = await running(["a"]);
    const slow = inHand<void>();
    children[0]!.stops.push(() => slow.promise);
    const stopped = supervisor.stop();
    const started = [supervisor.start(), supervisor.start()];
    expect(await happened()).toBe("-a1");
    slow.keep();
    await Promise.all([stopped, ...started]);
    expect([await happened(), supervisor.state]).toEqual(["+a", "running"]);
  });

  test("before the first start is nothing", async () => {
    const { supervisor, happened } = scene(["a"]);
    await supervisor.stop();
    expect([await happened(), supervisor.state]).toEqual(["", "idle"]);
  });
});

describe("[SU8] inside another supervisor", () => {
  const nested = async (outer: Partial<SupervisorOptions> = {}) => {
    const it = scene(["in"], { name: "inner", intensity: 0 });
    const errors: CallaError[] = [];
    const said: string[] = [];
    const before: Child<number> = {
      name: "before",
      start: () => said.push("+before"),
      stop: () => void said.push("-before"),
    };
    const inner = it.supervisor.asChild();
    const parent = createSupervisor({
      name: "outer",
      children: [before, inner],
      clock: it.clock,
      onError: (error) => void errors.push(error as CallaError),
      ...outer,
    });
    await parent.start();
    return { ...it, parent, parentErrors: errors, said, inner };
  };

  test("it is started, stopped and seen into with the others", async () => {
    const { parent, supervisor, happened, inner } = await nested();
    expect(await happened()).toBe("+in");
    expect(parent.get(inner)).toBe(supervisor);
    expect(parent.inspect().children[1]).toMatchObject({
      name: "inner",
      state: "running",
      inside: { name: "inner", children: [{ name: "in", state: "running" }] },
    });
    await parent.stop();
    expect([await happened(), supervisor.state]).toEqual(["-in1", "stopped"]);
  });

  test("where it gives up it has failed as a child, and is made anew, with no restarts behind it", async () => {
    const { parent, children, supervisor, parentErrors, said, happened } = await nested();
    await happened();
    for (let i = 1; i <= 2; i++) {
      children[0]!.fail();
      expect(await happened()).toBe(`-in${i} +in`);
      expect([parent.state, supervisor.state, parentErrors.length]).toEqual(["running", "running", i]);
    }
    expect(said).toEqual(["+before"]);
    children[0]!.fail();
    await happened();
    expect([parent.state, supervisor.state]).toEqual(["failed", "failed"]);
    expect(said).toEqual(["+before", "-before"]);
    expect(parentErrors.at(-1)!.message).toMatch(
      /^Child "inner" of "outer" has failed: CallaError: Child "in" of "inner" has failed/,
    );
  });

  test("a start of it that hangs ends with the parent's wait, and nothing of it is left", async () => {
    const it = scene(["in"], { name: "inner", startWithin: 1_000 });
    const slow = inHand<number>();
    it.children[0]!.starts.push(() => slow.promise);
    const parent = createSupervisor({ children: [it.supervisor.asChild()], clock: it.clock });
    const started = parent.start().catch((error: CallaError) => error.code);
    await it.happened();
    await parent.stop();
    expect(await started).toBe("closed");
    await it.happened();
    expect(it.supervisor.state).toBe("stopped");
    slow.keep(3);
    expect(await it.happened()).toBe("-in3");
  });

  test("the parent gives it the time that its children have one after the other", () => {
    const { supervisor } = scene(["a", "b"], { startWithin: 10_000, stopWithin: 2_000 });
    expect(supervisor.asChild()).toMatchObject({ startWithin: 21_000, stopWithin: 5_000 });
  });
});

describe("[SU9] what is told", () => {
  test("goes to onError and as an event; what onFailed throws is reported", async () => {
    const it = await running(["a"], { intensity: 0, onFailed: boom });
    it.children[0]!.fail();
    await it.happened();
    expect(it.errors.map(({ message }) => message.slice(0, 9))).toEqual(['Child "a"', "boom"]);
    expect(it.events.map(({ type }) => type)).toEqual(["gave-up", "error", "error"]);
  });

  test.each([
    [
      {
        children: [
          { name: "a", start: () => 1 },
          { name: "a", start: () => 1 },
        ],
      },
      /Two children of "supervisor" are called "a"/,
    ],
    [{ intensity: -1 }, /intensity/],
    [{ intensity: 0.5 }, /intensity/],
    [{ window: 0 }, /window/],
    [{ startWithin: NaN }, /startWithin/],
    [{ stopWithin: -1 }, /stopWithin/],
  ])("%j is refused, with what to write", (options, sentence) => {
    expect(() => createSupervisor({ children: [], ...options })).toThrow(sentence);
  });

  test("without options it works by the machine's clock", async () => {
    const lives: Starting[] = [];
    const child: Child<number> = { name: "a", start: (starting) => lives.push(starting) };
    const supervisor = createSupervisor({ children: [child], onError: () => undefined });
    await supervisor.start();
    lives[0]!.failed(new Error("once"));
    await expect.poll(() => lives.length).toBe(2);
    await supervisor.stop();
    expect(supervisor.state).toBe("stopped");
  });
});
