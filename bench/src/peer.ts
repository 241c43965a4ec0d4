// A WebSocket client as lean as it can be, so that the load is never the limit: one buffer into which all sockets are
// read, frames seen in place, what it sends written at once. It speaks only what servers here say (no fragments).
import { connect } from "node:net";
import type { Socket } from "node:net";

/** All sockets are read into this, one after the other; whoever is told of a frame looks at it before returning. */
const buffer = Buffer.allocUnsafe(1 << 20);
/** Any key will do, but not zero: `ws` skips unmasking with that. */
const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;

export interface PeerEvents {
  /** One frame's payload: `bytes[start, end)`, valid during the call. */
  frame(peer: Talker, bytes: Buffer, start: number, end: number): void;
  /** All frames of one read have been told. */
  read(peer: Talker): void;
  closed(peer: Talker, why: string): void;
}

/** A client of whatever transport, with what is known of it. */
export interface Talker {
  readonly number: number;
  name: string;
  secret: string;
  position: number;
  sent: number;
  decided: number;
  joined: boolean;
  /** Bytes received, all that the transport adds included. */
  readonly bytes: number;
  open(port: number, path: string, protocol: string | undefined): Promise<void>;
  send(packets: readonly (string | Uint8Array)[]): void;
  close(): void;
}

export class Peer implements Talker {
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
  bytes = 0;
  #stuck = false;
  readonly #events: PeerEvents;
  #socket: Socket | undefined;
  #rest: Buffer | undefined;
  #upgraded: (() => void) | undefined;

  constructor(number: number, events: PeerEvents) {
    this.number = number;
    this.#events = events;
  }

  /** Resolves once the server has agreed to speak WebSocket. */
  open(port: number, path: string, protocol: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#upgraded = resolve;
      const socket = connect({
        port,
        host: "127.0.0.1",
        noDelay: true,
        onread: {
          buffer,
          callback: (count: number) => {
            this.#received(count);
            return !this.#stuck;
          },
        },
      });
      this.#socket = socket;
      socket.on("error", reject);
      socket.on("close", () => this.#events.closed(this, "the socket closed"));
      socket.write(
        [
          `GET ${path} HTTP/1.1`,
          `Host: 127.0.0.1:${port}`,
          "Connection: Upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: Y2FsbGEgYmVuY2htYXJrIQ==",
          ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
          "\r\n",
        ].join("\r\n"),
      );
    });
  }

  /** Each packet as a frame, all in one write. */
  send(packets: readonly (string | Uint8Array)[]): void {
    this.#socket?.write(masked(packets));
  }

  /** Reads nothing more. */
  stick(): void {
    this.#stuck = true;
    this.#socket?.pause();
  }

  close(): void {
    this.#socket?.removeAllListeners("close");
    this.#socket?.destroy();
  }

  #received(count: number): void {
    this.bytes += count;
    let bytes = buffer;
    let end = count;
    if (this.#rest !== undefined) {
      bytes = Buffer.concat([this.#rest, buffer.subarray(0, count)]);
      end = bytes.length;
      this.#rest = undefined;
    }
    let at = 0;
    if (this.#upgraded !== undefined) {
      const head = bytes.subarray(0, end).indexOf("\r\n\r\n");
      if (head === -1) return this.#keep(bytes, 0, end);
      const status = bytes.toString("latin1", 0, bytes.indexOf("\r\n"));
      if (!status.includes(" 101 ")) return this.#events.closed(this, status);
      at = head + 4;
      this.#upgraded();
      this.#upgraded = undefined;
    }
    while (at < end) {
      const start = at + 2 < end ? payloadStart(bytes, at, end) : undefined;
      const after = start === undefined ? Infinity : start + payloadLength(bytes, at);
      if (start === undefined || after > end) {
        this.#keep(bytes, at, end);
        break;
      }
      this.#frame(bytes, at, start, after);
      at = after;
    }
    this.#events.read(this);
  }

  #frame(bytes: Buffer, at: number, start: number, after: number): void {
    const opcode = bytes[at];
    if (opcode === 0x81 || opcode === 0x82) return this.#events.frame(this, bytes, start, after);
    if (opcode === 0x89) return void this.#socket?.write(maskedFrame(0x8a, bytes.subarray(start, after)));
    if (opcode !== 0x8a) this.#events.closed(this, `frame of opcode ${opcode}`);
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    this.#rest = Buffer.from(bytes.subarray(at, end));
  }
}

const payloadStart = (bytes: Buffer, at: number, end: number): number | undefined => {
  const length = bytes[at + 1]! & 0x7f;
  const start = at + (length < 126 ? 2 : length === 126 ? 4 : 10);
  return start <= end ? start : undefined;
};

const payloadLength = (bytes: Buffer, at: number): number => {
  const length = bytes[at + 1]! & 0x7f;
  if (length < 126) return length;
  return length === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUIntBE(at + 4, 6);
};

const masked = (packets: readonly (string | Uint8Array)[]): Buffer => {
  const frames = packets.map((packet) =>
    typeof packet === "string" ? maskedFrame(0x81, Buffer.from(packet)) : maskedFrame(0x82, packet),
  );
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames);
};

function maskedFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const start = length < 126 ? 6 : length < 65_536 ? 8 : 14;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = opcode;
  if (length < 126) frame[1] = 0x80 | length;
  else if (length < 65_536) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeUInt16BE(0, 2);
    frame.writeUIntBE(length, 4, 6);
  }
  frame.set(MASK, start - 4);
  for (let i = 0; i < length; i++) frame[start + i] = payload[i]! ^ MASK[i & 3]!;
  return frame;
}
