// Topics as clients of supabase name them: an app's topic behind a prefix. One topic has two audiences that never hear each
// other, those of its public and of its private channels.

const PREFIX = "realtime:";
export const PATTERN = "realtime:*";

/** Half of a pair does not come out of UTF-8 as it went in; control characters are ours. */
const UNFIT = /[\p{Cc}\p{Surrogate}]/u;
/** UTF-16 units, without the prefix. */
const LONGEST = 1_000;

/** The app's name for a channel's topic. */
export const appTopicOf = (topic: string): string => topic.slice(PREFIX.length);

/** Why an app's topic is none; undefined: it is one. */
export function topicProblem(appTopic: unknown): string | undefined {
  if (typeof appTopic !== "string" || appTopic === "")
    return "TopicNameRequired: You must provide a topic name";
  if (appTopic.length > LONGEST) return `TopicNameInvalid: A topic's name has at most ${LONGEST} characters`;
  return UNFIT.test(appTopic)
    ? "TopicNameInvalid: A topic's name has no control character and no half of a surrogate pair"
    : undefined;
}

/** Whom a broadcast reaches. No topic that may be joined has a control character in its name. */
export const audienceOf = (appTopic: string, isPrivate: boolean): string =>
  isPrivate ? `${PREFIX}\u0001${appTopic}` : PREFIX + appTopic;
