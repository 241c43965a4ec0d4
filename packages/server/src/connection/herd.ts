// How widely the clients that are connected here spread their return, should this server end without a word: it sends them
// that while it still can (CV21). Not here: which connections end with a word (drain.ts).
import type { Cancel, Clock } from "@calla/shared";
import type { Conversation } from "./conversation.ts";

/** Up to so many may come back as they like: within a second. */
const FEW = 500;
/** Milliseconds for each connection: 1,250 Hellos a second, whatever the number. */
const EACH = 0.8;
const LONGEST = 30_000;
/** Sent again when it is so many times what was sent, so that there are never more than 1,875 a second; or a small part. */
const MORE = 1.5;
const LESS = 0.25;
/** What a client spreads its return over anyway. */
const ANYWAY = 1_000 / MORE;
/** So many connections are sent it in one tick, which so is no pause for the others. */
const MOST = 2_000;
/** Milliseconds between two ticks. */
const TICK = 1_000;

/** Milliseconds. */
export const spreadOf = (connections: number): number =>
  connections < FEW ? 0 : Math.min(LONGEST, Math.round(EACH * connections));

const differs = (sent: number, now: number): boolean =>
  now > MORE * Math.max(sent, ANYWAY) || (now < LESS * sent && now < LESS * LONGEST);

export class Herd {
  readonly #clock: Pick<Clock, "setTimeout">;
  readonly #connections: ReadonlySet<Conversation>;
  /** What each connection was sent last, where that is not 0. */
  readonly #sent = new Map<Conversation, number>();
  /** What everybody has been sent, or nearly that. */
  #sentToAll = 0;
  #next: Cancel | undefined;

  constructor(clock: Pick<Clock, "setTimeout">, connections: ReadonlySet<Conversation>) {
    this.#clock = clock;
    this.#connections = connections;
  }

  get spread(): number {
    return spreadOf(this.#connections.size);
  }

  /** A client is let in: gives what goes with its Connected. Only where that is not 0 does anything tick. */
  welcome(conversation: Conversation): number {
    const { spread } = this;
    if (spread > 0) this.#next ??= this.#clock.setTimeout(() => this.#tick(), TICK);
    this.#remember(conversation, spread);
    return spread;
  }

  left(conversation: Conversation): void {
    this.#sent.delete(conversation);
  }

  stop(): void {
    this.#next?.();
  }

  /** The client asks whether the server is there. */
  pong(conversation: Conversation): void {
    const { spread } = this;
    if (this.sentTo(conversation) === spread) return conversation.send({ type: "Pong" });
    this.#remember(conversation, spread);
    conversation.send({ type: "Pong", spread });
  }

  /** What it was sent last. */
  sentTo(conversation: Conversation): number {
    return this.#sent.get(conversation) ?? 0;
  }
  #remember(conversation: Conversation, spread: number): void {
    if (spread > 0) this.#sent.set(conversation, spread);
    else this.#sent.delete(conversation);
  }

  /** Nothing is looked at while the number is about what it was. */
  #tick(): void {
    const { spread } = this;
    if (differs(this.#sentToAll, spread)) this.#sendToAll(spread);
    this.#next =
      spread > 0 || this.#sentToAll > 0 ? this.#clock.setTimeout(() => this.#tick(), TICK) : undefined;
  }

  #sendToAll(spread: number): void {
    let left = MOST;
    for (const conversation of this.#connections) {
      if (conversation.phase !== "open" || !differs(this.sentTo(conversation), spread)) continue;
      if (left-- === 0) return;
      this.pong(conversation);
    }
    this.#sentToAll = spread;
  }
}
