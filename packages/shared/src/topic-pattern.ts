// Topic patterns, and what a topic id is. A pattern is exact ("chat"), has a trailing prefix ("room:*") or segments
// ("doc:*:ops"). Not here: which slice a topic belongs to (wiring.ts) and sessions, whose keys begin with "@" (target.ts).
//
// A "*" in the middle stands for one segment: not empty, without ":". A "*" at the end stands for all the rest: not
// empty, ":" allowed, so that ids from elsewhere ("did:plc:x") fit. Every "*" but the last is therefore delimited by
// the next ":", which makes a match unique: build(match(id)) is id, match(build(params)) is params. The price:
// "doc:*" and "doc:*:ops" overlap, and a wiring refuses to hold both.
import { CallaError } from "./errors.ts";

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

/**
 * Parses a pattern: segments joined by ":", each of them text or a whole "*".
 *
 * @example
 * parseTopicPattern("doc:*:ops").segments; // ["doc", "*", "ops"]
 */
export function parseTopicPattern<const P extends string>(text: P): TopicPattern<P> {
  const problem = patternProblem(text);
  if (problem !== undefined) {
    throw new CallaError("wiring", { pattern: text }, `Topic pattern ${JSON.stringify(text)} ${problem}.`);
  }
  const segments = Object.freeze(text.split(":"));
  return Object.freeze({ text, segments, exact: !segments.includes("*") });
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
  const refuse = (problem: string): never => {
    throw new CallaError("topic", { pattern: text, params }, `Topic ${JSON.stringify(text)} ${problem}.`);
  };
  let next = 0;
  const id = segments
    .map((segment, i) => {
      if (segment !== "*") return segment;
      const param = given[next++];
      if (typeof param !== "string" || param === "") return refuse(`takes a text as parameter ${next}`);
      if (i < segments.length - 1 && param.includes(":")) return refuse(`has a ":" in parameter ${next}`);
      return param;
    })
    .join(":");
  if (given.length !== next) refuse(`takes ${next} parameter(s), not ${given.length}`);
  const problem = topicIdProblem(id);
  return problem === undefined ? id : refuse(`cannot be ${JSON.stringify(id)}: it ${problem}`);
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

/** What is wrong with a topic id, as the rest of a sentence; undefined if nothing is. */
export function topicIdProblem(id: unknown): string | undefined {
  if (typeof id !== "string" || id === "") return "is not a text, or empty";
  if (id.length > MAX_TOPIC_ID_LENGTH) return `is longer than ${MAX_TOPIC_ID_LENGTH} UTF-16 units`;
  if (id.startsWith("@")) return 'begins with "@", as sessions do';
  return /[\p{Cc}\p{Surrogate}]/u.test(id)
    ? "has a control character or half of a surrogate pair"
    : undefined;
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
