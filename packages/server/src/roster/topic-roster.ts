// One topic's members as those who watch it here are told of them. Who watches is sent the whole once for each time that it
// has subscribed, then what changed, once per turn and the same bytes for all. Not here: who may watch (roster.ts), who is
// here (the tracker).
import { sameValue } from "@calla/shared";
import type { Cancel, SteadyClock, TargetKey, WireMember } from "@calla/shared";
import type { Conversation, TargetSubscription } from "../connection/conversation.ts";
import type { Encoder, Shared } from "../context/encoder.ts";
import { Listing } from "../presence/listing.ts";
import type { PresenceDiff } from "../presence/diff-listeners.ts";
import type { PresenceEntry } from "../presence/state/entry.ts";
import { ToldCount } from "../presence/told-count.ts";
import { MemberPages } from "./member-pages.ts";
import type { MemberPage } from "./member-pages.ts";
import { countFrame, presenceFrames, readable } from "./presence-frames.ts";
import type { Chain, ToldChange } from "./presence-frames.ts";
import { TagTable } from "./tag-table.ts";

export interface TopicRosterParts {
  readonly clock: SteadyClock;
  readonly maxPresenceList: number;
  /** Whether nothing is to be queued for it. */
  isSlow(conversation: Conversation): boolean;
  /** Something is to be told at the end of the turn: `flush` is called then. */
  due(roster: TopicRoster): void;
}

export class TopicRoster {
  readonly target: TargetKey;
  readonly #parts: TopicRosterParts;
  readonly #members: TagTable;
  readonly #pages: MemberPages;
  readonly #listing: Listing;
  /** Who watches, by the subscription in which it was told the whole; undefined: it is to be told that. */
  readonly #watchers = new Map<Conversation, TargetSubscription | undefined>();
  /** By tag, of whom watchers were told last where that may have changed. Nothing while they are told how many. */
  #changed = new Map<number, PresenceEntry | undefined>();
  /** What tells newcomers all that there is, until that changes. */
  #whole: readonly Shared[] | undefined;
  readonly #toldCount = new ToldCount();
  #later: Cancel | undefined;
  /** Names what watchers were told last: each frame says which one it continues. */
  #at = 1;
  #names = 1;

  /** `entries`: all who are here now. */
  constructor(target: TargetKey, entries: Iterable<readonly PresenceEntry[]>, parts: TopicRosterParts) {
    this.target = target;
    this.#parts = parts;
    this.#members = new TagTable(target);
    for (const all of entries) for (const entry of all) this.#members.add(this.#members.tagOf(entry), entry);
    this.#pages = new MemberPages(this.#members, parts.clock);
    this.#listing = new Listing(parts.maxPresenceList);
    this.#listing.look(this.#members.size, parts.clock.monotonic());
  }

  get watched(): boolean {
    return this.#watchers.size > 0;
  }

