// createSupervisor: starts children in order; where one fails, it and all behind it are stopped in reverse and started
// again (rest for one), a few times within a while, and then it gives up. One thing at a time: what fails meanwhile waits for
// its turn. Not here: one child's lives (running-child.ts).
import { CallaError, describe } from "@calla/shared";
import { observerOf } from "../../app/events.ts";
import type { Observe } from "../../app/events.ts";
import { steady, systemClock } from "../../base/clock.ts";
import { contain, reporter } from "../../base/contain.ts";
import type { Report } from "../../base/contain.ts";
import type { SteadyClock } from "@calla/shared";
import { Restarts } from "./restarts.ts";
import { RunningChild } from "./running-child.ts";
import type {
  Child,
  Supervisor,
  SupervisorInspection,
  SupervisorOptions,
  SupervisorState,
} from "./supervisor-api.ts";

/**
 * Makes a supervisor. Nothing starts before `start`.
 *
 * @example
 * const supervisor = createSupervisor({ name: "shop", children: [queue, orders] });
 * await supervisor.start();
 * supervisor.get(queue).send("ready");
 * @throws CallaError `wiring`: two children of one name, a number that cannot be meant.
 */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { name = "supervisor", intensity = 2, window = 5_000 } = options;
  const { startWithin = 30_000, stopWithin = 5_000 } = options;
  for (const [what, value] of Object.entries({ window, startWithin, stopWithin }))
    if (!(typeof value === "number" && value > 0))
      throw new CallaError(
        "wiring",
        { [what]: value },
        `createSupervisor({ ${what} }) is a number above 0, in ms.`,
      );
  if (intensity !== Infinity && !(Number.isSafeInteger(intensity) && intensity >= 0))
    throw new CallaError(
      "wiring",
      { intensity },
      "createSupervisor({ intensity }) is a whole number from 0.",
    );
  const names = options.children.map((child) => child.name);
  const twice = names.find((one, at) => names.indexOf(one) !== at);
  if (twice !== undefined)
    throw new CallaError(
      "wiring",
      { child: twice },
      `Two children of "${name}" are called "${twice}"; rename one.`,
    );
  return new ChildSupervisor({ ...options, name, intensity, window, startWithin, stopWithin });
}

type Settings = SupervisorOptions &
  Required<Pick<SupervisorOptions, "name" | "intensity" | "window" | "startWithin" | "stopWithin">>;

interface Failure {
  readonly child: RunningChild;
  readonly error: unknown;
}

