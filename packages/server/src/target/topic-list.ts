// Which topics a log has, by pattern. Not here: removing them (server-topics.ts).
import { isSession, matchTopic, parseTopicPattern } from "@calla/shared";
import type { TargetKey, TopicPattern } from "@calla/shared";
import type { LogStorage } from "../log/log.ts";

/** A topic that the log has. Times are milliseconds since 1970. */
export interface ListedTopic {
  readonly topic: TargetKey;
  readonly sequence: number;
  /** When the last message was accepted. */
  readonly at: number;
  /** That, or later: when the log was last told that somebody is subscribed to it, where its slice has a `lifetime`. */
  readonly used: number;
}

/** Topics read at once: a page of them blocks nobody for long (SQLite: 1 ms for 1,000). */
const PAGE = 1_000;

/** What the names of a pattern's topics begin with. */
export const prefixOf = ({ text }: TopicPattern): string => /^[^*]*/.exec(text)![0];

/**
 * The topics of a pattern, without removed ones, in the log's order. One that comes or goes meanwhile may be given or not.
 *
 * @throws CallaError `wiring`: this is no topic pattern. `storage`: the log cannot be read.
 */
export async function* listTopics(log: LogStorage, text: string): AsyncGenerator<ListedTopic, void, void> {
  const pattern = parseTopicPattern(text);
  let next: string | undefined;
  do {
    const page = await log.list(prefixOf(pattern), next, PAGE);
    for (const { target, removed, ...listed } of page.targets)
      if (!removed && !isSession(target) && matchTopic(pattern, target) !== undefined)
        yield { topic: target, ...listed };
    ({ next } = page);
  } while (next !== undefined);
}
