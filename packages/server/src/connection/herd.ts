// How widely those who are connected here spread their return, should this server end without a word: they are told while
// it can still speak (CV21). Not here: who is sent away with a word (drain.ts).
import type { Cancel, Clock } from "@calla/shared";
import type { Conversation } from "./conversation.ts";

/** Up to so many may come back as they like: within a second. */
const FEW = 500;
/** Milliseconds for each connection: 1,250 Hellos a second, whatever the number. */
const EACH = 0.8;
const LONGEST = 30_000;
/** Told anew when it is so many times what was told, so that there are never more than 1,875 a second; or a small part. */
const MORE = 1.5;
const LESS = 0.25;
/** What a client spreads its return over anyway. */
const ANYWAY = 1_000 / MORE;
/** So many are told in one tick, which so is no pause for the others. */
const MOST = 2_000;
/** Milliseconds between two ticks. */
const TICK = 1_000;

/** Milliseconds. */
export const spreadOf = (connections: number): number =>
  connections < FEW ? 0 : Math.min(LONGEST, Math.round(EACH * connections));

const differs = (told: number, now: number): boolean =>
  now > MORE * Math.max(told, ANYWAY) || (now < LESS * told && now < LESS * LONGEST);

export class Herd {
  readonly #clock: Pick<Clock, "setTimeout">;
  readonly #connections: ReadonlySet<Conversation>;
  /** What everybody has been told, or nearly that. */
  #told = 0;
  #next: Cancel | undefined;

  constructor(clock: Pick<Clock, "setTimeout">, connections: ReadonlySet<Conversation>) {
    this.#clock = clock;
    this.#connections = connections;
  }

  get spread(): number {
    return spreadOf(this.#connections.size);
  }

  /** Somebody is let in: what is said with it. Only where there is something to tell does anything tick. */
  welcome(conversation: Conversation): number {
    const { spread } = this;
    if (spread > 0) this.#next ??= this.#clock.setTimeout(() => this.#tick(), TICK);
    conversation.spread = spread;
    return spread;
  }

  stop(): void {
    this.#next?.();
  }

  /** Asked whether the server is there. */
  pong(conversation: Conversation): void {
    const { spread } = this;
    if (conversation.spread === spread) return conversation.send({ type: "Pong" });
    conversation.spread = spread;
    conversation.send({ type: "Pong", spread });
  }

  /** Nothing is looked at while the number is about what it was. */
  #tick(): void {
    const { spread } = this;
    if (differs(this.#told, spread)) this.#tell(spread);
    this.#next = spread > 0 || this.#told > 0 ? this.#clock.setTimeout(() => this.#tick(), TICK) : undefined;
  }

  #tell(spread: number): void {
    let left = MOST;
    for (const conversation of this.#connections) {
      if (conversation.phase !== "open" || !differs(conversation.spread, spread)) continue;
      if (left-- === 0) return;
      this.pong(conversation);
    }
    this.#told = spread;
  }
}
