// Who is here, as the app sees it: types that follow from the slice. Not here: what it does, which comes with the slice
// (definePresence).
import type { PresenceMeta } from "@calla/shared";
import type { Stop } from "./base/notifier.ts";
import type { Selection } from "./selection.ts";

/** One client that is here. The same object until something in it changes. */
export interface Member<Meta = unknown> {
  /** Whose it is, by the server's word (`presenceKey`): several tabs and devices of a user have one key. */
  readonly key: string;
  /** What it tracks. */
  readonly meta: Meta;
  /** The tag of its client in this topic, as in `pushed.from`; null: this client before its first connection. */
  readonly from: number | null;
  /** This very client, tab or device. */
  readonly self: boolean;
}

/** Who is here. The same object until something in it changes. */
export interface PresenceState<Meta = unknown> {
  /**
   * `loading`: not told yet; only oneself is listed. `live`: up to date. `stale`: the connection is lost; 15 seconds later
   * only oneself is listed, for by then the others see this client gone.
   */
  readonly status: "loading" | "live" | "stale";
  /** Key to members, in one order on every page. Empty but for oneself where they are only counted. */
  readonly list: ReadonlyMap<string, readonly Member<Meta>[]>;
  /** This client as it is shown: what was tracked, at once. undefined: it tracks nothing, or the server refused it. */
  readonly self: Member<Meta> | undefined;
  /** How many members there are. */
  readonly count: number;
  /** There are more than the server lists: `count` says how many, `page` gives them. */
  readonly counted: boolean;
}

/** Some members of a topic that has more than are listed. */
export interface MembersPage<Meta = unknown> {
  readonly members: readonly Member<Meta>[];
  /** What `page` takes for those behind them; undefined: these are the last. */
  readonly next: number | undefined;
}

/**
 * Who is here on a topic. Nothing is asked or told before the first `track`, `onChange` or `retain`.
 *
 * @example
 * const { presence } = client.topic(board, "42");
 * presence.track({ name: "Ada" });
 * const stop = presence.onChange(({ list }) => showAvatars([...list.values()].flat()));
 */
export interface Presence<Meta = unknown> extends PresenceState<Meta> {
  /**
   * Lists this client with this meta, in place of what it said before, until `untrack` or its end; again after each
   * connection. Shown at once, sent with the turn. What the server refuses is told by `onError`.
   *
   * @throws CallaError `invalid`, `invalid-value`, `too-large`, `closed`, before anything has happened.
   */
  track(meta: Meta): void;
  /** Lists this client no more. */
  untrack(): void;
  /** Keeps topic and list up to date; called when something of it has changed, once per turn. Returns the undo. */
  onChange(listener: (presence: PresenceState<Meta>) => void): Stop;
  /** Keeps topic and list up to date without a listener. Returns the undo. */
  retain(): Stop;
  /** A part of it, as `topic.select`; it stays the same object as long as the pick says the same. */
  select<T>(pick: (presence: PresenceState<Meta>) => T, equal?: (a: T, b: T) => boolean): Selection<T>;
  /**
   * Up to 100 members, where they are only counted: the first, or those behind a page (its `next`). Open while offline.
   *
   * @throws CallaError as a rejection: the code for which the topic, or the client, is refused; `closed`.
   * @example
   * let page = await presence.page();
   * while (page.next !== undefined) page = await presence.page(page.next);
   */
  page(after?: number): Promise<MembersPage<Meta>>;
}

/** The presence of a slice's topics; of a slice without one the compiler says this sentence. */
export type PresenceOf<S> = [PresenceMeta<S>] extends [never]
  ? "this slice lists nobody: give it presence: definePresence(schema)"
  : Presence<PresenceMeta<S>>;
