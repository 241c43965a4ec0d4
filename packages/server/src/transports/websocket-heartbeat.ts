// One timer that pings all connections, a share of them at each beat, so that ten thousand pings are no burst.
import type { Cancel, Clock } from "@calla/shared";
import type { SocketConnection } from "./websocket-connection.ts";

/** Milliseconds from one share's beat to the next one's, if the interval is longer. */
const BEAT = 1_000;

/** The live connections of a transport, and their heartbeat. */
export class Heartbeat {
  readonly #slots: readonly Set<SocketConnection>[];
  readonly #clock: Clock;
  readonly #beat: number;
  #next = 0;
  #cancel: Cancel;
  #size = 0;

  /** Each connection is pinged every `interval` milliseconds. */
  constructor(clock: Clock, interval: number) {
    const shares = Math.max(1, Math.floor(interval / BEAT));
    this.#slots = Array.from({ length: shares }, () => new Set());
    this.#clock = clock;
    this.#beat = interval / shares;
    this.#cancel = this.#later();
  }

  get size(): number {
    return this.#size;
  }

  /** The connection's first beat is the last share's to come, a whole interval away. */
  add(connection: SocketConnection): void {
    connection.beatSlot = (this.#next + this.#slots.length - 1) % this.#slots.length;
    this.#slots[connection.beatSlot]?.add(connection);
    this.#size++;
  }

  delete(connection: SocketConnection): void {
    if (this.#slots[connection.beatSlot]?.delete(connection) === true) this.#size--;
  }

  *connections(): IterableIterator<SocketConnection> {
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
