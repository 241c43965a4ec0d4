// The other nodes, as far as they have been heard: which life of each, up to which clock each has told, and how long each
// may be silent. Not here: what they have told (the state), what is answered (tracker.ts).
import type { Cancel, SteadyClock } from "@calla/shared";
import type { PresenceNode } from "./presence-message.ts";

export interface Peer extends PresenceNode {
  /** Another one from its last word on: its next life does not end it then (PN53). */
  name: string;
  /** The highest clock that it has told of. */
  clock: number;
  /** It is listed once everything up to here is known; undefined: it is listed. */
  awaited: number | undefined;
  /** When it was last asked for what is lacking. */
  askedAt: number;
  silence: number;
  heardAt: number;
  /** It was silent for too long. */
  gone: boolean;
  stopWatch: Cancel;
}

/** A peer that says it may be silent for longer is taken at this. */
export const LONGEST_SILENCE = 600_000;

export interface PeersOptions {
  readonly clock: SteadyClock;
  /** How long after its members have gone everything of a silent peer is forgotten. */
  readonly forgetAfter: number;
  /** A watch that wakes later than this says that this node stood still. */
  readonly patience: number;
  readonly most: number;
  readonly silent: (peer: Peer) => void;
  readonly forgotten: (peer: Peer) => void;
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #names = new Map<string, Peer>();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#peers.size;
  }

  get(replica: string): Peer | undefined {
    return this.#peers.get(replica);
  }

  named(name: string): Peer | undefined {
    return this.#names.get(name);
  }

  all(): Iterable<Peer> {
    return this.#peers.values();
  }

  /** A word of a node; undefined: there are too many nodes. */
  heard(node: PresenceNode, clock: number, silence: number): Peer | undefined {
    const { clock: time, most } = this.#options;
    const known = this.#peers.get(node.replica);
    if (known === undefined && this.#peers.size >= most && !this.forgetOne()) return undefined;
    const now = time.monotonic();
    const peer: Peer = known ?? {
      ...node,
      clock,
      awaited: clock,
      askedAt: -Infinity,
      silence: Infinity,
      heardAt: now,
      gone: false,
      stopWatch: () => undefined,
    };
    const allowed = Math.min(silence, LONGEST_SILENCE);
    const sooner = peer.gone || allowed < peer.silence;
    if (peer.gone) peer.awaited = clock;
    peer.gone = false;
    peer.clock = Math.max(peer.clock, clock);
    peer.silence = allowed;
    peer.heardAt = now;
    this.#peers.set(peer.replica, peer);
    if (peer.name !== node.name) {
      if (this.#names.get(peer.name) === peer) this.#names.delete(peer.name);
      peer.name = node.name;
    }
    if (!this.#names.has(peer.name)) this.#names.set(peer.name, peer);
    if (sooner) this.#watch(peer, allowed);
    return peer;
  }

  /** The one that has been gone for longest makes room; false: none is gone. */
  forgetOne(): boolean {
    let longest: Peer | undefined;
    for (const peer of this.#peers.values())
      if (peer.gone && (longest === undefined || peer.heardAt < longest.heardAt)) longest = peer;
    if (longest === undefined) return false;
    this.#forget(longest);
    return true;
  }

  #forget(peer: Peer): void {
    this.delete(peer);
    this.#options.forgotten(peer);
  }

  delete(peer: Peer): void {
    peer.stopWatch();
    this.#peers.delete(peer.replica);
    if (this.#names.get(peer.name) === peer) this.#names.delete(peer.name);
  }

  /** Nothing is known any more of what they have told. */
  anew(): void {
    for (const peer of this.#peers.values()) {
      peer.clock = 0;
      peer.askedAt = -Infinity;
    }
  }

  stop(): void {
    for (const peer of this.#peers.values()) peer.stopWatch();
  }

  /** One timer for each peer, which looks when it was last heard. */
  #watch(peer: Peer, wait: number): void {
    const { clock, forgetAfter, patience, silent } = this.#options;
    const due = clock.monotonic() + wait;
    peer.stopWatch();
    peer.stopWatch = clock.setTimeout(() => {
      const now = clock.monotonic();
      // Who has stood still itself has heard nobody: what waits to be heard comes first (PN26).
      if (now - due > patience) return this.#watch(peer, patience);
      const left = peer.heardAt + peer.silence + (peer.gone ? forgetAfter : 0) - now;
      if (left > 0) return this.#watch(peer, left);
      if (peer.gone) return this.#forget(peer);
      peer.gone = true;
      this.#watch(peer, forgetAfter);
      return silent(peer);
    }, wait);
  }
}
