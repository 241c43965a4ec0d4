// BC: what is said to all on a topic.
import type { Check } from "./check.ts";
import type { Step } from "../recording/recording.ts";
import {
  begins,
  crashed,
  closed,
  hears,
  joins,
  ofSession,
  opens,
  posts,
  replied,
  says,
  SOCKET,
  told,
  answers,
  gets,
} from "./steps.ts";

const bcast = (topic: string, payload: { x: number }, event = "bcast") => [null, null, topic, event, payload];
/** `a` and `b` are on the topic. */
const two = (topic: string): Step[] => [
  ...opens(SOCKET, "a"),
  ...opens(SOCKET, "b"),
  ...joins(topic, {}, { who: "a" }),
  ...joins(topic, {}, { who: "b", ref: "7" }),
];
/** `a` says it to all others, and is answered. */
const tellsOthers = (topic: string, ref: string, x: number): Step[] => [
  says(["1", ref, topic, "broadcast_from", { x }], "a"),
  hears(replied(topic, ["1", ref]), "a"),
];

export const broadcastChecks: readonly Check[] = [
  {
    id: "BC1",
    says: "A broadcast reaches all on its topic, its sender too, with both refs null.",
    over: ["websocket", "longpoll"],
    scenarios: ["broadcast", "broadcast-reply", "v1-broadcast", "broadcast-two"],
    overLongPoll: ["broadcast", "broadcast-reply", "broadcast-two"],
  },
  {
    id: "BC2",
    says: "A broadcast to the others does not reach its sender.",
    over: ["websocket", "longpoll"],
    scenarios: ["broadcast-from-self", "broadcast-two"],
    overLongPoll: ["broadcast-from-self"],
  },
  {
    id: "BC3",
    says: "A broadcast reaches clients of both versions and both transports: an array in version 2, an object with ref null in version 1.",
    over: ["websocket", "longpoll"],
    scenarios: ["broadcast-mixed-vsn"],
    written: [
      {
        scenario: "lp-broadcast-to-polls",
        about: "a WebSocket says it, and a session of polls hears it",
        steps: [
          ...begins("r1"),
          posts("r2", ofSession(), ["1", "1", "room:lp-broadcast-to-polls", "phx_join", {}]),
          answers("r2", { status: 200 }),
          gets("r3", ofSession()),
          told("r3", replied("room:lp-broadcast-to-polls", ["1", "1"])),
          ...opens(),
          ...joins("room:lp-broadcast-to-polls", {}, { ref: "7" }),
          says(["7", "8", "room:lp-broadcast-to-polls", "broadcast", { x: 1 }]),
          hears(bcast("room:lp-broadcast-to-polls", { x: 1 })),
          gets("r4", ofSession()),
          told("r4", bcast("room:lp-broadcast-to-polls", { x: 1 })),
        ],
      },
    ],
  },
  {
    id: "BC4",
    says: "Nobody hears a broadcast of a topic on which they are not joined.",
    over: ["websocket"],
    written: [
      {
        scenario: "broadcast-elsewhere",
        about: "b is on another topic",
        steps: [
          ...opens(SOCKET, "a"),
          ...opens(SOCKET, "b"),
          ...joins("room:broadcast-elsewhere", {}, { who: "a" }),
          ...joins("room:broadcast-elsewhere-not", {}, { who: "b" }),
          ...tellsOthers("room:broadcast-elsewhere", "2", 1),
          says(["1", "2", "room:broadcast-elsewhere-not", "broadcast", { x: 2 }], "b"),
          hears(bcast("room:broadcast-elsewhere-not", { x: 2 }), "b"),
        ],
      },
    ],
  },
  {
    id: "BC5",
    says: "Who has left hears no more broadcasts.",
    over: ["websocket"],
    written: [
      {
        scenario: "broadcast-after-leave",
        about: "b hears one, leaves, and misses the next",
        steps: [
          ...two("room:broadcast-after-leave"),
          ...tellsOthers("room:broadcast-after-leave", "2", 1),
          hears(bcast("room:broadcast-after-leave", { x: 1 }), "b"),
          says(["7", "8", "room:broadcast-after-leave", "phx_leave", {}], "b"),
          hears(replied("room:broadcast-after-leave", ["7", "8"]), "b"),
          hears(closed("room:broadcast-after-leave", "7"), "b"),
          ...tellsOthers("room:broadcast-after-leave", "3", 2),
        ],
      },
    ],
  },
  {
    id: "BC6",
    says: "Whose channel has crashed hears no more broadcasts, until the topic is joined again.",
    over: ["websocket"],
    written: [
      {
        scenario: "broadcast-after-crash",
        about: "b crashes, misses one, joins again, and hears the next",
        steps: [
          ...two("room:broadcast-after-crash"),
          says(["7", "8", "room:broadcast-after-crash", "raise", {}], "b"),
          hears(crashed("room:broadcast-after-crash", "7"), "b"),
          ...tellsOthers("room:broadcast-after-crash", "2", 1),
          ...joins("room:broadcast-after-crash", {}, { who: "b", ref: "9" }),
          ...tellsOthers("room:broadcast-after-crash", "3", 2),
          hears(bcast("room:broadcast-after-crash", { x: 2 }), "b"),
        ],
      },
    ],
  },
  {
    id: "BC7",
    says: "A broadcast that is neither an object nor bytes is the app's mistake where it is made, and nobody hears it. To clients of version 1 any JSON is broadcast. (Calla: nor to them.)",
    over: ["websocket", "longpoll"],
    scenarios: ["broadcast-bad", "v1-broadcast-list"],
    overLongPoll: ["broadcast-bad"],
  },
  {
    id: "BC8",
    says: "A broadcast that the app intercepts comes to each client as a push of its own, with the channel's join_ref.",
    over: ["websocket"],
    scenarios: ["intercept"],
  },
  {
    id: "BC9",
    says: "A broadcast that the app intercepts and does not push is not heard.",
    over: ["websocket"],
    scenarios: ["intercept"],
  },
  {
    id: "BC10",
    says: "Two broadcasts of one sender reach each client in order.",
    over: ["websocket"],
    scenarios: ["intercept"],
    written: [
      {
        scenario: "broadcast-order",
        about: "five broadcasts, said without waiting",
        steps: [
          ...two("room:broadcast-order"),
          ...[1, 2, 3, 4, 5].map((x) => says(["1", null, "room:broadcast-order", "broadcast", { x }], "a")),
          ...["a", "b"].flatMap((who) =>
            [1, 2, 3, 4, 5].map((x) => hears(bcast("room:broadcast-order", { x }), who)),
          ),
        ],
      },
    ],
  },
  {
    id: "BC11",
    says: "A broadcast reaches the clients of every node, and one to the others leaves its sender out on each.",
    over: ["websocket"],
    notRun: "It needs several nodes, and the kit is pointed at one.",
  },
  {
    id: "BC12",
    says: "A local broadcast stays on its node.",
    over: ["websocket"],
    notRun: "It needs several nodes, and the kit is pointed at one.",
  },
  {
    id: "BC13",
    says: "A broadcast is encoded once for each version, however many hear it.",
    over: ["websocket"],
    notRun: "Seen only inside the server: all hear the same bytes either way.",
  },
  {
    id: "BC14",
    says: "Each broadcast is a frame of its own, whatever waits with it.",
    over: ["websocket", "longpoll"],
    written: [
      {
        scenario: "broadcast-frames",
        about: "three broadcasts of one packet",
        steps: [
          ...opens(),
          ...joins("room:broadcast-frames"),
          ...[1, 2, 3].map((x) => says(["1", `${x}`, "room:broadcast-frames", "broadcast", { x }])),
          ...[1, 2, 3].map((x) => hears(bcast("room:broadcast-frames", { x }))),
        ],
      },
    ],
    overLongPoll: ["broadcast-frames"],
  },
  {
    id: "BC15",
    says: "The server may push to one connection on one topic from outside of its channel; nobody else hears it.",
    over: ["websocket"],
    only: "calla",
    written: [
      {
        scenario: "push-outside",
        about: "a push to a, by the server",
        steps: [
          ...two("room:push-outside"),
          says(["1", "2", "room:push-outside", "push_outside", { x: 1 }], "a"),
          hears(["1", null, "room:push-outside", "pushed", { x: 1 }], "a"),
          hears(replied("room:push-outside", ["1", "2"], { there: true }), "a"),
        ],
      },
    ],
  },
];
