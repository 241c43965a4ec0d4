// What the clients of one topic are told of its presence, in one order: diffs at the end of a turn, states to who asks for
// one, and above the limit only how many there are. Every state stands behind all diffs of what it lists, so a client's
// list is the server's whenever it has been told all. While fields are fetched everything waits, and changes become one.
import { types } from "node:util";
import { describe } from "@calla/shared";
import type { Cancel, SteadyClock } from "@calla/shared";
import { contain, isThenable } from "../../base/contain.ts";
import type { Report } from "../../base/contain.ts";
import { Listing } from "../../presence/listing.ts";
import { ToldCount } from "../../presence/told-count.ts";
import type { EntryDiff } from "../../presence/state/entry.ts";
import type { PresenceDeclaration } from "../definition/definition.ts";
import type { PresenceFields, PresenceList } from "../definition/presence-types.ts";
import { SharedEvent } from "../wire/shared-message.ts";
import { PendingDiff } from "./pending-diff.ts";
import { byKey, COUNT, DIFF, diffPayload, listOf, payloadOf, STATE, stateOf } from "./presence-words.ts";
import type { EntriesByKey } from "./presence-words.ts";

/** Milliseconds that `fetch` has. */
const FETCH_TIME = 5_000;

/** One client on the topic. */
export interface PresenceHearer {
  /** Says something to it alone; nothing, once it has ended. */
  pushShared(said: SharedEvent): void;
}

/** What a topic needs of its surroundings. */
export interface TopicPresenceParts {
  readonly clock: SteadyClock;
  readonly report: Report;
  readonly most: number;
  /** What the clients know the topic as. */
  readonly topic: string;
  readonly fetch: PresenceDeclaration["fetch"];
  /** Who is here; the same object until that changes. */
  list(): EntriesByKey;
  listed(): number;
  /** Says something to all of this node. */
  tell(said: SharedEvent): void;
}

export class TopicPresence {
  /** Clients that it is told to. */
  hearers = 0;
  readonly #parts: TopicPresenceParts;
  readonly #listing: Listing;
  readonly #pending = new PendingDiff();
  /** Who waits for a state. */
  #asking = new Set<PresenceHearer>();
  /** All are to be told a state. */
  #anew = false;
  #fetching = false;
  #telling = false;
  /** It is to be looked what there is to tell. */
  #again = false;
  #closed = false;
  #timer: Cancel | undefined;
  readonly #toldCount = new ToldCount();
  /** The last state that was written. */
  #state: { readonly list: EntriesByKey; readonly said: SharedEvent } | undefined;

  constructor(parts: TopicPresenceParts) {
    this.#parts = parts;
    this.#listing = new Listing(parts.most);
  }

  /** Something has changed; it is told by `tell`. */
  changed(diff: EntryDiff): void {
    this.#pending.add(diff);
  }

  /** Tells a client who is here, behind all that it is to know before. */
  pushState(to: PresenceHearer): void {
    this.#asking.add(to);
    this.tell();
  }

  /** Nobody is there any more. */
  close(): void {
    this.#closed = true;
    this.#timer?.();
    this.#pending.clear();
    this.#asking.clear();
  }

