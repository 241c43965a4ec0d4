// A connection made of polls. What the channels say is kept until a poll takes it; what a POST says goes to the channels.
import type { Connection, Received, RequestInlet, WireFrame } from "../../../base/connection.ts";
import { Receiving } from "../../../transports/http/receiving.ts";
import type { HttpAnswer } from "../../../transports/http/request.ts";
import { flushLater, hear } from "../../../transports/write-batching.ts";
import type { ChannelConnection } from "../../engine/host.ts";
import { nothing, OVER, told } from "./answers.ts";
import type { Frame } from "./body.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Exchange, Holder } from "./exchange.ts";

/** What became of a POST. */
export type Verdict = "taken" | "malformed" | "too-large" | "gone";

/** What waits for its window to end. */
export interface Waiter {
  due(): void;
}

/** What all sessions of a transport share. */
export interface SessionContext {
  /** Polls and batches that wait: each for one window. */
  readonly windows: Deadlines<Waiter>;
  readonly limits: SessionLimits;
  readonly strict: boolean;
  readonly now: () => number;
  readonly report: (error: unknown) => void;
  /** It answers no more. */
  readonly ended: (session: PollSession) => void;
}

export interface SessionLimits {
  /** Bytes that wait for a poll. Beyond it the session ends. */
  readonly maxBufferedBytes: number;
  /** Frames that wait for a poll. Beyond it the session ends. */
  readonly maxBufferedFrames: number;
}

/** A client has one poll under way, or two where one was given up unnoticed. */
const MOST_POLLS = 4;
/** A client has one POST under way. */
const MOST_POSTS = 4;

export class PollSession implements Connection, Holder {
  readonly token: string;
  /** When it was begun, in wall time. */
  readonly issued: number;
  /** When its last poll came. */
  polled: number;
  readonly #context: SessionContext;
  #channels: ChannelConnection | undefined;
  /** As strings in JSON. */
  #frames: string[] = [];
  #buffered = 0;
  #flushed = 0;
  #flushing = false;
  /** Those that wait; the newest is the one that is told (LP20). */
  #polls: Exchange[] = [];
  readonly #inlets = new Set<RequestInlet>();
  #pauses = 0;
  #unfinished = 0;
  /** A frame is being said to the channels. */
  #saying = false;
  /** What the channels said of that frame. */
  #fault: "malformed" | "too-large" | undefined;
  #ended = false;

  constructor(token: string, issued: number, context: SessionContext) {
    this.token = token;
    this.issued = issued;
    this.#context = context;
    this.polled = context.now();
  }

  /** It has ended. */
  get over(): boolean {
    return this.#ended;
  }

