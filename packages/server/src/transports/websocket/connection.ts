/// <reference types="node" preserve="true" />
// One live WebSocket. `ws` reads, and writes control frames; what Calla says is written to the raw socket, whole frames
// at a time. That is safe: without permessage-deflate `ws` too writes each of its frames in one synchronous step.
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { RawData } from "ws";
import type { Connection, WireFrame } from "../../base/connection.ts";
import { writeFrame, writeFrames } from "./framing.ts";
import { flushedBytes } from "../flushed.ts";
import { flushLater, hear } from "../write-batching.ts";
import { Scanner } from "./scanner.ts";

/** What the server makes of a connection: where its bytes go. None of these may be called after `disconnect`. */
export interface ConnectionEvents {
  /** A whole message from the peer. Never throws. */
  incoming(data: string | Uint8Array): void;
  /** A frame has come, of whatever kind, whole or in part. */
  heard?(): void;
  /** So many bytes have been read, and so many are held of what is not whole. Told after what they said. */
  received?(bytes: number, unfinished: number): void;
  /** The connection is gone. Called exactly once, whoever closed it. */
  disconnect(code?: number, reason?: string): void;
  /** All that was waiting has been written, after more than the socket's own buffer (16 KB) had to wait. */
  drained(): void;
}

/** Longest reason that fits a close frame, in bytes. */
const MAX_REASON = 123;
const HEADER = 4;
/** What a frame counts for beside its bytes: one without any is work, too. */
const FRAME_COST = 64;
/** A peer that reads this little gets no pongs: its pings shall not fill our memory. */
const TOO_SLOW_FOR_PONGS = 65_536;

/** The close code of a frame that is too large. */
const TOO_LARGE = 1009;

/** A `ws` socket that knows its connection, so that all connections share their listeners. */
export class LinkedSocket extends WebSocket {
  link: SocketConnection | undefined;

  /** `ws` gives no reason where a frame is too large. With it a client knows the server's word from a proxy's (OB13). */
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, code === TOO_LARGE ? (reason ?? "too-large") : reason);
  }
}

/** The connection of a `LinkedSocket` over the raw socket it was upgraded from. */
export class SocketConnection implements Connection {
  /** Which beat of the heartbeat is this connection's. */
  beatSlot = 0;
  readonly #webSocket: LinkedSocket;
  readonly #socket: Duplex;
  readonly #gone: (connection: SocketConnection) => void;
  #events: ConnectionEvents | undefined;
  #closed = false;
  /** What this turn said: one frame as a rule, so only more than one costs an array. */
  #first: WireFrame | undefined;
  /** All of the turn's frames, the first too, once there are more. */
  #all: WireFrame[] | undefined;
  #queued = 0;
  #unanswered = 0;
  #flushed = 0;
  /** How many have paused it and not resumed it. */
  #pauses = 0;
  readonly #scanner = new Scanner();
  /** Why we gave up on it, for `disconnect`. */
  #fault: string | undefined;

