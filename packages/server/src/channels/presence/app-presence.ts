// `channels.presence`: who is on a topic, for the app, and holders of its own (a bot, a job, a user of another system).
import type { Schema } from "@calla/shared";
import type { PresenceList, TopicPresenceDiff, Tracked } from "../definition/presence-types.ts";
import type { ChannelsPresence } from "./channels-presence.ts";
import type { PresenceHolder } from "./presence-holder.ts";

/** What stands for a topic at the beginning of a call: its text, or a channel and what stands for its `*`. */
type Given = readonly unknown[];

/** What it needs of the system. */
export interface AppPresenceParts {
  readonly presence: ChannelsPresence;
  /** The topic that a call begins with, and the rest of what it is given. */
  topicOf(given: Given): readonly [topic: string, ...rest: unknown[]];
  /** What metas on a topic must be. */
  schemaOf(topic: string): Schema | undefined;
}

/** No connection's id has a space: the app's holders are apart from them. */
const nameOf = (holder: unknown): string => `app ${String(holder)}`;

export class AppPresence {
  readonly #parts: AppPresenceParts;
  /** By holder, then by topic. */
  readonly #holders = new Map<string, Map<string, PresenceHolder>>();

  constructor(parts: AppPresenceParts) {
    this.#parts = parts;
  }

  list(...given: Given): PresenceList {
    const [topic] = this.#parts.topicOf(given);
    return this.#parts.presence.list(topic);
  }

  getByKey(...given: Given): readonly Tracked[] {
    const [topic, key] = this.#parts.topicOf(given);
    return this.#parts.presence.getByKey(topic, key as string);
  }

  count(...given: Given): number {
    const [topic] = this.#parts.topicOf(given);
    return this.#parts.presence.count(topic);
  }

  onDiff(hears: (diff: TopicPresenceDiff) => unknown): () => void {
    return this.#parts.presence.onDiff(hears);
  }

  track(...given: Given): string {
    const [topic, holder, key, meta] = this.#parts.topicOf(given);
    const name = nameOf(holder);
    const topics = this.#holders.get(name) ?? new Map<string, PresenceHolder>();
    const there = topics.get(topic) ?? this.#parts.presence.holder(topic, name, this.#parts.schemaOf(topic));
    // Before it is told: who hears of it may untrack it.
    this.#holders.set(name, topics.set(topic, there));
    try {
      return there.track(key as string, meta);
    } finally {
      this.#letGo(name, topic, there);
    }
  }

  update(...given: Given): string {
    const [topic, holder, key, meta] = this.#parts.topicOf(given);
    const there = this.#holders.get(nameOf(holder))?.get(topic);
    // Who is not there knows best how to say so.
    return (there ?? this.#parts.presence.holder(topic, nameOf(holder), undefined)).update(
      key as string,
      meta,
    );
  }

  untrack(...given: Given): void {
    const [topic, holder, key] = this.#parts.topicOf(given);
    const there = this.#holders.get(nameOf(holder))?.get(topic);
    if (there === undefined) return;
    there.untrack(key as string);
    this.#letGo(nameOf(holder), topic, there);
  }

  /** Of one that tracks nothing any more nothing is kept. */
  #letGo(name: string, topic: string, one: PresenceHolder): void {
    const topics = this.#holders.get(name);
    if (one.tracks || topics?.get(topic) !== one) return;
    topics.delete(topic);
    if (topics.size === 0) this.#holders.delete(name);
  }

  untrackAll(holder: string): void {
    const topics = this.#holders.get(nameOf(holder));
    this.#holders.delete(nameOf(holder));
    for (const one of topics?.values() ?? []) one.untrackAll();
  }
}
