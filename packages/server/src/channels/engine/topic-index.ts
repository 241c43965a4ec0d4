// Who is on a topic on this node. Only channels whose join was accepted are.
import type { Payload } from "../wire/message.ts";
import type { SharedMessage } from "../wire/shared-message.ts";

/** One connection's channel, as far as a broadcast knows it. */
export interface TopicMember {
  readonly topic: string;
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
    const { topic } = channel;
    const all = this.#topics.get(topic);
    if (all !== undefined) return void all.add(channel);
    this.#topics.set(topic, new Set([channel]));
    this.#watched.topicBegins(topic);
  }

  delete(channel: TopicMember): void {
    const { topic } = channel;
    const all = this.#topics.get(topic);
    if (all?.delete(channel) !== true || all.size > 0) return;
    this.#topics.delete(topic);
    this.#watched.topicEnds(topic);
  }
}
