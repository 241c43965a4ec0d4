// A WebSocket client: what it sends is written at once. It speaks only what servers here say (no fragments).
import type { Socket } from "node:net";
import { destroy, Talker } from "./talker.ts";

/** Any key will do, but not zero: `ws` skips unmasking with that. */
const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;

export class Peer extends Talker {
  #socket: Socket | undefined;
  #upgraded: (() => void) | undefined;

  /** Resolves once the server has agreed to speak WebSocket. */
  async open(port: number, path: string, protocol: string | undefined): Promise<void> {
    const upgraded = new Promise<void>((resolve) => void (this.#upgraded = resolve));
    this.#socket = await this.connect(port, (bytes, at, end) =>
      this.#upgraded === undefined ? this.#frame(bytes, at, end) : this.#head(bytes, at, end),
    );
    this.#socket.write(
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
    await upgraded;
  }

  /** Each packet as a frame, all in one write. */
  send(packets: readonly (string | Uint8Array)[]): void {
    this.#socket?.write(masked(packets));
  }

  /** Reads nothing more. */
  stick(): void {
    this.#socket?.pause();
  }

  close(): void {
    destroy(this.#socket);
  }

  #head(bytes: Buffer, at: number, end: number): number | undefined {
    const length = bytes.subarray(at, end).indexOf("\r\n\r\n");
    if (length === -1) return undefined;
    const status = bytes.toString("latin1", at, bytes.indexOf("\r\n", at));
    if (status.includes(" 101 ")) {
      this.#upgraded!();
      this.#upgraded = undefined;
    } else this.events.closed(this, status);
    return at + length + 4;
  }

  #frame(bytes: Buffer, at: number, end: number): number | undefined {
    const start = at + 2 < end ? payloadStart(bytes, at, end) : undefined;
    if (start === undefined) return undefined;
    const after = start + payloadLength(bytes, at);
    if (after > end) return undefined;
    const opcode = bytes[at];
    if (opcode === 0x81 || opcode === 0x82) this.events.frame(this, bytes, start, after);
    else if (opcode === 0x89) this.#socket?.write(maskedFrame(0x8a, bytes.subarray(start, after)));
    else if (opcode !== 0x8a) this.events.closed(this, `frame of opcode ${opcode}`);
    return after;
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
