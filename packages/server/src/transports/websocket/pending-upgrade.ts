// An upgrade request whose verdict is not there yet. The peer may go on speaking (the bytes are kept for the handshake)
// or go away, and is not kept for ever.
import type { Duplex } from "node:stream";
import type { Cancel, Clock } from "@calla/shared";

/** A peer that says more than this before its hands are shaken is not read on. */
const HELD_BYTES = 65_536;

export type GaveUp = "gone" | "late" | "closing";

/** What a policy may know of the request beside its message. */
export interface UpgradeState {
  /** The server takes nobody any more. */
  readonly closing: boolean;
  /** So many wait for a verdict that no other may. */
  readonly full: boolean;
  /** Aborted when there will be no connection: the peer has gone, it took too long, hands could not be shaken. */
  readonly signal: AbortSignal;
}

export class PendingUpgrade implements UpgradeState {
  readonly closing: boolean;
  readonly full: boolean;
  readonly #socket: Duplex;
  readonly #chunks: Buffer[];
  #held: number;
  #controller: AbortController | undefined;
  #cancel: Cancel | undefined;
  #gaveUp: ((why: GaveUp) => void) | undefined;

  constructor(socket: Duplex, head: Buffer, { closing, full }: { closing: boolean; full: boolean }) {
    this.closing = closing;
    this.full = full;
    this.#socket = socket;
    this.#chunks = [head];
    this.#held = head.length;
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  abort(): void {
    this.#controller?.abort();
  }

  /** Until `take`. `gaveUp` is called at most once, and then nothing is waited for. */
  wait(clock: Clock, timeout: number, gaveUp: (why: GaveUp) => void): void {
    this.#gaveUp = gaveUp;
    this.#cancel = clock.setTimeout(() => this.giveUp("late"), timeout);
    this.#socket.on("data", this.#onData);
    this.#socket.on("end", this.#onGone);
    this.#socket.on("close", this.#onGone);
    this.#socket.on("error", this.#onGone);
  }

  /** The wait is over, if it has not been given up. Returns all that the peer has said behind its request. */
  take(): Buffer | undefined {
    if (this.#gaveUp === undefined) return undefined;
    this.#stop();
    return this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
  }

  giveUp(why: GaveUp): void {
    const gaveUp = this.#gaveUp;
    if (gaveUp === undefined) return;
    this.#stop();
    this.abort();
    gaveUp(why);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held > HELD_BYTES) this.#socket.pause();
  };

  readonly #onGone = (): void => this.giveUp("gone");

  #stop(): void {
    this.#gaveUp = undefined;
    this.#cancel?.();
    // Before the listeners go: nothing may flow past.
    this.#socket.pause();
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onGone);
    this.#socket.off("close", this.#onGone);
    this.#socket.off("error", this.#onGone);
  }
}
