// For tests: a log that fails as real ones do, on purpose, repeatably and with a count of how often. Conflicts need no
// fault: two servers on one log have them by themselves.
import type { Clock, Random, TargetKey } from "@calla/shared";
import type { LogStorage } from "../log/log.ts";
import { rewindableLog } from "./rewindable-log.ts";
import type { RewindableLog } from "./rewindable-log.ts";

/** The methods of a log that can fail. */
export type LogMethod = Exclude<keyof LogStorage, "shared" | "close">;

/** One call of a log, as a plan sees it. */
export interface LogCall {
  readonly method: LogMethod;
  /** Counts the calls of this method, from 1. */
  readonly count: number;
  readonly targets: readonly TargetKey[];
}

/** What goes wrong with one call. */
export type LogFault =
  /** Rejects; nothing was done. */
  | "fail"
  /** Does it, then rejects: the commit was made and its answer was lost. */
  | "lose"
  /** Does it after so many milliseconds. */
  | { readonly delay: number }
  /** Does it at once and answers after so many milliseconds. */
  | { readonly answerAfter: number };

/** Decides for each call what goes wrong; undefined: nothing. */
export type LogPlan = (call: LogCall) => LogFault | undefined;

/** How often each fault was done to a call. */
export type LogFaultCounts = Record<"fail" | "lose" | "delay" | "answerAfter" | "frozen" | "rewind", number>;

/** What the rejections of a faulty log hold. */
export class LogFaultError extends Error {
  override readonly name = "LogFaultError";
}

/** A log with faults. */
export interface FaultyLog extends RewindableLog {
  /** Replaces the plan; without one nothing goes wrong from now on. */
  plan(plan?: LogPlan): void;
  /** From now on every call hangs … */
  freeze(): void;
  /** … until now. Calls go on in the order in which they came. */
  thaw(): void;
  readonly fired: Readonly<LogFaultCounts>;
}

/** What `faultyLog` takes: the first plan, and a clock for plans that delay. */
export interface FaultyLogOptions {
  /** Decides for each call what goes wrong. Default: nothing does. */
  readonly plan?: LogPlan | undefined;
  /** Needed by plans that delay. */
  readonly clock?: Clock | undefined;
}

/**
 * Wraps a log so that it fails by plan, hangs, and can be rewound (then the log must be empty when it is wrapped, or be
 * rewindable itself; several servers with their own faults share one `rewindableLog` below).
 *
 * @example
 * const log = faultyLog(memoryLog(), { plan: ({ method, count }) => (method === "append" && count === 3 ? "lose" : undefined) });
 */
