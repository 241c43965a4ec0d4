// A pubsub whose engine may be made anew beneath those who use it. They hold this one: what they listen to is listened to on
// the next engine, they hear of a gap, and what is published while there is none waits. Not here: when (supervise.ts).
import { CallaError } from "@calla/shared";
import type { Serialiser } from "@calla/shared";
import { contain, isThenable } from "../base/contain.ts";
import type { Report } from "../base/contain.ts";
import type { PubSub } from "../cluster/pubsub.ts";

/** So much waits for the next engine; then what is said is lost, as it may be on any engine. */
const MOST_WAITING = 1_000;
/** Where a word of the pubsub's own is said, to find out whose fault a throw was. Nobody listens. */
const TRIAL = "pubsub:trial";

interface Subscription {
  readonly channel: string;
  readonly listener: (payload: unknown) => void;
  undo: (() => void) | undefined;
}

interface Attached {
  readonly engine: PubSub;
  readonly failed: (error: unknown) => void;
  readonly undos: (() => void)[];
  /** `begun`: what waited before goes out. `open`: it takes what is published. `failed`: nothing more is said to it. */
  state: "begun" | "open" | "failed";
}

export class LivingPubSub implements PubSub {
  readonly #report: Report;
  readonly #subscriptions = new Set<Subscription>();
  readonly #gaps = new Set<{ readonly listener: () => void }>();
  #attached: Attached | undefined;
  #before = false;
  #serialiser: Serialiser | undefined;
  #waiting: { readonly channel: string; readonly payload: unknown }[] = [];
  #lost = false;

  constructor(report: Report) {
    this.#report = report;
  }

  publish(channel: string, payload: unknown): void {
    const attached = this.#attached;
    if (attached?.state !== "open") return this.#wait(channel, payload);
    return this.#say(attached, channel, payload);
  }

  subscribe(channel: string, listener: (payload: unknown) => void): () => void {
    const subscription: Subscription = { channel, listener, undo: undefined };
    this.#subscriptions.add(subscription);
    const attached = this.#attached;
    if (attached !== undefined)
      try {
        this.#listen(attached, subscription);
      } catch (error) {
        // This node would be deaf for it.
        attached.failed(error);
      }
    return () => {
      if (this.#subscriptions.delete(subscription)) contain(this.#report, () => subscription.undo?.());
    };
  }

  onGap(listener: () => void): () => void {
    const gap = { listener };
    this.#gaps.add(gap);
    return () => void this.#gaps.delete(gap);
  }

  carryWith(serialiser: Serialiser): void {
    this.#serialiser = serialiser;
    this.#attached?.engine.carryWith?.(serialiser);
  }

  /** Goes over to an engine. @throws what it throws; it is not attached then. */
  attach(engine: PubSub, failed: (error: unknown) => void): void {
    const attached: Attached = {
      engine,
      failed(error) {
        attached.state = "failed";
        failed(error);
      },
      undos: [],
      state: "begun",
    };
    // One whose start has failed may not have been stopped yet.
    if (this.#attached !== undefined) this.detach(this.#attached.engine);
    if (this.#serialiser !== undefined) engine.carryWith?.(this.#serialiser);
    this.#attached = attached;
    try {
      for (const subscription of this.#subscriptions)
        if (subscription.undo === undefined) this.#listen(attached, subscription);
      const current = (hears: () => void) => () => {
        if (this.#attached === attached) hears();
      };
      for (const undo of [
        engine.onGap?.(current(() => this.#gap())),
        engine.onFailure?.((error) => attached.failed(error)),
      ])
        if (undo !== undefined) attached.undos.push(undo);
    } catch (error) {
      this.detach(engine);
      throw error;
    }
    this.#lost = false;
    // What is published meanwhile waits behind it, for no channel's order may change; and what an engine that fails has not
    // taken waits for the next one.
    while (attached.state === "begun") {
      const next = this.#waiting.shift();
      if (next === undefined) attached.state = "open";
      else this.#say(attached, next.channel, next.payload);
    }
    if (this.#before) this.#gap();
    this.#before = true;
  }

  /** Leaves an engine, where it is this one's; what that still says is not heard. */
  detach(engine: PubSub): void {
    const attached = this.#attached;
    if (attached?.engine !== engine) return;
    this.#attached = undefined;
    attached.state = "failed";
    for (const subscription of this.#subscriptions) {
      const { undo } = subscription;
      subscription.undo = undefined;
      contain(this.#report, () => undo?.());
    }
    for (const undo of attached.undos) contain(this.#report, undo);
  }

  #listen(attached: Attached, subscription: Subscription): void {
    const { channel, listener } = subscription;
    subscription.undo = attached.engine.subscribe(channel, (payload) => {
      if (this.#attached === attached && this.#subscriptions.has(subscription))
        // What a listener throws is no fault of the engine.
        contain(this.#report, () => listener(payload));
    });
  }

  #gap(): void {
    for (const gap of Array.from(this.#gaps)) if (this.#gaps.has(gap)) contain(this.#report, gap.listener);
  }

  #say(attached: Attached, channel: string, payload: unknown): void {
    this.#try(attached, channel, payload, (error) => this.#threw(attached, error));
  }

  #try({ engine }: Attached, channel: string, payload: unknown, threw: (error: unknown) => void): void {
    try {
      const answer: unknown = engine.publish(channel, payload);
      if (isThenable(answer)) Promise.resolve(answer).then(undefined, threw);
    } catch (error) {
      threw(error);
    }
  }

  /** A payload may be one that the engine cannot carry: it has failed if it does not carry a word of this one's own either. */
  #threw(attached: Attached, error: unknown): void {
    let failed = false;
    this.#try(attached, TRIAL, null, (again) => {
      failed = true;
      attached.failed(again);
    });
    if (!failed) this.#report(error);
  }

  #wait(channel: string, payload: unknown): void {
    if (this.#waiting.length < MOST_WAITING || this.#attached?.state === "begun")
      return void this.#waiting.push({ channel, payload });
    if (this.#lost) return;
    this.#lost = true;
    const what = `The pubsub is being started again, and more than ${MOST_WAITING} messages wait for it; the rest is lost, until it runs. See why its engine takes so long to start.`;
    this.#report(new CallaError("child-failed", { most: MOST_WAITING }, what));
  }
}
