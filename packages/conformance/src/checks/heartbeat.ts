// HB: heartbeats, and connections that say nothing.
import type { Check } from "./check.ts";
import { beats, isClosed, joins, opens, pauses, says, hears, replied, terminated, watches } from "./steps.ts";

const TALKER = "room:idle-talks";

export const heartbeatChecks: readonly Check[] = [
  {
    id: "HB1",
    says: "The event heartbeat on the topic phoenix is answered ok, {}.",
    over: ["websocket", "longpoll"],
    scenarios: ["heartbeat", "v1-heartbeat", "frame-ok"],
    overLongPoll: ["heartbeat"],
  },
  {
    id: "HB2",
    says: "The join_ref of a heartbeat is not echoed: the answer's is null.",
    over: ["websocket", "longpoll"],
    scenarios: ["heartbeat-joinref"],
    overLongPoll: ["heartbeat-joinref"],
  },
  {
    id: "HB3",
    says: "The ref is echoed as it came, be it a number, null or an object.",
    over: ["websocket", "longpoll"],
    scenarios: ["heartbeat-ref-number", "heartbeat-ref-null", "heartbeat-ref-object"],
    overLongPoll: ["heartbeat-ref-number", "heartbeat-ref-null", "heartbeat-ref-object"],
  },
  {
    id: "HB4",
    says: "Any other event on the topic phoenix is one on a topic that is not joined.",
    over: ["websocket", "longpoll"],
    scenarios: ["phoenix-other-event"],
    overLongPoll: ["phoenix-other-event"],
  },
  {
    id: "HB5",
    says: "The topic phoenix cannot be joined, unless the app registers it.",
    over: ["websocket", "longpoll"],
    scenarios: ["phoenix-join"],
    overLongPoll: ["phoenix-join"],
  },
  {
    id: "HB6",
    says: "A WebSocket whose client sends nothing for the timeout is closed, by Bandit with 1002. (Calla: with 1001, from which every client comes back.)",
    over: ["websocket"],
    scenarios: ["idle-timeout"],
  },
  {
    id: "HB7",
    says: "Heartbeats keep a WebSocket open.",
    over: ["websocket"],
    scenarios: ["idle-heartbeats"],
  },
  {
    id: "HB8",
    says: "Pings of the WebSocket keep it open.",
    over: ["websocket"],
    scenarios: ["idle-ping"],
  },
  {
    id: "HB9",
    says: "What the server sends does not keep it open.",
    over: ["websocket"],
    scenarios: ["idle-server-push-only"],
  },
  {
    id: "HB10",
    says: "Any frame keeps a WebSocket open, not only heartbeats; when it falls silent its channels end with a reason of their own, and nobody else's.",
    over: ["websocket"],
    only: "calla",
    written: [
      {
        scenario: "idle-talks",
        about: "it talks without heartbeats, then falls silent",
        steps: [
          ...watches(TALKER),
          ...opens("/quick/websocket?vsn=2.0.0"),
          ...joins(TALKER),
          pauses(1000),
          says(["1", "2", TALKER, "ok", {}]),
          hears(replied(TALKER, ["1", "2"])),
          pauses(1000),
          says(["1", "3", TALKER, "ok", {}]),
          hears(replied(TALKER, ["1", "3"])),
          { ...isClosed(1001), after: 1500 },
          terminated(TALKER, "{:shutdown, :heartbeat_timeout}"),
          ...beats("watcher"),
        ],
      },
    ],
  },
  {
    id: "HB11",
    says: "How often a server looks for silent connections is its own affair.",
    over: ["websocket"],
    notRun: "Seen only inside the server: a client cannot tell how often it looks.",
  },
  {
    id: "HB12",
    says: "A timeout that is not above 0 is refused when the server starts.",
    over: ["websocket"],
    notRun: "Seen only inside the server: it does not start.",
  },
];
