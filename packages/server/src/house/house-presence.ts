// Who is here, for both halves of a house: one tracker, made when somebody first asks for it, over the house's pubsub. It
// says goodbye when all conversations have ended. Topics of channels are `c:` and their text, targets of the sync half
// `s:` and their key.
import type { Random, SteadyClock } from "@calla/shared";
import { contain } from "../base/contain.ts";
import type { Report } from "../base/contain.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import { Tracker } from "../presence/tracker.ts";

/** Milliseconds after which the members of a node that has said nothing are gone. */
const SILENCE = 15_000;

/** What the tracker of a house is made of. */
export interface HousePresenceSettings {
  readonly pubsub: PubSub;
  readonly clock: SteadyClock;
  readonly random: Random;
  readonly report: Report;
  /** What this node's lives have in common; undefined: nothing has. */
  readonly name: string | undefined;
}

const PRESENCES = new WeakMap<object, HousePresence>();

/** The presence of a server, or of channels that stand alone, for who supervises it. */
export const presenceOf = (owner: object): HousePresence | undefined => PRESENCES.get(owner);
/** Remembers it; the owner shows an app nothing of it. */
export const setPresence = (owner: object, presence: HousePresence): void =>
  void PRESENCES.set(owner, presence);

export class HousePresence {
  readonly #settings: HousePresenceSettings;
  readonly #spreads: (() => number)[] = [];
  readonly #failures = new Set<{ readonly hears: (error: unknown) => void }>();
  readonly #restarts = new Set<{ readonly trackAgain: () => unknown }>();
  #tracker: Tracker | undefined;
  #closed = false;

  constructor(settings: HousePresenceSettings) {
    this.#settings = settings;
  }

  /** The widest spread over which this node has told its clients to return, of all who tell them. Milliseconds. */
  get spread(): number {
    return this.#spreads.reduce((widest, spread) => Math.max(widest, spread()), 0);
  }

  /** Who tells clients to spread their return says over how many milliseconds (PN25). */
  spreadBy(spread: () => number): void {
    this.#spreads.push(spread);
  }

  get tracker(): Tracker {
    if (this.#tracker !== undefined) return this.#tracker;
    this.#tracker = new Tracker({
      ...this.#settings,
      scope: "house",
      silence: SILENCE,
      // Ten words may be lost in a row.
      period: SILENCE / 10,
      spread: () => this.spread,
      maxNodes: 1_000,
      maxEntries: 1_000_000,
      failed: (error) => this.#failed(error),
    });
    this.#tracker.onRestart(() => {
      for (const { trackAgain } of Array.from(this.#restarts)) contain(this.#settings.report, trackAgain);
    });
    if (this.#closed) this.#tracker.stop();
    return this.#tracker;
  }

  /**
   * Calls back when presence has begun anew, with nobody of this node: who has tracked tracks again, before it returns. The
   * tracker is the same object, and its listeners stay. Returns the undo.
   */
  onRestart(trackAgain: () => unknown): () => void {
    const listener = { trackAgain };
    this.#restarts.add(listener);
    return () => void this.#restarts.delete(listener);
  }

  /** Begins anew, as another replica (PN50). */
  restart(): void {
    this.#tracker?.restart();
  }

  /** Who hears that its state is not to be trusted sees to it; where nobody does, it is reported. Returns the undo. */
  onFailure(hears: (error: unknown) => void): () => void {
    const listener = { hears };
    this.#failures.add(listener);
    return () => void this.#failures.delete(listener);
  }

  #failed(error: unknown): void {
    if (this.#failures.size === 0) return this.#settings.report(error);
    for (const { hears } of Array.from(this.#failures)) hears(error);
  }

  /** Whoever is still tracked here is gone everywhere, after so many milliseconds. */
  close(keep = 0): void {
    this.#closed = true;
    this.#tracker?.stop(keep);
  }
}
