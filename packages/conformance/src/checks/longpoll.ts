// LP: the transport of polls.
import type { Check } from "./check.ts";
import {
  answers,
  begins,
  crashed,
  gets,
  ofSession,
  pauses,
  POLLS,
  posts,
  replied,
  terminated,
  told,
  TOKEN,
  toldNothing,
  watches,
} from "./steps.ts";

const INACTIVE = "room:lp-inactive-ends";
const WHO = "room:lp-who";
const GIVEN_UP = "room:lp-poll-given-up";
/** A token as Phoenix makes them, sealed by a secret that no server has. */
const FOREIGN =
  "SFMyNTY.g2gDaAJhBXQAAAAEdwJpZG0AAAAEbm9uZXcDcGlkbQAAAARub25ldwV0b3BpY20AAAAEbm9uZW4GAFzQhL2YAWIAAVGA.4mUuzd3pTHhSxMVqcbTBjDYdkGaZ-sPlj7kZ3Cq1Zk8";

export const longpollChecks: readonly Check[] = [
  {
    id: "LP1",
    says: "A GET without a token begins a session: HTTP 200 with status 410, a token, and no messages.",
    over: ["longpoll"],
    scenarios: ["lp-new", "client-heartbeats"],
  },
  {
    id: "LP2",
    says: "A poll that there is nothing to tell is answered after the window with status 204 and the same token.",
    over: ["longpoll"],
    scenarios: ["lp-empty-poll"],
  },
  {
    id: "LP3",
    says: "A poll is told what has been said, each frame as a string, with status 200.",
    over: ["longpoll"],
    scenarios: ["lp-join-poll"],
    written: [
      {
        scenario: "lp-who",
        about: "the app sees over which transport a client comes",
        steps: [
          ...begins("r1"),
          posts("r2", ofSession(), ["1", "1", WHO, "phx_join", {}], ["1", "2", WHO, "who", {}]),
          answers("r2", { status: 200 }),
          gets("r3", ofSession()),
          told(
            "r3",
            replied(WHO, ["1", "1"]),
            replied(WHO, ["1", "2"], {
              assigns: ["info", "p", "params"],
              id: null,
              join_ref: "1",
              ref: "2",
              topic: WHO,
              transport: "longpoll",
              vsn: "Phoenix.Socket.V2.JSONSerializer",
            }),
          ),
        ],
      },
    ],
  },
  {
    id: "LP4",
    says: "A poll that waits is answered as soon as there is something to tell.",
    over: ["longpoll"],
    scenarios: ["lp-waiting-poll"],
  },
  {
    id: "LP5",
    says: "All that waits is told by one poll, in order.",
    over: ["longpoll"],
    scenarios: ["lp-batch"],
  },
  {
    id: "LP6",
    says: "The lines of a POST of application/x-ndjson are frames, and are taken in order.",
    over: ["longpoll"],
    scenarios: ["lp-batch"],
  },
  {
    id: "LP7",
    says: "Lines may end with CRLF.",
    over: ["longpoll"],
    scenarios: ["lp-batch-crlf"],
  },
  {
    id: "LP8",
    says: "The first 100 lines of a POST are taken, and the rest is not. (Calla: 1,000.)",
    over: ["longpoll"],
    scenarios: ["lp-batch-101"],
  },
  {
    id: "LP9",
    says: "A body of another content type is one text frame.",
    over: ["longpoll"],
    scenarios: ["lp-plain-body"],
  },
  {
    id: "LP10",
    says: "A body without a content type is one text frame.",
    over: ["longpoll"],
    scenarios: ["lp-no-content-type"],
  },
  {
    id: "LP11",
    says: "The content type application/x-ndjson with a charset is another one: the body is one frame. (Calla: a frame a line.)",
    over: ["longpoll"],
    scenarios: ["lp-ndjson-charset"],
  },
  {
    id: "LP12",
    says: "A POST without the token of a session that lives gets status 410.",
    over: ["longpoll"],
    scenarios: ["lp-post-no-token", "lp-tampered"],
  },
  {
    id: "LP13",
    says: "A GET with a token that was changed begins a new session. (Calla: it is answered with status 500 first.)",
    over: ["longpoll"],
    scenarios: ["lp-tampered"],
  },
  {
    id: "LP14",
    says: "The token may come in the header x-phoenix-longpoll-token.",
    over: ["longpoll"],
    scenarios: ["lp-header-token"],
  },
  {
    id: "LP15",
    says: "That header counts before the query.",
    over: ["longpoll"],
    scenarios: ["lp-header-wins"],
  },
  {
    id: "LP16",
    says: "Version 1 is spoken over LongPoll, with one frame a POST.",
    over: ["longpoll"],
    scenarios: ["lp-v1"],
  },
  {
    id: "LP17",
    says: "A session that is not polled for one and a half windows ends, by three windows at the latest: its channels end, and its POSTs get status 410.",
    over: ["longpoll"],
    scenarios: ["lp-inactive"],
    written: [
      {
        scenario: "lp-inactive-ends",
        about: "how the channel of a session ends that nobody polls",
        steps: [
          ...watches(INACTIVE),
          ...begins("r1"),
          posts("r2", ofSession(), ["1", "1", INACTIVE, "phx_join", {}]),
          answers("r2", { status: 200 }),
          pauses(2800),
          terminated(INACTIVE, "{:shutdown, :inactive}"),
        ],
      },
    ],
  },
  {
    id: "LP18",
    says: "POSTs do not keep a session.",
    over: ["longpoll"],
    scenarios: ["lp-posts-do-not-count"],
  },
  {
    id: "LP19",
    says: "A POST whose frames take longer than the window gets status 408, and the rest of it is not taken. (Calla: no POST waits for a join.)",
    over: ["longpoll"],
    scenarios: ["lp-slow-handler"],
  },
  {
    id: "LP20",
    says: "Of two polls at once the newer is told, and the older ends with its window.",
    over: ["longpoll"],
    scenarios: ["lp-two-polls"],
  },
  {
    id: "LP21",
    says: "Methods other than GET, POST and OPTIONS get HTTP 400.",
    over: ["longpoll"],
    scenarios: ["lp-methods"],
  },
  {
    id: "LP22",
    says: "OPTIONS allows the headers that were asked for, and get, post, options, for an hour.",
    over: ["longpoll"],
    scenarios: ["lp-options"],
  },
  {
    id: "LP23",
    says: "Answers in JSON have access-control-allow-origin: *, cache-control: no-store and content-type: application/json; charset=utf-8.",
    over: ["longpoll"],
    scenarios: ["lp-new", "lp-empty-poll", "lp-join-poll", "lp-refuse", "lp-post-no-token"],
  },
  {
    id: "LP24",
    says: "The params and vsn of later requests of a session change nothing.",
    over: ["longpoll"],
    scenarios: ["lp-other-query", "lp-vsn-on-post"],
  },
  {
    id: "LP25",
    says: "A disconnect ends the session: POSTs get status 410, a poll that waits ends with its window, and the next poll begins a new session. (Calla: polls are answered with status 500 at once.)",
    over: ["longpoll"],
    scenarios: ["lp-disconnect", "lp-disconnect-waiting", "client-disconnect"],
  },
  {
    id: "LP26",
    says: "A session has as many channels as a WebSocket.",
    over: ["longpoll"],
    scenarios: ["lp-max-channels"],
  },
  {
    id: "LP27",
    says: "Crashes and leaves are told as over WebSocket.",
    over: ["longpoll"],
    scenarios: ["lp-leave-crash", "client-crash-rejoin", "client-kick"],
  },
  {
    id: "LP28",
    says: "A topic that is joined again is answered as over WebSocket.",
    over: ["longpoll"],
    scenarios: ["lp-dup-join"],
  },
  {
    id: "LP29",
    says: "A token that another server has sealed is none: a POST gets status 410, and a GET begins a session.",
    over: ["longpoll"],
    written: [
      {
        scenario: "lp-foreign-token",
        about: "a token in Phoenix's form, of another secret",
        steps: [
          posts("r1", `${POLLS}&token=${FOREIGN}`, [null, "1", "phoenix", "heartbeat", {}]),
          answers("r1", { status: 410 }),
          gets("r2", `${POLLS}&token=${FOREIGN}`),
          answers("r2", { status: 410, token: TOKEN, messages: [] }),
        ],
      },
    ],
  },
  {
    id: "LP30",
    says: "A token is good for two weeks.",
    over: ["longpoll"],
    notRun: "It would take two weeks.",
  },
  {
    id: "LP31",
    says: "What an answer carried that was lost on its way is lost; the client begins a new session.",
    over: ["longpoll"],
    notRun:
      "A client cannot lose an answer in a way that the server does not notice: it would have to break the line between them.",
  },
  {
    id: "LP31a",
    says: "A poll that is given up before there is something to tell takes nothing with it.",
    over: ["longpoll"],
    only: "calla",
    written: [
      {
        scenario: "lp-poll-given-up-two",
        about: "two polls at once, of which the newer is given up",
        steps: [
          ...begins("r1"),
          gets("r2", ofSession()),
          pauses(50),
          gets("r3", ofSession()),
          pauses(50),
          { who: "r3", do: "vanish" },
          pauses(50),
          posts("r4", ofSession(), ["1", "1", "room:lp-poll-given-up-two", "phx_join", {}]),
          answers("r4", { status: 200 }),
          told("r2", replied("room:lp-poll-given-up-two", ["1", "1"])),
        ],
      },
    ],
  },
  {
    id: "LP32",
    says: "Where LongPoll is off its path is another's.",
    over: ["longpoll"],
    scenarios: ["lp-disabled"],
  },
  {
    id: "LP33",
    says: "LongPoll may be at another path, with variables that become params.",
    over: ["longpoll"],
    scenarios: ["lp-custom-path"],
  },
  {
    id: "LP34",
    says: "A client that gives up a poll keeps its session, and what is said meanwhile is told by the next poll.",
    over: ["longpoll"],
    only: "calla",
    written: [
      {
        scenario: "lp-poll-given-up",
        about: "the poll that waits is given up, then there is something to tell",
        steps: [
          ...begins("r1"),
          gets("r2", ofSession()),
          pauses(100),
          { who: "r2", do: "vanish" },
          pauses(100),
          posts("r3", ofSession(), ["1", "1", GIVEN_UP, "phx_join", {}], ["1", "2", GIVEN_UP, "raise", {}]),
          answers("r3", { status: 200 }),
          gets("r4", ofSession()),
          told("r4", replied(GIVEN_UP, ["1", "1"]), crashed(GIVEN_UP)),
          gets("r5", ofSession()),
          toldNothing("r5"),
        ],
      },
    ],
  },
  {
    id: "LP54",
    says: "A poll whose session is over begins a new one. (Calla: it is answered with status 500, and by the same token again begins one.)",
    over: ["longpoll"],
    scenarios: ["lp-inactive", "lp-disconnect", "lp-tampered"],
    written: [
      {
        scenario: "lp-poll-again",
        about: "a session that has ended, polled twice with its token",
        steps: [
          ...begins("r1"),
          posts("r2", ofSession(), ["1", "1", "room:lp-poll-again", "phx_join", {}]),
          answers("r2", { status: 200 }),
          pauses(2800),
          gets("r3", ofSession()),
          answers("r3", { status: 410, token: "{{token:2}}", messages: [] }),
        ],
      },
    ],
  },
];
