// Runs checks against a server: plays each conversation once, some at a time, and says of each check what became of it.
import {
  differsIn,
  type Check,
  type Conversation,
  type Differences,
  type Mode,
  type Over,
} from "../checks/check.ts";
import { checks as table, differences as differencesOfCalla } from "../checks/table.ts";
import { readRaces, readRecordings } from "../recording/read-recordings.ts";
import type { Scenario, Step } from "../recording/recording.ts";
import { mismatches, type ReplayOptions, type ReplayTime } from "../replay/replay.ts";
import type { Failure, Report, Result } from "./outcome.ts";
import { endsServer, mountPart, partsOf, polls } from "./parts.ts";
import { CheckPeer, Wrong } from "./peer.ts";
import { lackSentence, probe, unreachable } from "./probe.ts";
import { overLongPoll } from "./over-longpoll.ts";
import { selected } from "./select.ts";
import { targetOf, type Target } from "./target.ts";

/** A server for one conversation. */
export interface OwnServer {
  readonly url: string;
  /** Default: by itself. */
  readonly time?: ReplayTime;
  /** Called once the conversation is over. */
  close(): Promise<void>;
}

/** Which server is checked, for what, and how patiently. */
export interface RunOptions {
  /** `ws://localhost:4000/socket`: the fixture app's main socket. */
  readonly url: string;
  /** Phoenix's answers, or Calla's where they differ. Default: "strict". */
  readonly mode?: Mode;
  /** Ids, and beginnings of ids: `["JN", "LP4"]`. Default: all. */
  readonly only?: readonly string[];
  /** Leaves out the checks that do not talk over it. Default: all. */
  readonly over?: Over;
  /** How many conversations are under way at once. Default: 6. */
  readonly atOnce?: number;
  /** How long to wait for what must come, in ms. Default: 10,000: Phoenix itself stands still for 5 s once. */
  readonly patience?: number;
  /** How long a check that is code may take, in ms. Default: 60,000. */
  readonly deadline?: number;
  /** Plays recorded conversations only, as against the stub. Default: false. */
  readonly recorded?: boolean;
  /** Plays the conversations that make the server end, last of all. Default: true. */
  readonly endings?: boolean;
  /** Gives a conversation a server of its own; undefined: the one at `url`. Asked by the conversation's name, or the check's id. */
  readonly ownServer?: (name: string) => Promise<OwnServer | undefined>;
  /** Default: all of the kit. */
  readonly checks?: readonly Check[];
  /** Default: where Calla differs. */
  readonly differences?: Differences;
}

/** One thing to do: a conversation or a check's code. */
interface Job {
  readonly name: string;
  readonly parts: readonly string[];
  /** Whether the server ends by it. */
  readonly ends: boolean;
  /** It has the same topics: the two must not hear each other. */
  readonly behind?: Job;
  play(options: ReplayOptions): Promise<readonly Failure[]>;
}

/** What became of a job. */
type Outcome =
  | { readonly failures: readonly Failure[] }
  | { readonly why: string; readonly lacking: boolean };

/** How long a server that has ended may take to be there again. */
const BACK = 5000;

/**
 * Runs the checks of the kit against a server that offers the fixture app.
 *
 * @returns what became of each; a `problem` where none could be run
 * @throws BadTarget, UnknownCheck
 * @example
 * const { results } = await runChecks({ url: "ws://localhost:4000/socket", only: ["JN"] });
 * console.log(results.filter(({ outcome }) => outcome === "failed"));
 */
export async function runChecks(options: RunOptions): Promise<Report> {
  const began = performance.now();
  const target = targetOf(options.url);
  const mode = options.mode ?? "strict";
  const all = options.checks ?? table;
  const chosen = selected(all, options.only ?? [], options.over);
  const run = new Run(target, mode, options);
  const planned = chosen.map((check) => ({ check, jobs: run.jobsOf(check) }));
  const needed = new Set(planned.flatMap(({ jobs }) => jobs.flatMap(({ parts }) => parts)));
  const { problem, lacks } = await probe(target, needed, run.optionsFor(target));
  const base = { version: 1 as const, url: target.url, mode, lacks: [...lacks].map(lackSentence) };
  const took = (): number => Math.round(performance.now() - began);
  if (problem !== undefined) return { ...base, problem, results: [], took: took() };
  const outcomes = await run.play(
    planned.flatMap(({ jobs }) => jobs),
    lacks,
  );
  const results = planned.map(({ check, jobs }) => run.resultOf(check, jobs, outcomes));
  return { ...base, results, took: took() };
}