  start(channels: ChannelConnection): void {
    this.#channels = channels;
    if (this.#ended) channels.disconnect(1006, "closed");
  }

  // ------------------------------------------------------------------------------------------------- what it is told

  send(frame: WireFrame): void {
    if (this.#ended) return;
    const size = frame.bytes.length;
    const { maxBufferedBytes, maxBufferedFrames } = this.#context.limits;
    const full = this.#frames.length >= maxBufferedFrames || this.#buffered + size > maxBufferedBytes;
    if (full) this.flush();
    // A frame that is larger than all that may wait is told all the same, if it is alone.
    if (full && this.#frames.length > 0) return this.#end(1013, "slow");
    this.#frames.push(quoted(frame));
    this.#buffered += size;
    if (this.#flushing || this.#polls.length === 0) return;
    this.#flushing = true;
    flushLater(this);
  }

  flush(): void {
    this.#flushing = false;
    if (this.#frames.length === 0) return;
    for (let poll = this.#polls.pop(); poll !== undefined; poll = this.#polls.pop()) {
      this.#context.windows.drop(poll);
      if (poll.over) continue;
      const frames = this.#frames;
      this.#frames = [];
      this.#flushed += this.#buffered;
      this.#buffered = 0;
      answer(poll, told(this.token, frames));
      this.#channels?.drained();
      return;
    }
  }

  bufferedAmount(): number {
    return this.#buffered;
  }
  flushed(): number {
    return this.#flushed;
  }

  /**
   * Of a frame that is said by a POST and is none of this wire: the POST is refused, and the session goes on (MF22). For
   * whatever else is wrong it ends.
   */
  close(code: number, reason: string): void {
    if (this.#saying && (code === 1007 || code === 1009 || code === 1011)) {
      this.#fault = code === 1009 ? "too-large" : "malformed";
      return;
    }
    this.#end(code, reason);
  }
  finish(): void {
    this.#end(1001, "");
  }
  terminate(): void {
    this.#frames = [];
    this.#end(1006, "transport");
  }
  /** No poll for too long (LP17). */
  inactive(): void {
    this.#end(undefined, "inactive");
  }

  #end(code: number | undefined, why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    // What was said before goes with the poll that waits.
    this.flush();
    this.#frames = [];
    this.#buffered = 0;
    const { windows, strict, ended } = this.#context;
    // A client that hears of it now is back at once; Phoenix lets it wait out its window (LP25).
    for (const poll of strict ? [] : this.#polls) {
      windows.drop(poll);
      answer(poll, OVER);
    }
    if (!strict) this.#polls = [];
    ended(this);
    this.#channels?.disconnect(code, why);
  }

  // ------------------------------------------------------------------------------------------------------ its requests

  /** A GET: takes over from the one before, which ends with its window. */
  poll(poll: Exchange): void {
    this.polled = this.#context.now();
    poll.holder = this;
    if (this.#polls.length >= MOST_POLLS) this.overdue(this.#polls[0]!);
    this.#polls.push(poll);
    if (this.#frames.length > 0) this.flush();
    else this.#context.windows.set(poll);
  }

  left(poll: Exchange): void {
    this.#forget(poll);
  }
  overdue(poll: Exchange): void {
    this.#forget(poll);
    answer(poll, nothing(this.token));
  }

  #forget(poll: Exchange): void {
    this.#context.windows.drop(poll);
    const at = this.#polls.indexOf(poll);
    if (at !== -1) this.#polls.splice(at, 1);
  }

  /** A POST begins to be read; undefined: too many are under way. */
  receives({ asked, line }: Exchange): Receiving | undefined {
    if (this.#inlets.size >= MOST_POSTS) return undefined;
    return new Receiving((inlet) => this.#counted(inlet), asked, line);
  }

  #counted(inlet: RequestInlet): Received {
    this.#inlets.add(inlet);
    if (this.#pauses > 0) inlet.pause();
    let held = 0;
    return {
      received: (bytes, unfinished) => {
        this.#unfinished += unfinished - held;
        held = unfinished;
        this.#received(bytes);
      },
      over: () => {
        this.#inlets.delete(inlet);
        this.#unfinished -= held;
        held = 0;
        this.#received(0);
      },
    };
  }
  #received(bytes: number): void {
    if (!this.#ended) this.#channels?.received(bytes, this.#unfinished);
  }

  pause(): void {
    if (this.#pauses++ === 0) for (const inlet of this.#inlets) inlet.pause();
  }
  resume(): void {
    if (--this.#pauses === 0) for (const inlet of this.#inlets) inlet.resume();
  }

  /** Says a POST's frames to the channels, in order. */
  say(frames: readonly Frame[]): Verdict {
    hear();
    for (const frame of frames) {
      const fault = this.#say(frame);
      if (fault !== undefined) return fault;
    }
    return "taken";
  }

  /** One frame; undefined: go on. */
  #say(frame: Frame): Verdict | undefined {
    if (this.#ended || this.#channels === undefined) return "gone";
    this.#saying = true;
    this.#fault = undefined;
    try {
      this.#channels.incoming(frame);
      return this.#fault;
    } finally {
      this.#saying = false;
    }
  }
}

/** From here on nobody keeps it waiting. */
function answer(poll: Exchange, what: HttpAnswer): void {
  poll.holder = undefined;
  poll.answer(what);
}

/** What was quoted last, because a broadcast says one frame to all sessions in a row. */
let last: WireFrame | undefined;
let lastQuoted = "";

function quoted(frame: WireFrame): string {
  if (frame !== last) {
    const { buffer, byteOffset, length } = frame.bytes;
    lastQuoted = JSON.stringify(Buffer.from(buffer, byteOffset, length).toString());
    last = frame;
  }
  return lastQuoted;
}
