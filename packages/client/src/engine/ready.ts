// The first model of a topic, or why there will be none, as a promise. Not here: the topic's state (topic.ts).
import { CallaError } from "@calla/shared";
import type { TopicCode } from "@calla/shared";
import type { Stop } from "../base/notifier.ts";

/** What of a state says it. */
export interface Shown {
  readonly status: string;
  readonly model: unknown;
  readonly code: TopicCode | "";
}

export interface Ready {
  readonly promise: Promise<unknown>;
  /** "": it has resolved; a code: it has rejected with that; undefined: neither yet. */
  readonly verdict: TopicCode | "" | undefined;
  settle(state: Shown): void;
}

/** What is missing may be made at any time, and is asked for until then (CL18). */
export const verdictOf = ({ status, model, code }: Shown): TopicCode | "" | undefined =>
  model !== undefined ? "" : status === "refused" && code !== "missing" ? code : undefined;

/** `release` is called once it is settled. */
export function createReady(release: Stop): Ready {
  let verdict: ReturnType<typeof verdictOf>;
  let resolve!: (model: unknown) => void;
  let reject!: (error: CallaError<string>) => void;
  const promise = new Promise<unknown>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Whoever ignores it is not told by an unhandled rejection.
  promise.catch(() => {});
  return {
    promise,
    get verdict() {
      return verdict;
    },
    settle(state) {
      if (verdict !== undefined || (verdict = verdictOf(state)) === undefined) return;
      if (verdict === "") resolve(state.model);
      else reject(new CallaError(verdict));
      release();
    },
  };
}