class ChildSupervisor implements Supervisor {
  readonly #settings: Settings;
  readonly #clock: SteadyClock;
  readonly #report: Report;
  readonly #observe: Observe | undefined;
  readonly #restarts: Restarts;
  readonly #children: readonly RunningChild[];
  #state: SupervisorState = "idle";
  /** Not seen to yet. */
  #failures: Failure[] = [];
  /** What is under way, and comes to its end by itself. */
  #work: Promise<void> = Promise.resolve();
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #parent: ((error: unknown) => void) | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#clock = steady(settings.clock ?? systemClock);
    const reported = reporter(settings.onError);
    const observe = observerOf(settings.observe, reported);
    this.#observe = observe;
    this.#report = (error) => {
      observe?.({ type: "error", error });
      reported(error);
    };
    this.#restarts = new Restarts(this.#clock, settings.intensity, settings.window);
    this.#children = settings.children.map(
      (child) =>
        new RunningChild(child, {
          clock: this.#clock,
          report: this.#report,
          startWithin: child.startWithin ?? settings.startWithin,
          stopWithin: child.stopWithin ?? settings.stopWithin,
          called: this.#called(child),
          get: (other) => this.get(other),
          failed: (failed, error) => this.#failed({ child: failed, error }),
        }),
    );
  }

  get state(): SupervisorState {
    return this.#state;
  }

  get ready(): boolean {
    return this.#state === "running";
  }

  get<Value>(child: Child<Value>): Value {
    const running = this.#children.find((one) => one.child === child);
    if (running !== undefined) return running.value as Value;
    const what = `"${this.#settings.name}" has no such child as "${child.name}": give the object that is among its children.`;
    throw new CallaError("wiring", { child: child.name }, what);
  }

  inspect(): SupervisorInspection {
    const { name, intensity, window } = this.#settings;
    const children = this.#children.map(({ child, state, starts, inside }) => ({
      name: child.name,
      state,
      restarts: Math.max(0, starts - 1),
      ...(inside !== undefined && { inside }),
    }));
    return { name, state: this.#state, restarts: this.#restarts.count, intensity, window, children };
  }

  async start(): Promise<void> {
    if (this.#stopping !== undefined) await this.#stopping;
    if (this.#starting !== undefined) return this.#starting;
    if (this.#state === "running" || this.#state === "restarting") return undefined;
    this.#state = "starting";
    this.#restarts.forget();
    this.#failures = [];
    for (const child of this.#children) {
      child.starts = 0;
      child.state = "waiting";
    }
    const starting = this.#startAll();
    this.#starting = starting;
    this.#work = starting.catch(() => undefined);
    return starting.finally(() => (this.#starting = undefined));
  }

  stop(): Promise<void> {
    if (this.#stopping !== undefined) return this.#stopping;
    if (this.#state === "failed") return this.#work;
    if (this.#state === "idle" || this.#state === "stopped") return Promise.resolve();
    this.#state = "stopping";
    for (const child of this.#children) child.abandon();
    this.#stopping = this.#work
      .then(() => this.#stopFrom(0))
      .then(() => {
        for (const child of this.#children) child.state = "stopped";
        this.#failures = [];
        this.#state = "stopped";
        this.#stopping = undefined;
      });
    return this.#stopping;
  }

  asChild(): Child<Supervisor> {
    return {
      name: this.#settings.name,
      startWithin: this.#timeFor("startWithin"),
      stopWithin: this.#timeFor("stopWithin"),
      start: async ({ failed, signal }) => {
        this.#parent = failed;
        signal.addEventListener("abort", () => void this.stop(), { once: true });
        await this.start();
        return this;
      },
      stop: () => this.stop(),
      inspect: () => this.inspect(),
    };
  }

  /** Its children one after the other, and then it has said so. */
  #timeFor(what: "startWithin" | "stopWithin"): number {
    return this.#children.reduce((sum, { child }) => sum + (child[what] ?? this.#settings[what]), 1_000);
  }

  // --- starting ---

  /** @throws CallaError `child-failed`, `closed` */
  async #startAll(): Promise<void> {
    for (const child of this.#children) {
      const why = await child.start();
      if (this.#leaving) throw this.#stopped();
      if (why === undefined) continue;
      const { error } = why as { readonly error: unknown };
      await this.#stopFrom(0);
      if (this.#leaving) throw this.#stopped();
      this.#state = "failed";
      const what = `${this.#called(child.child)} did not start: ${describe(error)}. Nothing runs now: mend that and start again.`;
      throw new CallaError(
        "child-failed",
        { supervisor: this.#settings.name, child: child.child.name, cause: error },
        what,
      );
    }
    this.#state = "running";
    // What has failed behind its start, before all had started.
    if (this.#failures.length > 0) this.#seeTo();
  }

  // --- failures ---

  #failed(failure: Failure): void {
    this.#failures.push(failure);
    // Others may fail for the same reason in this turn: they are restarted once.
    if (this.#state === "running" && this.#failures.length === 1) this.#clock.defer(() => this.#seeTo());
  }

  #seeTo(): void {
    if (this.#state !== "running") return;
    this.#state = "restarting";
    this.#work = this.#restart().catch((error: unknown) => this.#report(error));
  }

  async #restart(): Promise<void> {
    for (let failures = this.#takeFailures(); failures.length > 0; failures = this.#takeFailures()) {
      const first = failures.reduce((one, other) =>
        this.#at(other.child) < this.#at(one.child) ? other : one,
      );
      if (!this.#restarts.take()) return this.#giveUp(failures, first);
      for (const failure of failures)
        this.#report(this.#errorOf(failure, "It is started again, with those behind it."));
      const began = this.#clock.monotonic();
      await this.#restartFrom(first.child, failures);
      if (this.#leaving) return;
      if (this.#children.some((child) => child.state === "failed")) continue;
      this.#observe?.({
        type: "restarted",
        supervisor: this.#settings.name,
        child: first.child.child.name,
        restarts: this.#restarts.count,
        took: this.#clock.monotonic() - began,
      });
    }
    this.#state = "running";
  }

  /** Stops it and those behind it in reverse, and starts them in order, until one fails, there or before. */
  async #restartFrom(first: RunningChild, failures: readonly Failure[]): Promise<void> {
    const at = this.#at(first);
    const again = this.#children
      .slice(at)
      .filter((child) => child.child.lasting !== true || failures.some((failure) => failure.child === child));
    for (const child of again.toReversed()) {
      await child.stop();
      if (this.#leaving) return;
    }
    for (const child of this.#children.slice(at)) {
      if (child.state === "running") continue;
      // A lasting one may have failed meanwhile.
      await child.stop();
      if (this.#leaving) return;
      const why = await child.start();
      if (this.#leaving || why === "abandoned") return;
      if (why !== undefined) this.#failures.push({ child, error: why.error });
      // It, or one before it, is seen to first.
      const before = ({ child: failed }: Failure) =>
        failed.state === "failed" && this.#at(failed) <= this.#at(child);
      if (this.#failures.some(before)) return;
    }
  }

  async #giveUp(failures: readonly Failure[], first: Failure): Promise<void> {
    const { name, intensity, window, onFailed } = this.#settings;
    await this.#stopFrom(0);
    if (this.#leaving) return;
    for (const { child } of failures) child.state = "failed";
    this.#state = "failed";
    const error = this.#errorOf(
      first,
      `That is one more than the ${intensity} restarts that "${name}" tries within ${window} ms, so everything of it is stopped: mend what fails, then start it again.`,
    );
    this.#observe?.({ type: "gave-up", supervisor: name, child: first.child.child.name });
    for (const other of failures)
      if (other !== first)
        this.#report(this.#errorOf(other, "It is stopped, for another one has failed too often."));
    this.#report(error);
    contain(this.#report, () => onFailed?.(error));
    this.#parent?.(error);
  }

  async #stopFrom(at: number): Promise<void> {
    for (const child of this.#children.slice(at).toReversed()) await child.stop();
  }

  #takeFailures(): readonly Failure[] {
    const failures = this.#failures;
    this.#failures = [];
    return failures.filter((failure) => {
      if (failure.child.state === "failed") return true;
      // Stopped since with one before it.
      this.#report(this.#errorOf(failure, "It has been started again meanwhile, with one before it."));
      return false;
    });
  }

  #at(child: RunningChild): number {
    return this.#children.indexOf(child);
  }

  get #leaving(): boolean {
    return this.#state === "stopping";
  }

  #called({ name }: Child): string {
    return `Child "${name}" of "${this.#settings.name}"`;
  }

  #errorOf({ child, error }: Failure, what: string): CallaError {
    const details = { supervisor: this.#settings.name, child: child.child.name, cause: error };
    return new CallaError(
      "child-failed",
      details,
      `${this.#called(child.child)} has failed: ${describe(error)}. ${what}`,
    );
  }

  #stopped(): CallaError {
    return new CallaError(
      "closed",
      { supervisor: this.#settings.name },
      `"${this.#settings.name}" was stopped before all had started.`,
    );
  }
}