class Run {
  readonly #target: Target;
  readonly #mode: Mode;
  readonly #options: RunOptions;
  readonly #differences: Differences;
  readonly #recorded = new Map(
    readRecordings().flatMap(({ scenarios }) => scenarios.map((scenario) => [scenario.scenario, scenario])),
  );
  readonly #races = readRaces();
  /** By name: a conversation of several checks is played once. */
  readonly #jobs = new Map<string, Job>();
  readonly #playing = new Map<Job, Promise<Outcome>>();
  /** Why no more is played. */
  #gone: string | undefined;

  constructor(target: Target, mode: Mode, options: RunOptions) {
    this.#target = target;
    this.#mode = mode;
    this.#options = options;
    this.#differences = options.differences ?? differencesOfCalla;
  }

  optionsFor({ host, port, secure, prefix }: Target, time?: ReplayTime): ReplayOptions {
    const { patience = 10_000 } = this.#options;
    return {
      host,
      port,
      secure,
      prefix,
      patience,
      ...(time === undefined ? {} : { time }),
    };
  }

  #isOfCallaOnly(check: Check): boolean {
    return check.only === "calla" && this.#mode === "strict";
  }

  /** What shows that a check holds. */
  jobsOf(check: Check): Job[] {
    if (this.#isOfCallaOnly(check)) return [];
    const { scenarios = [], written = [], overLongPoll: twice = [], run } = check;
    const recordedOnly = this.#options.recorded === true;
    const jobs: Job[] = [];
    const conversations: Conversation[] = scenarios.map((name) => {
      const scenario = this.#recorded.get(name);
      if (scenario === undefined) throw new Error(`${check.id}: no conversation is recorded as ${name}.`);
      const race = this.#races.get(name);
      return race === undefined ? scenario : { ...scenario, or: [race.steps] };
    });
    if (!recordedOnly) conversations.push(...written);
    const { over } = this.#options;
    for (const conversation of conversations) {
      const job = this.#job(conversation);
      if (over === undefined || over === "http" || polls(conversation) === (over === "longpoll")) {
        jobs.push(job);
      }
      if (twice.includes(conversation.scenario) && over !== "websocket") {
        jobs.push(this.#job(overLongPoll(conversation), conversation.scenario, job));
      }
    }
    if (run !== undefined && !recordedOnly) {
      jobs.push({
        name: check.id,
        parts: (check.needs ?? ["/socket/websocket"]).flatMap(
          (path) => mountPart(path) ?? mountPart(`${path}/websocket`) ?? [],
        ),
        ends: false,
        play: (options) => this.#runCode(check, run, options),
      });
    }
    return jobs;
  }

  #job(conversation: Conversation, differing = conversation.scenario, behind?: Job): Job {
    const difference = this.#mode === "calla" ? this.#differences[differing] : undefined;
    const { scenario, about, steps, or = [] } = conversation;
    const orders = difference === undefined ? [steps, ...or] : [difference.steps(steps)];
    if (difference?.alsoAsRecorded === true) orders.push(steps, ...or);
    const known = this.#jobs.get(scenario);
    if (known !== undefined) return known;
    const job: Job = {
      name: scenario,
      parts: partsOf(conversation),
      ends: endsServer(conversation),
      ...(behind === undefined ? {} : { behind }),
      play: (options) => playAny({ scenario, about }, orders, options),
    };
    this.#jobs.set(scenario, job);
    return job;
  }

  async #runCode(
    check: Check,
    run: NonNullable<Check["run"]>,
    options: ReplayOptions,
  ): Promise<readonly Failure[]> {
    const { deadline = 60_000 } = this.#options;
    const peer = new CheckPeer(check.id, this.#mode, options);
    let late: NodeJS.Timeout | undefined;
    try {
      await Promise.race([
        run(peer),
        new Promise<never>((_, reject) => {
          late = setTimeout(
            () => reject(new Wrong({ says: `It was not done within ${deadline} ms.` })),
            deadline,
          );
        }),
      ]);
      return [];
    } catch (error) {
      const failure =
        error instanceof Wrong ? error.failure : { says: `The check itself threw: ${String(error)}` };
      return [{ conversation: check.id, about: check.says, ...failure }];
    } finally {
      clearTimeout(late);
      peer.end();
    }
  }

  /** Plays each job once, those that end the server behind all others and one at a time. */
  async play(jobs: readonly Job[], lacks: ReadonlySet<string>): Promise<ReadonlyMap<Job, Outcome>> {
    const outcomes = new Map<Job, Outcome>();
    const left: Job[] = [];
    const last: Job[] = [];
    for (const job of new Set(jobs)) {
      const lacked = job.parts.filter((part) => lacks.has(part));
      if (lacked.length > 0) {
        outcomes.set(job, { why: lacked.map(lackSentence).join(" "), lacking: true });
      } else (job.ends ? last : left).push(job);
    }
    const next = async (): Promise<void> => {
      for (let job = left.shift(); job !== undefined; job = left.shift())
        outcomes.set(job, await this.#one(job));
    };
    await Promise.all(Array.from({ length: this.#options.atOnce ?? 6 }, next));
    for (const job of last) outcomes.set(job, await this.#ending(job));
    return outcomes;
  }

  async #one(job: Job): Promise<Outcome> {
    // What it waits for was begun before, if it is played at all.
    const before = job.behind === undefined ? undefined : this.#playing.get(job.behind);
    const playing = (before ?? Promise.resolve()).then(() => this.#alone(job));
    this.#playing.set(job, playing);
    return playing;
  }

  async #alone(job: Job): Promise<Outcome> {
    const own = await this.#options.ownServer?.(job.name);
    try {
      if (own === undefined && this.#gone !== undefined) return { why: this.#gone, lacking: true };
      const target = own === undefined ? this.#target : targetOf(own.url);
      const failures = await job.play(this.optionsFor(target, own?.time));
      if (failures.length > 0 && own === undefined) await this.#noticeEnd(job.name);
      return { failures };
    } finally {
      await own?.close();
    }
  }

  /** The server may have died of a conversation: what stands behind it would fail for that alone. */
  async #noticeEnd(name: string): Promise<void> {
    if ((await unreachable(this.#target)) === undefined) return;
    this.#gone ??= `The server was gone after ${name}: start it again, and see what that conversation does to it.`;
  }

  async #ending(job: Job): Promise<Outcome> {
    if (this.#options.endings === false) {
      return { why: "It makes the server end, and the run was told to leave that out.", lacking: false };
    }
    const until = performance.now() + BACK;
    while (this.#options.ownServer === undefined && (await unreachable(this.#target)) !== undefined) {
      if (performance.now() > until) {
        return {
          why: `The server had ended by a conversation that tells it to, and was not back within ${BACK / 1000} s. Run it under something that starts it again, or run this check by itself.`,
          lacking: false,
        };
      }
      await pause(100);
    }
    return this.#one(job);
  }

  resultOf(check: Check, jobs: readonly Job[], outcomes: ReadonlyMap<Job, Outcome>): Result {
    const { id, says, over } = check;
    const differs = differsIn(check, this.#differences);
    const base = { id, says, over, differs, played: jobs.map(({ name }) => name) };
    const of = jobs.map((job) => outcomes.get(job)).filter((outcome) => outcome !== undefined);
    const failures = of.flatMap((outcome) => ("failures" in outcome ? outcome.failures : []));
    if (failures.length > 0) return { ...base, outcome: "failed", failures };
    const notRun = of.find((outcome) => "why" in outcome);
    if (notRun !== undefined) return { ...base, outcome: "not run", ...notRun, failures };
    if (jobs.length > 0) return { ...base, outcome: "passed", failures };
    const why =
      check.notRun ??
      (this.#isOfCallaOnly(check) ? "A rule of Calla's own: the mode calla asks for it." : undefined) ??
      (this.#options.recorded === true
        ? "No recorded conversation shows it."
        : "The kit has neither a conversation nor code for it.");
    return { ...base, outcome: "not run", why, failures };
  }
}

/** Plays a conversation in its orders until one fits; the failures are of the first. */
async function playAny(
  { scenario, about }: Pick<Scenario, "scenario" | "about">,
  orders: readonly (readonly Step[])[],
  options: ReplayOptions,
): Promise<readonly Failure[]> {
  let failures: readonly Failure[] = [];
  for (const [i, steps] of orders.entries()) {
    const found = await mismatches({ scenario, about, steps }, options);
    if (found.length === 0) return [];
    if (i === 0) failures = found.map((mismatch) => ({ conversation: scenario, about, ...mismatch }));
  }
  return failures;
}

const pause = async (ms: number): Promise<void> => {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
};