  /** Tells all that is to be told. What the app does as a client of its hears something is told behind that, to all. */
  tell(): void {
    this.#again = true;
    if (this.#telling) return;
    this.#telling = true;
    try {
      while (this.#again && !this.#fetching && !this.#closed) {
        this.#again = false;
        this.#tellOnce();
      }
    } finally {
      this.#telling = false;
    }
  }

  #tellOnce(): void {
    const [members, now] = [this.#parts.listed(), this.#parts.clock.monotonic()];
    if (this.#listing.look(members, now)) {
      this.#toldCount.forget();
      if (!this.#listing.counts) this.#anew = true;
    }
    if (this.#listing.counts) this.#tellCount(members, now);
    else if (this.#tellNext()) {
      this.#again = true;
      return;
    }
    this.#wakeIn(this.#wait(members, now));
  }

  /** Whether there was something. */
  #tellNext(): boolean {
    if (this.#anew) {
      this.#anew = false;
      this.#pending.clear();
      this.#asking.clear();
      this.#sayState((said) => this.#parts.tell(said));
      return true;
    }
    const diff = this.#pending.take();
    if (diff !== undefined) {
      const [joins, leaves] = [listOf(byKey(diff.joins)), listOf(byKey(diff.leaves))];
      if (joins.size === 0 && leaves.size === 0) return true;
      const write = (fields: PresenceFields) => new SharedEvent(DIFF, diffPayload(joins, leaves, fields));
      this.#withFields(united(joins, leaves), write, (said) => this.#parts.tell(said));
      return true;
    }
    if (this.#asking.size === 0) return false;
    const asking = this.#asking;
    this.#asking = new Set();
    this.#sayState((said) => {
      for (const one of asking) contain(this.#parts.report, () => one.pushShared(said));
    });
    return true;
  }

  /** Written once until the list changes; with fields, which may have changed by themselves, once for all who wait. */
  #sayState(say: (said: SharedEvent) => void): void {
    const list = this.#parts.list();
    if (this.#parts.fetch === undefined) {
      if (this.#state?.list !== list) this.#state = { list, said: stateOf(list) };
      return say(this.#state.said);
    }
    const presences = listOf(list);
    this.#withFields(presences, (fields) => new SharedEvent(STATE, payloadOf(presences, fields)), say);
  }

  #tellCount(count: number, now: number): void {
    this.#pending.clear();
    this.#anew = false;
    const said = new SharedEvent(COUNT, { count });
    const asking = this.#asking;
    this.#asking = new Set();
    for (const one of asking) contain(this.#parts.report, () => one.pushShared(said));
    if (asking.size > 0) this.#toldCount.toldOne(count);
    if (this.#toldCount.due(count, now)) this.#parts.tell(said);
  }

  /** Until when there is nothing to do unless something changes. undefined: for ever. */
  #wait(members: number, now: number): number | undefined {
    const look = this.#listing.lookIn(members, now);
    const count = this.#listing.counts ? this.#toldCount.dueIn(members, now) : undefined;
    return count === undefined ? look : Math.min(look ?? Infinity, count);
  }

  #wakeIn(wait: number | undefined): void {
    this.#timer?.();
    this.#timer = undefined;
    if (wait === undefined || this.#closed) return;
    this.#timer = this.#parts.clock.setTimeout(() => {
      this.#timer = undefined;
      this.tell();
    }, wait);
  }

  /** Asks the app for the fields of these keys, and says it then; without them, if that fails. */
  #withFields(
    presences: PresenceList,
    write: (fields: PresenceFields) => SharedEvent,
    say: (said: SharedEvent) => void,
  ): void {
    const { fetch, topic } = this.#parts;
    if (fetch === undefined) return say(write(NO_FIELDS));
    let fetched: unknown;
    try {
      fetched = fetch(topic, presences);
    } catch (error) {
      return say(this.#without(write, error));
    }
    if (!isThenable(fetched)) return say(this.#written(write, fetched));
    this.#fetching = true;
    this.#whenFetched(fetched, (fields, error) => {
      try {
        if (!this.#closed)
          say(error === undefined ? this.#written(write, fields) : this.#without(write, error));
      } finally {
        this.#fetching = false;
      }
      this.tell();
    });
  }

  /** Once, in its time. */
  #whenFetched(fetched: PromiseLike<unknown>, then: (fields: unknown, error: unknown) => void): void {
    let waits = true;
    const end = (fields: unknown, error: unknown): void => {
      if (!waits) return;
      waits = false;
      cancel();
      then(fields, error);
    };
    const cancel = this.#parts.clock.setTimeout(
      () => end(undefined, new Error(`It took over ${FETCH_TIME} ms.`)),
      FETCH_TIME,
    );
    Promise.resolve(fetched).then(
      (fields) => end(fields, undefined),
      (error: unknown) => end(undefined, error ?? new Error("It rejected.")),
    );
  }

  /** As JSON already: what JSON cannot write goes without fields. */
  #written(write: (fields: PresenceFields) => SharedEvent, fetched: unknown): SharedEvent {
    try {
      if (!types.isMap(fetched)) throw new TypeError("It gives a Map, of fields by key.");
      const said = write(fetched as PresenceFields);
      said.json();
      return said;
    } catch (error) {
      return this.#without(write, error);
    }
  }

  #without(write: (fields: PresenceFields) => SharedEvent, cause: unknown): SharedEvent {
    const { report, topic } = this.#parts;
    const what = `fetch of presence failed on "${topic}", so its metas went without fields: ${describe(cause)}`;
    report(new Error(what, { cause }));
    return write(NO_FIELDS);
  }
}

const NO_FIELDS: PresenceFields = new Map();

/** The keys of both, each with all of its metas. */
function united(joins: PresenceList, leaves: PresenceList): PresenceList {
  if (leaves.size === 0) return joins;
  const all = new Map(joins);
  for (const [key, metas] of leaves) all.set(key, [...(all.get(key) ?? []), ...metas]);
  return all;
}
