// Who is here, for both halves of a house: one tracker, made when somebody first asks for it, over the house's pubsub. It
// says goodbye when all conversations have ended. Topics of channels are `c:` and their text, targets of the sync half
// `s:` and their key.
import type { Random, SteadyClock } from "@calla/shared";
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

export class HousePresence {
  readonly #settings: HousePresenceSettings;
  readonly #spreads: (() => number)[] = [];
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
    });
    if (this.#closed) this.#tracker.stop();
    return this.#tracker;
  }

  /** Whoever is still tracked here is gone everywhere. */
  close(): void {
    this.#closed = true;
    this.#tracker?.stop();
  }
}
