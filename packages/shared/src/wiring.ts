// The wiring: the table of slices that client and server share. Not here: running them (apply.ts).
import { CallaError } from "./errors.ts";
import type { EphemeralSlice, LocalSlice, SessionSlice, Slice, TopicSlice } from "./slice.ts";
import { matchTopic, overlap, topicIdProblem } from "./topic-pattern.ts";

/** A slice that has topics. */
export type AnyTopicSlice = TopicSlice | EphemeralSlice;

/** What a topic id says: its slice, and what stands for each "*" of the slice's pattern. */
export interface TopicOf<S extends AnyTopicSlice = AnyTopicSlice> {
  readonly slice: S;
  readonly params: readonly string[];
}

/** The table of slices. */
export interface Wiring<
  Session extends SessionSlice | undefined = SessionSlice | undefined,
  Topics extends readonly AnyTopicSlice[] = readonly AnyTopicSlice[],
  Local extends LocalSlice | undefined = LocalSlice | undefined,
> {
  readonly session: Session;
  readonly topics: Topics;
  readonly local: Local;
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
  checkKind("session", slices.session, ["session"]);
  checkKind("local", slices.local, ["local"]);
  for (const slice of topics) checkKind("topics", slice, ["topic", "ephemeral"]);
  checkOverlaps(topics);

  const exact = new Map(topics.filter((slice) => slice.pattern.exact).map((slice) => [slice.name, slice]));
  const patterns = topics.filter((slice) => !slice.pattern.exact);
  const named = slices.session === undefined ? topics : [slices.session, ...topics];
  const versions = Object.freeze(Object.fromEntries(named.map((slice) => [slice.name, slice.version])));

  const sliceOf = (topicId: string): TopicOf | undefined => {
    const only = exact.get(topicId);
    if (only !== undefined) return { slice: only, params: [] };
    if (topicIdProblem(topicId) !== undefined) return undefined;
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
    sliceOf,
    versions: () => versions,
  };
  return Object.freeze(wiring) as Wiring<Session, Topics, Local>;
}

function checkKind(
  place: keyof typeof HOW,
  slice: Slice | null | undefined,
  kinds: readonly Slice["kind"][],
): void {
  if (slice === undefined && place !== "topics") return;
  if (slice?.kind !== undefined && kinds.includes(slice.kind)) return;
  const given = slice?.kind === undefined ? "something that is no slice" : `a ${slice.kind} slice`;
  throw new CallaError(
    "wiring",
    { place, slice: slice?.name },
    `defineWiring: "${place}" holds ${given}; ${HOW[place]}.`,
  );
}

const HOW = {
  session: "make it with defineSession",
  local: "make it with defineLocal",
  topics: "make its entries with defineTopic or defineEphemeral",
};

function checkOverlaps(topics: readonly AnyTopicSlice[]): void {
  topics.forEach((slice, i) => {
    for (const other of topics.slice(0, i)) {
      const patterns = [other.name, slice.name];
      if (other === slice || other.name === slice.name) {
        throw new CallaError(
          "wiring",
          { patterns },
          `defineWiring: topic "${slice.name}" is listed twice; list it once.`,
        );
      }
      if (overlap(other.pattern, slice.pattern)) {
        throw new CallaError(
          "wiring",
          { patterns },
          `defineWiring: topic patterns "${other.name}" and "${slice.name}" overlap: one topic id could belong to both. ` +
            `Begin them with different words. (A "*" at the end stands for all the rest, ":" included.)`,
        );
      }
    }
  });
}
