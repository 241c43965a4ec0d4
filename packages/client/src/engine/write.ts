// What `dispatch` returns: one dispatch's way to its outcome, as the app sees it. Its promises are made when somebody
// looks at them. It decides nothing.
import type { Rejection } from "@calla/shared";
import { signal } from "../base/notifier.ts";
import type { Signal, Stop } from "../base/notifier.ts";
import { RejectedError } from "../base/rejected-error.ts";
import { writeState } from "./entry.ts";
import { cancel, retry } from "./holding.ts";
import type { Core, Dispatch, WriteState } from "./records.ts";

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
  /** Why it was rejected, in the words of `rejection`, once that is told; undefined until then, and if it never is. */
  readonly reason: R | undefined;
  /** Calls back when `state` or `reason` may have changed, and not at once. Returns the undo. */
  onChange(listener: () => void): Stop;
  /** Sends a held one once more, alone: the network may be another by now. False: it is not held. */
  retry(): boolean;
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

/** A promise of what has settled by now, or will have when the entry's `wake` is called. */
function promiseOf<T>(entry: Dispatch, settled: () => Settled<T> | undefined): Promise<T> {
  const promise = new Promise<T>((resolve, reject) => {
    const look = (): void => {
      const now = settled();
      if (now && "error" in now) reject(now.error);
      else if (now) resolve(now.value);
    };
    const { wake } = entry;
    entry.wake = () => {
      wake?.();
      look();
    };
    look();
  });
  // Whoever ignores it is not told by an unhandled rejection.
  promise.catch(() => {});
  return promise;
}

/** Made for every dispatch, and its promises only when somebody looks at them. */
export class WriteHandle implements Write {
  readonly #core: Core;
  readonly #entry: Dispatch;
  #queued: Promise<void> | undefined;
  #applied: Promise<AppliedWrite<readonly unknown[]>> | undefined;
  #changes: Signal<void> | undefined;

  constructor(core: Core, entry: Dispatch) {
    this.#core = core;
    this.#entry = entry;
  }

  get id(): string {
    return this.#entry.id;
  }
  get state(): WriteState {
    return writeState(this.#entry);
  }
  get queued(): Promise<void> {
    const entry = this.#entry;
    return (this.#queued ??= promiseOf(entry, () => {
      const { stored } = entry;
      return stored === undefined ? stored : stored === true ? { value: undefined } : { error: stored };
    }));
  }
  get applied(): Promise<AppliedWrite<readonly unknown[]>> {
    const entry = this.#entry;
    return (this.#applied ??= promiseOf(entry, () => {
      const { told } = entry;
      return told && "sequence" in told ? { value: told } : told;
    }));
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
  get reason(): Rejection | undefined {
    const { told } = this.#entry;
    return told && "error" in told && told.error instanceof RejectedError ? told.error : undefined;
  }
  onChange(listener: () => void): Stop {
    const entry = this.#entry;
    if (!this.#changes) {
      const changes = (this.#changes = signal<void>(this.#core.report));
      const { wake } = entry;
      entry.wake = () => {
        wake?.();
        changes.emit();
      };
    }
    return this.#changes.add(listener);
  }
  cancel(): boolean {
    return cancel(this.#core, this.#entry);
  }
  retry(): boolean {
    return retry(this.#core, this.#entry);
  }
}
