// A WebSocket of the stub, in bytes: a real server's library would not write what was recorded of broken frames.
import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Hearing } from "../recording/recording.ts";
import { FrameReader, OPCODE, writeFrame, type Frame } from "../wire/frame.ts";
import type { Line, Opening } from "./line.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** No recorded frame is near it. */
const MAX_FRAME = 16 * 1024 * 1024;
const NORMAL = Buffer.of(1000 >> 8, 1000 & 0xff);

export interface SocketEvents {
  /** False where no recorded conversation says this frame. */
  readonly says: (line: SocketLine, frame: Frame) => boolean;
  readonly gone: (line: SocketLine) => void;
}

export class SocketLine implements Line {
  readonly number: number;
  readonly opening: Opening;
  said = 0;
  over = false;
  readonly #socket: Duplex;
  readonly #events: SocketEvents;
  readonly #frames = new FrameReader();

  constructor(number: number, opening: Opening, socket: Duplex, events: SocketEvents) {
    this.number = number;
    this.opening = opening;
    this.#socket = socket;
    this.#events = events;
  }

  /** Answers the handshake, and reads on; `head`: what has come already. */
  open(headers: Readonly<Record<string, string>>, head: Uint8Array, begun: () => void): void {
    const key = String(this.opening.headers["sec-websocket-key"] ?? "");
    const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n${lines.join("")}\r\n`,
    );
    begun();
    this.#socket.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#socket.on("close", () => this.#ended());
    this.#socket.on("end", () => this.#ended());
    if (head.length > 0) this.#read(head);
  }

  hear(hearing: Hearing): void {
    if (this.over) return;
    switch (hearing.hear) {
      case "text":
        return this.#write(OPCODE.text, Buffer.from(JSON.stringify(hearing.json)));
      case "binary":
      case "ping":
      case "pong":
        return this.#write(OPCODE[hearing.hear], Buffer.from(hearing.hex, "hex"));
      case "close":
        this.#write(OPCODE.close, Buffer.of(hearing.code >> 8, hearing.code & 0xff));
        return this.#finish();
      case "end":
        this.#socket.destroy();
        return this.#finish();
      default:
        throw new Error(`A WebSocket does not hear "${hearing.hear}".`);
    }
  }

  cut(): void {
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    if (this.over) return;
    for (const frame of this.#frames.read(chunk)) {
      if (this.over) return;
      if (!this.#events.says(this, frame)) this.#byTheRules(frame);
    }
    if (this.#frames.unread.length > MAX_FRAME) this.cut();
  }

  /** What every WebSocket server does, recorded there or not. */
  #byTheRules({ opcode, payload }: Frame): void {
    if (opcode === OPCODE.ping) this.#write(OPCODE.pong, payload);
    if (opcode !== OPCODE.close) return;
    this.#write(OPCODE.close, NORMAL);
    this.#finish();
  }

  #write(opcode: number, payload: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(writeFrame(opcode, payload, { masked: false }));
  }

  #finish(): void {
    this.over = true;
    this.#socket.end();
    this.#events.gone(this);
  }

  #ended(): void {
    // A client that ends its half ends all.
    this.#socket.destroy();
    if (this.over) return;
    this.over = true;
    this.#events.gone(this);
  }
}