export function faultyLog(
  log: LogStorage | RewindableLog,
  { plan, clock }: FaultyLogOptions = {},
): FaultyLog {
  const inner = "rewind" in log ? log : rewindableLog(log);
  const fired: LogFaultCounts = { fail: 0, lose: 0, delay: 0, answerAfter: 0, frozen: 0, rewind: 0 };
  const counts = new Map<LogMethod, number>();
  let frozen: (() => void)[] | undefined;

  const wait = (milliseconds: number): Promise<void> => {
    if (clock === undefined) throw new TypeError("A faulty log that delays needs a clock: pass { clock }.");
    return new Promise((done) => void clock.setTimeout(done, milliseconds));
  };
  async function call<T>(
    method: LogMethod,
    targets: readonly TargetKey[],
    run: () => Promise<T>,
  ): Promise<T> {
    const count = (counts.get(method) ?? 0) + 1;
    counts.set(method, count);
    const fault = plan?.({ method, count, targets });
    const waiting = frozen;
    if (waiting !== undefined) {
      fired.frozen++;
      await new Promise<void>((go) => waiting.push(go));
    }
    if (fault === undefined) return run();
    const kind = typeof fault === "string" ? fault : "delay" in fault ? "delay" : "answerAfter";
    fired[kind]++;
    if (fault === "fail") throw new LogFaultError(`The log failed before its ${method} (${count}).`);
    if (typeof fault === "object" && "delay" in fault) {
      await wait(fault.delay);
      return run();
    }
    const waited = fault === "lose" ? undefined : wait(fault.answerAfter);
    const result = await run();
    if (fault === "lose") throw new LogFaultError(`The log lost the answer to its ${method} (${count}).`);
    await waited;
    return result;
  }

  return {
    shared: inner.shared,
    carryWith: (serialiser) => inner.carryWith?.(serialiser),
    onReplaced: (listener) => inner.onReplaced?.(listener) ?? (() => {}),
    open: (target) => call("open", [target], () => inner.open(target)),
    append: (batch) =>
      call(
        "append",
        batch.map((one) => one.target),
        () => inner.append(batch),
      ),
    read: (target, after, limit) => call("read", [target], () => inner.read(target, after, limit)),
    ...(inner.moved && {
      moved: (places) =>
        call(
          "moved",
          places.map(([target]) => target),
          () => inner.moved!(places),
        ),
    }),
    client: (target, clientId) => call("client", [target], () => inner.client(target, clientId)),
    saveSnapshot: (target, snapshot) =>
      call("saveSnapshot", [target], () => inner.saveSnapshot(target, snapshot)),
    remove: (target, at, unusedSince) =>
      call("remove", [target], () => inner.remove(target, at, unusedSince)),
    list: (prefix, from, limit) => call("list", [], () => inner.list(prefix, from, limit)),
    history: (target, upTo, limit) => call("history", [target], () => inner.history(target, upTo, limit)),
    snapshotAt: (target, sequence) => call("snapshotAt", [target], () => inner.snapshotAt(target, sequence)),
    changes: (after, limit, wanted) => call("changes", [], () => inner.changes(after, limit, wanted)),
    claimConsumer: (name, claim) => call("claimConsumer", [], () => inner.claimConsumer(name, claim)),
    advanceConsumer: (name, to) => call("advanceConsumer", [], () => inner.advanceConsumer(name, to)),
    dropConsumer: (name) => call("dropConsumer", [], () => inner.dropConsumer(name)),
    consumers: () => call("consumers", [], () => inner.consumers()),
    touch: (sessions, at) => call("touch", sessions, () => inner.touch(sessions, at)),
    expire: (expiry) => call("expire", [], () => inner.expire(expiry)),
    ...(inner.identity && { identity: () => call("identity", [], () => inner.identity!()) }),
    secret: () => call("secret", [], () => inner.secret()),
    close: () => inner.close(),
    rewind(target, toSequence) {
      fired.rewind++;
      return inner.rewind(target, toSequence);
    },
    plan(next) {
      plan = next;
    },
    freeze() {
      frozen ??= [];
    },
    thaw() {
      const waiting = frozen ?? [];
      frozen = undefined;
      for (const go of waiting) go();
    },
    fired,
  };
}

/** How likely each fault is, between 0 and 1; together at most 1. */
export interface LogFaultRates {
  /** Probability, from 0 to 1, that a call rejects and does nothing. Default 0. */
  readonly fail?: number;
  /** Probability that a call does its work and then rejects. Default 0. */
  readonly lose?: number;
  /** Probability that a call does its work late. Default 0. */
  readonly delay?: number;
  /** Probability that a call does its work at once and answers late. Default 0. */
  readonly answerAfter?: number;
  /** The longest delay in milliseconds. Default 50. */
  readonly longest?: number;
  /** Which methods fail. Default: all but `secret` and `identity`. */
  readonly methods?: readonly LogMethod[];
}

/** Asked once, by whoever starts. */
const UNFAILING: ReadonlySet<LogMethod> = new Set(["secret", "identity"]);

/**
 * A plan drawn from a seeded source: the same seed and calls, the same faults.
 *
 * @example
 * faultyLog(memoryLog(), { plan: seededFaults(random, { fail: 0.02, lose: 0.02, delay: 0.1 }), clock });
 */
export function seededFaults(random: Random, rates: LogFaultRates): LogPlan {
  const { fail = 0, lose = 0, delay = 0, answerAfter = 0, longest = 50 } = rates;
  const { methods } = rates;
  return ({ method }) => {
    if (methods === undefined ? UNFAILING.has(method) : !methods.includes(method)) return undefined;
    // Two numbers for each call, whatever comes of them, so that one changed rate moves no other call's luck.
    const luck = random.uint32() / 4_294_967_296;
    const milliseconds = 1 + (random.uint32() % longest);
    if (luck < fail) return "fail";
    if (luck < fail + lose) return "lose";
    if (luck < fail + lose + delay) return { delay: milliseconds };
    return luck < fail + lose + delay + answerAfter ? { answerAfter: milliseconds } : undefined;
  };
}

/**
 * A plan written by hand: for each method, what happens to its first, second, … call.
 *
 * @example
 * faultyLog(memoryLog(), { plan: scriptedFaults({ append: [undefined, "lose"] }) });
 */
export const scriptedFaults =
  (script: { readonly [Method in LogMethod]?: readonly (LogFault | undefined)[] }): LogPlan =>
  ({ method, count }) =>
    script[method]?.[count - 1];
