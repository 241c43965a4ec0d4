// What the log fails at, in sentences for whoever runs the server.
import { CallaError, messageOf } from "@calla/shared";
import type { SteadyClock } from "@calla/shared";
import type { Report } from "./contain.ts";

/** A call of the log that failed, and why. `meaning`: what it means meanwhile, a sentence. */
export const storageError = (method: string, cause: unknown, meaning = ""): CallaError =>
  new CallaError(
    "storage",
    { method, cause },
    `The log's ${method}() failed: ${sentenceOf(cause)} ${meaning}`.trimEnd(),
  );

/** What was thrown, as a sentence. */
export const sentenceOf = (cause: unknown): string => messageOf(cause).replace(/[^.!?]$/, "$&.");

export interface OutageOptions {
  readonly clock: Pick<SteadyClock, "monotonic">;
  readonly report: Report;
  readonly method: string;
  readonly meaning: string;
}

/** Of a call that is made again and again: that it fails is told once, and once that it works again. */
export class StorageOutage {
  readonly #options: OutageOptions;
  #failures = 0;
  #since = 0;
  #worked = -Infinity;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** Makes the call. Gives what it gives, and rejects as it does. */
  async watch<T>(call: () => Promise<T>): Promise<T> {
    const begun = this.#options.clock.monotonic();
    try {
      const answer = await call();
      this.#over();
      return answer;
    } catch (cause) {
      // What began before another one worked, and has hung until now, says nothing of now.
      if (begun >= this.#worked) this.#failed(cause, begun);
      throw cause;
    }
  }

  #failed(cause: unknown, begun: number): void {
    const { report, method, meaning } = this.#options;
    if (this.#failures++ > 0) return;
    this.#since = begun;
    report(storageError(method, cause, meaning));
  }

  #over(): void {
    const { clock, report, method } = this.#options;
    this.#worked = clock.monotonic();
    if (this.#failures === 0) return;
    const [failures, milliseconds] = [this.#failures, Math.round(this.#worked - this.#since)];
    this.#failures = 0;
    report(
      new CallaError(
        "storage",
        { method, over: true, failures, milliseconds },
        `The log's ${method}() works again, ${(milliseconds / 1_000).toFixed(1)} s after it first failed (calls that failed: ${failures}).`,
      ),
    );
  }
}
