// Who is here on a topic, for the app on the server: `server.topic(board, "42").presence`.
import { CallaError } from "@calla/shared";
import type { PresenceMeta, Slice, TargetKey } from "@calla/shared";
import type { Hub } from "./hub/hub.ts";
import type { PresenceDiff } from "./presence/diff-listeners.ts";
import type { PresenceEntry } from "./presence/state/entry.ts";
import { trackerTopic } from "./roster/listed-clients.ts";

/** A client that is listed on a topic. */
export interface TopicMember<Meta> {
  /** Under which key: `presenceKey`, or the user's id. */
  readonly key: string;
  readonly clientId: string;
  /** With what it is listed. Not to be changed: all who ask get the same object. */
  readonly meta: Meta;
}

/** Who came to a topic and who went. A client whose meta has changed is in both. */
export interface TopicPresenceDiff<Meta> {
  readonly joins: readonly TopicMember<Meta>[];
  readonly leaves: readonly TopicMember<Meta>[];
}

/**
 * Who is here on one topic, on all nodes, as far as this one knows.
 *
 * @example
 * const { presence } = server.topic(board, "42");
 * if (presence.list().has(user.id)) notify(user);
 */
export interface TopicPresence<Meta> {
  /** Key to the metas of its clients; the same object until somebody comes, goes or changes. However many there are. */
  list(): ReadonlyMap<string, readonly Meta[]>;
  /** How many clients are listed. */
  count(): number;
  /**
   * Called with whoever comes and goes from now on; the list says so already. What it throws is reported. Returns the undo.
   *
   * @example
   * const stop = presence.onDiff(({ leaves }) => leaves.forEach(({ key }) => release(key)));
   */
  onDiff(listener: (diff: TopicPresenceDiff<Meta>) => unknown): () => void;
}

/** The presence of a slice's topics; of a slice without one the compiler says this sentence. */
export type TopicPresenceOf<S> = [PresenceMeta<S>] extends [never]
  ? "this slice lists nobody: give it presence: definePresence(schema)"
  : TopicPresence<PresenceMeta<S>>;

type List = ReadonlyMap<string, readonly unknown[]>;
/** Made once of each list of the tracker. */
const lists = new WeakMap<object, List>();

/** @throws CallaError `wiring`: the slice lists nobody. */
export function topicPresence(
  { context, roster }: Hub,
  slice: Slice,
  key: TargetKey,
): TopicPresence<unknown> {
  if (!("presence" in slice) || slice.presence === undefined)
    throw new CallaError(
      "wiring",
      { slice: slice.name },
      `Slice "${slice.name}" lists nobody: give it presence: definePresence(schema).`,
    );
  const topic = trackerTopic(key);
  return {
    list() {
      const listed = context.presence.tracker.list(topic);
      const known = lists.get(listed);
      if (known !== undefined) return known;
      const list: List = new Map(
        Array.from(listed, ([name, entries]) => [name, entries.map(({ meta }) => meta)]),
      );
      lists.set(listed, list);
      return list;
    },
    count: () => context.presence.tracker.count(topic),
    onDiff: (listener) => roster.onDiff(key, (diff) => listener(told(diff))),
  };
}

const told = ({ joins, leaves }: PresenceDiff): TopicPresenceDiff<unknown> => ({
  joins: joins.map(member),
  leaves: leaves.map(member),
});
const member = ({ key, holder, meta }: PresenceEntry): TopicMember<unknown> => ({
  key,
  clientId: holder,
  meta,
});
