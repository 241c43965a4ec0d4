// The frames that a client sends. For each: when it is sent, and what the server does.

const dispatched = {
  /** Dense from 1 per client and target; 0 for an ephemeral topic, which has no history. */
  mid: "count",
  id: "string",
  /** The highest mid up to which the client has durably recorded every outcome. */
  settled: "count",
  /** One fate for all of them. None: this mid is void (given up, applied as nothing). */
  messages: ["any", "*"],
} as const;

/** What a client asks for one target: "I have up to `cursor`, know my outcomes up to `settled`, sent up to `sent`." */
export const subscription = {
  target: "string",
  /** Names this subscribing; answers carry it, and only the newest counts. */
  ref: "count",
  /** Absent: the client has nothing and wants a snapshot. */
  "cursor?": { sequence: "count", mark: "count" },
  settled: "count",
  sent: "count",
  /** The hash of the client's model, where an update's digest was another one. */
  "diverged?": "count",
} as const;

/** The frames by type. */
export const clientFrames = {
  /** First on every connection: who I am, what I have, what I subscribe to. Answered by `Connected`, or `Closing`. */
  Hello: {
    protocol: "count",
    "identity?": { clientId: "string", secret: "string" },
    "token?": "any",
    /** Slice name to slice version. */
    slices: { "*": "count" },
    targets: [subscription, "*"],
    /** Only flush this identity's outbox and leave: its page is gone. Subscribes to nothing; `in-use` while the page is there. */
    "flushOnly?": "boolean",
    /** Of the HTTP transport, for a page without a stream: answer with what is missing and end. Others ignore it. */
    "poll?": "boolean",
    /** Which page says it (a random number) and its count of Hellos: an older one that comes late takes nothing over. */
    "attempt?": ["count", "count"],
  },
  /** A dispatch to a topic, subscribed or not, or to the client's own session (`@`). Its outcome returns as `TopicUpdate`, `Acknowledge`, `Rejected` or `Paused`. */
  TopicMessage: { target: "string", ...dispatched },
  /** Subscribe to one target from a cursor (= resync of one). First answer: `Settled` with the ref, or `Unsubscribed`. */
  Subscribe: subscription,
  /** Ends the subscription. No answer; what is still under way is ignored by the client. */
  Unsubscribe: { target: "string", ref: "count" },
  /** Many `Subscribe`s in one frame, as after a gap or a wake-up. */
  Resync: { targets: [subscription, "*"] },
  /**
   * What this client wants of a subscribed topic's presence, all of it: its own meta (absent: it is not listed), and whether
   * it is told who is here. Answered by `Presence` where it is told and was not; refused by `Untracked`.
   */
  Track: {
    target: "string",
    /** Names it among all that this client says, for `Ping`; from 1. */
    "number?": "count",
    "meta?": "any",
    watch: "boolean",
    /** Of a packet: listed for so many milliseconds without another word (three poll intervals). */
    "within?": "count",
  },
  /** Asks for members of a topic that only counts them, in order of their tags behind `after` (0: from the first). Answered by `Members`. */
  ListMembers: { target: "string", ref: "count", after: "count", most: "count" },
  /** A newer token of the same user, when the server has said `Expiring`. No answer; another user's closes (`user-changed`). */
  Authenticate: { "token?": "any" },
  /** After silence only. Carries the cursors so that a lost tail is found. Answered by `Pong`, and records where behind. */
  Ping: {
    cursors: [["string", "count", "count"], "*"],
    /**
     * Of topics whose presence this client has asked for: the `at` it has (0: none) and the `number` of its last `Track` (0:
     * it wants nothing). What the server has not heard it asks for by `Untracked`; what the client has not, it says anew.
     */
    "presence?": [["string", "count", "count"], "*"],
  },
} as const;
