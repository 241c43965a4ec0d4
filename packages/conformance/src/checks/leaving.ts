// LV: how a channel ends.
import type { Check, Peer } from "./check.ts";
import {
  beats,
  closed,
  crashed,
  hears,
  isClosed,
  joins,
  opens,
  replied,
  says,
  SOCKET,
  terminated,
  watches,
} from "./steps.ts";

const NO_MORE = "room:end-raises";
const BOTH = "room:close-two";

export const leavingChecks: readonly Check[] = [
  {
    id: "LV1",
    says: "A leave is answered ok, {}, and then comes phx_close with the join_ref as both refs.",
    over: ["websocket", "longpoll"],
    scenarios: ["leave", "client-join-push-leave"],
    overLongPoll: ["leave"],
  },
  {
    id: "LV2",
    says: "A leave with join_ref null is one, too.",
    over: ["websocket", "longpoll"],
    scenarios: ["leave-null-joinref"],
    overLongPoll: ["leave-null-joinref"],
  },
  {
    id: "LV3",
    says: "A leave with another join_ref is ignored, and the channel lives.",
    over: ["websocket", "longpoll"],
    scenarios: ["leave-stale"],
    overLongPoll: ["leave-stale"],
  },
  {
    id: "LV4",
    says: "A leave of a topic that is not joined is answered ok, {}, with its join_ref, and no phx_close comes.",
    over: ["websocket", "longpoll"],
    scenarios: ["leave-not-joined"],
    overLongPoll: ["leave-not-joined"],
  },
  {
    id: "LV5",
    says: "Of two leaves the first is answered, and one phx_close comes.",
    over: ["websocket"],
    scenarios: ["leave-twice"],
  },
  {
    id: "LV6",
    says: "What comes behind a leave is ignored until the channel has ended, and is on a topic that is not joined from then on.",
    over: ["websocket"],
    scenarios: ["leave-twice", "leave"],
  },
  {
    id: "LV7",
    says: "Leave and join in one go: the leave's answer, phx_close, the join's answer; or the join's answer, then the phx_close of the old channel, and the leave is not answered.",
    over: ["websocket", "longpoll"],
    scenarios: ["leave-then-join", "client-duplicate"],
  },
  {
    id: "LV8",
    says: "A topic may be joined again while its old channel still ends.",
    over: ["websocket"],
    scenarios: ["leave-then-join-slow"],
  },
  {
    id: "LV9",
    says: "A channel that the app stops in the ordinary way ends with phx_close, without a reply.",
    over: ["websocket", "longpoll"],
    scenarios: ["stop-normal", "stop-shutdown", "stop-shutdown-tuple", "v1-stop", "client-kick"],
    overLongPoll: ["stop-normal"],
  },
  {
    id: "LV10",
    says: "A channel that stops with a reply says the reply, then phx_close.",
    over: ["websocket", "longpoll"],
    scenarios: ["stop-reply", "stop-reply-status"],
    overLongPoll: ["stop-reply"],
  },
  {
    id: "LV11",
    says: 'A channel that stops with an error ends with phx_error, {reason: "channel_crash"}.',
    over: ["websocket", "longpoll"],
    scenarios: ["stop-error"],
    overLongPoll: ["stop-error"],
  },
  {
    id: "LV12",
    says: "A channel that stops with an error and a reply says the reply, then phx_error.",
    over: ["websocket", "longpoll"],
    scenarios: ["stop-error-reply"],
    overLongPoll: ["stop-error-reply"],
  },
  {
    id: "LV13",
    says: "A channel in which the app fails ends with phx_error; other topics and the connection live.",
    over: ["websocket", "longpoll"],
    scenarios: [
      "crash-raise",
      "crash-throw",
      "exit-normal",
      "exit-shutdown",
      "crash-kill",
      "crash-bad-return",
      "reply-string-status",
    ],
    written: [
      {
        scenario: "crash-beside",
        about: "another topic of the connection, and the connection",
        steps: [
          ...opens(),
          ...joins("room:crash-beside"),
          ...joins("room:crash-beside-b", {}, { ref: "2" }),
          says(["1", "3", "room:crash-beside", "raise", {}]),
          hears(crashed("room:crash-beside")),
          says(["2", "4", "room:crash-beside-b", "echo", { n: 4 }]),
          hears(replied("room:crash-beside-b", ["2", "4"], { n: 4 })),
          ...beats(),
        ],
      },
    ],
    overLongPoll: ["crash-raise", "crash-beside"],
  },
  {
    id: "LV14",
    says: "After a crash the topic can be joined again, with a new join_ref.",
    over: ["websocket", "longpoll"],
    scenarios: ["crash-then-message", "client-crash-rejoin"],
  },
  {
    id: "LV15",
    says: "A channel that is ended from outside of its handlers, by an error, ends with phx_error, too.",
    over: ["websocket", "longpoll"],
    scenarios: ["exit-external-shutdown"],
    overLongPoll: ["exit-external-shutdown"],
  },
  {
    id: "LV16",
    says: "A channel may stop because of what the server tells it; it ends with phx_close.",
    over: ["websocket", "longpoll"],
    scenarios: ["info-stop"],
    overLongPoll: ["info-stop"],
  },
  {
    id: "LV17",
    says: "However a channel ends, the app's terminate runs, once, with the reason. A channel whose client joins again is killed, and its terminate does not run. (Calla: it runs.)",
    over: ["websocket", "longpoll"],
    scenarios: [
      "terminate-leave",
      "terminate-leave-notrap",
      "terminate-close",
      "terminate-close-notrap",
      "terminate-terminate",
      "terminate-dup",
      "terminate-dup-notrap",
      "terminate-raise",
      "terminate-raise-notrap",
      "terminate-stop",
      "terminate-disconnect",
      "terminate-bad-frame",
      "terminate-drain",
    ],
  },
  {
    id: "LV18",
    says: "A terminate that fails changes nothing for the client: the leave is answered, and phx_close comes.",
    over: ["websocket", "longpoll"],
    written: [
      {
        scenario: "end-raises",
        about: "the terminate of one channel raises; another lives",
        steps: [
          ...opens(),
          ...joins(NO_MORE, { mode: "end_raises" }),
          ...joins(`${NO_MORE}-b`, {}, { ref: "2" }),
          says(["1", "3", NO_MORE, "phx_leave", {}]),
          hears(replied(NO_MORE, ["1", "3"])),
          hears(closed(NO_MORE)),
          says(["2", "4", `${NO_MORE}-b`, "ok", {}]),
          hears(replied(`${NO_MORE}-b`, ["2", "4"])),
          ...joins(NO_MORE, {}, { ref: "5" }),
        ],
      },
    ],
  },
  {
    id: "LV19",
    says: "When a connection closes, all its channels end.",
    over: ["websocket"],
    scenarios: ["terminate-close", "terminate-bad-frame"],
    written: [
      {
        scenario: "close-two",
        about: "a connection with two channels",
        steps: [
          ...watches(BOTH),
          ...watches(`${BOTH}-b`, "watcher-b"),
          ...opens(),
          ...joins(BOTH),
          ...joins(`${BOTH}-b`, {}, { ref: "2" }),
          { do: "close", code: 1000 },
          isClosed(1000),
          terminated(BOTH, "{:shutdown, :local_closed}"),
          terminated(`${BOTH}-b`, "{:shutdown, :local_closed}", "watcher-b"),
        ],
      },
    ],
  },
  {
    id: "LV20",
    says: "In version 1 phx_close and phx_error have ref null, unless the join gave a join_ref.",
    over: ["websocket", "longpoll"],
    scenarios: ["v1-leave", "v1-leave-with-joinref", "v1-crash", "v1-crash-with-joinref", "lp-v1"],
  },
  {
    id: "LV30",
    says: "A topic that is joined and joined again: the new join's answer, then phx_close of the old join_ref.",
    over: ["websocket", "longpoll"],
    scenarios: ["dup-join", "v1-dup-join-joinref", "lp-dup-join"],
    overLongPoll: ["dup-join"],
  },
  {
    id: "LV31",
    says: "Where the new join is refused: its error, phx_close of the old one, and the topic is not joined.",
    over: ["websocket", "longpoll"],
    scenarios: ["dup-join-refused"],
    overLongPoll: ["dup-join-refused"],
  },
  {
    id: "LV32",
    says: "After the new join a message with the old join_ref is ignored.",
    over: ["websocket"],
    scenarios: ["dup-join"],
  },
  {
    id: "LV33",
    says: "A topic that is joined again with the same join_ref, or in version 1 without one: the new join's answer, then phx_close. (Calla: no phx_close, which would close the new channel at the client.)",
    over: ["websocket", "longpoll"],
    scenarios: ["dup-join-same-ref", "v1-dup-join"],
    overLongPoll: ["dup-join-same-ref"],
  },
  {
    id: "LV34",
    says: "What the new channel pushes comes behind the phx_close of the old.",
    over: ["websocket", "longpoll"],
    scenarios: ["dup-join-push"],
    overLongPoll: ["dup-join-push"],
  },
  {
    id: "LV35",
    says: "The new join is answered, whatever time the end of the old channel takes. (Phoenix's connection stands still meanwhile, up to 5 s; Calla's does not.)",
    over: ["websocket"],
    scenarios: ["dup-join-trap"],
    needs: ["/socket"],
    run: notHeldUp,
  },
];

/** How long Phoenix stands still is its own affair: only Calla is held to a time. */
async function notHeldUp(peer: Peer): Promise<void> {
  if (peer.mode === "strict") return;
  const topic = peer.topic();
  const socket = await peer.websocket(SOCKET);
  socket.text(["1", "1", topic, "phx_join", { mode: "trap_slow", ms: 3000 }]);
  await socket.hearsFrames(replied(topic, ["1", "1"]));
  const before = peer.now();
  socket.text(["2", "2", topic, "phx_join", {}]);
  socket.text([null, "3", "phoenix", "heartbeat", {}]);
  await socket.hearsInAnyOrder(replied(topic, ["2", "2"]), closed(topic), replied("phoenix", [null, "3"]));
  const took = Math.round(peer.now() - before);
  if (took > 2000) peer.fail(`The end of the old channel held its connection up for ${took} ms.`);
}
