// Where Calla answers otherwise than the recorded Phoenix over LongPoll.
import type { Json, Step } from "../recording/recording.ts";
import type { Difference, Differences } from "./check.ts";
import { both, heardBy, last, more, type Edit } from "./edits.ts";
import { answers, crashed, gets, JSON_HEADERS, ofSession, replied, told, toldNothing } from "./steps.ts";

/** A poll of a session that is over. */
export const over = (who: string): Step => answers(who, { status: 500 });
const refusedWith = (who: string, status: number): Step => ({
  who,
  hear: "answer",
  status,
  headers: JSON_HEADERS,
  json: { status },
});
const answerOf = (who: string, instead: Step): Edit => last(heardBy(who, "answer"), instead);

const bytesForPolls = (scenario: string): Difference => ({
  why: "Bytes cannot be said to a poll. Phoenix writes the raw frame into JSON, and where that fails all that waits is lost; Calla tells who says them, by an error that ends its channel.",
  steps: answerOf("r5", told("r5", crashed(`room:${scenario}`))),
  always: true,
});

const LIVES =
  "A malformed frame in a POST is refused at once, and its session lives. Phoenix's session dies of it, and all of its channels with it.";
/** The POST is refused, and the next poll is told that there is nothing. Phoenix' 408 comes after the window. */
const lives: Difference = {
  why: LIVES,
  steps: both(answerOf("r2", refusedWith("r2", 400)), answerOf("r3", toldNothing("r3"))),
  always: answerOf("r3", toldNothing("r3")),
};
/** What is malformed for Phoenix is none for Calla: the POST is taken, and the poll is told `messages`. */
const taken = (
  why: string,
  { calla, strictly }: { readonly calla: Step; readonly strictly: Step },
): Difference => ({
  why,
  steps: both(answerOf("r2", answers("r2", { status: 200 })), answerOf("r3", calla)),
  always: answerOf("r3", strictly),
});
const notBase64: Difference = {
  why: "A line that is no base64 is the client's mistake, so the answer is 400, not 500.",
  steps: answerOf("r2", refusedWith("r2", 400)),
};
const ENDED =
  "A poll whose session is over is answered 500, at once: after it every phoenix.js comes back and joins again, whereas those before 1.8.2 take a 410 for an open connection, and wait for a poll's window.";
const ended = (who: string): Difference => ({ why: ENDED, steps: answerOf(who, over(who)) });
const endedSession: Difference = { why: ENDED, steps: more({ hear: "status", status: 500 }) };

const joined = (scenario: string): Json => replied(`room:${scenario}`, ["1", "1"]);

export const longpollDifferences: Differences = {
  "lp-batch-trailing-newline": taken("An empty line says nothing. In Phoenix it is a malformed frame.", {
    calla: told("r3", joined("lp-batch-trailing-newline")),
    strictly: told("r3", joined("lp-batch-trailing-newline")),
  }),
  "lp-empty-body": taken("An empty body says nothing. In Phoenix it is a malformed frame.", {
    calla: toldNothing("r3"),
    strictly: toldNothing("r3"),
  }),
  "lp-ndjson-charset": taken("A charset does not make the content type another one: a frame a line.", {
    calla: told("r3", joined("lp-ndjson-charset"), replied("room:lp-ndjson-charset", ["1", "2"])),
    strictly: toldNothing("r3"),
  }),
  "lp-batch-101": {
    why: "A phoenix.js before 1.8.6 posts all that waits at once, and what Phoenix does not take of it is lost. Calla takes 1,000.",
    steps: (recorded) =>
      recorded.map((step) => {
        if (!("hear" in step) || step.hear !== "answer" || step.who !== "r3") return step;
        const { messages, ...json } = step.json as {
          messages: readonly Json[];
        } & { [key: string]: Json };
        return {
          ...step,
          json: {
            ...json,
            messages: [...messages, ...["101", "102"].map((ref) => replied("room:lp-batch-101", ["1", ref]))],
          },
        };
      }),
  },
  "lp-bad-json-line": lives,
  "lp-bad-short-line": lives,
  "lp-bad-then-good": lives,
  "client-bad-frame": { why: LIVES, steps: last(heardBy("main", "status"), { hear: "status", status: 400 }) },
  "lp-bad-base64": notBase64,
  "lp-base64-no-padding": notBase64,
  "lp-v1-ndjson": notBase64,
  "lp-body-large": {
    why: "A body over the limit is the client's mistake, so the answer is 413, not 500.",
    steps: answerOf("r2", refusedWith("r2", 413)),
  },
  "lp-slow-handler": {
    why: "No POST waits for a join, so none runs out of its window; and what is behind the join is answered meanwhile.",
    steps: both(
      answerOf("r3", told("r3", replied("phoenix", [null, "2"]))),
      answerOf("r2", answers("r2", { status: 200 })),
    ),
    always: true,
  },
  "lp-inactive": ended("r4"),
  "lp-tampered": ended("r2"),
  "lp-disconnect": ended("r5"),
  "lp-disconnect-waiting": ended("r4"),
  "lp-poll-again": {
    why: `${ENDED} By the same token again it begins a new session.`,
    steps: last(
      heardBy("r3", "answer"),
      over("r3"),
      gets("r4", ofSession()),
      answers("r4", { status: 410, token: "{{token:2}}", messages: [] }),
    ),
  },
  "client-disconnect": endedSession,
  "client-drain": endedSession,
  "lp-binary-reply": bytesForPolls("lp-binary-reply"),
  "lp-binary-reply-ascii": bytesForPolls("lp-binary-reply-ascii"),
  "lp-binary-join-ws-broadcast": {
    why: "A poll is not told a broadcast of bytes, which it could not carry, and loses nothing by it. In Phoenix the poll fails, and all that waits is lost.",
    steps: answerOf("r4", toldNothing("r4")),
    always: true,
  },
};
