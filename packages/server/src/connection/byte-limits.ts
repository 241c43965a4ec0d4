// What comes in, counted in bytes: how fast each connection is read, and how much is held of what has not come whole.
// A connection over its byte rate is read more slowly, and nothing is lost: what it says waits with the peer. Only what could fill
// the memory by never coming whole is ended, and its client may retry. Not here: how many messages (rate-limiter.ts).
import type { Cancel, Limits, SteadyClock } from "@calla/shared";
import type { Received } from "../base/connection.ts";
import { Meters } from "../base/meters.ts";
import type { Meter, SharedMeter } from "../base/meters.ts";

/** A connection or a request, as far as the intake has it in its hand: its transport lies above this file. */
export interface Inlet {
  /** undefined: nobody's, and bounded with all others only. */
  readonly address: string | undefined;
  /** The socket or HTTP/2 session it came by: those of one line and address are counted together. Default: by itself. */
  readonly line?: object | undefined;
  /** What is unfinished has `frameTimeout`; otherwise its transport sees to the time. */
  readonly timed: boolean;
  /** Hears that a limit was met: of the byte rate once. */
  limited(limit: keyof Limits): void;
  pause(): void;
  resume(): void;
  /** Discards, at once, all that has come and is not whole. */
  cut(code: "busy" | "too-slow"): void;
}

/** What an inlet's transport reports; once it is over nothing is held of it. */
export interface Inflow extends Received {
  /** Bytes read of it so far. */
  readonly total: number;
}

/** A pause is no shorter, in milliseconds: a timer for every few bytes would cost more than they do. */
const SHORTEST_PAUSE = 10;
const ROUNDING = 1e-6;

export class ByteIntake {
  readonly #clock: SteadyClock;
  readonly #limits: Limits;
  readonly #addresses = new Map<string, Address>();
  readonly meters: Meters;
  #unfinished = 0;

  constructor(clock: SteadyClock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
    this.meters = new Meters(() => clock.monotonic());
  }

  /** Bytes held of what has not come whole. */
  get unfinished(): number {
    return this.#unfinished;
  }

  open(inlet: Inlet): Inflow {
    return new Flow(this, this.#clock, this.#limits, inlet);
  }

  /** One's share, and everybody's: who is over the former goes; for the latter the longest of who holds most. */
  changed(flow: Flow, by: number): void {
    const name = flow.address ?? "";
    const address = this.#addresses.get(name) ?? { bytes: 0, flows: new Set<Flow>() };
    this.#unfinished += by;
    address.bytes += by;
    if (flow.unfinished > 0) address.flows.add(flow);
    else address.flows.delete(flow);
    if (address.flows.size > 0) this.#addresses.set(name, address);
    else this.#addresses.delete(name);
    if (by <= 0) return;
    if (flow.address !== undefined && address.bytes > this.#limits.maxUnfinishedBytesPerAddress)
      flow.end("busy", "maxUnfinishedBytesPerAddress");
    if (this.#unfinished > this.#limits.maxUnfinishedBytes)
      this.#longestOfMost()?.end("busy", "maxUnfinishedBytes");
  }

  #longestOfMost(): Flow | undefined {
    let most: Address | undefined;
    for (const address of this.#addresses.values())
      if (most === undefined || address.bytes > most.bytes) most = address;
    for (const flow of most?.flows ?? []) if (!flow.ended) return flow;
    return undefined;
  }
}

interface Address {
  bytes: number;
  /** With something unfinished, the longest first. */
  readonly flows: Set<Flow>;
}

class Flow implements Inflow {
  readonly #intake: ByteIntake;
  readonly #clock: SteadyClock;
  readonly #limits: Limits;
  readonly #inlet: Inlet;
  readonly #meter: Meter;
  #shared: SharedMeter | undefined;
  total = 0;
  unfinished = 0;
  ended = false;
  #told = false;
  #pause: Cancel | undefined;
  /** Ends the wait for what is unfinished to come whole. */
  #whole: Cancel | undefined;
  /** Milliseconds for which it was not read. */
  #paused = 0;

  constructor(intake: ByteIntake, clock: SteadyClock, limits: Limits, inlet: Inlet) {
    this.#intake = intake;
    this.#clock = clock;
    this.#limits = limits;
    this.#inlet = inlet;
    const { line, address } = inlet;
    this.#shared = line && intake.meters.hold(line, address);
    this.#meter = this.#shared ?? { paid: 0 };
  }

  get address(): string | undefined {
    return this.#inlet.address;
  }

  received(bytes: number, unfinished: number): void {
    this.total += bytes;
    this.#pay(bytes);
    const by = unfinished - this.unfinished;
    if (by === 0) return;
    this.unfinished = unfinished;
    if (this.#inlet.timed) this.#time();
    this.#intake.changed(this, by);
  }

  over(): void {
    this.ended = true;
    this.#pause?.();
    this.#pause = undefined;
    this.received(0, 0);
    if (this.#shared !== undefined) this.#intake.meters.release(this.#shared);
    this.#shared = undefined;
  }

  end(code: "busy" | "too-slow", limit: keyof Limits): void {
    if (this.ended) return;
    this.ended = true;
    this.#inlet.limited(limit);
    this.#inlet.cut(code);
  }

  #pay(bytes: number): void {
    const { byteRate, byteBurst } = this.#limits;
    const now = this.#clock.monotonic();
    const paid = Math.max(this.#meter.paid, now) + (bytes * 1_000) / byteRate;
    this.#meter.paid = paid;
    const wait = paid - now - (byteBurst * 1_000) / byteRate;
    if (!(wait > ROUNDING) || this.#pause !== undefined || this.ended) return;
    if (!this.#told) {
      this.#told = true;
      this.#inlet.limited("byteRate");
    }
    const inlet = this.#inlet;
    const pause = Math.max(wait, SHORTEST_PAUSE);
    this.#paused += pause;
    inlet.pause();
    this.#pause = this.#clock.setTimeout(() => {
      this.#pause = undefined;
      inlet.resume();
    }, pause);
  }

  /** Begun: it has its time, in which it is read. Whole: the wait is over. */
  #time(): void {
    if (this.unfinished === 0) {
      this.#whole?.();
      this.#whole = undefined;
    } else if (this.#whole === undefined && this.#limits.frameTimeout < Infinity)
      this.#await(this.#limits.frameTimeout, this.#paused);
  }

  #await(milliseconds: number, paused: number): void {
    this.#whole = this.#clock.setTimeout(() => {
      const longer = this.#paused - paused;
      if (longer > 0) this.#await(longer, this.#paused);
      else this.end("too-slow", "frameTimeout");
    }, milliseconds);
  }
}
