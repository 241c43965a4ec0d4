// Topic patterns, and what a topic id is. A pattern is exact ("chat"), has a trailing prefix ("room:*") or segments
// ("doc:*:ops"). Not here: which slice a topic belongs to (wiring.ts) and sessions, whose keys begin with "@" (target.ts).
//
// A "*" in the middle stands for one segment: not empty, without ":". A "*" at the end stands for all the rest: not
// empty, ":" allowed, so that ids from elsewhere ("did:plc:x") fit. Every "*" but the last is therefore delimited by
// the next ":", which makes a match unique: build(match(id)) is id, match(build(params)) is params. The price:
// "doc:*" and "doc:*:ops" overlap, and a wiring refuses to hold both.
import { DEV } from "#dev/switch";
import { topicProblem } from "#dev/topic-problem";
import { CallaError } from "../base/errors.ts";
import { isTopicId, topicIdProblem } from "./topic-id.ts";

/** One string for each "*" of a pattern: `Params<"doc:*:ops">` is `[string]`. */
export type Params<P extends string> = string extends P
  ? string[]
  : P extends `${string}*${infer Rest}`
    ? [string, ...Params<Rest>]
    : [];

/** A parsed pattern. */
export interface TopicPattern<P extends string = string> {
  readonly text: P;
  readonly segments: readonly string[];
  /** No "*": the pattern is itself the only topic id. */
  readonly exact: boolean;
}

/** A pattern that is known to be one, or is checked next. */
export function asPattern<const P extends string>(text: P): TopicPattern<P> {
  const segments = Object.freeze(String(text).split(":"));
  return Object.freeze({ text, segments, exact: !segments.includes("*") });
}

/**
 * Parses a pattern: segments joined by ":", each of them text or a whole "*".
 *
 * @example
 * parseTopicPattern("doc:*:ops").segments; // ["doc", "*", "ops"]
 */
export function parseTopicPattern<const P extends string>(text: P): TopicPattern<P> {
  const problem = patternProblem(text);
  if (problem !== undefined) {
    throw new CallaError(
      "wiring",
      { pattern: text },
      DEV && `Topic pattern ${JSON.stringify(text)} ${problem}.`,
    );
  }
  return asPattern(text);
}

/**
 * The strings that stand for each "*" in `id`, or undefined if the pattern does not match.
 *
 * @example
 * matchTopic(parseTopicPattern("room:*"), "room:42"); // ["42"]
 */
export function matchTopic(pattern: TopicPattern, id: string): readonly string[] | undefined {
  const { segments } = pattern;
  const last = segments.length - 1;
  const params: string[] = [];
  let start = 0;
  for (let i = 0; i <= last; i++) {
    const colon = i === last ? id.length : id.indexOf(":", start);
    if (colon === -1) return undefined;
    const part = id.slice(start, colon);
    if (segments[i] === "*") {
      if (part === "") return undefined;
      params.push(part);
    } else if (part !== segments[i]) {
      return undefined;
    }
    start = colon + 1;
  }
  return params;
}

/**
 * The topic id for a pattern and one string per "*". Throws where the parts do not make an id that matches back.
 *
 * @example
 * topicId(parseTopicPattern("doc:*:ops"), "42"); // "doc:42:ops"
 */
export function topicId<P extends string>(pattern: TopicPattern<P>, ...params: Params<P>): string {
  const { text, segments } = pattern;
  const given: readonly unknown[] = params;
  let next = 0;
  const id = segments.map((segment) => (segment === "*" ? given[next++] : segment)).join(":");
  const back = isTopicId(id) ? matchTopic(pattern, id) : undefined;
  if (back && back.length === given.length && back.every((param, i) => param === given[i])) return id;
  throw new CallaError(
    "topic",
    { pattern: text, params },
    DEV && `Topic ${JSON.stringify(text)} ${topicProblem(segments, given, id)}.`,
  );
}

/**
 * Whether some topic id matches both patterns. (Ids of any length count: an overlap must not appear should the
 * limit ever change.)
 */
export function overlap(a: TopicPattern, b: TopicPattern): boolean {
  const [longer, shorter] = a.segments.length < b.segments.length ? [b, a] : [a, b];
  const last = shorter.segments.length - 1;
  // The shorter one must end in "*" to swallow what the longer one has more.
  if (longer.segments.length > shorter.segments.length && shorter.segments[last] !== "*") return false;
  return shorter.segments.every((segment, i) => {
    const other = longer.segments[i];
    return segment === "*" || other === "*" || segment === other;
  });
}

function patternProblem(text: unknown): string | undefined {
  const problem = topicIdProblem(text);
  if (problem !== undefined) return problem;
  for (const segment of String(text).split(":")) {
    if (segment === "") return 'has an empty segment: put text or "*" on both sides of every ":"';
    if (segment !== "*" && segment.includes("*")) {
      return `mixes "*" with text in ${JSON.stringify(segment)}: a "*" stands for a whole segment, as in "room:*"`;
    }
  }
  return undefined;
}