  constructor(webSocket: LinkedSocket, socket: Duplex, gone: (connection: SocketConnection) => void) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#gone = gone;
    webSocket.link = this;
    webSocket.on("message", onMessage);
    webSocket.on("ping", onPing);
    webSocket.on("pong", onPong);
    webSocket.on("error", onError);
    webSocket.on("close", onClose);
    (socket as LinkedDuplex)[LINK] = this;
    socket.on("drain", onDrain);
    socket.on("data", onData);
  }

  /** Once the server has taken the connection. Nothing can have come in before: that is a later turn's. */
  start(events: ConnectionEvents): void {
    this.#events = events;
  }

  send(frame: WireFrame): void {
    if (this.#closed) return;
    this.#queued += frame.bytes.length + HEADER;
    if (this.#first === undefined) {
      this.#first = frame;
      flushLater(this);
    } else if (this.#all === undefined) this.#all = [this.#first, frame];
    else this.#all.push(frame);
  }

  flush(): void {
    const first = this.#first;
    if (first === undefined) return;
    const all = this.#all;
    const queued = this.#queued;
    this.#first = undefined;
    this.#all = undefined;
    this.#queued = 0;
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    if (all === undefined) writeFrame(this.#socket, first);
    else writeFrames(this.#socket, all, queued);
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    // The pauses are over: the peer's answer to the close is to be read.
    if (this.#pauses > 0) this.#webSocket.resume();
    this.#pauses = 0;
    this.#webSocket.close(sendable(code) ? code : 1011, fitting(reason));
  }

  bufferedAmount(): number {
    return this.#socket.writableLength + this.#queued;
  }

  flushed(): number {
    return flushedBytes(this.#socket);
  }

  pause(): void {
    if (this.#pauses++ === 0) this.#webSocket.pause();
  }

  resume(): void {
    if (this.#pauses === 0 || --this.#pauses > 0) return;
    this.#unanswered = 0; // what it answered was not read
    this.#webSocket.resume();
  }

  /**
   * One beat of the heartbeat: pings, or gives up on a peer that left two pings unanswered. A peer that is slowly taking
   * in what was sent before them is alive.
   */
  beat(): void {
    if (this.#socket.writableLength > 0) {
      const flushed = flushedBytes(this.#socket);
      if (flushed > this.#flushed) this.#unanswered = 0;
      this.#flushed = flushed;
    }
    // A peer that is not read cannot answer; that writing to it fails is found all the same.
    if (this.#pauses > 0) this.#unanswered = 0;
    if (this.#unanswered === 2) this.#give("heartbeat");
    else if (this.#webSocket.readyState === WebSocket.OPEN) {
      this.#unanswered++;
      this.#webSocket.ping();
    }
  }

  /** Cuts the connection without a word. */
  terminate(): void {
    this.#closed = true;
    this.#webSocket.terminate();
  }

  received(data: RawData, isBinary: boolean): void {
    this.#unanswered = 0;
    if (this.#closed) return;
    hear();
    // `ws` is left at its default and gives Buffers.
    this.#events?.incoming(isBinary ? (data as Buffer) : (data as Buffer).toString());
  }

  /** Behind `ws`: what these bytes said has been told. */
  read(chunk: Buffer): void {
    if (this.#events?.received === undefined) return;
    const scanner = this.#scanner;
    scanner.read(chunk);
    const frames = scanner.takeFrames();
    if (frames > 0) this.#events.heard?.();
    const bytes = chunk.length + FRAME_COST * frames;
    const { unfinished } = scanner;
    if (!scanner.takeWhole() || unfinished === 0) return this.#events.received(bytes, unfinished);
    // What is unfinished now is another one than before, and has its own time.
    this.#events.received(bytes, 0);
    this.#events?.received?.(0, unfinished);
  }

  pinged(data: Buffer): void {
    this.#unanswered = 0;
    if (this.#socket.writableLength < TOO_SLOW_FOR_PONGS) this.#webSocket.pong(data);
  }

  ponged(): void {
    this.#unanswered = 0;
  }

  drained(): void {
    if (!this.#closed) this.#events?.drained();
  }

  /** `ws` has already answered with the close code of the fault; `ended` follows. */
  failed(error: Error & { readonly code?: string }): void {
    this.#closed = true;
    this.#fault =
      error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" ? "too-large" : (error.code ?? "transport");
  }

  ended(code: number, reason: Buffer): void {
    const events = this.#events;
    this.#closed = true;
    this.#events = undefined;
    this.#first = undefined;
    this.#all = undefined;
    this.#queued = 0;
    this.#gone(this);
    events?.disconnect(code, this.#fault ?? reason.toString());
  }

  #give(fault: string): void {
    this.#fault = fault;
    this.terminate();
  }
}

const LINK = Symbol("connection");
type LinkedDuplex = Duplex & { [LINK]?: SocketConnection };

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  (this as LinkedSocket).link?.received(data, isBinary);
}
function onPing(this: WebSocket, data: Buffer): void {
  (this as LinkedSocket).link?.pinged(data);
}
function onPong(this: WebSocket): void {
  (this as LinkedSocket).link?.ponged();
}
function onError(this: WebSocket, error: Error): void {
  (this as LinkedSocket).link?.failed(error);
}
function onClose(this: WebSocket, code: number, reason: Buffer): void {
  (this as LinkedSocket).link?.ended(code, reason);
}
function onData(this: Duplex, chunk: Buffer): void {
  (this as LinkedDuplex)[LINK]?.read(chunk);
}
function onDrain(this: Duplex): void {
  (this as LinkedDuplex)[LINK]?.drained();
}

/** Whether a close frame may carry the code (RFC 6455, section 7.4; ws throws for others). */
const sendable = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
  (code >= 3000 && code <= 4999);

/** The reason, cut to what a close frame can hold, at a whole character. */
function fitting(reason: string): string {
  if (Buffer.byteLength(reason) <= MAX_REASON) return reason;
  let text = "";
  let bytes = 0;
  for (const character of reason) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_REASON) return text;
    text += character;
  }
  return text;
}
