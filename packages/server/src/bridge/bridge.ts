// A server's bridge: the views of its topics, and a line for each Phoenix connection that has joined one. What is decided, the
// sync half decides: to it each line is a connection like any.
import type { TargetKey } from "@calla/shared";
import type { SocketLine } from "../channels/engine/socket-line.ts";
import type { House } from "../house/house.ts";
import type { Hub } from "../hub/hub.ts";
import { BridgedLine } from "./bridged-line.ts";
import { plainEncoder } from "./plain-frames.ts";
import type { PlainEncoder } from "./plain-frames.ts";
import { PresenceTable } from "./presence-table.ts";
import { TopicView } from "./topic-view.ts";

/** What the bridged clients of one topic share. */
export interface BridgedPlace {
  /** Its channels. */
  users: number;
  readonly view: TopicView;
  readonly presence: PresenceTable;
}

export class Bridge {
  readonly hub: Hub;
  readonly house: House;
  readonly encoder: PlainEncoder;
  readonly #places = new Map<TargetKey, BridgedPlace>();
  /** A line knows its client for as long as its connection lives. */
  readonly #lines = new WeakMap<SocketLine, BridgedLine>();

  constructor(hub: Hub, house: House) {
    const { serialiser, encoders } = hub.context;
    this.hub = hub;
    this.house = house;
    this.encoder = plainEncoder(serialiser, encoders.length);
  }

  lineOf(socket: SocketLine): BridgedLine {
    let line = this.#lines.get(socket);
    if (line === undefined) this.#lines.set(socket, (line = new BridgedLine(this, socket)));
    return line;
  }

  /** What a topic's clients share, for one more of them. */
  enter(key: TargetKey): BridgedPlace {
    let place = this.#places.get(key);
    if (place === undefined) {
      const { hub, encoder } = this;
      const state = () => hub.registry.get(key)?.engine?.state;
      const view = new TopicView({ state, plainOf: encoder.plainOf() });
      this.#places.set(key, (place = { users: 0, view, presence: new PresenceTable() }));
    }
    place.users++;
    return place;
  }
  /** One of them has gone. */
  leave(key: TargetKey, place: BridgedPlace): void {
    if (--place.users === 0) this.#places.delete(key);
  }
  /** Topics that somebody has joined. */
  get places(): number {
    return this.#places.size;
  }
}

const BRIDGES = new WeakMap<Hub, Bridge>();

/** One for each server. */
export function bridgeOf(hub: Hub, house: House): Bridge {
  let bridge = BRIDGES.get(hub);
  if (bridge === undefined) BRIDGES.set(hub, (bridge = new Bridge(hub, house)));
  return bridge;
}
