// One message for many: encoded when the first who has a serialiser is sent it, and never twice in one (BC13).
import { isBytes } from "@calla/shared";
import type { WireFrame } from "../../base/connection.ts";
import type { ServerMessage } from "./message.ts";
import { jsonText } from "./json.ts";
import { UnsayableMessage } from "./serialiser.ts";
import type { ChannelSerialiser } from "./serialiser.ts";

/** A broadcast, for the serialisers of all who hear it. */
export interface SharedMessage {
  /** The same frame each time. undefined: this serialiser cannot carry it. */
  in(serialiser: ChannelSerialiser): WireFrame | undefined;
  /** Why it could not be carried, where it could not: to be told once, not for each who misses it. */
  readonly unsayable: UnsayableMessage | undefined;
}

/**
 * A broadcast that is encoded at most once for each serialiser. Its payload must not change until all have been sent it.
 *
 * @example
 * const shared = sharedMessage("room:lobby", "said", { text: "Hello" });
 * for (const { socket, serialiser } of members) {
 *   const frame = shared.in(serialiser);
 *   if (frame) socket.send(frame.bytes);
 * }
 */
export const sharedMessage = (
  topic: string,
  event: string,
  payload: ServerMessage["payload"],
): SharedMessage => new Shared(topic, new SharedEvent(event, payload));

/** An event on one topic or on many, whose frames differ: its payload's JSON is written once, when one needs it (GR9). */
export class SharedEvent {
  readonly event: string;
  #payload: ServerMessage["payload"] | (() => ServerMessage["payload"]);
  #json: string | undefined;

  /** `json`: the payload's, where it is written already; then `payload` may be made when somebody looks at it. */
  constructor(
    event: string,
    payload: ServerMessage["payload"] | (() => ServerMessage["payload"]),
    json?: string,
  ) {
    this.event = event;
    this.#payload = payload;
    this.#json = json;
  }
  get payload(): ServerMessage["payload"] {
    if (typeof this.#payload === "function") this.#payload = this.#payload();
    return this.#payload;
  }
  on(topic: string): SharedMessage {
    return new Shared(topic, this);
  }
  /** undefined: bytes, which have none. @throws UnsayableMessage: JSON cannot write it. */
  json(): string | undefined {
    if (this.#json !== undefined) return this.#json;
    return isBytes(this.payload) ? undefined : (this.#json = jsonText(this.payload));
  }
}

class Shared implements SharedMessage {
  readonly #topic: string;
  readonly #said: SharedEvent;
  // Two at most, where the mounts share theirs: looked through faster than a Map is made.
  readonly #serialisers: ChannelSerialiser[] = [];
  readonly #frames: (WireFrame | undefined)[] = [];
  unsayable: UnsayableMessage | undefined;

  constructor(topic: string, said: SharedEvent) {
    this.#topic = topic;
    this.#said = said;
  }

  in(serialiser: ChannelSerialiser): WireFrame | undefined {
    const at = this.#serialisers.indexOf(serialiser);
    if (at !== -1) return this.#frames[at];
    const frame = this.#encode(serialiser);
    this.#serialisers.push(serialiser);
    this.#frames.push(frame);
    return frame;
  }

  #encode(serialiser: ChannelSerialiser): WireFrame | undefined {
    const { event, payload } = this.#said;
    try {
      return serialiser.broadcast(this.#topic, event, payload, this.#said.json());
    } catch (thrown) {
      // What JSON cannot write, nobody can hear: its sender's mistake.
      if (!(thrown instanceof UnsayableMessage && isBytes(payload))) throw thrown;
      this.unsayable = thrown;
      return undefined;
    }
  }
}
