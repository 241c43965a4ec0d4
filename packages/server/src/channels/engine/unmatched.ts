// A topic that nobody serves is most often a name misspelt, on the one side or the other, and a page sees only that it is
// refused. Not here: who is told (channels.ts).
import { brief } from "../../base/brief.ts";
import { namespace } from "../topics/topic.ts";
import type { ChannelRefusal } from "./channels-context.ts";

/** What to tell whoever writes the app (JN33), and by which key once; undefined: the topic is served, or no text. */
export function unmatchedMistake({
  topic,
  details,
}: Pick<ChannelRefusal, "topic" | "details">):
  | { readonly key: string; readonly sentence: () => string }
  | undefined {
  const { patterns } = details as { readonly patterns?: readonly string[] };
  if (topic === undefined || patterns === undefined) return undefined;
  return {
    key: brief(namespace(topic)),
    sentence() {
      const registered = patterns.map((one) => JSON.stringify(one)).join(", ") || "nothing";
      return `nobody serves ${JSON.stringify(brief(topic))}, which a client asked for; registered: ${registered}.`;
    },
  };
}
