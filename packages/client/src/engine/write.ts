// What `dispatch` returns: one dispatch's way to its outcome, as the app sees it. Its promises are made when somebody
// looks at them. It decides nothing.
import type { Rejection } from "@calla/shared";
import { RejectedError } from "../base/rejected-error.ts";
import { writeState } from "./dispatch.ts";
import type { Dispatch, Outcome, WriteSettler, WriteState } from "./records.ts";

/** Where in the target's history it stands, and what was applied: the server may have amended it. */
export interface AppliedWrite<M extends readonly unknown[]> {
  readonly sequence: number;
  /** As many as were dispatched. */
  readonly messages: M;
}

/** One dispatch. Its promises may be ignored: an ignored one is never an unhandled rejection. */
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

type Settled<T> = { readonly value: T } | { readonly error: unknown };

/** A promise that is made when somebody asks for it, whether it has settled by then or not. */
class Settling<T> {
  #promise: Promise<T> | undefined;
  #settled: Settled<T> | undefined;
  #finish: ((settled: Settled<T>) => void) | undefined;

  /** The first counts. */
  settle(settled: Settled<T>): void {
    if (this.#settled) return;
    this.#settled = settled;
    this.#finish?.(settled);
  }

  get promise(): Promise<T> {
    if (!this.#promise) {
      this.#promise = new Promise((resolve, reject) => {
        this.#finish = (settled) => ("error" in settled ? reject(settled.error) : resolve(settled.value));
      });
      // Whoever ignores it is not told by an unhandled rejection.
      this.#promise.catch(() => {});
      if (this.#settled) this.#finish?.(this.#settled);
    }
    return this.#promise;
  }
}

/** A write and the handles of whoever decides it. */
export class WriteHandle implements Write, WriteSettler {
  readonly #entry: Dispatch;
  readonly #queued = new Settling<void>();
  readonly #applied = new Settling<AppliedWrite<readonly unknown[]>>();

  readonly cancel: () => boolean;
  readonly retry: () => boolean;

  constructor(entry: Dispatch, cancel: () => boolean, retry: () => boolean) {
    this.#entry = entry;
    this.cancel = cancel;
    this.retry = retry;
  }

  /** Durable; or why it is not. */
  stored(error?: unknown): void {
    this.#queued.settle(error === undefined ? { value: undefined } : { error });
  }
  decided(outcome: Outcome): void {
    this.#applied.settle("error" in outcome ? outcome : { value: outcome });
  }

  get id(): string {
    return this.#entry.id;
  }
  get state(): WriteState {
    return writeState(this.#entry);
  }
  get queued(): Promise<void> {
    return this.#queued.promise;
  }
  get applied(): Promise<AppliedWrite<readonly unknown[]>> {
    return this.#applied.promise;
  }
  get rejection(): Promise<Rejection | undefined> {
    const rejection = this.applied.then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof RejectedError) return error;
        throw error;
      },
    );
    rejection.catch(() => {});
    return rejection;
  }
}
