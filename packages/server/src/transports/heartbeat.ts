// One timer that pings all connections, a share of them at each beat, so that ten thousand pings are no burst.
import { CallaError } from "@calla/shared";
import type { Cancel, Clock } from "@calla/shared";

/** A connection with a heartbeat. */
export interface Beating {
  /** Which beat is this connection's. */
  beatSlot: number;
  beat(): void;
}

/** Milliseconds from one share's beat to the next one's, if the interval is longer. */
const BEAT = 1_000;

/** The live connections of a transport, and their heartbeat. */
export class Heartbeat<Connection extends Beating> {
  readonly #slots: readonly Set<Connection>[];
  readonly #clock: Clock;
  readonly #beat: number;
  #next = 0;
  #cancel: Cancel;
  #size = 0;

  /**
   * Each connection's `beat` is called every `interval` milliseconds; with Infinity never.
   * @throws CallaError `transport`: no such interval.
   */
  constructor(clock: Clock, interval: number) {
    if (typeof interval !== "number" || !(interval > 0))
      throw new CallaError(
        "transport",
        { interval },
        "A heartbeat needs milliseconds above 0 (or Infinity).",
      );
    const shares = interval < Infinity ? Math.max(1, Math.floor(interval / BEAT)) : 1;
    this.#slots = Array.from({ length: shares }, () => new Set());
    this.#clock = clock;
    this.#beat = interval / shares;
    this.#cancel = this.#later();
  }

  get size(): number {
    return this.#size;
  }

  /** The connection's first beat is the last share's to come, a whole interval away. */
  add(connection: Connection): void {
    connection.beatSlot = (this.#next + this.#slots.length - 1) % this.#slots.length;
    this.#slots[connection.beatSlot]?.add(connection);
    this.#size++;
  }

  delete(connection: Connection): void {
    if (this.#slots[connection.beatSlot]?.delete(connection) === true) this.#size--;
  }

  *connections(): IterableIterator<Connection> {
    for (const slot of this.#slots) yield* slot;
  }

  stop(): void {
    this.#cancel();
  }

  #later(): Cancel {
    return this.#clock.setTimeout(() => {
      this.#cancel = this.#later();
      const slot = this.#slots[this.#next];
      this.#next = (this.#next + 1) % this.#slots.length;
      for (const connection of slot ?? []) connection.beat();
    }, this.#beat);
  }
}
