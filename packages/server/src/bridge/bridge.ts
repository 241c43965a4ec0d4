// A server's bridge: the views of its topics, and a line for each Phoenix connection that has joined one. What is decided, the
// sync half decides: to it each line is a connection like any.
import type { TargetKey } from "@calla/shared";
import type { SocketLine } from "../channels/engine/socket-line.ts";
import type { House } from "../house/house.ts";
import type { Hub } from "../hub/hub.ts";
import { BridgedLine } from "./bridged-line.ts";
import { plainEncoder } from "./plain-frames.ts";
import type { PlainEncoder } from "./plain-frames.ts";
import { TopicView } from "./topic-view.ts";

export class Bridge {
  readonly hub: Hub;
  readonly house: House;
  readonly encoder: PlainEncoder;
  readonly #views = new Map<TargetKey, TopicView>();
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

  /** The view of a topic, for one more of its clients. */
  view(key: TargetKey): TopicView {
    let view = this.#views.get(key);
    if (view === undefined) {
      const { hub, encoder } = this;
      const state = () => hub.registry.get(key)?.engine?.state;
      this.#views.set(key, (view = new TopicView({ state, plainOf: encoder.plainOf })));
    }
    view.users++;
    return view;
  }
  /** One of its clients has gone. */
  unused(key: TargetKey, view: TopicView): void {
    if (--view.users === 0) this.#views.delete(key);
  }
  /** How many topics somebody looks at. */
  get views(): number {
    return this.#views.size;
  }
}

const BRIDGES = new WeakMap<Hub, Bridge>();

/** One for each server. */
export function bridgeOf(hub: Hub, house: House): Bridge {
  let bridge = BRIDGES.get(hub);
  if (bridge === undefined) BRIDGES.set(hub, (bridge = new Bridge(hub, house)));
  return bridge;
}