  /** Its connection is told who is here from now on, as long as it is subscribed. */
  watch(conversation: Conversation): void {
    const told = this.#watchers.get(conversation);
    if (told !== undefined && told === conversation.subscriptions.get(this.target)) return;
    this.#watchers.set(conversation, undefined);
    this.#parts.due(this);
  }
  watches(conversation: Conversation): boolean {
    return this.#watchers.has(conversation);
  }
  unwatch(conversation: Conversation): void {
    this.#watchers.delete(conversation);
  }
  /** It takes frames again: it is told the whole, if it has missed something. */
  drained(conversation: Conversation): void {
    if (this.#watchers.has(conversation) && this.#watchers.get(conversation) === undefined)
      this.#parts.due(this);
  }

  /** Whether it has not been told what it ought to have been. */
  misses(conversation: Conversation, at: number): boolean {
    return at !== this.#at && this.#watchers.get(conversation) !== undefined;
  }
  tellAgain(conversation: Conversation): void {
    this.#watchers.set(conversation, undefined);
    this.#parts.due(this);
  }

  hear({ joins, leaves }: PresenceDiff): void {
    for (const entry of leaves) {
      const tag = this.#touch(entry);
      this.#members.delete(tag, entry);
    }
    for (const entry of joins) {
      const tag = this.#touch(entry);
      this.#members.add(tag, entry);
    }
    if (this.watched) this.#parts.due(this);
    else this.#rest();
  }

  #touch(entry: PresenceEntry): number {
    const tag = this.#members.tagOf(entry);
    this.#whole = undefined;
    const told = this.watched && !this.#listing.counts;
    if (told && !this.#changed.has(tag)) this.#changed.set(tag, this.#members.get(tag));
    return tag;
  }

  page(after: number, most: number, encoder: Encoder): MemberPage {
    return readable(this.target, this.#pages.page(after, most), encoder);
  }

  /** Tells all who watch what they are to be told. */
  flush(): void {
    if (!this.watched) return this.#rest();
    const { clock } = this.#parts;
    const now = clock.monotonic();
    const members = this.#members.size;
    if (this.#listing.look(members, now)) this.#anew();
    if (this.#listing.counts) this.#tellCount(members, now);
    else this.#tellChanges();
    this.#lookLater(now);
  }

  /** Nobody hears: what changes meanwhile, who comes next is told with the whole, under another name than what was told before. */
  #rest(): void {
    this.#changed.clear();
    this.#moveOn();
    this.#toldCount.forget();
  }

  stop(): void {
    this.#later?.();
  }

  /** The kind has changed: all are told in the other one, from the beginning. */
  #anew(): void {
    this.#rest();
    for (const conversation of this.#watchers.keys()) this.#watchers.set(conversation, undefined);
  }

  #tellChanges(): void {
    const news = this.#news();
    const after = this.#at;
    if (news !== undefined) this.#moveOn();
    let frames: readonly Shared[] | undefined;
    for (const conversation of this.#watchers.keys()) {
      const subscription = this.#takes(conversation);
      if (subscription === undefined) continue;
      if (this.#watchers.get(conversation) !== subscription) this.#tellWhole(conversation, subscription);
      else if (news !== undefined) {
        frames ??= presenceFrames(this.target, news, conversation.encoder, this.#chain(after));
        for (const shared of frames) conversation.sendShared(shared);
      }
    }
  }

  /** One that cannot wait for the turn's end. What is told then it is told again, which says the same. */
  tell(conversation: Conversation): void {
    if (!this.#watchers.has(conversation) || this.#watchers.get(conversation) !== undefined) return;
    const subscription = this.#takes(conversation);
    if (subscription === undefined) return;
    if (!this.#listing.counts) return this.#tellWhole(conversation, subscription);
    conversation.sendShared(countFrame(this.target, this.#at, this.#members.size));
    this.#watchers.set(conversation, subscription);
    this.#toldCount.toldOne(this.#members.size);
  }

  /** The subscription in which it is told now; undefined: it is told nothing, and the whole once it takes that. */
  #takes(conversation: Conversation): TargetSubscription | undefined {
    const subscription = conversation.subscriptions.get(this.target);
    if (subscription?.live === true && !this.#parts.isSlow(conversation)) return subscription;
    this.#watchers.set(conversation, undefined);
    return undefined;
  }

  /** As it is now: whoever has come or gone before this one watched is none of its business. */
  #tellWhole(conversation: Conversation, subscription: TargetSubscription): void {
    this.#whole ??= presenceFrames(
      this.target,
      { joins: this.#all(), leaves: [] },
      conversation.encoder,
      this.#chain(undefined),
    );
    for (const shared of this.#whole) conversation.sendShared(shared);
    this.#watchers.set(conversation, subscription);
  }

  #chain(after: number | undefined): Chain {
    return { after, at: this.#at, next: () => ++this.#names };
  }

  /** Who comes next is told what the others know then. */
  #moveOn(): void {
    this.#at = ++this.#names;
    this.#whole = undefined;
  }

  #all(): readonly WireMember[] {
    const all: WireMember[] = [];
    for (const tag of this.#members.tags()) all.push(memberOf(tag, this.#members.get(tag)!));
    return all;
  }

  /** What has changed since watchers were told last; undefined: nothing. */
  #news(): ToldChange | undefined {
    const changed = this.#changed;
    if (changed.size === 0) return undefined;
    this.#changed = new Map();
    const joins: WireMember[] = [];
    const leaves: number[] = [];
    for (const [tag, before] of changed) {
      const now = this.#members.get(tag);
      if (now === undefined) {
        if (before !== undefined) leaves.push(tag);
      } else if (before === undefined || before.key !== now.key || !sameValue(before.meta, now.meta))
        joins.push(memberOf(tag, now));
    }
    return joins.length + leaves.length === 0 ? undefined : { joins, leaves };
  }

  #tellCount(members: number, now: number): void {
    const news = this.#toldCount.due(members, now);
    if (news) this.#moveOn();
    const shared = countFrame(this.target, this.#at, members);
    for (const [conversation, before] of this.#watchers) {
      const subscription = this.#takes(conversation);
      if (subscription === undefined || (before === subscription && !news)) continue;
      conversation.sendShared(shared);
      this.#watchers.set(conversation, subscription);
      if (!news) this.#toldCount.toldOne(members);
    }
  }

  /** When there is something to tell, or the other kind may be due, though nobody comes or goes. */
  #lookLater(now: number): void {
    this.#later?.();
    const members = this.#members.size;
    const count = this.#listing.counts ? this.#toldCount.dueIn(members, now) : undefined;
    const wait = Math.min(count ?? Infinity, this.#listing.lookIn(members, now) ?? Infinity);
    this.#later =
      wait === Infinity
        ? undefined
        : this.#parts.clock.setTimeout(() => this.#parts.due(this), Math.max(wait, 0));
  }
}

const memberOf = (tag: number, { key, meta }: PresenceEntry): WireMember => [tag, key, meta];
