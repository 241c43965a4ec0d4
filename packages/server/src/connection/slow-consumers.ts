// Slow consumers. Above `collapseBytes` of unwritten bytes a connection is slow: shared frames are no longer queued for
// it (audience.ts), and what it follows is asked for again, from where it stands, once it has drained. One timer looks
// after all slow ones: a transport may not say that it drained, and a peer that takes nothing in must go.
import type { Cancel, Limits, SteadyClock } from "@calla/shared";
import type { Conversation } from "./conversation.ts";

/** Milliseconds between looks at slow connections. */
const LOOK = 1_000;

export interface SlowConsumersEffects {
  /** It has become slow. */
  slow(conversation: Conversation, waiting: number): void;
  /** It takes frames again, after so many milliseconds: bring it up to date. */
  resume(conversation: Conversation, after: number): void;
  /** It takes nothing in. */
  close(conversation: Conversation): void;
}

/** How far a slow connection had come when it was last seen to move. */
interface Progress {
  readonly since: number;
  waiting: number;
  flushed: number;
  at: number;
}

export class SlowConsumers {
  readonly #clock: SteadyClock;
  readonly #limits: Limits;
  readonly #effects: SlowConsumersEffects;
  readonly #slow = new Map<Conversation, Progress>();
  #looking: Cancel | undefined;

  constructor(clock: SteadyClock, limits: Limits, effects: SlowConsumersEffects) {
    this.#clock = clock;
    this.#limits = limits;
    this.#effects = effects;
  }

  /** How many are slow now. */
  get size(): number {
    return this.#slow.size;
  }

  /** Told with every frame that leaves more than `collapseBytes` waiting. */
  full(conversation: Conversation, waiting: number): void {
    if (waiting > this.#limits.maxBufferedBytes) return this.#effects.close(conversation);
    if (conversation.slow) return;
    conversation.slow = true;
    const at = this.#clock.monotonic();
    this.#slow.set(conversation, { waiting, flushed: flushedOf(conversation), since: at, at });
    this.#effects.slow(conversation, waiting);
    this.#looking ??= this.#clock.setTimeout(() => this.#look(), LOOK);
  }

  /** All that waited has been written. */
  drained(conversation: Conversation): void {
    const since = this.#slow.get(conversation)?.since;
    if (since === undefined) return;
    this.forget(conversation);
    this.#effects.resume(conversation, this.#clock.monotonic() - since);
  }

  /** It is gone, or not slow any more. */
  forget(conversation: Conversation): void {
    conversation.slow = false;
    if (!this.#slow.delete(conversation) || this.#slow.size > 0) return;
    this.#looking?.();
    this.#looking = undefined;
  }

  #look(): void {
    const now = this.#clock.monotonic();
    this.#looking = this.#clock.setTimeout(() => this.#look(), LOOK);
    for (const [conversation, progress] of this.#slow) {
      const waiting = conversation.connection.bufferedAmount();
      const flushed = flushedOf(conversation);
      if (waiting <= this.#limits.collapseBytes / 2) this.drained(conversation);
      else if (waiting < progress.waiting || flushed !== progress.flushed)
        Object.assign(progress, { waiting, flushed, at: now });
      else if (now - progress.at >= this.#limits.stallTimeout) this.#effects.close(conversation);
      // What is added while nothing leaves is no progress, nor is its leaving alone.
      else progress.waiting = waiting;
    }
  }
}

const flushedOf = ({ connection }: Conversation): number => connection.flushed?.() ?? 0;
