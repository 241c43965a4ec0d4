// Where Calla answers otherwise than the recorded Phoenix under `strictPhoenix` too: scenario by scenario, with the reason, and with what
// it says instead, which the replay holds it to. docs/phoenix-differences.md has the same in words.
import type { Hearing, Json, Step } from "../../../conformance/src/index.ts";

export interface Difference {
  readonly why: string;
  /** The steps with what Calla says. */
  steps(recorded: readonly Step[]): readonly Step[];
}
type Edit = Difference["steps"];
type IsStep = (step: Step) => boolean;

const heardBy =
  (who: string, kind: Hearing["hear"]): IsStep =>
  (step) =>
    "hear" in step && step.hear === kind && (step.who ?? "main") === who;
const text = (json: Json, who?: string): Step => ({
  hear: "text",
  json,
  ...(who === undefined ? {} : { who }),
});

/** At the end, something more is heard. */
const more =
  (...steps: Step[]): Edit =>
  (recorded) => [...recorded, ...steps];
/** In place of the last such step. */
const last =
  (is: IsStep, ...instead: Step[]): Edit =>
  (recorded) => {
    const at = recorded.findLastIndex(is);
    return [...recorded.slice(0, at), ...instead, ...recorded.slice(at + 1)];
  };
const each =
  (change: (step: Step) => Step): Edit =>
  (recorded) =>
    recorded.map(change);

const terminated = (topic: string, reason: string): Step =>
  text([null, null, "watch:term", "terminated", { topic, reason }], "watcher");
const JSON_HEADERS = {
  "content-type": "application/json; charset=utf-8",
  "access-control-allow-origin": "*",
  "cache-control": "no-store",
};
const answer = (who: string, json: Json, after?: number): Step => ({
  who,
  hear: "answer",
  status: 200,
  headers: JSON_HEADERS,
  json,
  ...(after === undefined ? {} : { after }),
});

const idle: Difference = {
  why: "The code is the web server's: Bandit closes an idle connection with 1002, Cowboy with 1000, after which phoenix.js does not come back. Calla says 1001.",
  steps: each((step) => ("hear" in step && step.hear === "close" ? { ...step, code: 1001 } : step)),
};
const terminates = (topic: string): Difference => ({
  why: "A channel's terminate runs whatever ends it. Phoenix kills a channel whose client joins again, and its terminate never runs.",
  steps: more(terminated(topic, "{:shutdown, :duplicate_join}")),
});
const bytesForPolls = (scenario: string): Difference => ({
  why: "Bytes cannot be said to a poll. Phoenix writes the raw frame into JSON, and where that fails all that waits is lost; Calla tells who says them, by an error that ends its channel.",
  steps: last(
    (step) => "hear" in step && step.who === "r5",
    answer("r5", {
      status: 200,
      token: "{{token:1}}",
      messages: [["1", "1", `room:${scenario}`, "phx_error", { reason: "channel_crash" }]],
    }),
  ),
});
const payloads = (scenario: string): Difference => ({
  why: "What a server pushes or broadcasts is an object or bytes, whatever version a client speaks; else another client's version would decide whether it fails.",
  steps: (recorded) => {
    const at = recorded.findLastIndex((step) => "do" in step);
    return [
      ...recorded.slice(0, at + 1),
      text({
        topic: `room:${scenario}`,
        event: "phx_error",
        payload: { reason: "channel_crash" },
        ref: null,
      }),
    ];
  },
});

/** The poll behind the refused POST: told `messages`, or that there are none. */
const lives = (messages: readonly Json[] = []): Difference => ({
  why: "A malformed frame in a POST is refused, and its session lives. Phoenix's session dies of it, and all of its channels with it.",
  steps: last(
    (step) => "hear" in step && step.who === "r3",
    messages.length > 0
      ? answer("r3", { status: 200, token: "{{token:1}}", messages })
      : answer("r3", { status: 204, token: "{{token:1}}", messages }, 600),
  ),
});

