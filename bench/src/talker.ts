// A client of whatever transport, as lean as it can be, so that the load is never the limit: all sockets are read into
// one buffer, and what came is seen in place.
import { connect } from "node:net";
import type { Socket } from "node:net";

/** All sockets are read into this, one after the other; whoever is told of a frame looks at it before returning. */
const buffer = Buffer.allocUnsafe(1 << 20);

export interface PeerEvents {
  /** One frame's payload: `bytes[start, end)`, valid during the call. */
  frame(peer: Talker, bytes: Buffer, start: number, end: number): void;
  /** All frames of one read have been told. */
  read(peer: Talker): void;
  closed(peer: Talker, why: string): void;
}

/** Takes the piece at `bytes[at]`, as far as `end`; gives where it ends, or undefined if it is not all there. */
export type TakePiece = (bytes: Buffer, at: number, end: number) => number | undefined;

export abstract class Talker {
  /** Its number: the `from` of its messages. */
  readonly number: number;
  /** Its name to the server, where it has one. */
  name = "";
  secret = "";
  /** Shared frames it has received. */
  position = 0;
  /** Messages sent, and messages whose outcome it knows. */
  sent = 0;
  decided = 0;
  joined = false;
  /** Bytes received, all that the transport adds included. */
  bytes = 0;
  protected readonly events: PeerEvents;

  constructor(number: number, events: PeerEvents) {
    this.number = number;
    this.events = events;
  }

  /** Resolves once the server can be spoken to. */
  abstract open(port: number, path: string, protocol: string | undefined): Promise<void>;
  abstract send(packets: readonly (string | Uint8Array)[]): void;
  abstract close(): void;

  /** A socket that is connected, whose bytes are taken piece by piece. */
  protected connect(port: number, take: TakePiece): Promise<Socket> {
    let rest: Buffer | undefined;
    const received = (count: number): void => {
      this.bytes += count;
      let bytes = buffer;
      let end = count;
      if (rest !== undefined) {
        bytes = Buffer.concat([rest, buffer.subarray(0, count)]);
        end = bytes.length;
        rest = undefined;
      }
      let at = 0;
      while (at < end) {
        const after = take(bytes, at, end);
        if (after === undefined) {
          rest = Buffer.from(bytes.subarray(at, end));
          break;
        }
        at = after;
      }
      this.events.read(this);
    };
    return new Promise((resolve, reject) => {
      const socket = connect({
        port,
        host: "127.0.0.1",
        noDelay: true,
        onread: {
          buffer,
          callback: (count: number) => {
            received(count);
            return true;
          },
        },
      });
      socket.on("connect", () => resolve(socket));
      socket.on("error", reject);
      socket.on("close", () => this.events.closed(this, "the connection closed"));
    });
  }
}

/** Closed from here: nobody is told. */
export function destroy(socket: Socket | undefined): void {
  socket?.removeAllListeners("close");
  socket?.destroy();
}
