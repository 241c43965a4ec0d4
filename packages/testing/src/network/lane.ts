// One direction of one connection: packets on their way, in order, that a test looks at, delivers, drops, doubles,
// holds back or reorders. Not here: what the two ends are (pair.ts).
import type { Cancel, Clock } from "@calla/shared";

/** What one `send` put on the wire: one frame or several, or the end of the connection. */
export interface Packet<Frame> {
  readonly data: string | Uint8Array | undefined;
  /** What the data says, decoded when first asked for. Empty for the end. */
  readonly frames: readonly Frame[];
  /** The sender's close, behind everything it sent. */
  readonly end: { readonly code: number; readonly reason: string } | undefined;
}

export interface LaneOptions<Frame> {
  readonly clock: Clock;
  /** Milliseconds on the way, drawn for each packet; undefined: packets wait for `deliver`. */
  readonly latency: (() => number) | undefined;
  readonly arrive: (packet: Packet<Frame>) => void;
  /** What never goes wrong with a packet, whatever was asked for; "reorder": it overtakes nothing. */
  readonly spares?: (how: "drop" | "duplicate" | "reorder", frames: readonly Frame[]) => boolean;
  /** True: this packet never arrives, nor anything behind it (the connection was cut in front of it). */
  readonly stop: (packet: Packet<Frame>) => boolean;
}

/** One direction of a connection: packets on their way, which a test delivers, drops, doubles, delays or reorders. */
export class Lane<Frame> {
  /** Every frame ever sent in this direction, whether it arrived or not. */
  readonly sent: Frame[] = [];
  /** Sends succeed and nothing arrives. */
  silent = false;
  #waiting: Packet<Frame>[] = [];
  #spoil: "drop" | "duplicate" | "reorder" | undefined;
  #held: Packet<Frame> | undefined;
  #lastArrival = 0;
  #closed = false;
  /** How often the far end has said that it does not read, and how many packets have come meanwhile. */
  #pauses = 0;
  #unread = 0;
  readonly #timers = new Set<Cancel>();
  readonly #options: LaneOptions<Frame>;

  constructor(options: LaneOptions<Frame>) {
    this.#options = options;
  }

  /** Under way, the next first. */
  get packets(): readonly Packet<Frame>[] {
    return this.#waiting;
  }
  /** The frames under way. */
  get frames(): readonly Frame[] {
    return this.#waiting.flatMap((packet) => packet.frames);
  }

  /** Puts a packet on the way, behind those there are. */
  push(packet: Packet<Frame>): void {
    if (this.#closed) return;
    this.sent.push(...packet.frames);
    if (this.silent) return;
    const asked = this.#spoil;
    this.#spoil = undefined;
    const spoil = asked !== undefined && this.#spared(asked, packet) ? undefined : asked;
    if (spoil === "drop") return;
    if (spoil === "reorder") {
      this.#held = packet;
      return;
    }
    const held = this.#held;
    this.#held = undefined;
    const first = held !== undefined && this.#staysBehind(packet);
    if (first) this.#queue(held);
    this.#queue(packet);
    if (spoil === "duplicate") this.#queue(packet);
    if (held !== undefined && !first) this.#queue(held);
  }

  /** What goes wrong with the next packet that is sent. A reordered one waits for the one behind it. */
  spoilNext(how: "drop" | "duplicate" | "reorder"): void {
    this.#spoil = how;
  }

  /** No network lets the end of a connection overtake what was said before it. */
  #staysBehind(packet: Packet<Frame>): boolean {
    return packet.end !== undefined || this.#spared("reorder", packet);
  }

  #spared(how: "drop" | "duplicate" | "reorder", { frames }: Packet<Frame>): boolean {
    return this.#options.spares?.(how, frames) === true;
  }

  #queue(packet: Packet<Frame>): void {
    this.#waiting.push(packet);
    const { clock, latency } = this.#options;
    if (latency === undefined) return;
    // In order, as TCP is: a packet is never earlier than the one before it.
    this.#lastArrival = Math.max(this.#lastArrival, timeOf(clock) + latency());
    this.#deliverAt(this.#lastArrival);
  }

  #deliverAt(time: number): void {
    const { clock } = this.#options;
    const cancel = clock.setTimeout(
      () => {
        this.#timers.delete(cancel);
        this.deliver();
      },
      time - timeOf(clock),
    );
    this.#timers.add(cancel);
  }

  /** Lets the next packets arrive; all of those under way now, if no count is given. */
  deliver(count = this.#options.latency === undefined ? this.#waiting.length : 1): void {
    for (let i = 0; i < count; i++) {
      if (this.#pauses > 0) {
        this.#unread += count - i;
        return;
      }
      const packet = this.#waiting.shift();
      if (packet === undefined) return;
      if (this.#options.stop(packet)) return;
      this.#options.arrive(packet);
    }
  }

  /** The far end reads nothing now (`pause`). */
  get paused(): boolean {
    return this.#pauses > 0;
  }
  /** The far end reads nothing more: what arrives waits for as many `resume`s. */
  pause(): void {
    this.#pauses++;
  }
  /** Takes back one `pause`; what has come meanwhile arrives. */
  resume(): void {
    if (this.#pauses === 0 || --this.#pauses > 0) return;
    const unread = this.#unread;
    this.#unread = 0;
    this.deliver(unread);
  }

  /** Loses the packet at this place. False: there is none. */
  drop(index = 0): boolean {
    const packet = this.#waiting[index];
    if (packet === undefined || this.#spared("drop", packet)) return false;
    return this.#waiting.splice(index, 1).length > 0;
  }
  /** The packet at this place arrives twice in a row. */
  duplicate(index = 0): boolean {
    const packet = this.#waiting[index];
    if (packet === undefined || this.#spared("duplicate", packet)) return false;
    this.#waiting.splice(index, 0, packet);
    if (this.#options.latency !== undefined) this.#deliverAt(this.#lastArrival);
    return true;
  }
  /** The packet at this place arrives after the one behind it, unless that ends the connection. */
  reorder(index = 0): boolean {
    const [first, second] = this.#waiting.slice(index, index + 2);
    if (first === undefined || second === undefined || this.#staysBehind(second)) return false;
    this.#waiting.splice(index, 2, second, first);
    return true;
  }
  /** What is sent from now on takes at least so many milliseconds; order is kept. */
  delay(milliseconds: number): void {
    this.#lastArrival = Math.max(this.#lastArrival, timeOf(this.#options.clock) + milliseconds);
  }

  /** Everything under way is lost and nothing can be sent any more. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}

/** What travels does not hear that a wall clock is set. */
const timeOf = (clock: Clock): number => clock.monotonic?.() ?? clock.now();
