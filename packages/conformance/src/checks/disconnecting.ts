// DC: how connections end, and which ends a client comes back from.
import type { Check, Peer } from "./check.ts";
import { beats, hears, isClosed, joins, opens, pauses, replied, says, SOCKET } from "./steps.ts";

const DISCONNECTED = "room:disconnect-two";

export const disconnectingChecks: readonly Check[] = [
  {
    id: "DC1",
    says: "A disconnect by a socket's id closes each connection with that id, with 1001, and no other.",
    over: ["websocket"],
    scenarios: ["disconnect"],
    written: [
      {
        scenario: "disconnect-two",
        about: "two connections with the id, and one with another",
        steps: [
          ...opens(`${SOCKET}&id=sock:two`, "a"),
          ...opens(`${SOCKET}&id=sock:two`, "b"),
          ...opens(`${SOCKET}&id=sock:other`, "other"),
          ...joins(DISCONNECTED, {}, { who: "a" }),
          says(["1", "2", DISCONNECTED, "disconnect_me", {}], "a"),
          isClosed(1001, "a"),
          isClosed(1001, "b"),
          ...beats("other"),
        ],
      },
    ],
  },
  {
    id: "DC2",
    says: "Another broadcast than disconnect on a socket's id does nothing.",
    over: ["websocket"],
    scenarios: ["disconnect"],
  },
  {
    id: "DC3",
    says: "A server that stops closes connections that have channels with 1012. (Calla: all.)",
    over: ["websocket"],
    scenarios: ["drain-one", "server-stop"],
  },
  {
    id: "DC4",
    says: "A server that stops ends LongPoll sessions, too: a poll that waits ends with its window. (Calla: it is answered with status 500 at once.)",
    over: ["longpoll"],
    scenarios: ["client-drain", "server-stop"],
  },
  {
    id: "DC5",
    says: "No end that a client should come back from has the code 1000: phoenix.js before 1.8.16 stays away then.",
    over: ["websocket"],
    scenarios: [
      "disconnect",
      "drain-one",
      "bad-json",
      "frame-unmasked",
      "frame-bad-utf8",
      "frame-too-large",
      "idle-timeout",
    ],
  },
  {
    id: "DC6",
    says: "A client comes back after 1001, 1006, 1011 and 1012, and joins its topics again.",
    over: ["websocket", "longpoll"],
    notRun: "What a client does. A client author sees it with the stub server as the other side.",
  },
  {
    id: "DC7",
    says: "A client does not come back after its own disconnect.",
    over: ["websocket", "longpoll"],
    notRun: "What a client does. A client author sees it with the stub server as the other side.",
  },
  {
    id: "DC8",
    says: "Who is sent away from a topic hears phx_close, after which clients do not join again; whose channel crashed hears phx_error, after which they do.",
    over: ["websocket", "longpoll"],
    scenarios: ["stop-normal", "crash-raise", "client-kick", "client-crash-rejoin"],
  },
  {
    id: "DC9",
    says: "A connection that takes nothing in is closed, with a code from which a client comes back (1013), and nobody else waits for it.",
    over: ["websocket"],
    only: "calla",
    needs: ["/slow"],
    run: closesTheSlow,
  },
  {
    id: "DC10",
    says: "A server that stops while a join is decided closes the connection with 1012 all the same.",
    over: ["websocket"],
    only: "calla",
    written: [
      {
        scenario: "drain-during-join",
        about: "one connection waits for its join, another makes the server stop",
        steps: [
          ...opens(SOCKET, "other"),
          ...joins("room:drain-during-join-b", {}, { who: "other" }),
          ...opens(),
          says([null, "1", "phoenix", "heartbeat", {}]),
          hears(replied("phoenix", [null, "1"])),
          says(["1", "2", "room:drain-during-join", "phx_join", { mode: "slow", ms: 300 }]),
          pauses(100),
          says(["1", "2", "room:drain-during-join-b", "drain_me", {}], "other"),
          isClosed(1012, "other"),
          isClosed(1012),
        ],
      },
    ],
  },
];

const MEGABYTE = 1_000_000;

/** Says what waits for it until the server has enough, and then reads it all: the close is the last of it. */
async function closesTheSlow(peer: Peer): Promise<void> {
  const path = "/slow/websocket?vsn=2.0.0";
  const topic = peer.topic();
  const slow = await peer.websocket(path);
  const other = await peer.websocket(path);
  slow.text(["1", "1", topic, "phx_join", {}]);
  await slow.hearsFrames(replied(topic, ["1", "1"]));
  slow.stopReading();
  for (let n = 0; n < 32; n += 1) slow.text(["1", null, topic, "fill", { bytes: MEGABYTE }]);
  await peer.pause(200);
  other.text([null, "1", "phoenix", "heartbeat", {}]);
  await other.hearsFrames(replied("phoenix", [null, "1"]));
  slow.readAgain();
  for (;;) {
    const heard = await slow.next();
    if (heard.hear === "text") continue;
    const end = heard.hear === "close" ? heard.code : heard.hear;
    if (end !== 1013) peer.fail("A client that takes nothing in is not closed with 1013.", 1013, end);
    return;
  }
}
