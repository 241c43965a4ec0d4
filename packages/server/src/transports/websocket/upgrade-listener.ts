/// <reference types="node" preserve="true" />
// One listener for all transports of Calla's on an http server: the first that takes a request has it, so that two on one
// server never answer each other's paths, and a path that is nobody's is answered once.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { answer } from "../node-request.ts";

/** An http or https server. */
export interface UpgradeSource {
  /** Adds a listener for upgrade requests. */
  on(event: "upgrade", listener: UpgradeListener): unknown;
  /** Takes it away again. */
  off(event: "upgrade", listener: UpgradeListener): unknown;
  /** How many listen: a path that is nobody's is answered by the last of them. */
  listenerCount(event: "upgrade"): number;
}
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface UpgradeTaker {
  /** Takes a request if its path is its own; otherwise false, and nothing was done to it. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Where it is, for the answer to a request that went elsewhere. */
  readonly place: string;
  /** Nobody took this request, and it is answered 404. */
  missed(request: IncomingMessage): void;
}

const listeners = new WeakMap<UpgradeSource, SharedListener>();

/** Has it asked about the server's upgrade requests, after those that came before it; returns the undo. */
export function listenForUpgrades(source: UpgradeSource, taker: UpgradeTaker): () => void {
  let shared = listeners.get(source);
  if (shared === undefined) listeners.set(source, (shared = new SharedListener(source)));
  return shared.add(taker);
}

class SharedListener {
  readonly #source: UpgradeSource;
  readonly #takers = new Set<UpgradeTaker>();

  constructor(source: UpgradeSource) {
    this.#source = source;
  }

  add(taker: UpgradeTaker): () => void {
    if (this.#takers.size === 0) this.#source.on("upgrade", this.#onUpgrade);
    this.#takers.add(taker);
    return () => {
      if (this.#takers.delete(taker) && this.#takers.size === 0) this.#source.off("upgrade", this.#onUpgrade);
    };
  }

  readonly #onUpgrade: UpgradeListener = (request, socket, head) => {
    for (const taker of this.#takers) if (taker.handleUpgrade(request, socket, head)) return;
    // Another listener's path, unless there is none: a request that nobody answers would hang.
    if (this.#source.listenerCount("upgrade") !== 1) return;
    for (const taker of this.#takers) taker.missed(request);
    const places = [...this.#takers].map(({ place }) => place).join(" and ");
    answer(socket, 404, `WebSockets are at ${places}.`);
  };
}
