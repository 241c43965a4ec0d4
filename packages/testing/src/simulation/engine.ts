// A model of a database that several nodes share, and of each node's lines to it: what a Postgres does to its clients, in
// virtual time. Not here: single calls that fail (the log's own faults), the file of a log (vanishing.ts).
import type { Changes, LogStorage, Position, PubSub } from "@calla/server";
import type { RewindableLog } from "@calla/server/testing";
import { CallaError } from "@calla/shared";
import type { TargetKey } from "@calla/shared";
import type { ProcessClock, VirtualClock } from "../doubles/clock.ts";
import type { EngineStep } from "./engine-plan.ts";

interface EngineOptions {
  readonly clock: VirtualClock;
  readonly nodes: number;
  /** Takes the last so many appends back, of all targets together. */
  readonly lose: (lacks: number) => Promise<void>;
}

/** A line of a node, which may be down until a time. */
interface Line {
  until: number;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #logs: readonly (Line & { unanswered: boolean })[];
  readonly #pubsubs: readonly (Line & { readonly gaps: Set<() => void> })[];
  readonly #readOnly: Line = { until: 0 };
  readonly #emptied: Line = { until: 0 };
  readonly #held: Line = { until: 0 };
  /** Failovers that are under way. */
  #down = 0;
  /** What was appended while changes were held back. */
  readonly #late = new Set<string>();

  constructor(options: EngineOptions) {
    this.#options = options;
    const each = <L>(make: () => L): readonly L[] => Array.from({ length: options.nodes }, make);
    this.#logs = each(() => ({ until: 0, unanswered: false }));
    this.#pubsubs = each(() => ({ until: 0, gaps: new Set<() => void>() }));
  }

  /** Resolves at once; what it does passes by itself. */
  async carryOut(step: EngineStep): Promise<void> {
    const { clock } = this.#options;
    switch (step.do) {
      case "engine-apart": {
        const log = this.#logs[step.node]!;
        if (step.from !== "pubsub") {
          this.#begin(log, step.for);
          log.unanswered = step.unanswered;
        }
        return step.from === "log" ? undefined : this.#deaf(step.node, step.for);
      }
      case "engine-pubsub-away":
        return this.#allDeaf(step.for);
      case "engine-failover": {
        this.#down++;
        this.#allDeaf(step.for);
        clock.setTimeout(() => void this.#options.lose(step.lacks).finally(() => this.#down--), step.for);
        return;
      }
      case "engine-read-only":
        return this.#begin(this.#readOnly, step.for);
      case "engine-held-back":
        this.#begin(this.#held, step.for);
        return void clock.setTimeout(() => {
          if (!this.#is(this.#held)) this.#late.clear();
        }, step.for);
      case "engine-emptied":
        return this.#begin(this.#emptied, step.for);
      default:
        step satisfies never;
    }
  }

  /** Everything is as it should be from now on, but for a failover that is under way. */
  calm(): void {
    for (const line of [this.#readOnly, this.#emptied, this.#held, ...this.#logs]) line.until = 0;
    this.#late.clear();
    for (const [node, { until }] of this.#pubsubs.entries()) {
      this.#pubsubs[node]!.until = 0;
      if (until > 0) this.#tellGap(node);
    }
  }

  /** The archive says what an append has come to. */
  appended(target: TargetKey, sequence: number): void {
    if (this.#is(this.#held)) this.#late.add(`${target} ${sequence}`);
  }

  /** The log as a node reaches it. */
  log(node: number, inner: RewindableLog): RewindableLog {
    const line = this.#logs[node]!;
    const reached: LogStorage = { ...inner };
    const calls = reached as unknown as Record<string, unknown>;
    for (const [name, method] of Object.entries(inner) as [string, unknown][]) {
      if (typeof method !== "function" || LOCAL.has(name)) continue;
      calls[name] = async (...args: readonly unknown[]): Promise<unknown> => {
        const unanswered = line.unanswered;
        line.unanswered = false;
        if (!unanswered) this.#check(line, name);
        const result: unknown = await (method as (...args: readonly unknown[]) => unknown)(...args);
        if (unanswered) throw failure("cut", "The line to the log broke before its answer came.");
        return name === "changes" ? this.#shown(result as Changes, args[0] as Position) : result;
      };
    }
    return { ...reached, rewind: inner.rewind };
  }

  /** The other nodes as one process of a node hears them. Once it is killed it says and hears nothing more. */
  pubsub(node: number, inner: PubSub, process: ProcessClock): PubSub {
    const line = this.#pubsubs[node]!;
    const works = (): boolean => !process.killed && !this.#is(line);
    return {
      publish(channel, payload) {
        if (works()) inner.publish(channel, payload);
      },
      subscribe: (channel, listener) =>
        inner.subscribe(channel, (payload) => {
          if (works()) listener(payload);
        }),
      onGap(listener) {
        const told = (): void => {
          if (!process.killed) listener();
        };
        line.gaps.add(told);
        return () => void line.gaps.delete(told);
      },
    };
  }

  #check(line: Line, call: string): void {
    if (this.#down > 0) throw failure("down", "The log's engine is not there.");
    if (this.#is(this.#emptied)) throw failure("other", "Another log stands there.");
    if (this.#is(line)) throw failure("cut", "There is no line to the log.");
    if (WRITES.has(call) && this.#is(this.#readOnly))
      throw failure("read-only", "The log's engine takes no writes.");
  }

  /** Up to the first that is held back; all that comes after it waits with it. */
  #shown(found: Changes, after: Position): Changes {
    if (!this.#is(this.#held)) return found;
    const first = found.changes.findIndex(
      (change) => "record" in change && this.#late.has(`${change.target} ${change.record.sequence}`),
    );
    if (first < 0) return found;
    const changes = found.changes.slice(0, first);
    return { changes, position: changes.at(-1)?.position ?? after };
  }

  #deaf(node: number, time: number): void {
    const line = this.#pubsubs[node]!;
    this.#begin(line, time);
    this.#options.clock.setTimeout(() => {
      if (line.until === 0 || this.#is(line)) return;
      line.until = 0;
      this.#tellGap(node);
    }, time);
  }
  #allDeaf(time: number): void {
    for (const node of this.#pubsubs.keys()) this.#deaf(node, time);
  }
  #tellGap(node: number): void {
    for (const listener of Array.from(this.#pubsubs[node]!.gaps)) listener();
  }

  #begin(line: Line, time: number): void {
    line.until = Math.max(line.until, this.#options.clock.monotonic() + time);
  }
  #is = ({ until }: Line): boolean => this.#options.clock.monotonic() < until;
}

const failure = (code: string, text: string): CallaError => new CallaError("storage", { code }, text);

/** What is asked of no engine. */
const LOCAL = new Set(["carryWith", "onReplaced", "rewind", "close", "secret", "identity"]);
const WRITES = new Set([
  "append",
  "saveSnapshot",
  "remove",
  "expire",
  "touch",
  "claimConsumer",
  "advanceConsumer",
  "dropConsumer",
]);
