// One child of a supervisor: its lives, one after the other. Whatever belongs to a life that has ended is not heard. Not
// here: when it lives (supervisor.ts).
import { CallaError } from "@calla/shared";
import type { SteadyClock } from "@calla/shared";
import { contain, isThenable } from "../../base/contain.ts";
import type { Report } from "../../base/contain.ts";
import { deadline } from "../../base/deadline.ts";
import type { Child, ChildState, Starting, SupervisorInspection } from "./supervisor-api.ts";

export interface ChildSettings {
  readonly clock: SteadyClock;
  readonly report: Report;
  readonly startWithin: number;
  readonly stopWithin: number;
  /** As sentences say which one. */
  readonly called: string;
  get: Starting["get"];
  /** It ran, and cannot go on. */
  readonly failed: (child: RunningChild, error: unknown) => void;
}

/** Why it does not run. "abandoned": nobody waits for its start any more. */
export type NotStarted = { readonly error: unknown } | "abandoned";

interface Life {
  started(value: unknown): void;
  ended(why: NotStarted): void;
}

export class RunningChild {
  readonly child: Child;
  state: ChildState = "waiting";
  /** Times that it was started since the supervisor was. */
  starts = 0;
  readonly #settings: ChildSettings;
  #life: Life | undefined;
  #value: unknown;

  constructor(child: Child, settings: ChildSettings) {
    this.child = child;
    this.#settings = settings;
  }

  /** @throws CallaError `closed`: it does not run. */
  get value(): unknown {
    if (this.state === "running") return this.#value;
    const what = `${this.#settings.called} does not run (it is ${this.state}): ask for it once the supervisor has started.`;
    throw new CallaError("closed", { child: this.child.name }, what);
  }

  get inside(): SupervisorInspection | undefined {
    return this.state === "running" ? this.child.inspect?.(this.#value) : undefined;
  }

  /** Resolves with why it did not start; undefined: it did. */
  start(): Promise<NotStarted | undefined> {
    const { clock, startWithin, called } = this.#settings;
    this.state = "starting";
    this.starts++;
    const abort = new AbortController();
    return new Promise((resolve) => {
      let waiting = true;
      const life: Life = {
        started: (value) => {
          // What comes when nobody waits is let go of again.
          if (!waiting) return void this.#stop(value);
          waiting = false;
          cancel();
          this.#value = value;
          this.state = "running";
          return resolve(undefined);
        },
        ended: (why) => {
          if (!waiting) return;
          waiting = false;
          cancel();
          this.#life = undefined;
          this.state = why === "abandoned" ? "stopped" : "failed";
          abort.abort();
          resolve(why);
        },
      };
      this.#life = life;
      const cancel = clock.setTimeout(() => {
        const what = `${called} has not started within ${startWithin} ms: see what its start waits for, or raise startWithin.`;
        life.ended({ error: new CallaError("child-failed", { child: this.child.name, startWithin }, what) });
      }, startWithin);
      this.#call(life, abort.signal);
    });
  }

  /** Its start is not waited for any more. */
  abandon(): void {
    if (this.state === "starting") this.#life?.ended("abandoned");
  }

  /** Resolves when it has stopped, or has taken too long. What it throws is reported. */
  async stop(): Promise<void> {
    // One that has not started holds nothing.
    if (this.#life === undefined) return;
    const value = this.#value;
    this.#life = undefined;
    this.#value = undefined;
    this.state = "stopping";
    await this.#stop(value);
    this.state = "stopped";
  }

  #call(life: Life, signal: AbortSignal): void {
    const { get } = this.#settings;
    const starting: Starting = { get, signal, failed: (error) => this.#fail(life, error) };
    const threw = (error: unknown): void => life.ended({ error });
    try {
      const made = this.child.start(starting);
      if (isThenable(made)) void Promise.resolve(made).then((value) => life.started(value), threw);
      else life.started(made);
    } catch (error) {
      threw(error);
    }
  }

  #fail(life: Life, error: unknown): void {
    if (this.#life !== life) return;
    if (this.state === "starting") return life.ended({ error });
    if (this.state !== "running") return;
    this.state = "failed";
    this.#settings.failed(this, error);
  }

  async #stop(value: unknown): Promise<void> {
    const { clock, report, stopWithin, called } = this.#settings;
    const limit = deadline(clock, stopWithin);
    const stopped = new Promise<void>((resolve) => {
      contain(report, () => {
        try {
          const answer = this.child.stop?.(value);
          if (!isThenable(answer)) return resolve();
          const over = (): void => resolve();
          void Promise.resolve(answer).then(over, over);
          return answer;
        } catch (error) {
          resolve();
          throw error;
        }
      });
    });
    if (!(await limit.met(stopped))) {
      const what = `${called} has not stopped within ${stopWithin} ms, and is left to itself: see what its stop waits for, or raise stopWithin.`;
      report(new CallaError("child-failed", { child: this.child.name, stopWithin }, what));
    }
    limit.over();
  }
}
