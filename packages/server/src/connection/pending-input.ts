// What has come in on a connection and is not taken yet. Not here: whose turn it is (intake.ts).

/** Something a connection has said, and that is done step by step. */
export interface Work {
  /** What it holds in memory while it waits. */
  readonly bytes: number;
  /** Does one thing. False: that was the last. */
  step(): boolean;
}

/** What waits of one connection. */
export class PendingInput {
  readonly works: Work[] = [];
  bytes = 0;
  /** It is not read until some of this is taken. */
  paused = false;
  /** Its socket has closed: once all this is taken, so is its end. */
  gone = false;
}
