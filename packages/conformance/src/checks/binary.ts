// BI: binary frames of version 2.
import type { Check, Conversation } from "./check.ts";
import {
  closed,
  crashed,
  frame,
  hears,
  hearsBytes,
  hex,
  isClosed,
  joins,
  opens,
  says,
  saysBytes,
} from "./steps.ts";

const room = (scenario: string): string => `room:${scenario}`;
const closing = (scenario: string, about: string, hex: string, code = 1011): Conversation => ({
  scenario,
  about,
  steps: [...opens(), ...joins(room(scenario)), saysBytes(hex), isClosed(code)],
});
/** As many bytes as a field may have: the topic is theirs. */
const LONGEST = `room:${"y".repeat(250)}`;
const TOO_LONG = `${LONGEST}y`;

export const binaryChecks: readonly Check[] = [
  {
    id: "BI1",
    says: "A binary frame of kind 0 is a message whose payload is bytes.",
    over: ["websocket"],
    scenarios: ["bin-echo", "bin-size"],
  },
  {
    id: "BI2",
    says: "A reply of bytes is a binary frame of kind 1: join_ref, ref, topic, status, then the bytes.",
    over: ["websocket"],
    scenarios: ["reply-binary", "join-binary-reply", "bin-echo"],
  },
  {
    id: "BI3",
    says: "A push of bytes is a binary frame of kind 0 with join_ref, topic and event: without a ref, which a client's has.",
    over: ["websocket"],
    scenarios: ["push-binary"],
  },
  {
    id: "BI4",
    says: "A broadcast of bytes is a binary frame of kind 2: topic, event, then the bytes.",
    over: ["websocket"],
    scenarios: ["broadcast-binary", "bin-broadcast"],
  },
  {
    id: "BI5",
    says: "The data of a binary frame may be empty.",
    over: ["websocket"],
    scenarios: ["bin-empty"],
  },
  {
    id: "BI6",
    says: "A field has at most 255 bytes; bytes that the app says on a longer topic are its mistake, and crash the channel.",
    over: ["websocket"],
    written: [
      {
        scenario: "bin-field-255",
        about: "a topic of 255 bytes",
        steps: [
          ...opens(),
          ...joins(LONGEST),
          saysBytes(frame(0, ["1", "2", LONGEST, "echo"], "07")),
          hearsBytes(frame(1, ["1", "2", LONGEST, "ok"], "07")),
        ],
      },
      {
        scenario: "bin-field-256",
        about: "a topic of 256 bytes: JSON can say it, a binary frame cannot",
        steps: [
          ...opens(),
          ...joins(TOO_LONG),
          says(["1", "2", TOO_LONG, "push_bin", {}]),
          hears(crashed(TOO_LONG)),
        ],
      },
    ],
  },
  {
    id: "BI7",
    says: "The length of a field is counted in bytes of UTF-8.",
    over: ["websocket"],
    scenarios: ["bin-utf8"],
  },
  {
    id: "BI8",
    says: "The status of a reply of bytes is the text that the app gives.",
    over: ["websocket"],
    scenarios: ["bin-echo"],
    written: [
      {
        scenario: "bin-status",
        about: "a status of the app's own",
        steps: [
          ...opens(),
          ...joins(room("bin-status")),
          saysBytes(frame(0, ["1", "2", room("bin-status"), "bin_custom"], "07")),
          hearsBytes(frame(1, ["1", "2", room("bin-status"), "teapot"], "07")),
        ],
      },
    ],
  },
  {
    id: "BI9",
    says: "A ref of no bytes is the empty text, and is echoed as such.",
    over: ["websocket"],
    scenarios: ["bin-ref-empty"],
  },
  {
    id: "BI10",
    says: "A join_ref of no bytes is the empty text, not null: the message is ignored.",
    over: ["websocket"],
    scenarios: ["bin-joinref-empty"],
  },
  {
    id: "BI11",
    says: "A join_ref of the four bytes null is a text, not null: the message is ignored.",
    over: ["websocket"],
    scenarios: ["bin-joinref-null-text"],
  },
  {
    id: "BI12",
    says: "A binary message to a topic that is not joined is answered in JSON.",
    over: ["websocket"],
    scenarios: ["bin-unmatched"],
  },
  {
    id: "BI13",
    says: "A client's binary frame of another kind than 0 closes the connection with 1011.",
    over: ["websocket"],
    scenarios: ["bin-kind-1", "bin-kind-3"],
    written: [
      closing("bin-kind-2", "a broadcast", frame(2, ["room:bin-kind-2", "bcast"], "01")),
      closing("bin-kind-9", "no kind at all", "0901"),
    ],
  },
  {
    id: "BI14",
    says: "A binary frame that is shorter than its fields closes the connection with 1011.",
    over: ["websocket"],
    scenarios: ["bin-short"],
    written: [
      closing("bin-header-cut", "two of its four lengths", "000101"),
      closing("bin-fields-missing", "all its lengths, and no field", "0001010904"),
    ],
  },
  {
    id: "BI15",
    says: "An empty binary frame closes the connection with 1011.",
    over: ["websocket"],
    scenarios: ["bin-empty-frame"],
  },
  {
    id: "BI16",
    says: "JSON in a binary frame of version 2 closes the connection with 1011; in version 1 it is read.",
    over: ["websocket"],
    scenarios: ["bin-json", "v1-binary-frame"],
  },
  {
    id: "BI17",
    says: "A heartbeat as a binary frame is answered in JSON, with its ref.",
    over: ["websocket"],
    scenarios: ["bin-heartbeat"],
  },
  {
    id: "BI18",
    says: "A leave as a binary frame is one.",
    over: ["websocket"],
    scenarios: ["bin-leave"],
  },
  {
    id: "BI19",
    says: "A topic that is not UTF-8 closes the connection, and an event that is not crashes its channel. (Calla: both close the connection with 1007.)",
    over: ["websocket"],
    scenarios: ["bin-bad-utf8-topic", "bin-bad-utf8-event"],
  },
  {
    id: "BI20",
    says: "Bytes cannot be said in version 1: to push, reply or broadcast them crashes the channel that does so. (Calla: a broadcast passes clients of version 1 over, and all others hear it.)",
    over: ["websocket"],
    scenarios: ["v1-push-binary", "v1-reply-binary", "v1-broadcast-binary"],
  },
  {
    id: "BI21",
    says: "A line of a POST that does not begin with [ is the base64 of a binary frame.",
    over: ["longpoll"],
    scenarios: ["lp-binary"],
  },
  {
    id: "BI22",
    says: "Bytes that are said to a LongPoll session are written into the answer as they are; where JSON cannot hold them the poll fails. (Calla: they are not said, and nothing else is lost.)",
    over: ["longpoll"],
    scenarios: ["lp-binary-reply", "lp-binary-reply-ascii", "lp-binary-join-ws-broadcast"],
  },
  {
    id: "BI23",
    says: "The frames that phoenix.js writes and reads are these, byte for byte.",
    over: ["websocket"],
    written: [
      {
        scenario: "golden-message",
        about: "a message and its reply, with letters of two bytes",
        steps: [
          ...opens(),
          ...joins("räume"),
          saysBytes(hex("00010106043132 72c3a4756d65 c3a97674 ff")),
          hearsBytes(hex("01010106023132 72c3a4756d65 6f6b ff")),
        ],
      },
      {
        scenario: "golden-top",
        about:
          "a message, a reply, a push and a broadcast on one topic, which is joined three times for their join_refs",
        steps: [
          ...opens(),
          ...joins("top", {}, { ref: "10" }),
          saysBytes(hex("0002010302 3130 31 746f70 6576 01")),
          hearsBytes(hex("0102010302 3130 31 746f70 6f6b 01")),
          ...joins("top", {}, { ref: "100" }),
          hears(closed("top", "10")),
          saysBytes(hex("0003020302 313030 3132 746f70 6576 0101")),
          hearsBytes(hex("0103020302 313030 3132 746f70 6f6b 0101")),
          ...joins("top", {}, { ref: "123" }),
          hears(closed("top", "100")),
          says(["123", "1", "top", "push", {}]),
          hearsBytes(hex("0003030a 313233 746f70 736f6d652d6576656e74 0101")),
          says(["123", "2", "top", "broadcast", {}]),
          hearsBytes(hex("02030a 746f70 736f6d652d6576656e74 0101")),
        ],
      },
    ],
  },
  {
    id: "BI24",
    says: "Where the server takes binary frames as bytes of the app's own, each goes to every channel that is joined, and an answer is the push binary_reply.",
    over: ["websocket"],
    only: "calla",
    written: [
      {
        scenario: "bin-raw",
        about: "two channels have the same bytes",
        steps: [
          ...opens("/raw/websocket?vsn=2.0.0"),
          ...joins("bytes:a"),
          ...joins("bytes:b", {}, { ref: "2" }),
          saysBytes("00ff07"),
          hearsBytes(frame(0, ["1", "bytes:a", "binary_reply"], "00ff07")),
          hearsBytes(frame(0, ["2", "bytes:b", "binary_reply"], "00ff07")),
        ],
      },
    ],
  },
];