export const differences: Readonly<Record<string, Difference>> = {
  "idle-timeout": idle,
  "idle-heartbeats": idle,
  "idle-server-push-only": idle,
  "idle-ping": idle,
  "lp-bad-json-line": lives(),
  "lp-bad-short-line": lives(),
  "lp-bad-then-good": lives(),
  "lp-empty-body": lives(),
  "lp-ndjson-charset": lives(),
  "lp-batch-trailing-newline": lives([
    ["1", "1", "room:lp-batch-trailing-newline", "phx_reply", { status: "ok", response: {} }],
  ]),
  "lp-binary-reply": bytesForPolls("lp-binary-reply"),
  "lp-binary-reply-ascii": bytesForPolls("lp-binary-reply-ascii"),
  "v1-push-list": payloads("v1-push-list"),
  "v1-broadcast-list": payloads("v1-broadcast-list"),
  "terminate-dup": terminates("room:terminate-dup"),
  "terminate-dup-notrap": terminates("room:terminate-dup-notrap"),
  "join-slow-blocks": {
    why: "Only the topic of a join waits until it is decided: a slow one must not cost a heartbeat, and so the connection.",
    steps: (recorded) => {
      const at = recorded.findLastIndex((step) => "do" in step);
      const [slow, ...others] = recorded.slice(at + 1);
      return [...recorded.slice(0, at + 1), ...others, ...(slow === undefined ? [] : [slow])];
    },
  },
  "lp-slow-handler": {
    why: "No POST waits for a join, so none runs out of its window; and what is behind the join is answered meanwhile.",
    steps: (recorded) =>
      last(
        (step) => "hear" in step && step.who === "r3",
        answer("r3", {
          status: 200,
          token: "{{token:1}}",
          messages: [[null, "2", "phoenix", "phx_reply", { status: "ok", response: {} }]],
        }),
      )(last((step) => "hear" in step && step.who === "r2", answer("r2", { status: 200 }))(recorded)),
  },
  "terminate-terminate": {
    why: "Calla has one reason for a connection that is gone, whether it said goodbye or not: networks lose the goodbye.",
    steps: last(
      heardBy("watcher", "text"),
      terminated("room:terminate-terminate", "{:shutdown, :local_closed}"),
    ),
  },
  "terminate-drain": {
    why: "Calla drains a whole server, so whoever watches is sent away too. Phoenix can be told to drain one channel.",
    steps: last(heardBy("watcher", "text"), { who: "watcher", hear: "close", code: 1012 }),
  },
  "server-stop": {
    why: "A connection without channels is sent away as well. Phoenix tells channels only, and leaves it open until the process ends.",
    steps: more({ who: "no-channel", hear: "close", code: 1012 }),
  },
  "frame-with-upgrade": {
    why: "A frame in the packet of the handshake is a frame: Bandit 1.12.5 never reads it.",
    steps: more(text([null, "1", "phoenix", "phx_reply", { status: "ok", response: {} }])),
  },
  "lp-binary-join-ws-broadcast": {
    why: "A poll is not told a broadcast of bytes, which it could not carry, and loses nothing by it. In Phoenix the poll fails, and all that waits is lost.",
    steps: last(
      (step) => "hear" in step && step.who === "r4",
      answer("r4", { status: 204, token: "{{token:1}}", messages: [] }, 600),
    ),
  },
  "v1-broadcast-binary": {
    why: "Bytes cannot be said in version 1: its clients miss the broadcast, all others hear it, and it is reported. In Phoenix the broadcaster crashes, and who is behind that client hears nothing.",
    steps: last(
      heardBy("main", "text"),
      text({
        topic: "room:v1-broadcast-binary",
        event: "phx_reply",
        payload: { status: "ok", response: {} },
        ref: "2",
      }),
    ),
  },
  intercept: {
    why: "Broadcasts are heard in the order in which they were said, intercepted or not: the one of a handler before its reply. In Phoenix an intercepted one waits behind the handler.",
    steps: (recorded) => {
      const isReply: IsStep = (step) =>
        heardBy("a", "text")(step) && "json" in step && JSON.stringify(step.json).startsWith('["1","2"');
      const at = recorded.findIndex(isReply);
      const [reply, push] = recorded.slice(at, at + 2);
      return reply === undefined || push === undefined
        ? recorded
        : recorded.with(at, push).with(at + 1, reply);
    },
  },
};
