// What a topic of a channel is: text, in segments that ":" parts. A peer's may be any text; validate says whether one's own
// is a good one.

/**
 * The segments of a topic.
 *
 * @example
 * segments("document:tenant-a:ops"); // ["document", "tenant-a", "ops"]
 */
export const segments = (topic: string): readonly string[] => topic.split(":");

/**
 * The first segment of a topic: the whole of it where it has no ":".
 *
 * @example
 * namespace("room:lobby"); // "room"
 */
export const namespace = (topic: string): string => topic.split(":", 1)[0]!;

/**
 * The topic that has these segments. What `segments` gives makes the same topic again.
 *
 * @example
 * fromSegments(["room", "lobby"]); // "room:lobby"
 */
export const fromSegments = (parts: readonly string[]): string => parts.join(":");

/**
 * What is wrong with a topic of one's own, as the rest of a sentence; undefined if nothing is. What a client joins is
 * not held to it: a pattern decides.
 *
 * @example
 * validate("room:"); // 'ends in ":"'
 */
export function validate(topic: string): string | undefined {
  if (typeof topic !== "string" || topic === "") return "is not a text, or empty";
  if (topic.startsWith(":")) return 'begins with ":"';
  if (topic.endsWith(":")) return 'ends in ":"';
  if (/[\p{Cc}\p{Surrogate}]/u.test(topic)) return "has a control character or half of a surrogate pair";
  return undefined;
}
