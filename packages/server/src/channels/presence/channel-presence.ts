// `socket.presence`: one client's side of the presence of its topic.
import { CallaError } from "@calla/shared";
import type { PresenceDeclaration } from "../definition/definition.ts";
import type { ChannelPresence, PresenceList, Tracked } from "../definition/presence-types.ts";
import type { ChannelsPresence } from "./channels-presence.ts";
import type { PresenceHolder } from "./presence-holder.ts";
import type { PresentChannel } from "./present-channel.ts";

export class OwnPresence implements ChannelPresence {
  readonly #all: ChannelsPresence;
  readonly #channel: PresentChannel;
  readonly #declared: PresenceDeclaration;
  readonly #holder: PresenceHolder;
  /** Its topic's clients are told, and it is one of them. */
  #begun = false;

  /** @throws CallaError `wiring`: its definition says nothing of presence. */
  constructor(all: ChannelsPresence, channel: PresentChannel) {
    const { pattern, presence } = channel.definition;
    if (presence === undefined)
      throw new CallaError(
        "wiring",
        { pattern },
        `Channel "${pattern}" has no presence: write defineChannel("${pattern}").presence() before its handlers.`,
      );
    this.#all = all;
    this.#channel = channel;
    this.#declared = presence;
    this.#holder = all.holder(channel.audience, channel.socketId, presence.meta);
  }

  /** Before it hears of its topic: what it has not heard of is in its state. */
  opens(): void {
    this.#begun = true;
    this.#all.opens(this.#channel);
  }

  /** It hears of its topic: first who is here, then that it is. Throws what the app's code throws. */
  begins(): void {
    const { state, initial } = this.#declared;
    if (state) this.pushState();
    if (initial !== undefined && !this.#channel.ended) this.track(initial(this.#channel) as never);
  }

  ends(): void {
    this.#holder.end();
    if (this.#begun) this.#all.closes(this.#channel);
    this.#begun = false;
  }

  track(...given: readonly unknown[]): string {
    const [key, meta] = this.#given(given);
    return this.#channel.ended ? "" : this.#holder.track(key, meta);
  }

  update(...given: readonly unknown[]): string {
    const [key, meta] = this.#given(given);
    return this.#channel.ended ? "" : this.#holder.update(key, meta);
  }

  untrack(key: string = this.#key()): void {
    this.#holder.untrack(key);
  }

  list(): PresenceList {
    return this.#all.list(this.#channel.audience);
  }

  getByKey(key: string): readonly Tracked[] {
    return this.#all.getByKey(this.#channel.audience, key);
  }

  count(): number {
    return this.#all.count(this.#channel.audience);
  }

  pushState(): void {
    if (this.#begun) this.#all.pushState(this.#channel);
  }

  /** `(meta)` or `(key, meta)`. */
  #given(given: readonly unknown[]): readonly [key: string, meta: unknown] {
    return given.length < 2 ? [this.#key(), given[0]] : [given[0] as string, given[1]];
  }

  #key(): string {
    const { pattern } = this.#channel.definition;
    const { key } = this.#declared;
    if (key === undefined)
      throw new CallaError(
        "wiring",
        { pattern },
        `Channel "${pattern}" has no key of its own: write presence({ key: (socket) => … }), or name one: track(key, meta).`,
      );
    const made = key(this.#channel);
    if (typeof made === "string") return made;
    throw new CallaError(
      "wiring",
      { pattern, key: made },
      `presence({ key }) of channel "${pattern}" gives a text; it gave something of the type ${typeof made}.`,
    );
  }
}
