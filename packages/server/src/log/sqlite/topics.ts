// What is kept of which topics: options by topic pattern.
import { isSession, matchTopic, parseTopicPattern } from "@calla/shared";
import type { TargetKey, TopicPattern } from "@calla/shared";
import { refuseOption } from "./refuse-option.ts";

/** How a SQLite log keeps the topics of one pattern. */
export interface TopicStorage {
  /** Records kept behind the saved snapshot; `Infinity` keeps all. Default: the log's `retention`. */
  readonly retention?: number;
  /**
   * `"memory"`: never written to the file, gone when the process ends, acknowledged at once. Default: `"file"`.
   */
  readonly durability?: "file" | "memory";
}

/** The storage of a target, complete. */
export type StorageOf = (target: TargetKey) => Required<TopicStorage>;

/** @throws CallaError `wiring`: an option or a pattern is wrong. */
export function storageOf(
  retention: number,
  topics: Readonly<Record<string, TopicStorage>>,
  owner?: string,
): { readonly of: StorageOf; readonly volatile: boolean } {
  const checked = (option: string, value: number): number =>
    value === Infinity || (Number.isSafeInteger(value) && value >= 0)
      ? value
      : refuseOption(option, `must be a whole number from 0, or Infinity, not ${value}`, owner);
  const general = { retention: checked("retention", retention), durability: "file" } as const;
  const special: { pattern: TopicPattern | "session"; storage: Required<TopicStorage> }[] = [];
  for (const [text, { retention: own = retention, durability = "file" }] of Object.entries(topics))
    special.push({
      pattern: text === "session" ? text : parseTopicPattern(text),
      storage: { retention: checked(`topics["${text}"].retention`, own), durability },
    });
  const of: StorageOf = (target) =>
    special.find(({ pattern }) =>
      pattern === "session"
        ? isSession(target)
        : !isSession(target) && matchTopic(pattern, target) !== undefined,
    )?.storage ?? general;
  return { of, volatile: special.some(({ storage }) => storage.durability === "memory") };
}
