// CN30 to CN58: auth tokens, subprotocols, origins.
import type { Check } from "./check.ts";
import { answers, gets, isRefused, opens, SOCKET, TOKEN } from "./steps.ts";

const from = (origin: string): { headers: { origin: string } } => ({ headers: { origin } });

export const connectingAccessChecks: readonly Check[] = [
  {
    id: "CN30",
    says: "The subprotocol base64url.bearer.phx.… holds the auth token in unpadded standard base64; connect has it, and the answer names phoenix.",
    over: ["websocket"],
    scenarios: ["info-auth", "info-auth-empty"],
  },
  {
    id: "CN31",
    says: "The token may stand before phoenix in the offer.",
    over: ["websocket"],
    scenarios: ["info-auth-order"],
  },
  {
    id: "CN32",
    says: "A token alone connects, and the answer names no subprotocol.",
    over: ["websocket"],
    scenarios: ["info-auth-only"],
  },
  {
    id: "CN33",
    says: "Without a token connect has none, and the client may connect.",
    over: ["websocket"],
    scenarios: ["info-auth-none", "info-auth-phoenix-only"],
  },
  {
    id: "CN34",
    says: "A token that cannot be decoded gets HTTP 500. (Calla: 400.)",
    over: ["websocket"],
    scenarios: ["info-auth-bad"],
  },
  {
    id: "CN35",
    says: "Two tokens are none.",
    over: ["websocket"],
    scenarios: ["info-auth-two"],
  },
  {
    id: "CN36",
    says: "An offer of other subprotocols only gets 403.",
    over: ["websocket"],
    scenarios: ["info-auth-other-proto"],
  },
  {
    id: "CN37",
    says: "A socket without auth tokens ignores the offer, and its answer names no subprotocol.",
    over: ["websocket"],
    scenarios: ["info-auth-to-plain"],
  },
  {
    id: "CN38",
    says: "Over LongPoll the token comes in the header x-phoenix-authtoken of the first GET.",
    over: ["longpoll"],
    scenarios: ["lp-auth", "client-auth"],
  },
  {
    id: "CN39",
    says: "Of the server's own list of subprotocols the first that was offered is answered.",
    over: ["websocket"],
    scenarios: ["info-sub-second", "info-sub-two"],
  },
  {
    id: "CN40",
    says: "Where none of the server's list was offered, the answer is 403.",
    over: ["websocket"],
    scenarios: ["info-sub-none"],
  },
  {
    id: "CN41",
    says: "A client that offers no subprotocol connects.",
    over: ["websocket"],
    scenarios: ["info-sub-absent"],
  },
  {
    id: "CN50",
    says: "A request without an Origin header may connect.",
    over: ["websocket", "longpoll"],
    scenarios: ["info-origin-absent", "lp-new"],
  },
  {
    id: "CN51",
    says: "A page of the server's own host may connect, whatever its scheme and port.",
    over: ["websocket", "longpoll"],
    scenarios: ["info-origin-true-ok"],
    written: [
      {
        scenario: "lp-origin-own",
        about: "the first GET of a page of the server's host",
        steps: [
          gets("r1", "/quick/longpoll?vsn=2.0.0", { origin: "http://localhost:9" }),
          answers("r1", { status: 410, token: TOKEN, messages: [] }),
        ],
      },
    ],
  },
  {
    id: "CN52",
    says: "A page of another host gets 403; over LongPoll in the body, whatever the method.",
    over: ["websocket", "longpoll"],
    scenarios: ["info-origin-true-127", "info-origin-11", "lp-origin"],
  },
  {
    id: "CN53",
    says: "An entry of the list of origins compares scheme, host and port, each where it has one.",
    over: ["websocket"],
    scenarios: [
      "info-origin-0",
      "info-origin-1",
      "info-origin-2",
      "info-origin-3",
      "info-origin-9",
      "info-origin-10",
    ],
  },
  {
    id: "CN54",
    says: "The entry //*.host lets in the host and all below it, at any depth, and not a host whose name only ends so.",
    over: ["websocket"],
    scenarios: ["info-origin-5", "info-origin-6", "info-origin-7", "info-origin-8"],
  },
  {
    id: "CN55",
    says: "Hosts of origins are compared as they are written, and what stands behind an origin is ignored. (Calla: the case does not count, and an origin with a path is none.)",
    over: ["websocket"],
    scenarios: ["info-origin-4", "info-origin-15"],
  },
  {
    id: "CN56",
    says: "The origin null, and what is no origin, get 403.",
    over: ["websocket"],
    scenarios: ["info-origin-12", "info-origin-13", "info-origin-14", "info-origin-16"],
  },
  {
    id: "CN57",
    says: "Where a function of the app decides about origins, it alone does.",
    over: ["websocket"],
    written: [
      {
        scenario: "origin-function-yes",
        about: "an origin that the function lets in",
        steps: opens("/decides/websocket?vsn=2.0.0", undefined, from("https://asked.example")),
      },
      {
        scenario: "origin-function-no",
        about: "the server's own host, which it does not",
        steps: isRefused(403, "/decides/websocket?vsn=2.0.0", from("http://localhost")),
      },
    ],
  },
  {
    id: "CN58",
    says: "Where origins are not checked, any page may connect.",
    over: ["websocket"],
    written: [
      {
        scenario: "origin-unchecked",
        about: "another host's page",
        steps: opens("/anywhere/websocket?vsn=2.0.0", undefined, from("https://evil.example")),
      },
      {
        scenario: "origin-unchecked-null",
        about: "the origin null",
        steps: opens("/anywhere/websocket?vsn=2.0.0", undefined, from("null")),
      },
      {
        scenario: "origin-checked",
        about: "the socket beside it does check",
        steps: isRefused(403, SOCKET, from("https://evil.example")),
      },
    ],
  },
];
