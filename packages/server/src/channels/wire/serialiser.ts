// What a serialiser of the Phoenix wire does. Which one a connection has, its `vsn` says (vsn.ts).
import type { WireFrame } from "../../base/connection.ts";
import type { ClientMessage, ServerMessage, ServerReply } from "./message.ts";

/**
 * Reads what clients say in one version of the Phoenix wire, and writes what the server says in it.
 *
 * @example
 * const message = serialiser.decode('["1","1","room:lobby","phx_join",{}]');
 * socket.send(serialiser.reply({ ...message, status: "ok", response: {} }).bytes);
 */
export interface ChannelSerialiser {
  /** What `vsn` negotiates it. */
  readonly vsn: "1.0.0" | "2.0.0";
  /**
   * A frame of a client: text as a string, or a binary frame's bytes.
   *
   * @throws MalformedFrame for whatever is none, and nothing else.
   */
  decode(data: string | Uint8Array): ClientMessage;
  /** @throws UnsayableMessage for what this serialiser cannot carry: bytes in V1, a field over 255 bytes. */
  reply(reply: ServerReply): WireFrame;
  /** A push, or the end of a channel. Throws as `reply` does. `json`: the payload's, where it is written already. */
  push(message: ServerMessage, json?: string): WireFrame;
  /**
   * The same frame for all who hear it: refs are null. Throws as `reply` does. `json`: the payload's, where it is written
   * already (it goes to many topics, or in both versions).
   */
  broadcast(topic: string, event: string, payload: ServerMessage["payload"], json?: string): WireFrame;
}

/** The frame is none of this wire, and ends its connection unless it is dropped. `code` is the WebSocket close code. */
export class MalformedFrame extends Error {
  override readonly name = "MalformedFrame";
  /** What is wrong with it, for the operator. */
  readonly what: string;
  readonly code: 1007 | 1009 | 1011;
  /** The wire wants it dropped, and the connection goes on. Default: false. */
  readonly dropped: boolean;

  constructor(what: string, code: 1007 | 1009 | 1011 = 1011, dropped = false) {
    super(what);
    this.what = what;
    this.code = code;
    this.dropped = dropped;
  }
}

/** A message that this serialiser cannot carry. */
export class UnsayableMessage extends Error {
  override readonly name = "UnsayableMessage";
}
