// A server's end of a slow line: what it says waits here, in order, as long as the line takes so few bytes at a time.
// Not here: what happens on the way after that (lane.ts).
import type { Cancel, Clock } from "@calla/shared";

export interface ThrottleOptions {
  readonly clock: Clock;
  /** All that waited has left. */
  readonly drained: () => void;
}

export class Throttle {
  readonly #options: ThrottleOptions;
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = [];
  #bytes = 0;
  /** Bytes a millisecond; Infinity: it is not slow. */
  #rate = Infinity;
  #next: Cancel | undefined;

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** Bytes that have not left yet. */
  get waiting(): number {
    return this.#bytes;
  }

  push(bytes: number, go: () => void): void {
    if (this.#rate === Infinity && this.#waiting.length === 0) return go();
    this.#waiting.push({ bytes, go });
    this.#bytes += bytes;
    this.#later();
  }

  /** From now on so many bytes leave in a millisecond, for so long. */
  slow(rate: number, milliseconds: number): void {
    this.#rate = rate;
    this.#options.clock.setTimeout(() => {
      this.#rate = Infinity;
      this.#next?.();
      this.#next = undefined;
      this.#later();
    }, milliseconds);
  }

  /** Forgets what waits: there is no line any more. */
  close(): void {
    this.#next?.();
    this.#waiting.length = 0;
    this.#bytes = 0;
  }

  #later(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#next !== undefined) return;
    const takes = this.#rate === Infinity ? 0 : Math.ceil(first.bytes / this.#rate);
    this.#next = this.#options.clock.setTimeout(() => {
      this.#next = undefined;
      this.#waiting.shift();
      this.#bytes -= first.bytes;
      first.go();
      if (this.#waiting.length === 0) this.#options.drained();
      else this.#later();
    }, takes);
  }
}
