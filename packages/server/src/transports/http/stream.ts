// One answer that is an event stream: of a subscribed client, of a poll, or the answers to one POST. Its bytes go to a
// sink: Node's response or a web stream.
import type { Connection, WireFrame } from "../../base/connection.ts";
import { COMMENT, eventOf } from "./sse-format.ts";
import { flushLater } from "../write-batching.ts";

/** Where an answer's bytes go. */
export interface Sink {
  write(bytes: Uint8Array): void;
  end(): void;
  /** Bytes written and not yet taken. */
  buffered(): number;
}

/** What the server makes of a stream. */
export interface StreamEvents {
  /** The response is gone. Repeating it does nothing. */
  disconnect(code?: number, reason?: string): void;
  /** The response's buffer has emptied. */
  drained(): void;
}

export class StreamConnection implements Connection {
  /** Which beat of the heartbeat is this stream's. */
  beatSlot = 0;
  readonly #sink: Sink;
  readonly #gone: (connection: StreamConnection) => void;
  #events: StreamEvents | undefined;
  #waiting: Buffer[] = [];
  #queued = 0;
  #closed = false;
  #ended: { readonly code: number; readonly reason: string } | undefined;

  constructor(sink: Sink, gone: (connection: StreamConnection) => void) {
    this.#sink = sink;
    this.#gone = gone;
  }

  start(events: StreamEvents): void {
    this.#events = events;
  }

  send(frame: WireFrame): void {
    if (this.#closed) return;
    const event = eventOf(frame);
    this.#queued += event.length;
    if (this.#waiting.push(event) === 1) flushLater(this);
  }

  flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0 || this.#ended !== undefined) return;
    this.#waiting = [];
    this.#queued = 0;
    this.#sink.write(waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting));
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    this.#sink.end();
    this.gone(code, reason);
  }
  finish(): void {
    this.close(1000, "");
  }

  bufferedAmount(): number {
    return this.#sink.buffered() + this.#queued;
  }

  /** A comment: proxies close what is silent, and so does a client. Not for one that does not read. */
  beat(): void {
    if (!this.#closed && this.#sink.buffered() === 0) this.#sink.write(COMMENT);
  }

  drained(): void {
    if (!this.#closed) this.#events?.drained();
  }

  /** Bytes that cannot be written are this stream's end. */
  terminate(): void {
    this.#closed = true;
    this.#sink.end();
    this.gone(1006, "transport");
  }

  /** The stream is over, whoever ended it; told once. */
  gone(code: number, reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = { code, reason };
    this.#closed = true;
    this.#waiting = [];
    this.#queued = 0;
    this.#gone(this);
    this.#events?.disconnect(code, reason);
    this.#events = undefined;
  }
}
