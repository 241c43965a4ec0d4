// Who looks at a room: phoenix.js's Presence keeps that by what the server tells.
import { Presence } from "phoenix";
import type { Channel } from "phoenix";
import type { Looking } from "../shared/chat.ts";

export interface Somebody {
  readonly author: string;
  readonly name: string;
  /** How many tabs and devices of theirs are here. */
  readonly tabs: number;
}

export class People {
  readonly #presence: Presence;
  /** How many there are, where they are too many to be named. */
  #count: number | undefined;

  constructor(channel: Channel, changed: () => void) {
    this.#presence = new Presence(channel);
    this.#presence.onSync(() => {
      this.#count = undefined;
      changed();
    });
    channel.on("presence_count", ({ count }: { readonly count: number }) => {
      this.#count = count;
      changed();
    });
  }

  /** Whether the server has said who is here, since the page came or came back. */
  get known(): boolean {
    return this.#count !== undefined || !this.#presence.inPendingSyncState();
  }

  /** All but this one, by name where they are not too many. */
  others(me: string): { readonly named: readonly Somebody[]; readonly count: number } {
    if (this.#count !== undefined) return { named: [], count: Math.max(0, this.#count - 1) };
    const named = this.#presence
      .list((author: string, { metas }: { readonly metas: readonly Looking[] }): Somebody => {
        // The newest name that somebody gave themselves.
        return { author, name: metas.at(-1)?.name ?? "", tabs: metas.length };
      })
      .filter(({ author }) => author !== me);
    return { named, count: named.length };
  }
}
