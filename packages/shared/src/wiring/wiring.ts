// The wiring: the table of slices that client and server share. Not here: running them (apply.ts).
import { checkWiring } from "#dev/define-checks";
import { MADE_BY } from "./made-by.ts";
import type { EphemeralSlice, LocalSlice, SessionSlice, TopicSlice } from "./slice.ts";
import { isTopicId } from "./topic-id.ts";
import { matchTopic } from "./topic-pattern.ts";

/** A slice that has topics. */
export type AnyTopicSlice = TopicSlice | EphemeralSlice;

/** What a topic id says: its slice, and what stands for each "*" of the slice's pattern. */
export interface TopicOf<S extends AnyTopicSlice = AnyTopicSlice> {
  readonly slice: S;
  readonly params: readonly string[];
}

/** A topic slice that the wiring has; of any other the compiler says this sentence. */
export type InWiring<
  W extends { readonly topics: readonly AnyTopicSlice[] },
  S,
> = S extends W["topics"][number]
  ? S
  : "this slice is not in the wiring: list it in defineWiring({ topics })";

/**
 * The table of slices.
 *
 * @example
 * export const wiring = defineWiring({ session, topics: [board, cursors] });
 */
export interface Wiring<
  Session extends SessionSlice | undefined = SessionSlice | undefined,
  Topics extends readonly AnyTopicSlice[] = readonly AnyTopicSlice[],
  Local extends LocalSlice | undefined = LocalSlice | undefined,
> {
  readonly session: Session;
  readonly topics: Topics;
  readonly local: Local;
  /** The line of versions of the @calla/shared that made it: "0.1". Clients and servers take their own line's. */
  readonly madeBy: string;
  /** The slice and parameters of a topic id; undefined if it is no topic id or no slice has it. */
  sliceOf(topicId: string): TopicOf<Topics[number]> | undefined;
  /** Slice name to version, for `Hello`: what the two sides must agree on. The local slice concerns nobody else. */
  versions(): Readonly<Record<string, number>>;
}

/**
 * Puts slices into one table. Refuses two that could both own a topic.
 *
 * @example
 * export const wiring = defineWiring({ session, topics: [board, cursors], local });
 */
export function defineWiring<
  const Topics extends readonly AnyTopicSlice[] = [],
  Session extends SessionSlice | undefined = undefined,
  Local extends LocalSlice | undefined = undefined,
>(slices: {
  readonly session?: Session;
  readonly topics?: Topics;
  readonly local?: Local;
}): Wiring<Session, Topics, Local> {
  const topics: readonly AnyTopicSlice[] = Object.freeze([...(slices.topics ?? [])]);
  checkWiring(slices.session, topics, slices.local);

  const exact = new Map(topics.filter((slice) => slice.pattern.exact).map((slice) => [slice.name, slice]));
  const patterns = topics.filter((slice) => !slice.pattern.exact);
  const named = slices.session === undefined ? topics : [slices.session, ...topics];
  const versions = Object.freeze(Object.fromEntries(named.map((slice) => [slice.name, slice.version])));

  const sliceOf = (topicId: string): TopicOf | undefined => {
    const only = exact.get(topicId);
    if (only !== undefined) return { slice: only, params: [] };
    if (!isTopicId(topicId)) return undefined;
    for (const slice of patterns) {
      const params = matchTopic(slice.pattern, topicId);
      if (params !== undefined) return { slice, params };
    }
    return undefined;
  };

  const wiring: Wiring = {
    session: slices.session,
    topics,
    local: slices.local,
    madeBy: MADE_BY,
    sliceOf,
    versions: () => versions,
  };
  return Object.freeze(wiring) as Wiring<Session, Topics, Local>;
}
