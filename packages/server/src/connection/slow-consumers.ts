// Slow consumers. A connection with more than `collapseBytes` of unwritten bytes is slow: no shared frames are queued for it
// (audience.ts), and its subscriptions are held here. Once it has drained, each is brought up to date from where its client
// stands. One timer looks after all slow ones: a transport may not say that it drained, and a peer that takes nothing in
// must go.
import type { Cancel, Limits, SteadyClock, Subscription, TargetKey } from "@calla/shared";
import type { ServerContext } from "../context/server-context.ts";
import type { Conversation } from "./conversation.ts";

/** Milliseconds between looks at slow connections. */
const LOOK = 1_000;

/** A subscription that is brought up to date once its connection has drained, and why it has to be. */
export interface HeldSubscription {
  readonly asked: Subscription;
  readonly why: string | undefined;
}

/** How far a slow connection had come when it was last seen to move. */
interface Progress {
  readonly since: number;
  waiting: number;
  flushed: number;
  at: number;
}

export class SlowConsumers {
  readonly #context: ServerContext;
  readonly #clock: SteadyClock;
  readonly #limits: Limits;
  readonly #drained: (conversation: Conversation) => void;
  readonly #slow = new Map<Conversation, Progress>();
  /** In the order in which they were held, also of connections that have drained and are being brought up to date. */
  readonly #held = new Map<Conversation, Map<TargetKey, HeldSubscription>>();
  #looking: Cancel | undefined;

  /** `drained` is called for one that takes frames again: the subscriptions lie above this file. */
  constructor(context: ServerContext, drained: (conversation: Conversation) => void) {
    const { clock, limits } = context;
    this.#context = context;
    this.#clock = clock;
    this.#limits = limits;
    this.#drained = drained;
  }

  /** How many are slow now. */
  get size(): number {
    return this.#slow.size;
  }

  has(conversation: Conversation): boolean {
    return this.#slow.has(conversation);
  }

  /** Those of many that are slow: looks at the slow ones or at the many, whichever are fewer. */
  among(many: ReadonlySet<Conversation>): readonly Conversation[] {
    if (this.#slow.size === 0) return NONE;
    return this.#slow.size < many.size
      ? [...this.#slow.keys()].filter((one) => many.has(one))
      : [...many].filter((one) => this.#slow.has(one));
  }

  /** Called with every frame that leaves more than `collapseBytes` waiting. */
  full(conversation: Conversation, waiting: number): void {
    if (waiting > this.#limits.maxBufferedBytes) return conversation.end("slow");
    if (this.#slow.has(conversation)) return;
    const at = this.#clock.monotonic();
    this.#slow.set(conversation, { waiting, flushed: flushedOf(conversation), since: at, at });
    this.#context.observe?.({ type: "slow", clientId: conversation.clientId, waiting });
    if (this.#slow.size > 0) this.#looking ??= this.#clock.setTimeout(() => this.#look(), LOOK);
  }

  /** All that waited has been written. */
  drained(conversation: Conversation): void {
    const since = this.#slow.get(conversation)?.since;
    if (since === undefined) return;
    this.#isSlowNoMore(conversation);
    const after = this.#clock.monotonic() - since;
    this.#context.observe?.({ type: "caught-up", clientId: conversation.clientId, after });
    this.#drained(conversation);
  }

  /** It is gone. */
  left(conversation: Conversation): void {
    this.#held.delete(conversation);
    this.#isSlowNoMore(conversation);
  }

  /** Of one target the newest counts. */
  hold(conversation: Conversation, key: TargetKey, held: HeldSubscription): void {
    const all = this.#held.get(conversation);
    if (all === undefined) this.#held.set(conversation, new Map([[key, held]]));
    else all.set(key, held);
  }

  /** It is over, or was asked for again. */
  release(conversation: Conversation, key: TargetKey): void {
    const all = this.#held.get(conversation);
    if (all?.delete(key) === true && all.size === 0) this.#held.delete(conversation);
  }

  /** Whether anything is held of it. */
  holds(conversation: Conversation): boolean {
    return this.#held.has(conversation);
  }

  /** What has been held longest, and is not any more. */
  next(conversation: Conversation): HeldSubscription | undefined {
    for (const [key, held] of this.#held.get(conversation) ?? []) {
      this.release(conversation, key);
      return held;
    }
    return undefined;
  }

  #isSlowNoMore(conversation: Conversation): void {
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
      else if (now - progress.at >= this.#limits.stallTimeout) conversation.end("slow");
      // What is added while nothing leaves is no progress, nor is its leaving alone.
      else progress.waiting = waiting;
    }
  }
}

const NONE: readonly Conversation[] = [];

const flushedOf = ({ connection }: Conversation): number => connection.flushed?.() ?? 0;
