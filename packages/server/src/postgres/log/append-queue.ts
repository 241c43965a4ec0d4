// Appends on their way: a few calls at once, and what comes while all are busy is joined, so that many turns share a commit.
import type { AppendResult } from "../../log/log.ts";
import type { Written } from "./columns.ts";

export interface AppendQueueOptions {
  /** One call, each target once. Results in the order of the batch. */
  readonly send: (batch: readonly Written[]) => Promise<readonly AppendResult[]>;
  /** Calls at once. */
  readonly calls: number;
  /** Of one call: how many targets, and about how many bytes unless one append alone has more. */
  readonly targets: number;
  readonly bytes: number;
}

interface Waiting {
  readonly one: Written;
  settle(result: AppendResult): void;
  fail(error: unknown): void;
}

/** Appends to one target go one after the other, in the order in which they came. */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  #waiting: Waiting[] = [];
  #calls = 0;
  /** Targets of calls under way. */
  readonly #busy = new Set<string>();

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  add(batch: readonly Written[]): readonly Promise<AppendResult>[] {
    const results = batch.map(
      (one) =>
        new Promise<AppendResult>((settle, fail) => {
          this.#waiting.push({ one, settle, fail });
        }),
    );
    this.#fill();
    return results;
  }

  #fill(): void {
    while (this.#calls < this.#options.calls && this.#waiting.length > 0) {
      const batch = this.#take();
      if (batch.length === 0) return;
      void this.#send(batch);
    }
  }

  /** As many as fit, the oldest first; of a target that is busy, or that would come twice, the later ones wait. */
  #take(): readonly Waiting[] {
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    const passed = new Set(this.#busy);
    let bytes = 0;
    let full = false;
    for (const waiting of this.#waiting) {
      const { name, bytes: own } = waiting.one;
      full ||=
        taken.length > 0 && (taken.length >= this.#options.targets || bytes + own > this.#options.bytes);
      if (full || passed.has(name)) {
        left.push(waiting);
      } else {
        taken.push(waiting);
        bytes += own;
      }
      passed.add(name);
    }
    this.#waiting = left;
    return taken;
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    this.#calls++;
    for (const { one } of batch) this.#busy.add(one.name);
    try {
      const results = await this.#options.send(batch.map(({ one }) => one));
      for (const [i, { settle }] of batch.entries()) settle(results[i]!);
    } catch (error) {
      for (const { fail } of batch) fail(error);
    } finally {
      this.#calls--;
      for (const { one } of batch) this.#busy.delete(one.name);
      this.#fill();
    }
  }
}
