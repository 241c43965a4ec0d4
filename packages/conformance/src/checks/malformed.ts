// MF: what is no frame, or no message.
import type { Check, Conversation } from "./check.ts";
import { beats, hears, isClosed, joins, opens, replied, saysText, SOCKET, V1_SOCKET } from "./steps.ts";

/** A text of version 1 that lacks something. */
const lacking = (name: string, text: string): Conversation => ({
  scenario: `v1-missing-${name}`,
  about: `an object without ${name}`,
  steps: [...opens(V1_SOCKET), saysText(text), isClosed(1011)],
});

export const malformedChecks: readonly Check[] = [
  {
    id: "MF1",
    says: "Text that is no JSON closes the connection with 1011, and no other connection.",
    over: ["websocket"],
    scenarios: ["bad-json", "v1-bad-json"],
    written: [
      {
        scenario: "bad-json-beside",
        about: "another connection lives",
        steps: [
          ...opens(SOCKET, "other"),
          ...joins("room:bad-json-beside", {}, { who: "other" }),
          ...opens(),
          ...joins("room:bad-json-beside"),
          saysText("{"),
          isClosed(1011),
          ...beats("other"),
        ],
      },
    ],
  },
  {
    id: "MF2",
    says: "An empty text closes the connection with 1011.",
    over: ["websocket"],
    scenarios: ["bad-empty"],
  },
  {
    id: "MF3",
    says: "An array of four closes the connection with 1011.",
    over: ["websocket"],
    scenarios: ["bad-four"],
  },
  {
    id: "MF4",
    says: "An object in version 2 closes the connection with 1011.",
    over: ["websocket"],
    scenarios: ["bad-object"],
  },
  {
    id: "MF5",
    says: "A number or null closes the connection with 1011.",
    over: ["websocket"],
    scenarios: ["bad-number", "bad-null"],
  },
  {
    id: "MF6",
    says: "An array in version 1 closes the connection with 1011.",
    over: ["websocket"],
    scenarios: ["v1-array"],
  },
  {
    id: "MF7",
    says: "In version 1 an object without topic, event, payload or ref closes the connection with 1011. The ref may be null, and other fields are ignored.",
    over: ["websocket"],
    scenarios: ["v1-missing-ref", "v1-missing-payload", "v1-ref-null", "v1-extra"],
    written: [
      lacking("topic", '{"event":"heartbeat","payload":{},"ref":"1"}'),
      lacking("event", '{"topic":"phoenix","payload":{},"ref":"1"}'),
    ],
  },
  {
    id: "MF8",
    says: "A topic or event that is null or a number is not malformed: it is of a topic that is not joined, and is quoted back.",
    over: ["websocket", "longpoll"],
    scenarios: ["bad-topic-null", "bad-topic-number", "bad-event-null", "bad-event-number"],
    overLongPoll: ["bad-topic-null"],
  },
  {
    id: "MF9",
    says: "What stands behind the JSON closes the connection with 1011.",
    over: ["websocket"],
    scenarios: ["bad-trailing"],
  },
  {
    id: "MF10",
    says: "White space around and inside is not malformed.",
    over: ["websocket"],
    scenarios: ["odd-whitespace"],
  },
  {
    id: "MF11",
    says: "Of two keys of one name the last counts.",
    over: ["websocket", "longpoll"],
    scenarios: ["odd-dup-keys"],
    written: [
      {
        scenario: "odd-dup-keys-echo",
        about: "the payload that the app sees",
        steps: [
          ...opens(),
          ...joins("room:odd-dup-keys-echo"),
          saysText('["1","2","room:odd-dup-keys-echo","echo",{"a":1,"a":2}]'),
          hears(replied("room:odd-dup-keys-echo", ["1", "2"], { a: 2 })),
        ],
      },
    ],
    overLongPoll: ["odd-dup-keys-echo"],
  },
  {
    id: "MF12",
    says: "Half of a surrogate pair, escaped, closes the connection with 1011.",
    over: ["websocket"],
    scenarios: ["odd-lone-surrogate"],
  },
  {
    id: "MF13",
    says: "An escaped NUL is a character like others.",
    over: ["websocket"],
    scenarios: ["odd-escape-nul"],
  },
  {
    id: "MF14",
    says: "A message in fragments is one message, also with a ping between them, which is answered at once.",
    over: ["websocket"],
    scenarios: ["frame-fragmented", "frame-fragmented-ping"],
  },
  {
    id: "MF15",
    says: "A frame without a mask, with a reserved bit or opcode, and a continuation of nothing close the connection with 1002.",
    over: ["websocket"],
    scenarios: ["frame-unmasked", "frame-rsv", "frame-opcode3", "frame-orphan-continuation"],
  },
  {
    id: "MF16",
    says: "A text frame that is not UTF-8 closes the connection with 1007.",
    over: ["websocket"],
    scenarios: ["frame-bad-utf8"],
  },
  {
    id: "MF17",
    says: "A frame over the socket's limit closes the connection with 1009; a megabyte is within the limit that is set by default.",
    over: ["websocket"],
    scenarios: ["frame-too-large", "frame-1mb"],
  },
  {
    id: "MF18",
    says: "A payload nested 10,000 deep closes its connection with 1009, and harms nobody else.",
    over: ["websocket"],
    only: "calla",
    written: [
      {
        scenario: "bad-deep",
        about: "10,000 lists in one another",
        steps: [
          ...opens(SOCKET, "other"),
          ...opens(),
          saysText('[null,"1","phoenix","heartbeat",{{[*10000}}{{]*10000}}]'),
          isClosed(1009),
          ...beats("other"),
        ],
      },
    ],
  },
  {
    id: "MF19",
    says: "A client's close is answered with 1000, whatever its code is; a code that no close may carry, with 1002.",
    over: ["websocket"],
    scenarios: ["frame-close-1000", "frame-close-empty", "frame-close-3000", "frame-close-bad"],
  },
  {
    id: "MF20",
    says: "Two messages in one packet are handled in order.",
    over: ["websocket"],
    scenarios: ["frame-two-in-one"],
  },
  {
    id: "MF21",
    says: "A ping is answered by a pong with the same data, and a pong that nobody asked for is ignored.",
    over: ["websocket"],
    scenarios: ["frame-ping", "frame-pong"],
  },
  {
    id: "MF22",
    says: "A malformed frame in a POST ends the session: the POST is answered 408 after the window, and the next poll begins a new session. (Calla: the POST gets HTTP 400, and the session lives.)",
    over: ["longpoll"],
    scenarios: ["lp-bad-json-line", "lp-bad-short-line", "lp-bad-then-good", "client-bad-frame"],
  },
  {
    id: "MF23",
    says: "A line of a POST that is neither text nor base64 is refused with HTTP 500, and the session lives. (Calla: 400.)",
    over: ["longpoll"],
    scenarios: ["lp-bad-base64", "lp-base64-no-padding", "lp-v1-ndjson"],
  },
  {
    id: "MF24",
    says: "A POST with more than 8 MB is refused with HTTP 500. (Calla: 413.)",
    over: ["longpoll"],
    scenarios: ["lp-body-large"],
  },
  {
    id: "MF25",
    says: "An empty line in a POST, or an empty body, is a malformed frame. (Calla: it says nothing.)",
    over: ["longpoll"],
    scenarios: ["lp-batch-trailing-newline", "lp-empty-body"],
  },
];
