// Who follows one topic on this node, and what is said to all of them: each frame encoded once per format, pushes of
// one turn joined. Nothing here is allocated per follower.
import type { Clock, ServerFrame, TargetKey } from "@calla/shared";
import type { Conversation } from "./conversation.ts";
import { Shared } from "./encoder.ts";

/** One push on the wire: author tag, userId, message; null: the author has gone. */
export type Pushed = readonly [tag: number | null, userId: string | null, message: unknown];

export class Audience {
  /** The target as the wire names it. */
  readonly target: TargetKey;
  readonly followers = new Set<Conversation>();
  readonly #clock: Clock;
  #pushes: { pushed: Pushed; except: string | undefined }[] = [];

  constructor(target: TargetKey, clock: Clock) {
    this.target = target;
    this.#clock = clock;
  }

  say(frame: ServerFrame): void {
    if (this.followers.size === 0) return;
    const shared = new Shared(frame);
    for (const follower of this.followers) follower.sendShared(shared);
  }

  /** Sent at the end of the turn, together with what else is pushed meanwhile. */
  push(pushed: Pushed, except?: string): void {
    if (this.followers.size === 0) return;
    if (this.#pushes.length === 0) this.#clock.defer(() => this.#flush());
    this.#pushes.push({ pushed, except });
  }

  #flush(): void {
    const pushes = this.#pushes;
    this.#pushes = [];
    const frame = (all: typeof pushes): ServerFrame => ({
      type: "Push",
      target: this.target,
      pushes: all.map(({ pushed }) => pushed),
    });
    const shared = new Shared(frame(pushes));
    const excepted = new Set(pushes.map(({ except }) => except));
    excepted.delete(undefined);
    for (const follower of this.followers) {
      if (!excepted.has(follower.clientId)) {
        follower.sendShared(shared);
        continue;
      }
      const others = pushes.filter(({ except }) => except !== follower.clientId);
      if (others.length > 0) follower.send(frame(others));
    }
  }
}
