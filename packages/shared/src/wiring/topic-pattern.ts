// Topic patterns, and what a topic id is. A pattern is exact ("chat"), has a trailing prefix ("room:*") or segments
// ("doc:*:ops"). Not here: which slice a topic belongs to (wiring.ts) and sessions, whose keys begin with "@" (target.ts).
//
// A "*" in the middle stands for one segment: not empty, without ":". A "*" at the end stands for all the rest: not
// empty, ":" allowed, so that ids from elsewhere ("did:plc:x") fit. Every "*" but the last is therefore delimited by
// the next ":", which makes a match unique: build(match(id)) is id, match(build(params)) is params. The price:
// "doc:*" and "doc:*:ops" overlap, and a wiring refuses to hold both.
import { DEV } from "#dev/switch";
import { CallaError } from "../base/errors.ts";

/** UTF-16 units. No option: client and server must agree on what is a topic id. */
const MAX_TOPIC_ID_LENGTH = 256;

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
export function topicId<P extends string>({ text, segments }: TopicPattern<P>, ...params: Params<P>): string {
  const given: readonly unknown[] = params;
  const refuse = (problem: string | false): never => {
    throw new CallaError(
      "topic",
      { pattern: text, params },
      DEV && `Topic ${JSON.stringify(text)} ${problem}.`,
    );
  };
  let next = 0;
  const id = segments
    .map((segment, i) => {
      if (segment !== "*") return segment;
      const param = given[next++];
      if (typeof param !== "string" || param === "")
        return refuse(DEV && `takes a text as parameter ${next}`);
      if (i < segments.length - 1 && param.includes(":"))
        return refuse(DEV && `has a ":" in parameter ${next}`);
      return param;
    })
    .join(":");
  if (given.length !== next) refuse(DEV && `takes ${next} parameter(s), not ${given.length}`);
  const problem = topicIdProblem(id);
  return problem === undefined ? id : refuse(DEV && `cannot be ${JSON.stringify(id)}: it ${problem}`);
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

/** What is wrong with a topic id, as the rest of a sentence (false where those are left out); undefined if nothing is. */
export function topicIdProblem(id: unknown): string | false | undefined {
  if (typeof id !== "string" || id === "") return DEV && "is not a text, or empty";
  if (id.length > MAX_TOPIC_ID_LENGTH) return DEV && `is longer than ${MAX_TOPIC_ID_LENGTH} UTF-16 units`;
  if (id.startsWith("@")) return DEV && 'begins with "@", as sessions do';
  return /[\p{Cc}\p{Surrogate}]/u.test(id)
    ? DEV && "has a control character or half of a surrogate pair"
    : undefined;
}

function patternProblem(text: unknown): string | false | undefined {
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
