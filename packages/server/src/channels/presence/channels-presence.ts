// The presence of all topics of a system of channels: what the house's tracker tells goes to the topics that have clients
// here, at the end of the turn; what channels and the app track goes to the tracker.
import type { Schema, SteadyClock } from "@calla/shared";
import { contain } from "../../base/contain.ts";
import type { Report } from "../../base/contain.ts";
import type { PresenceDiff } from "../../presence/diff-listeners.ts";
import type { Tracker } from "../../presence/tracker.ts";
import type { PresenceList, TopicPresenceDiff, Tracked } from "../definition/presence-types.ts";
import type { SharedEvent } from "../wire/shared-message.ts";
import type { PresentChannel } from "./present-channel.ts";
import { PresenceHolder } from "./presence-holder.ts";
import type { HolderKeeper, PresenceBounds } from "./presence-holder.ts";
import { byKey, listOf } from "./presence-words.ts";
import type { EntriesByKey } from "./presence-words.ts";
import { TopicPresence } from "./topic-presence.ts";

/** What the presence of a system needs of it. */
export interface ChannelsPresenceParts {
  readonly clock: SteadyClock;
  readonly report: Report;
  readonly bounds: PresenceBounds & { readonly maxPresenceList: number };
  /** Of the house, from when somebody asks for it. */
  tracker(): Tracker;
  /** Says something to all of this node who hear an audience. */
  tell(audience: string, said: SharedEvent): void;
}

/** In the house's tracker, which the sync half shares. */
const PREFIX = "c:";

export class ChannelsPresence implements HolderKeeper {
  readonly bounds: PresenceBounds;
  readonly #parts: ChannelsPresenceParts;
  readonly #topics = new Map<string, TopicPresence>();
  readonly #holders = new Set<PresenceHolder>();
  /** Topics that are to be told at the end of the turn. */
  #changed = new Set<string>();
  #tracker: Tracker | undefined;
  #undos: (() => void)[] = [];
  #stopped = false;
  /** Lists as they are read, by those of the tracker. */
  readonly #lists = new WeakMap<EntriesByKey, PresenceList>();
  /** The app's. */
  readonly #listeners = new Set<{ hears(diff: TopicPresenceDiff): unknown }>();

  constructor(parts: ChannelsPresenceParts) {
    this.#parts = parts;
    this.bounds = parts.bounds;
  }

  /** Listening, from the first time that it is asked for. */
  get tracker(): Tracker {
    if (this.#tracker !== undefined) return this.#tracker;
    const tracker = (this.#tracker = this.#parts.tracker());
    if (this.#stopped) return tracker;
    this.#undos = [
      tracker.onDiff((diff) => this.#hear(diff)),
      tracker.onRestart(() => {
        for (const holder of Array.from(this.#holders)) holder.trackAgain();
      }),
    ];
    return tracker;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Whoever is still tracked is the app's, and is gone. The tracker may go on: the server's is beneath the next channels. */
  stop(): void {
    this.#stopped = true;
    for (const holder of Array.from(this.#holders)) holder.end();
    for (const undo of this.#undos.splice(0)) undo();
    this.#listeners.clear();
  }

  /** A channel with presence is served: others may be told of already. */
  serves(): void {
    void this.tracker;
  }

  begins(holder: PresenceHolder): void {
    this.#holders.add(holder);
  }

  ends(holder: PresenceHolder): void {
    this.#holders.delete(holder);
  }

  /** Somebody who may be tracked on a topic; no two have one name there. */
  holder(audience: string, name: string, schema: Schema | undefined): PresenceHolder {
    return new PresenceHolder(this, PREFIX + audience, name, schema);
  }

  // --- clients ---

  /** A client comes to a topic. What the others are to know before is in its state, and told before it is one of them. */
  opens({ audience, topic, definition }: PresentChannel): void {
    let there = this.#topics.get(audience);
    if (there === undefined) {
      const { clock, report, bounds, tell } = this.#parts;
      const name = PREFIX + audience;
      there = new TopicPresence({
        clock,
        report,
        most: bounds.maxPresenceList,
        topic,
        fetch: definition.presence?.fetch,
        list: () => this.tracker.list(name),
        listed: () => this.tracker.listed(name),
        tell: (said) => contain(report, () => tell(audience, said)),
      });
      this.#topics.set(audience, there);
    } else if (definition.presence?.state === true) there.tell();
    there.hearers++;
  }

  /** It has gone. Who joins again within the turn hears of its end. */
  closes({ audience }: PresentChannel): void {
    const there = this.#topics.get(audience);
    if (there !== undefined && --there.hearers === 0) this.#tellSoon(audience);
  }

  pushState(channel: PresentChannel): void {
    this.#topics.get(channel.audience)?.pushState(channel);
  }

  #hear({ topic, joins, leaves }: PresenceDiff): void {
    if (!topic.startsWith(PREFIX)) return;
    const audience = topic.slice(PREFIX.length);
    const there = this.#topics.get(audience);
    there?.changed({ joins, leaves });
    if (there !== undefined) this.#tellSoon(audience);
    if (this.#listeners.size === 0) return;
    const read = { topic: audience, joins: listOf(byKey(joins)), leaves: listOf(byKey(leaves)) };
    for (const { hears } of Array.from(this.#listeners)) contain(this.#parts.report, () => hears(read));
  }

  #tellSoon(audience: string): void {
    this.#changed.add(audience);
    if (this.#changed.size === 1) this.#parts.clock.defer(() => this.#tellChanged());
  }

  #tellChanged(): void {
    const changed = this.#changed;
    this.#changed = new Set();
    for (const audience of changed) {
      const there = this.#topics.get(audience);
      if (there === undefined) continue;
      if (there.hearers > 0) contain(this.#parts.report, () => there.tell());
      else {
        there.close();
        this.#topics.delete(audience);
      }
    }
  }

  // --- who is here ---

  list(audience: string): PresenceList {
    const entries = this.tracker.list(PREFIX + audience);
    let list = this.#lists.get(entries);
    if (list === undefined) this.#lists.set(entries, (list = listOf(entries)));
    return list;
  }

  getByKey(audience: string, key: string): readonly Tracked[] {
    const entries = this.tracker.getByKey(PREFIX + audience, key);
    return listOf(new Map([[key, entries]])).get(key)!;
  }

  count(audience: string): number {
    return this.tracker.count(PREFIX + audience);
  }

  /** Calls back with whoever comes and goes; the lists say so already. Returns the undo. */
  onDiff(hears: (diff: TopicPresenceDiff) => unknown): () => void {
    void this.tracker;
    const listener = { hears };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
