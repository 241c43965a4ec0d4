// Who is on a topic on this node. Only channels whose join was accepted are.
import type { JoinedChannel } from "./joined-channel.ts";

export class TopicIndex {
  readonly #topics = new Map<string, Set<JoinedChannel>>();
  readonly #watched: { topicBegins(topic: string): void; topicEnds(topic: string): void };

  /** `watched` hears when a topic has somebody and when nobody any more. */
  constructor(watched: { topicBegins(topic: string): void; topicEnds(topic: string): void }) {
    this.#watched = watched;
  }

  on(topic: string): ReadonlySet<JoinedChannel> | undefined {
    return this.#topics.get(topic);
  }

  topics(): Iterable<string> {
    return this.#topics.keys();
  }

  add(channel: JoinedChannel): void {
    const { topic } = channel;
    const all = this.#topics.get(topic);
    if (all !== undefined) return void all.add(channel);
    this.#topics.set(topic, new Set([channel]));
    this.#watched.topicBegins(topic);
  }

  delete(channel: JoinedChannel): void {
    const { topic } = channel;
    const all = this.#topics.get(topic);
    if (all?.delete(channel) !== true || all.size > 0) return;
    this.#topics.delete(topic);
    this.#watched.topicEnds(topic);
  }
}
