// What `dispatch` returns: one dispatch's way to its outcome, as the app sees it. It decides nothing.
import type { Rejection } from "@calla/shared";
import { RejectedError } from "../base/rejected-error.ts";

/**
 * `pending`: not durable yet. `queued`: would survive a reload, if the storage does; it waits for the connection, or for
 * what was dispatched to its target before it. `sent`: on its way. `held`: every connection that carries it ends, so it
 * waits for `retry()` or `cancel()`. The others are outcomes, and final: `applied`, `rejected`, `cancelled`, `unknown`
 * (sent under an identity that the server no longer knows: applied or not, nobody can say any more).
 */
export type WriteState =
  | "pending"
  | "queued"
  | "sent"
  | "held"
  | "applied"
  | "rejected"
  | "cancelled"
  | "unknown";

/** Where in the target's history it stands, and what was applied: the server may have amended it. */
export interface AppliedWrite<M extends readonly unknown[]> {
  readonly sequence: number;
  /** As many as were dispatched. */
  readonly messages: M;
}

/**
 * One dispatch. Its promises may be ignored: an ignored one is never an unhandled rejection.
 *
 * @example
 * const write = topic.dispatch({ type: "added", by: 1 });
 * const { sequence } = await write.applied;
 */
export interface Write<M extends readonly unknown[] = readonly unknown[], R = Rejection> {
  /** The message id. */
  readonly id: string;
  readonly state: WriteState;
  /** The storage has it. */
  readonly queued: Promise<void>;
  /** Its outcome is known, and shown if the target is subscribed. */
  readonly applied: Promise<AppliedWrite<M>>;
  /** The outcome without a throw: the reason it was rejected for, or undefined once it is applied. */
  readonly rejection: Promise<R | undefined>;
  /**
   * Gives it up if it was never sent, or is held. False: too late. A held one may have been applied all the same: `applied`
   * settles when the server has said so, or has taken note that it is given up.
   */
  cancel(): boolean;
  /** Sends a held one once more, alone: the network may be another by now. False: it is not held. */
  retry(): boolean;
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A write and the handles of whoever decides it. */
export interface WriteControl {
  readonly write: Write;
  readonly queued: Deferred<void>;
  readonly applied: Deferred<AppliedWrite<readonly unknown[]>>;
}

export function createWrite(
  id: string,
  state: () => WriteState,
  cancel: () => boolean,
  retry: () => boolean,
): WriteControl {
  const queued = deferred<void>();
  const applied = deferred<AppliedWrite<readonly unknown[]>>();
  const write: Write = {
    id,
    get state() {
      return state();
    },
    queued: queued.promise,
    applied: applied.promise,
    get rejection() {
      return quiet(
        applied.promise.then(
          () => undefined,
          (error: unknown) => {
            if (error instanceof RejectedError) return error;
            throw error;
          },
        ),
      );
    },
    cancel,
    retry,
  };
  return { write, queued, applied };
}

function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise: quiet(promise), resolve, reject };
}

/** Whoever ignores it is not told by an unhandled rejection. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
