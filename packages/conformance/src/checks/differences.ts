// Where Calla answers otherwise than the recorded Phoenix on purpose (◆), conversation by conversation, with the reason, and with
// what it says instead. docs/phoenix-differences.md of Calla has the same in words.
import type { Json, Step } from "../recording/recording.ts";
import type { Difference, Differences } from "./check.ts";
import { both, each, fromTheFirst, heardBy, inTheEnd, last, more } from "./edits.ts";
import { longpollDifferences, over } from "./differences-longpoll.ts";
import { hears, isClosed, pauses, replied, terminated, unmatched } from "./steps.ts";

const idle: Difference = {
  why: "The code is the web server's: Bandit closes an idle connection with 1002, Cowboy with 1000, after which phoenix.js does not come back. Calla says 1001.",
  steps: each((step) => ("hear" in step && step.hear === "close" ? { ...step, code: 1001 } : step)),
  always: true,
};
const terminates = (topic: string): Difference => ({
  why: "A channel's terminate runs whatever ends it. Phoenix kills a channel whose client joins again, and its terminate never runs.",
  steps: more(terminated(topic, "{:shutdown, :duplicate_join}")),
  always: true,
});
const payloads = (scenario: string): Difference => ({
  why: "What a server pushes or broadcasts is an object or bytes, whatever version a client speaks; else another client's version would decide whether it fails.",
  steps: inTheEnd(
    hears({ topic: `room:${scenario}`, event: "phx_error", payload: { reason: "channel_crash" }, ref: null }),
  ),
  always: true,
});
const livesOn = (scenario: string): Difference => ({
  why: "An event that no handler takes is the client's mistake, so the client hears of it, and the channel lives. In Phoenix it crashes.",
  steps: inTheEnd(hears(replied(`room:${scenario}`, ["1", "2"], { reason: "unmatched event" }, "error"))),
});
const notUtf8: Difference = {
  why: "A binary frame with a field that is not UTF-8 is malformed as a text frame that is not is: closed with 1007.",
  steps: inTheEnd(isClosed(1007)),
};
const withoutClose: Difference = {
  why: "The phx_close of the channel before would close the new one at the client, which cannot tell them apart by their join_ref.",
  steps: (recorded) => recorded.filter((step) => !JSON.stringify(step).includes('"phx_close"')),
};

const ref = (n: number): Json => ({ metas: [{ phx_ref: `{{ref:${n}}}` }] });

