// Every limit has a name, a default and a defined failure; spec/limits.md lists the failures.

/**
 * Ceilings of a server and its connections. Bytes are UTF-8 or binary bytes, times are milliseconds.
 *
 * @example
 * createServer({ wiring, serialiser, limits: { messageRate: 50, maxModelBytes: 1 << 20 } });
 */
export interface Limits {
  /** Bytes of one frame a client may send. Over it: the connection is closed, terminal, `too-large`. */
  readonly maxFrameBytes: number;
  /** Bytes a connection may say before `Connected`: the Hello. Over it: closed, retryable, `too-large` (CL20 says it in parts). */
  readonly maxHelloBytes: number;
  /**
   * Bytes a second that are read of one connection, or of one address's requests over one HTTP connection, headers and
   * control frames too. Over it: it is read more slowly.
   */
  readonly byteRate: number;
  /** Bytes of one connection that are read at once, before `byteRate` counts. */
  readonly byteBurst: number;
  /** How long a frame may take to come whole, while it is read. Then: cut, retryable, `too-slow`. */
  readonly frameTimeout: number;
  /** Bytes held of frames and requests that have not come whole. Over it: who holds for longest at the address with most is cut, retryable, `busy`. */
  readonly maxUnfinishedBytes: number;
  /** The same of one address (IPv6: one /64). Over it: a connection that wants more there is cut, retryable, `busy`. */
  readonly maxUnfinishedBytesPerAddress: number;
  /** Nesting of a decoded frame. Over it: the connection is closed, terminal, `too-deep`. */
  readonly maxDepth: number;
  /** Items of one array, fields of one object in a frame. Over it: the connection is closed, terminal, `too-large`. */
  readonly maxEntries: number;
  /**
   * Values of one frame: a text, a number, a boolean or null is one, an array or an object three (`countValues`). Over
   * it: the connection is closed, terminal, `too-large`.
   */
  readonly maxValues: number;
  /** Different names of fields in one frame. Over it: the connection is closed, terminal, `too-large`. */
  readonly maxNames: number;
  /** Messages in one dispatch. Over it: rejected, `too-large`. */
  readonly maxBatch: number;
  /** Messages of one client to one target without a known outcome. Over it: `Paused`, `in-flight`. */
  readonly maxInFlight: number;
  /** About the bytes that such outcomes hold as JSON (details of refusals, amended messages). Over it: the same. */
  readonly maxOutcomeBytes: number;
  /** Bytes of the details that an update rejects with, as JSON. Over it: an error of that update, `update-threw`. */
  readonly maxDetailsBytes: number;
  /** Topics one connection may subscribe to. Over it: `Unsubscribed`, `too-many-topics`. */
  readonly maxTopicsPerConnection: number;
  /** Bytes of the meta by which a client is listed on a topic, as JSON. Over it: `Untracked`, `too-large`. */
  readonly maxPresenceBytes: number;
  /** Members of a topic who are listed to those who watch it. Over it: they are told how many, and who below four fifths of it. */
  readonly maxPresenceList: number;
  /** Messages waiting for one target's next append. Over it: `Paused`, `busy`. */
  readonly maxQueued: number;
  /**
   * Topics held in memory, and as many ephemeral ones; sessions of connected clients do not count. Idle ones leave first,
   * then one of the user or address that holds most. If none gives way: `Paused` or retryable `Unsubscribed`, `busy`.
   */
  readonly maxOpenTargets: number;
  /** How long a target without subscribers and work stays in memory. */
  readonly targetIdle: number;
  /** Client rows held in memory per target; settled, quiet ones leave first and come back from the log. */
  readonly maxClientRows: number;
  /** Records sent to a subscriber to catch up; instead of more it gets a snapshot. */
  readonly maxCatchUp: number;
  /** Bytes waiting to be written to one connection. Over it: closed, retryable, `slow`. */
  readonly maxBufferedBytes: number;
  /** Bytes waiting to be written to one connection above which its subscriptions are not queued, but catch up later. */
  readonly collapseBytes: number;
  /** How long a connection above `collapseBytes` may take nothing in. Then: closed, retryable, `slow`. */
  readonly stallTimeout: number;
  /** How long a connection may stay without a valid `Hello`. Then: closed, retryable, `hello-timeout`. */
  readonly helloTimeout: number;
  /** How long a request waits for the outcomes of its messages. Then: answered with those that are known (the client sends the others again, CL10). */
  readonly answerWithin: number;
  /**
   * How long `canSubscribe` may take to answer, from when it is called. Then: reported, and as if it had thrown
   * (retryable, `hook`). As long a call may wait for its turn. Then: retryable, `busy`.
   */
  readonly checkTimeout: number;
  /** Calls of `canSubscribe` under way for one connection. Over it: they wait for their turn. */
  readonly maxChecksPerConnection: number;
  /** The same on this node; a user, or an address, has at most a quarter. Over it: they wait for their turn. */
  readonly maxChecks: number;
  /** Calls of `authenticate` under way on this node; an address has at most a quarter. Over it: they wait for their turn. */
  readonly maxAuthentications: number;
  /** How long a subscription goes on before `canSubscribe` is called again for it. */
  readonly recheckAfter: number;
  /** Connections whose Hello is not answered yet. Over it: the one that is silent longest is closed, retryable, `busy`. */
  readonly maxPendingHellos: number;
  /** Connections from one address (IPv6: one /64), and times that it may use what one visitor may. Over it: closed, retryable, `too-many-connections`. */
  readonly maxConnectionsPerAddress: number;
  /** Connections of one user on this node. Over it: closed, retryable, `too-many-connections`. */
  readonly maxConnectionsPerUser: number;
  /** Messages a second of a user, or of one visitor of an address (LM20). Over it: `Paused`, `rate`; ten times: closed. */
  readonly messageRate: number;
  /** Messages of the same at once, before `messageRate` counts. */
  readonly messageBurst: number;
  /** Messages a second of the same to one target. Over it: `Paused`, `rate`. */
  readonly topicMessageRate: number;
  /** Messages of the same to one target at once, before `topicMessageRate` counts. */
  readonly topicMessageBurst: number;
  /** Subscribes a second of the same. Over it: `Unsubscribed`, retryable, `rate`. */
  readonly joinRate: number;
  /** Subscribes of the same at once, before `joinRate` counts. */
  readonly joinBurst: number;
  /**
   * Milliseconds that a step may take of what has come in, and as many of what is to be decided; then sockets are read.
   * What is left is the next step's, in order.
   */
  readonly turnTime: number;
  /** Messages that a step takes, and decides, at most. What is left is the next step's, in order. */
  readonly maxTurnMessages: number;
  /** Bytes that have come in on one connection and wait to be taken. Over it: the connection is not read until some are. */
  readonly maxWaitingBytes: number;
  /** Fresh identities a second for one address; one that is shown and good costs nothing. Over it: closed, retryable, `rate`. */
  readonly identityRate: number;
  /** Fresh identities for one address at once, before `identityRate` counts. */
  readonly identityBurst: number;
  /** About the bytes of a model as JSON. What would make it larger than that is rejected, `too-large`. */
  readonly maxModelBytes: number;
  /** About the bytes of a model in memory: many small values hold more than their JSON has. Over it: the same. */
  readonly maxModelMemory: number;
  /** How often a subscribed target's log is read although no doorbell rang (several nodes). */
  readonly maxStaleness: number;
  /**
   * How long an identity is valid after its last `Hello`. So long, and an hour more for clocks that differ, a target
   * remembers a client's mids, a `key`, and that it was removed.
   */
  readonly identityLifetime: number;
  /** How long a session is kept without a dispatch and without its client. Then: it begins anew. */
  readonly sessionLifetime: number;
  /** How long the log keeps what a consumer (`server.consume`) that is not running has not had. Then: it is dropped, and reported. */
  readonly consumerLifetime: number;
  /** Records after which a target's snapshot is stored, so that opening it stays quick. */
  readonly snapshotEvery: number;
  /** The same in bytes, as the log counts them (a memory log does not). */
  readonly snapshotEveryBytes: number;
  /** Milliseconds between digests of a target's model, at the least: a large model waits longer (VE9). */
  readonly digestEvery: number;
  /** Model bytes above which a snapshot is sent in parts of this size. */
  readonly snapshotPartBytes: number;
}

