// Patterns of channels: which topics they take. They are not those of the sync server's topics (shared: topic-pattern.ts):
// several may take a topic, and the one that was registered first has it; a prefix takes nothing behind it too.
import { CallaError } from "@calla/shared";
import type { Params } from "@calla/shared";
import { segments, validate } from "./topic.ts";

/**
 * A parsed pattern. `exact` takes the topic that it is; `prefix` has its only "*" at the end, which stands for all the
 * rest, ":" and nothing included; `segments` has another "*", and each stands for one segment, which is not empty.
 */
export interface ChannelPattern<P extends string = string> {
  readonly text: P;
  readonly kind: "exact" | "prefix" | "segments";
  /** The text before the first "*". */
  readonly prefix: string;
  readonly segments: readonly string[];
}

/** Of `parsePattern`. */
export interface PatternOptions {
  /** Takes text with a "*" directly behind it at the end, `a:b*`, for a prefix of topics, as Phoenix does. Default: false. */
  readonly strictPhoenix?: boolean | undefined;
}

/**
 * Parses a pattern.
 *
 * @throws CallaError `wiring`: none that could be meant.
 * @example
 * parsePattern("room:lobby").kind; // "exact"
 * parsePattern("room:*").kind; // "prefix": also room:a:b, and room:
 * parsePattern("document:*:ops").kind; // "segments"
 */
export function parsePattern<const P extends string>(
  text: P,
  options: PatternOptions = {},
): ChannelPattern<P> {
  const problem = patternProblem(text, options.strictPhoenix ?? false);
  if (problem !== undefined)
    throw new CallaError("wiring", { pattern: text }, `Channel pattern ${JSON.stringify(text)} ${problem}.`);
  const star = text.indexOf("*");
  const kind = star === -1 ? "exact" : star === text.length - 1 ? "prefix" : "segments";
  const prefix = star === -1 ? text : text.slice(0, star);
  return Object.freeze({ text, kind, prefix, segments: Object.freeze(segments(text)) });
}

function patternProblem(text: string, strictPhoenix: boolean): string | undefined {
  const problem = validate(text);
  if (problem !== undefined) return problem;
  const parts = segments(text);
  const mixed = parts.find((part) => part !== "*" && part.includes("*"));
  if (mixed === undefined) return undefined;
  if (strictPhoenix && text.indexOf("*") === text.length - 1) return undefined;
  return `mixes "*" with text in ${JSON.stringify(mixed)}: a "*" stands for a whole segment, as in "room:*"`;
}

/**
 * Whether the pattern takes the topic.
 *
 * @example
 * matches(parsePattern("document:*:*"), "document:tenant-a:42"); // true: exactly three segments
 */
export function matches(pattern: ChannelPattern, topic: string): boolean {
  if (pattern.kind === "exact") return topic === pattern.text;
  return topic.startsWith(pattern.prefix) && (pattern.kind === "prefix" || takesSegments(pattern, topic));
}

/**
 * Whether the one pattern takes every topic that the other takes. Several that do so together are never needed: what
 * stands for a "*" may be any text, so a topic that none of a few patterns takes is found unless one takes all.
 *
 * @example
 * covers(parsePattern("room:*"), parsePattern("room:lobby")); // true
 */
export function covers(wide: ChannelPattern, narrow: ChannelPattern): boolean {
  if (narrow.kind === "exact") return matches(wide, narrow.text);
  if (wide.kind === "prefix") return narrow.prefix.startsWith(wide.prefix);
  if (wide.kind === "exact" || narrow.kind === "prefix") return false;
  return (
    wide.segments.length === narrow.segments.length &&
    // A "*" stands for no empty segment.
    wide.segments.every((one, i) => (one === "*" ? narrow.segments[i] !== "" : one === narrow.segments[i]))
  );
}

function takesSegments(pattern: ChannelPattern, topic: string): boolean {
  const wanted = pattern.segments;
  let start = 0;
  for (let i = 0; i < wanted.length; i++) {
    const colon = topic.indexOf(":", start);
    const end = colon === -1 ? topic.length : colon;
    // Only the last segment ends with the topic.
    if ((colon === -1) !== (i === wanted.length - 1)) return false;
    if (wanted[i] === "*" ? end === start : topic.slice(start, end) !== wanted[i]) return false;
    start = end + 1;
  }
  return true;
}

/**
 * What stands for each "*" of the pattern in the topic, in order; undefined if the pattern does not take it.
 *
 * @example
 * const [tenant, id] = extractWildcards(parsePattern("document:*:*"), "document:tenant-a:42") ?? [];
 */
export function extractWildcards<P extends string>(
  pattern: ChannelPattern<P>,
  topic: string,
): Params<P> | undefined {
  if (!matches(pattern, topic)) return undefined;
  return wildcardsOf(pattern, topic) as Params<P>;
}

function wildcardsOf(pattern: ChannelPattern, topic: string): readonly string[] {
  if (pattern.kind === "prefix") return [topic.slice(pattern.prefix.length)];
  return segments(topic).filter((_, i) => pattern.segments[i] === "*");
}

/**
 * What stands for the only "*" of the pattern in the topic; undefined if the pattern does not take it, or has none or
 * several.
 *
 * @example
 * extractId(parsePattern("room:*"), "room:lobby"); // "lobby"
 */
export function extractId(pattern: ChannelPattern, topic: string): string | undefined {
  const found: readonly string[] = extractWildcards(pattern, topic) ?? [];
  return found.length === 1 ? found[0] : undefined;
}

/**
 * The topic that has these texts for the pattern's "*".
 *
 * @throws CallaError `topic`: too few or many, or they would not be found in it again (one that is empty or has ":",
 * where it is to be one segment).
 * @example
 * topicOf(parsePattern("document:*:*"), "tenant-a", "42"); // "document:tenant-a:42"
 */
export function topicOf<P extends string>(pattern: ChannelPattern<P>, ...params: Params<P>): string {
  const given: readonly unknown[] = params;
  let next = 0;
  const topic = pattern.text.replaceAll("*", () => String(given[next++]));
  const back: readonly unknown[] | undefined = extractWildcards(pattern, topic);
  if (back?.length === given.length && back.every((param, i) => param === given[i])) return topic;
  throw new CallaError(
    "topic",
    { pattern: pattern.text, params },
    `Channel pattern ${JSON.stringify(pattern.text)} makes no topic of ${JSON.stringify(params)}: it wants a text for each "*", and one segment where it has others.`,
  );
}
