// What a topic id is, whatever pattern it matches. Sessions, whose keys begin with "@", are none (target.ts).

/** UTF-16 units. No option: client and server must agree on what is a topic id. */
const MAX_TOPIC_ID_LENGTH = 256;

/** Not empty, at most 256 UTF-16 units, no session's "@", no control character, no half of a surrogate pair. */
export const isTopicId = (id: unknown): id is string =>
  typeof id === "string" && id.length <= MAX_TOPIC_ID_LENGTH && /^(?!@)[^\p{Cc}\p{Surrogate}]+$/u.test(id);

/** What is wrong with a topic id, as the rest of a sentence; undefined if nothing is. */
export function topicIdProblem(id: unknown): string | undefined {
  if (isTopicId(id)) return undefined;
  if (typeof id !== "string" || id === "") return "is not a text, or empty";
  if (id.length > MAX_TOPIC_ID_LENGTH) return `is longer than ${MAX_TOPIC_ID_LENGTH} UTF-16 units`;
  return id.startsWith("@")
    ? 'begins with "@", as sessions do'
    : "has a control character or half of a surrogate pair";
}
