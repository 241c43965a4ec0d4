// MS: what is said on a channel, and answered.
import type { Check, Peer } from "./check.ts";
import { asks, hears, joins, opens, replied, says, saysText, SOCKET } from "./steps.ts";

const LIMITED = "/limited/websocket?vsn=2.0.0";

export const messageChecks: readonly Check[] = [
  {
    id: "MS1",
    says: "A reply carries the join_ref and the ref of the message, status ok, and what the app says.",
    over: ["websocket", "longpoll"],
    scenarios: ["reply-echo", "v1-echo", "who", "v1-who", "client-join-push-leave"],
    overLongPoll: ["reply-echo"],
  },
  {
    id: "MS2",
    says: "A reply without a response has {}.",
    over: ["websocket", "longpoll"],
    scenarios: ["reply-ok"],
    overLongPoll: ["reply-ok"],
  },
  {
    id: "MS3",
    says: "A reply may have the status error.",
    over: ["websocket", "longpoll"],
    scenarios: ["reply-error"],
    overLongPoll: ["reply-error"],
  },
  {
    id: "MS4",
    says: "The response of an error reaches the client as it is.",
    over: ["websocket", "longpoll"],
    scenarios: ["reply-error-map"],
    overLongPoll: ["reply-error-map"],
  },
  {
    id: "MS5",
    says: "A reply may have any status.",
    over: ["websocket", "longpoll"],
    scenarios: ["reply-custom"],
    overLongPoll: ["reply-custom"],
  },
  {
    id: "MS6",
    says: "A response may be a list, null or a string.",
    over: ["websocket", "longpoll"],
    scenarios: ["reply-list", "reply-null", "reply-string"],
    overLongPoll: ["reply-list", "reply-null", "reply-string"],
  },
  {
    id: "MS7",
    says: "A message that the app does not answer is not answered.",
    over: ["websocket", "longpoll"],
    scenarios: ["noreply"],
    overLongPoll: ["noreply"],
  },
  {
    id: "MS8",
    says: "A push carries the channel's join_ref and ref null; in version 1 the ref alone.",
    over: ["websocket", "longpoll"],
    scenarios: ["push", "v1-push"],
    overLongPoll: ["push"],
  },
  {
    id: "MS9",
    says: "What a handler pushes before it replies comes before the reply.",
    over: ["websocket", "longpoll"],
    scenarios: ["push-reply"],
    overLongPoll: ["push-reply"],
  },
  {
    id: "MS10",
    says: "What a handler pushes after it has replied comes behind the reply.",
    over: ["websocket", "longpoll"],
    written: [
      {
        scenario: "reply-push",
        about: "a reply by the ref, then a push",
        steps: [
          ...opens(),
          ...joins("room:reply-push"),
          says(["1", "2", "room:reply-push", "reply_push", { x: 1 }]),
          hears(replied("room:reply-push", ["1", "2"])),
          hears(["1", null, "room:reply-push", "pushed", { x: 1 }]),
        ],
      },
    ],
    overLongPoll: ["reply-push"],
  },
  {
    id: "MS11",
    says: "A push that is neither an object nor bytes is the app's mistake: the channel crashes. In version 1 any JSON is pushed. (Calla: nor in version 1.)",
    over: ["websocket", "longpoll"],
    scenarios: ["push-bad", "v1-push-list"],
    overLongPoll: ["push-bad"],
  },
  {
    id: "MS12",
    says: "The payload of a message may be any JSON: null, a string, nested.",
    over: ["websocket", "longpoll"],
    scenarios: ["payload-null", "payload-string", "payload-deep"],
    overLongPoll: ["payload-null", "payload-string", "payload-deep"],
  },
  {
    id: "MS13",
    says: "An event whose name is empty is an event like others.",
    over: ["websocket", "longpoll"],
    scenarios: ["event-empty"],
    overLongPoll: ["event-empty"],
  },
  {
    id: "MS14",
    says: 'An event that no handler of the app takes crashes the channel. (Calla: it is answered error, {reason: "unmatched event"}, and the channel lives.)',
    over: ["websocket", "longpoll"],
    scenarios: ["crash-unknown-event"],
    overLongPoll: ["crash-unknown-event"],
  },
  {
    id: "MS15",
    says: 'A message to a topic that is not joined is answered error, {reason: "unmatched topic"}, with join_ref null.',
    over: ["websocket", "longpoll"],
    scenarios: ["not-joined"],
    overLongPoll: ["not-joined"],
  },
  {
    id: "MS16",
    says: "After a crash the topic is not joined.",
    over: ["websocket", "longpoll"],
    scenarios: ["crash-then-message"],
    overLongPoll: ["crash-then-message"],
  },
  {
    id: "MS17",
    says: "A message with another join_ref than the channel's is ignored, without an answer.",
    over: ["websocket", "longpoll"],
    scenarios: ["stale-joinref", "v1-stale", "v1-joinref-is-ref"],
    overLongPoll: ["stale-joinref"],
  },
  {
    id: "MS18",
    says: "A message with join_ref null is taken, and answered with the channel's join_ref.",
    over: ["websocket", "longpoll"],
    scenarios: ["null-joinref"],
    overLongPoll: ["null-joinref"],
  },
  {
    id: "MS19",
    says: "A reply may come later, with the same refs.",
    over: ["websocket", "longpoll"],
    scenarios: ["async-reply"],
    overLongPoll: ["async-reply"],
  },
  {
    id: "MS20",
    says: "Of two replies to one message both are said. (Calla: the first.)",
    over: ["websocket", "longpoll"],
    scenarios: ["reply-twice"],
    overLongPoll: ["reply-twice"],
  },
  {
    id: "MS21",
    says: "A reply behind the channel's end is said, with the old join_ref. (Calla: it is not said.)",
    over: ["websocket", "longpoll"],
    scenarios: ["leave-late-reply"],
    overLongPoll: ["leave-late-reply"],
  },
  {
    id: "MS22",
    says: "Messages to one topic are handled in order, however long one takes.",
    over: ["websocket"],
    scenarios: ["order-slow"],
  },
  {
    id: "MS23",
    says: "A message that takes long does not hold up other topics, nor heartbeats.",
    over: ["websocket"],
    scenarios: ["order-slow"],
  },
  {
    id: "MS24",
    says: "The names phx_reply, phx_close, phx_error, phx_drain and disconnect of a client are events like others.",
    over: ["websocket", "longpoll"],
    scenarios: [
      "event-phx-reply",
      "event-phx-close",
      "event-phx-error",
      "event-phx-drain",
      "event-disconnect",
    ],
    overLongPoll: ["event-phx-close"],
  },
  {
    id: "MS25",
    says: "Where the app has a schema for an event, a payload that does not fit is answered error, with the path of what is wrong; the app does not see it, and the channel lives.",
    over: ["websocket", "longpoll"],
    only: "calla",
    written: [
      {
        scenario: "payload-invalid",
        about: "a number that is none, then one that is",
        steps: [
          ...opens(),
          says(["1", "1", "typed:payload-invalid", "phx_join", { name: "ann" }]),
          hears(replied("typed:payload-invalid", ["1", "1"], { name: "ann" })),
          says(["1", "2", "typed:payload-invalid", "move", { x: "far" }]),
          hears(
            replied(
              "typed:payload-invalid",
              ["1", "2"],
              { reason: "invalid payload", issues: [{ path: ["x"], message: "{{any}}" }] },
              "error",
            ),
          ),
          ...asks("typed:payload-invalid", "3", "move", { x: 2 }, { x: 2 }),
        ],
      },
    ],
    overLongPoll: ["payload-invalid"],
  },
  {
    id: "MS26",
    says: 'Messages over the rate, of a connection or to one topic, are answered error, {reason: "rate_limited"}, where they have a ref; the app does not see them.',
    over: ["websocket"],
    only: "calla",
    written: [
      {
        scenario: "rate-of-a-topic",
        about:
          "five messages to a topic may come at once, and a sixth is too many; another topic has its own",
        steps: [
          ...opens(LIMITED),
          ...joins("room:rate-of-a-topic"),
          ...[2, 3, 4, 5, 6].flatMap((n) => asks("room:rate-of-a-topic", `${n}`, "echo", { n }, { n })),
          says(["1", "7", "room:rate-of-a-topic", "echo", {}]),
          hears(replied("room:rate-of-a-topic", ["1", "7"], { reason: "rate_limited" }, "error")),
          says(["1", null, "room:rate-of-a-topic", "push", {}]),
          ...joins("room:rate-of-another", {}, { ref: "8" }),
          says(["8", "9", "room:rate-of-another", "echo", { n: 9 }]),
          hears(replied("room:rate-of-another", ["8", "9"], { n: 9 })),
        ],
      },
      {
        scenario: "rate-of-a-connection",
        about: "twenty frames may come at once, heartbeats too, and a twenty-first is too many",
        steps: [
          ...opens(LIMITED),
          ...Array.from({ length: 20 }, (_, n) => says([null, `${n}`, "phoenix", "heartbeat", {}])),
          ...Array.from({ length: 20 }, (_, n) => hears(replied("phoenix", [null, `${n}`]))),
          says([null, "20", "phoenix", "heartbeat", {}]),
          hears(replied("phoenix", [null, "20"], { reason: "rate_limited" }, "error")),
        ],
      },
    ],
  },
  {
    id: "MS27",
    says: "JSON leaves as UTF-8: letters that are not ASCII are not escaped, U+2028 neither.",
    over: ["websocket", "longpoll"],
    scenarios: ["push-values", "v1-values"],
    overLongPoll: ["push-values"],
    needs: ["/socket"],
    run: unescaped,
  },
  {
    id: "MS28",
    says: "Keys such as __proto__ and constructor survive both ways.",
    over: ["websocket", "longpoll"],
    written: [
      {
        scenario: "payload-keys",
        about: "keys that have a meaning in some languages",
        steps: [
          ...opens(),
          ...joins("room:payload-keys"),
          saysText(
            '["1","2","room:payload-keys","echo",{"__proto__":{"a":1},"constructor":{"prototype":2},"toString":3,"":4}]',
          ),
          hears(
            replied(
              "room:payload-keys",
              ["1", "2"],
              JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":2},"toString":3,"":4}'),
            ),
          ),
        ],
      },
    ],
    overLongPoll: ["payload-keys"],
  },
  {
    id: "MS29",
    says: "What a channel keeps is kept from message to message, and is another's on another topic.",
    over: ["websocket", "longpoll"],
    written: [
      {
        scenario: "assigns",
        about: "two topics count their messages",
        steps: [
          ...opens(),
          ...joins("room:assigns-a"),
          ...joins("room:assigns-b"),
          ...asks("room:assigns-a", "2", "count", {}, { count: 1 }),
          ...asks("room:assigns-a", "3", "count", {}, { count: 2 }),
          ...asks("room:assigns-b", "4", "count", {}, { count: 1 }),
          ...asks("room:assigns-a", "5", "count", {}, { count: 3 }),
        ],
      },
    ],
    overLongPoll: ["assigns"],
  },
  {
    id: "MS30",
    says: "What the server tells one channel of its own reaches that channel, which may push because of it.",
    over: ["websocket", "longpoll"],
    written: [
      {
        scenario: "info-push",
        about: "a message of the server makes the channel push",
        steps: [
          ...opens(),
          ...joins("room:info-push"),
          says(["1", "2", "room:info-push", "info_push", { x: 1 }]),
          hears(replied("room:info-push", ["1", "2"])),
          hears(["1", null, "room:info-push", "informed", { x: 1 }]),
        ],
      },
    ],
    overLongPoll: ["info-push"],
  },
  {
    id: "MS31",
    says: "A message of the server has no ref to reply to: a reply to it is the app's mistake, and crashes the channel.",
    over: ["websocket", "longpoll"],
    written: [
      {
        scenario: "info-reply",
        about: "the handler of the server's message replies",
        steps: [
          ...opens(),
          ...joins("room:info-reply"),
          says(["1", "2", "room:info-reply", "info_reply", {}]),
          hears(replied("room:info-reply", ["1", "2"])),
          hears(["1", "1", "room:info-reply", "phx_error", { reason: "channel_crash" }]),
        ],
      },
    ],
    overLongPoll: ["info-reply"],
  },
];

/** The letters themselves, which parsed JSON does not show. */
async function unescaped(peer: Peer): Promise<void> {
  const topic = peer.topic();
  const socket = await peer.websocket(SOCKET);
  socket.text(["1", "1", topic, "phx_join", {}]);
  await socket.hearsFrames(replied(topic, ["1", "1"]));
  socket.text(["1", "2", topic, "push_struct", {}]);
  const text = await socket.nextText();
  if (!text.includes("räume ✓ </script> \u2028"))
    peer.fail("Letters are escaped that JSON need not escape.", "räume ✓ </script> \u2028", text);
}
