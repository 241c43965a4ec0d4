// Who is on a topic on this node. Only channels whose join was accepted are. A topic may have several audiences that do not
// hear each other (supabase's private channels); a broadcast goes to one, and most topics have one of their own name.
import type { Payload } from "../wire/message.ts";
import type { SharedMessage } from "../wire/shared-message.ts";

/** One connection's channel, as far as a broadcast knows it. */
export interface TopicMember {
  readonly topic: string;
  readonly audience: string;
  readonly socketId: string;
  hear(shared: SharedMessage, event: string, payload: Payload): void;
}

export class TopicIndex {
  readonly #topics = new Map<string, Set<TopicMember>>();
  readonly #watched: { topicBegins(topic: string): void; topicEnds(topic: string): void };

  /** `watched` hears when a topic has somebody and when nobody any more. */
  constructor(watched: { topicBegins(topic: string): void; topicEnds(topic: string): void }) {
    this.#watched = watched;
  }

  on(topic: string): ReadonlySet<TopicMember> | undefined {
    return this.#topics.get(topic);
  }

  topics(): Iterable<string> {
    return this.#topics.keys();
  }

  add(channel: TopicMember): void {
    const { audience } = channel;
    const all = this.#topics.get(audience);
    if (all !== undefined) return void all.add(channel);
    this.#topics.set(audience, new Set([channel]));
    this.#watched.topicBegins(audience);
  }

  delete(channel: TopicMember): void {
    const { audience } = channel;
    const all = this.#topics.get(audience);
    if (all?.delete(channel) !== true || all.size > 0) return;
    this.#topics.delete(audience);
    this.#watched.topicEnds(audience);
  }
}
