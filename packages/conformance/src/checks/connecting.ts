// CN: how a client gets in. Paths, params, versions, refusals.
import type { Check } from "./check.ts";
import { connectingAccessChecks } from "./connecting-access.ts";
import { answers, gets, hears, isRefused, joins, opens, replied, SOCKET, unmatched, says } from "./steps.ts";

/** What a join of `info:*` tells where the socket keeps no more of the request than its params. */
const infoOf = (params: Readonly<Record<string, string>>, auth: string | null = null) => ({
  auth,
  params,
  peer: "nil",
  sec: {},
  ua: null,
  uri: null,
  x: {},
});
const INFO = infoOf({ vsn: "2.0.0" });
const VERSIONS_OF_POLLS = [
  ["2.0.7", 410],
  ["1.0.9", 410],
  ["2.0.0%2Bb", 410],
  ["2.1.0", 403],
  ["3.0.0", 403],
  ["2", 403],
  ["2.0", 403],
  ["", 403],
  ["abc", 403],
  ["02.0.0", 403],
  ["2.0.0-rc.1", 403],
] as const;

export const connectingChecks: readonly Check[] = [
  {
    id: "CN1",
    says: "A client that asks for vsn=2.0.0 gets 101, and frames are arrays of version 2.",
    over: ["websocket"],
    scenarios: ["vsn-2.0.0", "connect-ok", "ws-upgrade-head"],
  },
  {
    id: "CN2",
    says: "A client that names no vsn speaks version 1.",
    over: ["websocket"],
    scenarios: ["v1-no-vsn"],
  },
  {
    id: "CN3",
    says: "The last number of a version does not count: 1.0.9 is version 1.",
    over: ["websocket"],
    scenarios: ["vsn-1.0.0", "vsn-1.0.9"],
  },
  {
    id: "CN4",
    says: "The last number of a version does not count: 2.0.1 is version 2.",
    over: ["websocket"],
    scenarios: ["vsn-2.0.1"],
  },
  {
    id: "CN5",
    says: "A version that the socket does not speak (2.1.0, 1.1.0, 3.0.0) gets 403 with an empty body.",
    over: ["websocket"],
    scenarios: ["vsn-2.1.0", "vsn-2.9.9", "vsn-3.0.0", "vsn-1.1.0", "vsn-123.1.1", "connect-v1only-2"],
  },
  {
    id: "CN6",
    says: "A vsn that is no strict SemVer (2, 2.0, empty, abc, 02.0.0) gets 403.",
    over: ["websocket"],
    scenarios: ["vsn-2", "vsn-2.0", "vsn-", "vsn-abc", "vsn-02.0.0"],
  },
  {
    id: "CN7",
    says: "A prerelease comes before its version, so 2.0.0-rc.1 gets 403; a build (2.0.0+build) does not count.",
    over: ["websocket"],
    scenarios: ["vsn-2.0.0-rc.1", "vsn-2.0.0%2Bbuild"],
  },
  {
    id: "CN8",
    says: "A vsn that is a list (vsn[]=2.0.0) gets 403.",
    over: ["websocket"],
    scenarios: ["connect-vsn-array"],
  },
  {
    id: "CN9",
    says: "Of two vsn the last counts.",
    over: ["websocket"],
    scenarios: ["connect-vsn-twice"],
  },
  {
    id: "CN10",
    says: "Over LongPoll the same versions are spoken; one that is not gets HTTP 200 with status 403 in the body.",
    over: ["longpoll"],
    scenarios: ["lp-vsn"],
    written: [
      {
        scenario: "lp-versions",
        about: "a session for each version, or a refusal",
        steps: VERSIONS_OF_POLLS.flatMap(([vsn, status], i) => {
          const token = `{{token:${i + 1}}}`;
          return [
            gets(`r${i}`, `/quick/longpoll?vsn=${vsn}`),
            answers(`r${i}`, status === 403 ? { status } : { status, token, messages: [] }),
          ];
        }),
      },
    ],
  },
  {
    id: "CN11",
    says: "A client that the app refuses gets 403.",
    over: ["websocket"],
    scenarios: ["connect-refuse-error"],
  },
  {
    id: "CN12",
    says: "Where the app refuses with a status and a body of its own, the client gets those.",
    over: ["websocket"],
    scenarios: ["connect-refuse-limited", "connect-refuse-unauth"],
  },
  {
    id: "CN13",
    says: "Over LongPoll any refusal of the app is HTTP 200 with status 403 in the body.",
    over: ["longpoll"],
    scenarios: ["lp-refuse"],
  },
  {
    id: "CN14",
    says: "Where the app's connect fails, the client gets HTTP 500.",
    over: ["websocket", "longpoll"],
    scenarios: ["connect-raise", "lp-raise"],
  },
  {
    id: "CN15",
    says: "The app's connect is not asked about a request with a wrong version, origin or subprotocol.",
    over: ["websocket"],
    written: [
      {
        scenario: "connect-not-asked-vsn",
        about: "a connect that would fail is not asked about a version",
        steps: isRefused(403, "/socket/websocket?vsn=9.0.0&raise=1"),
      },
      {
        scenario: "connect-not-asked-origin",
        about: "nor about an origin",
        steps: isRefused(403, `${SOCKET}&raise=1`, { headers: { origin: "https://evil.example" } }),
      },
      {
        scenario: "connect-not-asked-subprotocol",
        about: "nor about a subprotocol",
        steps: isRefused(403, "/sub/websocket?vsn=2.0.0&raise=1", { protocols: ["x"] }),
      },
    ],
  },
  {
    id: "CN16",
    says: "Params reach connect decoded: a[b]=c nests, l[]=1 is a list, + is a space, %C3%A4 is a letter, and an empty pair is nothing.",
    over: ["websocket"],
    scenarios: ["info-params", "connect-trailing-amp"],
  },
  {
    id: "CN17",
    says: "Percent encoding that is none is tolerated, and the value is kept as it is.",
    over: ["websocket"],
    scenarios: ["connect-bad-percent"],
    written: [
      {
        scenario: "connect-bad-percent-kept",
        about: "the value with a bad percent encoding reaches connect",
        steps: [
          ...opens("/origin/websocket?vsn=2.0.0&x=%zz"),
          says(["1", "1", "info:1", "phx_join", {}]),
          hears(replied("info:1", ["1", "1"], infoOf({ vsn: "2.0.0", x: "%zz" }))),
        ],
      },
    ],
  },
  {
    id: "CN18",
    says: "Variables of a socket's path are params.",
    over: ["websocket", "longpoll"],
    scenarios: ["info-vars", "lp-custom-path"],
  },
  {
    id: "CN19",
    says: "A socket may have its WebSocket at another path than /websocket.",
    over: ["websocket"],
    scenarios: ["info-vars"],
  },
  {
    id: "CN20",
    says: "A slash at the end of the path changes nothing.",
    over: ["websocket"],
    scenarios: ["connect-trailing-slash"],
  },
  {
    id: "CN21",
    says: "A path at which there is no socket gets 404, and so does a socket's path without its transport.",
    over: ["websocket"],
    scenarios: ["connect-no-such", "connect-mount-itself"],
  },
  {
    id: "CN22",
    says: "POST, PUT, HEAD and OPTIONS on the WebSocket's path get 400.",
    over: ["http"],
    scenarios: ["ws-method-POST", "ws-method-PUT", "ws-method-HEAD", "ws-method-OPTIONS"],
  },
  {
    id: "CN23",
    says: "A GET that asks for no upgrade gets 400 if the app accepts, and its refusal otherwise.",
    over: ["http"],
    scenarios: ["ws-plain-get", "ws-plain-get-refused"],
  },
  {
    id: "CN24",
    says: "A Sec-WebSocket-Version other than 13 gets 400.",
    over: ["websocket"],
    scenarios: ["ws-bad-version"],
  },
  {
    id: "CN25",
    says: "A handshake without Sec-WebSocket-Key gets 400.",
    over: ["websocket"],
    scenarios: ["ws-no-key"],
  },
  {
    id: "CN26",
    says: "Compression that a client offers is not taken up.",
    over: ["websocket"],
    scenarios: ["ws-deflate-offer"],
  },
  {
    id: "CN27",
    says: "Headers that begin with x-, the user agent, the peer's address and the URI reach connect.",
    over: ["websocket", "longpoll"],
    scenarios: ["info-x-headers", "lp-auth"],
  },
  {
    id: "CN28",
    says: "Several sockets stand side by side, one below the path of another too, each with channels of its own.",
    over: ["websocket"],
    written: [
      {
        scenario: "connect-side-by-side",
        about: "/socket and /socket/admin",
        steps: [
          ...opens(SOCKET, "outer"),
          ...opens("/socket/admin/websocket?vsn=2.0.0", "inner"),
          says(["1", "1", "info:1", "phx_join", {}], "inner"),
          hears(replied("info:1", ["1", "1"], INFO), "inner"),
          says(["2", "2", "room:connect-side-by-side", "phx_join", {}], "inner"),
          hears(unmatched("room:connect-side-by-side", "2"), "inner"),
          says(["1", "1", "info:1", "phx_join", {}], "outer"),
          hears(unmatched("info:1", "1"), "outer"),
          ...joins("room:connect-side-by-side", {}, { who: "outer", ref: "2" }),
        ],
      },
    ],
  },
  ...connectingAccessChecks,
  {
    id: "CN64",
    says: "A frame in the packet of the handshake is never read: so it is with Phoenix on Bandit. (Calla: it is heard.)",
    over: ["websocket"],
    scenarios: ["frame-with-upgrade"],
  },
];