/** The limits of a server that was given none. Units and failures stand at each field of `Limits`. */
export const DEFAULT_LIMITS: Limits = {
  maxFrameBytes: 1_048_576,
  maxHelloBytes: 65_536,
  byteRate: 1_048_576,
  byteBurst: 4_194_304,
  frameTimeout: 60_000,
  maxUnfinishedBytes: 268_435_456,
  maxUnfinishedBytesPerAddress: 33_554_432,
  maxDepth: 64,
  maxEntries: 100_000,
  maxValues: 300_000,
  maxNames: 10_000,
  maxBatch: 100,
  maxInFlight: 256,
  maxOutcomeBytes: 262_144,
  maxDetailsBytes: 4_096,
  maxTopicsPerConnection: 1_000,
  maxPresenceBytes: 4_096,
  maxPresenceList: 1_000,
  maxQueued: 10_000,
  maxOpenTargets: 10_000,
  targetIdle: 60_000,
  maxClientRows: 10_000,
  maxCatchUp: 1_000,
  maxBufferedBytes: 16_777_216,
  collapseBytes: 1_048_576,
  stallTimeout: 30_000,
  helloTimeout: 10_000,
  answerWithin: 8_000,
  checkTimeout: 10_000,
  maxChecksPerConnection: 16,
  maxChecks: 256,
  maxAuthentications: 256,
  recheckAfter: 300_000,
  maxPendingHellos: 2_000,
  maxConnectionsPerAddress: 1_000,
  maxConnectionsPerUser: 100,
  messageRate: 500,
  messageBurst: 2_000,
  topicMessageRate: 250,
  topicMessageBurst: 1_000,
  joinRate: 100,
  joinBurst: 1_000,
  turnTime: 2,
  maxTurnMessages: 256,
  maxWaitingBytes: 262_144,
  identityRate: 10,
  identityBurst: 1_000,
  maxModelBytes: 8_388_608,
  maxModelMemory: 67_108_864,
  maxStaleness: 5_000,
  identityLifetime: 30 * 24 * 3_600_000,
  sessionLifetime: 30 * 24 * 3_600_000,
  consumerLifetime: 30 * 24 * 3_600_000,
  snapshotEvery: 1_000,
  snapshotEveryBytes: 4_194_304,
  digestEvery: 30_000,
  snapshotPartBytes: 262_144,
};
