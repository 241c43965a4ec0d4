// Which target is closed when no more may be open: first those that nobody needs, the longest unused before others;
// then a target of the user or address that holds most, if nobody else holds it and the newcomer would still hold
// fewer. So two who want all targets end with a half each, and neither takes one from the other again (LM24). Not here:
// closing it (target-registry.ts, target-directory.ts).
import type { Conversation } from "../connection/conversation.ts";
import type { Party } from "../connection/parties.ts";

/** Something in memory, as far as making room goes. */
export interface HeldTargets {
  readonly audience: {
    readonly current: ReadonlySet<Conversation>;
    readonly behind: ReadonlySet<Conversation>;
  };
  /** Who had it opened: until it has a subscriber, it is theirs. */
  readonly openedFor: Party | undefined;
  readonly lastUsed: number;
  readonly closed: boolean;
}

/** What is held, as registry and directory have it, which lie above this file. */
export interface CapacityParts<T extends HeldTargets> {
  readonly all: () => Iterable<T>;
  /** Milliseconds of a clock that does not step. */
  readonly now: () => number;
  /** Nothing is under way with it: it may be closed, whoever is subscribed. */
  readonly restful: (held: T) => boolean;
  /** A party that holds more than so many is not protected by another such party that holds the same. */
  readonly many: number;
}

/** Who holds more than a tenth of all that may be open, and so many, holds many. */
const MANY = { share: 0.1, atLeast: 100 };
export const manyOf = (mayBeOpen: number): number => Math.max(mayBeOpen * MANY.share, MANY.atLeast);

/** Milliseconds for which nobody looks again, for each that was looked at: a hundredth of the time goes into looking. */
const LOOK_AGAIN = 0.025;
/** Milliseconds of that which cost too little to be counted. */
const FEW = 5;

/** What a look through all has found. */
interface FoundRoom<T> {
  readonly at: number;
  readonly looked: number;
  /** Unused, the longest last. */
  readonly idle: T[];
  /** What each holds alone, the least useful last; and all that each holds, shared ones too. */
  readonly alone: Map<Party, T[]>;
  readonly holds: Map<Party, number>;
  /** Held by several, each of whom holds many. */
  readonly joint: T[];
}

export class Capacity<T extends HeldTargets> {
  readonly #parts: CapacityParts<T>;
  #found: FoundRoom<T> | undefined;
  /** What has come to be unused since. */
  #lately: T[] = [];

  constructor(parts: CapacityParts<T>) {
    this.#parts = parts;
  }

  /** Nobody needs it any more: so it is known before all are looked through again. */
  unused(held: T): void {
    if (this.#found !== undefined && this.#throttled(this.#found)) this.#lately.push(held);
  }

  /** What is to be closed so that somebody may have one more; undefined: nobody gives way. */
  for(newcomer: Party | undefined): T | undefined {
    const known = this.#found && this.#choose(this.#found, newcomer);
    if (known !== undefined) return known;
    if (this.#found !== undefined && this.#throttled(this.#found)) return undefined;
    this.#lately = [];
    this.#found = this.#look(this.#parts.now());
    return this.#choose(this.#found, newcomer);
  }

  #throttled({ at, looked }: FoundRoom<T>): boolean {
    return this.#parts.now() - at < looked * LOOK_AGAIN - FEW;
  }

  #choose(found: FoundRoom<T>, newcomer: Party | undefined): T | undefined {
    const { idle, alone, holds, joint } = found;
    for (let one = idle.pop(); one !== undefined; one = idle.pop())
      if (this.#isIdle(one) && one.lastUsed <= found.at) return one;
    for (let one = this.#lately.shift(); one !== undefined; one = this.#lately.shift())
      if (this.#isIdle(one)) return one;
    const own = newcomer === undefined ? 0 : (holds.get(newcomer) ?? 0);
    const [most, theirs] = greatest(alone);
    if (most !== undefined && theirs.length > own + 1) {
      for (let one = theirs.pop(); one !== undefined; one = theirs.pop())
        if (this.#mayGo(one) && holderOf(one) === most) return this.#moved(found, newcomer, one);
    }
    for (let one = joint.pop(); one !== undefined; one = joint.pop())
      if (this.#mayGo(one) && own + 1 < this.#parts.many && this.#allHoldMany(one, holds))
        return this.#moved(found, newcomer, one);
    return undefined;
  }

  /** The newcomer will hold one more. */
  #moved({ holds }: FoundRoom<T>, newcomer: Party | undefined, from: T): T {
    for (const party of partiesOf(from)) holds.set(party, (holds.get(party) ?? 1) - 1);
    if (newcomer !== undefined) holds.set(newcomer, (holds.get(newcomer) ?? 0) + 1);
    return from;
  }

  #mayGo(one: T): boolean {
    return !one.closed && this.#parts.restful(one);
  }
  #isIdle(one: T): boolean {
    return this.#mayGo(one) && isUnused(one);
  }
  #allHoldMany(one: T, holds: ReadonlyMap<Party, number>): boolean {
    for (const party of partiesOf(one)) if ((holds.get(party) ?? 0) <= this.#parts.many) return false;
    return true;
  }

  #look(now: number): FoundRoom<T> {
    const idle: T[] = [];
    const alone = new Map<Party, T[]>();
    const holds = new Map<Party, number>();
    const shared: T[] = [];
    let looked = 0;
    for (const one of this.#parts.all()) {
      looked++;
      if (isUnused(one)) {
        const { openedFor } = one;
        if (this.#parts.restful(one)) idle.push(one);
        else if (openedFor !== undefined) holds.set(openedFor, (holds.get(openedFor) ?? 0) + 1);
        continue;
      }
      const parties = partiesOf(one);
      for (const party of parties) holds.set(party, (holds.get(party) ?? 0) + 1);
      if (parties.size > 1) shared.push(one);
      for (const party of parties.size === 1 ? parties : []) {
        const its = alone.get(party);
        if (its === undefined) alone.set(party, [one]);
        else its.push(one);
      }
    }
    idle.sort((a, b) => b.lastUsed - a.lastUsed);
    for (const its of alone.values())
      its.sort((a, b) => subscribersOf(b) - subscribersOf(a) || b.lastUsed - a.lastUsed);
    return {
      at: now,
      looked,
      idle,
      alone,
      holds,
      joint: shared.filter((one) => this.#allHoldMany(one, holds)),
    };
  }
}

function greatest<T>(alone: ReadonlyMap<Party, T[]>): readonly [Party | undefined, T[]] {
  let most: Party | undefined;
  let theirs: T[] = [];
  for (const [party, its] of alone) if (its.length > theirs.length) [most, theirs] = [party, its];
  return [most, theirs];
}

const isUnused = ({ audience }: HeldTargets): boolean =>
  audience.current.size === 0 && audience.behind.size === 0;
const subscribersOf = ({ audience }: HeldTargets): number => audience.current.size + audience.behind.size;

function partiesOf({ audience }: HeldTargets): ReadonlySet<Party> {
  const parties = new Set<Party>();
  for (const all of [audience.current, audience.behind])
    for (const { membership } of all) if (membership.party !== undefined) parties.add(membership.party);
  return parties;
}

function holderOf(one: HeldTargets): Party | undefined {
  const [party, ...others] = partiesOf(one);
  return others.length === 0 ? party : undefined;
}