/** Where Calla answers otherwise on purpose, by the names of conversations. */
export const differences: Differences = {
  ...longpollDifferences,
  "idle-timeout": idle,
  "idle-heartbeats": idle,
  "idle-server-push-only": idle,
  "idle-ping": idle,
  "info-auth-bad": {
    why: "A token that cannot be decoded is the client's mistake: 400, as Phoenix 500.",
    steps: inTheEnd({ hear: "answer", status: 400, headers: {}, body: "" }),
  },
  "info-origin-4": {
    why: "The case of hosts does not count, in an origin as elsewhere.",
    steps: inTheEnd({ hear: "upgraded", headers: {} }),
  },
  "info-origin-15": {
    why: "An origin has no path: what has one is none, and whoever made it up is not let in.",
    steps: fromTheFirst(heardBy("main", "upgraded"), { hear: "answer", status: 403, headers: {}, body: "" }),
  },
  "frame-with-upgrade": {
    why: "A frame in the packet of the handshake is a frame: Bandit 1.12.5 never reads it.",
    steps: more(hears(replied("phoenix", [null, "1"]))),
    always: true,
  },
  "join-slow-blocks": {
    why: "Only the topic of a join waits until it is decided: a slow one must not cost a heartbeat, and so the connection.",
    steps: (recorded) => {
      const at = recorded.findLastIndex((step) => "do" in step);
      const [slow, ...others] = recorded.slice(at + 1);
      return [...recorded.slice(0, at + 1), ...others, ...(slow === undefined ? [] : [slow])];
    },
    always: true,
  },
  "join-partial-wildcard": {
    why: "In a pattern `*` stands for a whole segment: `a:b*` is refused where it is registered, so that nobody takes it for one.",
    steps: inTheEnd(hears(unmatched("a:bcd", "1"))),
  },
  "crash-unknown-event": livesOn("crash-unknown-event"),
  "event-empty": livesOn("event-empty"),
  "event-phx-reply": livesOn("event-phx-reply"),
  "event-phx-close": livesOn("event-phx-close"),
  "event-phx-error": livesOn("event-phx-error"),
  "event-phx-drain": livesOn("event-phx-drain"),
  "event-disconnect": livesOn("event-disconnect"),
  "reply-twice": {
    why: "A message has one reply: a client has no use for a second, and takes one of another message for it where it uses a ref again.",
    steps: last(heardBy("main", "text")),
  },
  "leave-late-reply": {
    why: "Behind a channel's end nothing is said of it: clients drop it.",
    // The reply would come 200 ms after the message.
    steps: both(last(heardBy("main", "text")), more(pauses(300))),
  },
  "leave-during-join": {
    why: "A client that leaves while its join is decided does not want it: the join ends at once, so that the next one is not behind it. Phoenix decides it first.",
    steps: inTheEnd(hears(replied("room:leave-during-join", ["1", "2"])), pauses(300)),
  },
  "dup-join-same-ref": withoutClose,
  "v1-dup-join": withoutClose,
  "v1-push-list": payloads("v1-push-list"),
  "v1-broadcast-list": payloads("v1-broadcast-list"),
  "v1-broadcast-binary": {
    why: "Bytes cannot be said in version 1: its clients miss the broadcast, all others hear it, and it is reported. In Phoenix the broadcaster crashes, and who is behind that client hears nothing.",
    steps: last(
      heardBy("main", "text"),
      hears({
        topic: "room:v1-broadcast-binary",
        event: "phx_reply",
        payload: { status: "ok", response: {} },
        ref: "2",
      }),
    ),
    always: true,
  },
  intercept: {
    why: "Broadcasts are heard in the order in which they were said, intercepted or not: the one of a handler before its reply. In Phoenix an intercepted one waits behind the handler.",
    steps: (recorded) => {
      const isReply = (step: Step): boolean =>
        heardBy("a", "text")(step) && "json" in step && JSON.stringify(step.json).startsWith('["1","2"');
      const at = recorded.findIndex(isReply);
      const [reply, push] = recorded.slice(at, at + 2);
      return reply === undefined || push === undefined
        ? recorded
        : recorded.with(at, push).with(at + 1, reply);
    },
    always: true,
  },
  "presence-meta-phx-ref": {
    why: "The server alone names the entries of a presence: a client that could would be taken for another by whoever goes by phx_ref.",
    steps: inTheEnd(hears(replied("room:presence-meta-phx-ref", ["1", "2"], { ref: "{{ref:1}}" })), {
      ...hears([
        null,
        null,
        "room:presence-meta-phx-ref",
        "presence_diff",
        { joins: { anna: { metas: [{ phx_ref: "{{ref:1}}", v: 1 }] } }, leaves: {} },
      ]),
      floats: true,
    }),
    always: true,
  },
  "presence-two-keys": {
    why: "What changes in one turn is told in one diff, as Phoenix tells what it hears of another node: a thousand who come at once are no thousand frames to each.",
    steps: (recorded) => {
      const isDiff = (step: Step): boolean => "hear" in step && step.floats === true;
      const first = recorded.findIndex(isDiff);
      const joins = { k1: ref(1), k2: ref(2) };
      const both = [null, null, "room:presence-two-keys", "presence_diff", { joins, leaves: {} }];
      return recorded.flatMap((step, i) =>
        isDiff(step) ? (i === first ? [{ ...hears(both), floats: true } as const] : []) : [step],
      );
    },
    always: true,
    alsoAsRecorded: true,
  },
  "bin-bad-utf8-topic": notUtf8,
  "bin-bad-utf8-event": notUtf8,
  "terminate-dup": terminates("room:terminate-dup"),
  "terminate-dup-notrap": terminates("room:terminate-dup-notrap"),
  "terminate-terminate": {
    why: "Calla has one reason for a connection that is gone, whether it said goodbye or not: networks lose the goodbye.",
    steps: last(
      heardBy("watcher", "text"),
      terminated("room:terminate-terminate", "{:shutdown, :local_closed}"),
    ),
    always: true,
  },
  "terminate-drain": {
    why: "Calla drains a whole server, so whoever watches is sent away too. Phoenix can be told to drain one channel.",
    steps: last(heardBy("watcher", "text"), isClosed(1012, "watcher")),
    always: true,
  },
  "server-stop": {
    why: "A connection without channels is sent away as well, and so is a poll that waits, at once. Phoenix tells channels only, and leaves the others until the process ends.",
    steps: both(last(heardBy("r4", "answer"), over("r4")), more(isClosed(1012, "no-channel"))),
    always: more(isClosed(1012, "no-channel")),
  },
};
