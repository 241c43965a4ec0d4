// JN: a channel begins.
import type { Check } from "./check.ts";
import { beats, hears, joins, opens, pauses, replied, says, terminated, watches } from "./steps.ts";

const FEW = "/few/websocket?vsn=2.0.0";
const LIMITED = "/limited/websocket?vsn=2.0.0";
const SLOW = "room:join-timeout";
const GONE = "room:join-gone";
const refused = { reason: "unauthorized" };

export const joiningChecks: readonly Check[] = [
  {
    id: "JN1",
    says: "A join that is accepted is answered ok, {}, with the join's join_ref and ref.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-ok", "lp-join-poll", "client-join-push-leave"],
    overLongPoll: ["join-ok"],
  },
  {
    id: "JN2",
    says: "What the app answers a join stands in place of {}.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-reply"],
    overLongPoll: ["join-reply"],
  },
  {
    id: "JN3",
    says: "That may be any JSON, such as a list; and bytes, in a binary frame.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-reply-list", "join-binary-reply"],
    overLongPoll: ["join-reply-list"],
  },
  {
    id: "JN4",
    says: "A join_ref that differs from the ref is echoed, and the channel goes by it.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-ref-differs"],
    overLongPoll: ["join-ref-differs"],
  },
  {
    id: "JN5",
    says: "A join that the app refuses is answered error, with what the app says; the client may try again.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-error", "join-error-string", "client-join-error"],
    overLongPoll: ["join-error", "join-error-string"],
  },
  {
    id: "JN6",
    says: 'A join in which the app fails is answered error, {reason: "join crashed"}.',
    over: ["websocket", "longpoll"],
    scenarios: ["join-raise", "join-exit", "join-throw", "join-bad-return"],
    overLongPoll: ["join-raise"],
  },
  {
    id: "JN7",
    says: 'A join of a topic that the app does not serve is answered error, {reason: "unmatched topic"}, with join_ref null.',
    over: ["websocket", "longpoll"],
    scenarios: ["join-unmatched", "v1-join-unmatched"],
    overLongPoll: ["join-unmatched"],
  },
  {
    id: "JN8",
    says: "Of several patterns that match a topic the first that was registered has it.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-exact-before-wildcard"],
    overLongPoll: ["join-exact-before-wildcard"],
  },
  {
    id: "JN9",
    says: "The pattern room:* has the topic room: too, with nothing behind it.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-wildcard-empty"],
    overLongPoll: ["join-wildcard-empty"],
  },
  {
    id: "JN10",
    says: "A pattern without * has that topic only, and none that begins with it.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-exact", "join-exact-longer"],
    overLongPoll: ["join-exact", "join-exact-longer"],
  },
  {
    id: "JN11",
    says: "A topic may have any letters, in UTF-8.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-utf8"],
    overLongPoll: ["join-utf8"],
  },
  {
    id: "JN12",
    says: "The payload of a join may be any JSON: null, a string, a list.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-payload-null", "join-payload-string"],
    written: [
      {
        scenario: "join-payload-list",
        about: "a list",
        steps: [...opens(), ...joins("room:join-payload-list", [1, 2])],
      },
    ],
    overLongPoll: ["join-payload-null", "join-payload-string", "join-payload-list"],
  },
  {
    id: "JN13",
    says: "Where the app has a schema for the payload of a join, one that does not fit is answered error and names the field; the app is not asked.",
    over: ["websocket"],
    only: "calla",
    written: [
      {
        scenario: "join-invalid",
        about: "a name that is no text, then one that is",
        steps: [
          ...opens(),
          says(["1", "1", "typed:join-invalid", "phx_join", { name: 5 }]),
          hears(
            replied(
              "typed:join-invalid",
              ["1", "1"],
              { reason: "invalid params", issues: [{ path: ["name"], message: "{{any}}" }] },
              "error",
            ),
          ),
          says(["2", "2", "typed:join-invalid", "phx_join", { name: "ann" }]),
          hears(replied("typed:join-invalid", ["2", "2"], { name: "ann" })),
        ],
      },
    ],
  },
  {
    id: "JN14",
    says: "What a channel pushes as it begins comes behind the answer to its join.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-push"],
    overLongPoll: ["join-push"],
  },
  {
    id: "JN15",
    says: "A broadcast that the app makes while it decides a join is not heard by who joins.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-broadcast-in-join"],
    overLongPoll: ["join-broadcast-in-join"],
  },
  {
    id: "JN16",
    says: "While a join is decided, what comes behind it waits, and is answered in its turn. (Calla: only the topic of the join waits.)",
    over: ["websocket", "longpoll"],
    scenarios: ["join-slow-blocks", "client-join-timeout"],
  },
  {
    id: "JN17",
    says: 'Refs are compared by type and value: 1 is not "1".',
    over: ["websocket", "longpoll"],
    scenarios: ["join-ref-number"],
    overLongPoll: ["join-ref-number"],
  },
  {
    id: "JN18",
    says: "A join with join_ref null is answered with null; its channel says the join's ref, and hears only messages with join_ref null.",
    over: ["websocket", "longpoll"],
    scenarios: ["join-ref-null"],
    overLongPoll: ["join-ref-null"],
  },
  {
    id: "JN19",
    says: "What stands behind the fifth element of a frame is ignored.",
    over: ["websocket", "longpoll"],
    scenarios: ["message-extra-elements"],
    overLongPoll: ["message-extra-elements"],
  },
  {
    id: "JN20",
    says: 'The 101st channel of a connection is answered error, {reason: "too many channels joined"}, with its join_ref.',
    over: ["websocket"],
    scenarios: ["max-channels-default"],
  },
  {
    id: "JN21",
    says: "How many channels a connection may have can be set.",
    over: ["websocket", "longpoll"],
    scenarios: ["max-channels", "lp-max-channels"],
  },
  {
    id: "JN22",
    says: "Leaving a channel makes room for another.",
    over: ["websocket"],
    scenarios: ["max-channels"],
  },
  {
    id: "JN23",
    says: "A connection that has all the channels it may have may join one of their topics again.",
    over: ["websocket"],
    scenarios: ["max-channels"],
  },
  {
    id: "JN24",
    says: "A join that was refused takes no room.",
    over: ["websocket", "longpoll"],
    written: [
      {
        scenario: "max-channels-refused",
        about: "three joins that are refused, then two that are not",
        steps: [
          ...opens(FEW),
          ...["1", "2", "3"].flatMap((ref) => [
            says([ref, ref, `room:max-channels-refused-${ref}`, "phx_join", { mode: "error" }]),
            hears(replied(`room:max-channels-refused-${ref}`, [ref, ref], refused, "error")),
          ]),
          ...joins("room:max-channels-refused-1", {}, { ref: "4" }),
          ...joins("room:max-channels-refused-2", {}, { ref: "5" }),
          says(["6", "6", "room:max-channels-refused-3", "phx_join", {}]),
          hears(
            replied(
              "room:max-channels-refused-3",
              ["6", "6"],
              { reason: "too many channels joined" },
              "error",
            ),
          ),
        ],
      },
    ],
    overLongPoll: ["max-channels-refused"],
  },
  {
    id: "JN25",
    says: "In version 1 the answer to a join is an object with its ref, and without join_ref.",
    over: ["websocket", "longpoll"],
    scenarios: ["v1-echo", "lp-v1"],
  },
  {
    id: "JN26",
    says: "A join as a binary frame is one, and its payload is bytes.",
    over: ["websocket"],
    scenarios: ["bin-join"],
  },
  {
    id: "JN27",
    says: 'A join over the rate of joins is answered error, {reason: "rate_limited"}.',
    over: ["websocket", "longpoll"],
    only: "calla",
    written: [
      {
        scenario: "join-rate",
        about: "four joins may come at once, and a fifth is too many",
        steps: [
          ...opens(LIMITED),
          ...["1", "2", "3", "4"].flatMap((ref) => joins(`room:join-rate-${ref}`, {}, { ref })),
          says(["5", "5", "room:join-rate-5", "phx_join", {}]),
          hears(replied("room:join-rate-5", ["5", "5"], { reason: "rate_limited" }, "error")),
        ],
      },
    ],
    overLongPoll: ["join-rate"],
  },
  {
    id: "JN28",
    says: 'A join that the app does not decide in time is answered error, {reason: "timeout"}; what it accepts later is ended.',
    over: ["websocket"],
    only: "calla",
    written: [
      {
        scenario: "join-timeout",
        about: "300 ms are too many, and 600 more",
        steps: [
          ...watches(SLOW),
          ...opens(LIMITED),
          says(["1", "1", SLOW, "phx_join", { mode: "slow", ms: 600 }]),
          { ...hears(replied(SLOW, ["1", "1"], { reason: "timeout" }, "error")), after: 300 },
          says(["1", "2", SLOW, "echo", {}]),
          hears(replied(SLOW, [null, "2"], { reason: "unmatched topic" }, "error")),
          pauses(500),
          terminated(SLOW, "{:shutdown, :timeout}"),
        ],
      },
    ],
  },
  {
    id: "JN29",
    says: "Where a client goes while its join is decided, the channel that is accepted all the same is ended.",
    over: ["websocket"],
    written: [
      {
        scenario: "join-gone",
        about: "the connection is cut before the join is decided",
        steps: [
          ...watches(GONE),
          ...opens(),
          says([null, "1", "phoenix", "heartbeat", {}]),
          hears(replied("phoenix", [null, "1"])),
          says(["1", "2", GONE, "phx_join", { mode: "slow", ms: 200 }]),
          pauses(100),
          { do: "vanish" },
          pauses(300),
          terminated(GONE, "{{any}}"),
          ...beats("watcher"),
        ],
      },
    ],
  },
  {
    id: "JN30",
    says: "Joins in one POST are decided in order.",
    over: ["longpoll"],
    scenarios: ["lp-max-channels", "lp-dup-join"],
  },
  {
    id: "JN32",
    says: "A leave of a join that is still being decided waits until it is, and is answered then. (Calla: it is answered at once, and the join is not.)",
    over: ["websocket"],
    written: [
      {
        scenario: "leave-during-join",
        about: "the leave comes while the join takes its time",
        steps: [
          ...opens(),
          says(["1", "1", "room:leave-during-join", "phx_join", { mode: "slow", ms: 200 }]),
          says(["1", "2", "room:leave-during-join", "phx_leave", {}]),
          { ...hears(replied("room:leave-during-join", ["1", "1"], { slow: true })), after: 200 },
          hears(replied("room:leave-during-join", ["1", "2"])),
          hears(["1", "1", "room:leave-during-join", "phx_close", {}]),
        ],
      },
    ],
  },
  {
    id: "CT4",
    says: "A * behind text at the end of a pattern makes a prefix: a:b* has a:bcd. (Calla: such a pattern is refused.)",
    over: ["websocket", "longpoll"],
    scenarios: ["join-partial-wildcard"],
    overLongPoll: ["join-partial-wildcard"],
  },
];
