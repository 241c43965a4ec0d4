// The frames that a server sends. For each: when it is sent, and what the client does.

/** A record: milliseconds since the frame's `at`, author's index in `authors` (-1: the server), mid, id, messages. */
export const wireRecord = ["integer", "integer", "count", "string", ["any", "*"]] as const;

const update = {
  /** The cursor this continues from. Another one than the reader's: duplicate, gap or other history; resync. */
  after: "count",
  from: "count",
  at: "count",
  /** Each named once per frame: author tag, userId; of a visitor the rest of its tag, which its ids are made of (else 0). */
  authors: [["count", "string|null", "count"], "*"],
  records: [wireRecord, "*"],
  /** The mark after the last record. */
  mark: "count",
  /** Now and then: the hash of the model there. A client that has another one asks for a snapshot, with `diverged`. */
  "digest?": "count",
} as const;

/** Who is here: the author's tag (the same as in records and pushes), the key, the meta. A tag that is listed already: in its place. */
export const wireMember = ["count", "string", "any"] as const;

/** The frames by type. */
export const serverFrames = {
  /** Answer to `Hello`: who you are from now on. The client stores the identity, then flushes its outbox. */
  Connected: {
    clientId: "string",
    /** Absent: the one that was presented is good for long. */
    "secret?": "string",
    userId: "string|null",
    /** The server's clock, milliseconds: the client's prediction of `context.at`. */
    now: "count",
    /** Why the presented identity was not taken: the clientId above is a fresh one. */
    "refused?": "expired|foreign",
    maxInFlight: "count",
    /** What the server takes of one frame, where that is not the default: bytes, entries, values, names (OB21). */
    "limits?": ["count", "count", "count", "count"],
    /** Milliseconds over which to spread the return if this connection ends without a word; absent: 0. */
    "spread?": "count",
  },
  /** A message's outcome where no update frame tells it: no subscription, repeated mid. `messages`: what was taken, if it was amended. */
  Acknowledge: {
    target: "string",
    mid: "count",
    id: "string",
    sequence: "count",
    "messages?": ["any", "*"],
  },
  /** Refused for good. The client rolls it back and tells the caller. */
  Rejected: {
    target: "string",
    mid: "count",
    id: "string",
    from: "app|calla",
    code: "string",
    details: "any",
  },
  /** Not decided: send `from` again after `retryAfter` ms; nothing later is taken before it. */
  Paused: { target: "string", from: "count", code: "string", retryAfter: "count" },
  /** First answer to a `Subscribe`: the outcomes the client does not know yet, and what comes next: nothing, records or a snapshot. */
  Settled: {
    target: "string",
    ref: "count",
    /** The server's head at this moment: at or below it, every outcome of this client is in `outcomes` or known. */
    sequence: "count",
    /** The next mid the server takes. */
    next: "count",
    /** mid, message id; applied: sequence, messages if they were amended (none: as they were sent); rejected: from, code, details. */
    outcomes: [["count", "string", "count", ["any", "*"], "app|calla|null", "string|null", "any"], "*"],
    resync: "current|records|snapshot",
    reason: "string",
  },
  /** Records of a topic, the same bytes for every subscriber, or of one's own session (`@`), in order. Fold them; own ones are acknowledgements. */
  TopicUpdate: { target: "string", ...update },
  /** Unsequenced messages to the subscribers: author tag, userId, messages; none: the author has gone. */
  Push: {
    target: "string",
    pushes: [["count|null", "string|null", ["any", "*"]], "*"],
  },
  /**
   * Who is here, the same bytes for all who are told: without `after` in place of what was known, then who came or changed
   * and who went. With `count`: there are so many, and no list while it says so.
   */
  Presence: {
    target: "string",
    /** The `at` of the frame that this one continues. Another one than the reader's: it has missed something, and pings. */
    "after?": "count",
    /** Names what the reader knows with this frame. */
    at: "count",
    joins: [wireMember, "*"],
    /** Tags. */
    leaves: ["count", "*"],
    "count?": "count",
  },
  /** The meta of a `Track` was not taken; an earlier one stays. `retryAfter`: it may be said again then, in milliseconds. */
  Untracked: { target: "string", code: "string", "retryAfter?": "count", "details?": "any" },
  /** Answer to `ListMembers`. `more`: there are others behind the last one. */
  Members: { target: "string", ref: "count", members: [wireMember, "*"], more: "boolean" },
  /** All of a target at a sequence, in place of records. Large ones come in parts: `chunk` in place of `model`. */
  Snapshot: {
    target: "string",
    sequence: "count",
    mark: "count",
    version: "count",
    "model?": "any",
    "part?": "count",
    "parts?": "count",
    "chunk?": "bytes",
  },
  /** The versions differ. `terminal`: reload the page; otherwise try another node. */
  Version: { protocol: "count", slices: { "*": "count" }, terminal: "boolean" },
  /** The subscription has ended. `retryable`: by itself it may pass; otherwise it is refused. */
  Unsubscribed: {
    target: "string",
    ref: "count",
    code: "string",
    retryable: "boolean",
    /** When it is worth asking again; milliseconds. */
    "retryAfter?": "count",
    "details?": "any",
  },
  /** Your token expires within so many ms. The client asks its app for another one and says `Authenticate`. */
  Expiring: { within: "count" },
  /** Answer to `Ping`; unasked where `spread` has become another. Absent: as it was. */
  Pong: { "spread?": "count" },
  /** Last word before the server closes. Come back within `within` ms, spread at random, unless terminal. */
  Closing: { code: "string", retryable: "boolean", within: "count" },
} as const;
