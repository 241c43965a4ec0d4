// All that the server knows of a socket. Any socket library can be wired in by these few functions.

/** Encoded frames. The same object goes to every subscriber, so a transport may cache what it makes of it. */
export interface WireFrame {
  readonly bytes: Uint8Array;
  /** Whether the bytes are UTF-8 text (JSON) or binary (MessagePack). */
  readonly text: boolean;
}

/** A live socket or stream, given to `server.connect`. */
export interface Connection {
  /** Hands one frame to the socket; must not throw for a socket that is closing. */
  send(frame: WireFrame): void;
  /** Closes the socket. `code` is a WebSocket close code, `reason` one of Calla's codes. */
  close(code: number, reason: string): void;
  /** Bytes handed over and not yet written. */
  bufferedAmount(): number;
  /** Bytes that have left so far, where it is known: so a slow peer is told from one that takes nothing in. */
  flushed?(): number;
  /** Ends it where nothing is wrong: all that was asked for has been said. Only where a connection can be a poll. */
  finish?(): void;
  /**
   * Reads no more of what the peer says until `resume`. Nothing is lost: it waits in the system's buffers and at the
   * peer. What has been read already (of a socket up to 64 KB) still comes. Pauses are counted: each wants its `resume`.
   * Only where there is something to read: an HTTP request has come whole.
   */
  pause?(): void;
  /** Takes back one `pause`; it reads again when all are taken back. */
  resume?(): void;
  /** Ends it at once, whatever is still to be said: what it holds is discarded. Default: `close`. */
  terminate?(): void;
}

/** What the server reads of the request that opened a connection. */
export interface ConnectRequest {
  readonly url: string;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  readonly remoteAddress: string | undefined;
}

/** A request that is under way, as far as the server may hold it back. */
export interface RequestInlet {
  readonly request: ConnectRequest;
  /**
   * The socket or HTTP/2 session it came by: the byte rate is shared by the requests of one address over one line. Default:
   * it has one for itself.
   */
  readonly line?: object | undefined;
  pause(): void;
  resume(): void;
  /** Ends it: there is no room. */
  cut(): void;
}

/** What the server is told of what is under way. */
export interface Received {
  /** So many bytes have been read, and so many are held of what is not whole or not answered. */
  received(bytes: number, unfinished: number): void;
  over(): void;
}
