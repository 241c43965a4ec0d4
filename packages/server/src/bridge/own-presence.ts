// What one bridged client says of its presence on a topic. The sync half answers only what it does not take: that it was taken
// is known when what was said behind it has been heard.
import type { Cancel, ClientFrame, Clock, ServerFrames, TargetKey } from "@calla/shared";
import type { ReplyRef } from "../channels/definition/channel-types.ts";
import { reply } from "../channels/definition/results.ts";
import type { Reply } from "../channels/definition/results.ts";
import type { Json, JsonObject } from "../channels/wire/message.ts";

export interface OwnPresenceOptions {
  readonly clock: Clock;
  readonly target: TargetKey;
  say(frame: ClientFrame): void;
  /** Calls back when all that was said before has been heard. */
  whenHeard(then: () => void): void;
  reply(ref: ReplyRef, said: Reply): void;
  /** A meta was not taken, and nobody waits for that answer. */
  untracked(said: JsonObject): void;
}

export class OwnPresence {
  readonly #options: OwnPresenceOptions;
  #number = 0;
  /** As it was said last; undefined: it is not listed. */
  #meta: Json | undefined;
  /** Who waits for an answer, in order. */
  readonly #asking: { readonly ref: ReplyRef | undefined; readonly before: Json | undefined }[] = [];
  #again: Cancel | undefined;

  constructor(options: OwnPresenceOptions) {
    this.#options = options;
  }

  /** It is told who is here from now on. */
  begin(meta: Json | undefined): void {
    this.#ask(meta, undefined);
  }

  track(meta: Json, ref: ReplyRef): void {
    this.#ask(meta, ref);
  }

  untrack(): void {
    this.#meta = undefined;
    this.#say();
  }

  untracked({ code, retryAfter, details }: ServerFrames["Untracked"]): void {
    const said = {
      code,
      ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
      ...(details === undefined ? {} : { details: details as Json }),
    };
    const asked = this.#asking.shift();
    // An earlier one stays.
    if (asked !== undefined && code !== "rate") this.#meta = asked.before;
    if (asked?.ref !== undefined) return this.#options.reply(asked.ref, reply("error", said));
    if (retryAfter === undefined) return this.#options.untracked(said);
    // What nobody asked for, nobody asks for again.
    this.#again ??= this.#options.clock.setTimeout(() => {
      this.#again = undefined;
      this.#ask(this.#meta, undefined);
    }, retryAfter);
  }

  ends(): void {
    this.#again?.();
    this.#asking.length = 0;
  }

  #ask(meta: Json | undefined, ref: ReplyRef | undefined): void {
    const asked = { ref, before: this.#meta };
    this.#meta = meta;
    this.#asking.push(asked);
    this.#say();
    this.#options.whenHeard(() => {
      const at = this.#asking.indexOf(asked);
      if (at < 0) return;
      this.#asking.splice(at, 1);
      if (ref !== undefined) this.#options.reply(ref, reply({}));
    });
  }

  #say(): void {
    const { target } = this.#options;
    const meta = this.#meta === undefined ? {} : { meta: this.#meta };
    this.#options.say({ type: "Track", target, number: ++this.#number, ...meta, watch: true });
  }
}
