// A WebSocket client that hides nothing: it shows the handshake, every frame with its opcode, close codes, and the end of the
// connection; and it says whatever it is told, malformed or not. It answers nothing by itself, neither pings nor closes.
import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { AnswerReader, type Answer } from "./answer.ts";
import { authorityOf, reach, type Reach } from "./reach.ts";
import { FrameReader, OPCODE, writeFrame, type Frame } from "./frame.ts";

/** What a raw socket hears. `ms`: since the process began. */
export type Heard =
  | { readonly heard: "upgraded"; readonly ms: number; readonly answer: Answer; readonly accepted: boolean }
  /** The handshake was refused; or the answer to a request. */
  | { readonly heard: "answer"; readonly ms: number; readonly answer: Answer }
  | { readonly heard: "text"; readonly ms: number; readonly text: string }
  | { readonly heard: "binary" | "ping" | "pong"; readonly ms: number; readonly bytes: Buffer }
  | { readonly heard: "close"; readonly ms: number; readonly code: number; readonly reason: string }
  /** A LongPoll session's, where it is neither 200 nor 204: the client must act on it. */
  | { readonly heard: "status"; readonly ms: number; readonly status: number }
  /** No frame of a server: masked, with reserved bits, of an unknown opcode. */
  | { readonly heard: "broken"; readonly ms: number; readonly what: string }
  /** The connection ended, and no close frame had come. */
  | { readonly heard: "end"; readonly ms: number };

export interface Handshake extends Reach {
  readonly path: string;
  /** Beside those of a handshake, or in their place: an empty list leaves one out. */
  readonly headers?: Readonly<Record<string, string | readonly []>>;
  readonly protocols?: readonly string[];
  /** Goes out in the same packet. */
  readonly behind?: Uint8Array;
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** The code of a close frame that names none. */
const NO_CODE = 1005;

/**
 * Opens a WebSocket.
 *
 * @param hear is called with whatever comes, in order.
 * @example
 * const socket = new RawSocket({ host: "127.0.0.1", port: 4000, path: "/socket/websocket?vsn=2.0.0" }, console.log);
 * socket.text('[null,"1","phoenix","heartbeat",{}]');
 */
export class RawSocket {
  readonly #socket: Socket;
  readonly #hear: (heard: Heard) => void;
  readonly #key = randomBytes(16).toString("base64");
  readonly #answer = new AnswerReader("GET");
  readonly #frames = new FrameReader();
  #upgraded = false;
  #over = false;
  #fragments: { opcode: number; parts: Buffer[] } | undefined;

  constructor(handshake: Handshake, hear: (heard: Heard) => void) {
    this.#hear = hear;
    this.#socket = reach(handshake);
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (chunk) => this.#received(chunk));
    this.#socket.on("error", () => this.#ended());
    this.#socket.on("end", () => this.#ended());
    this.#socket.on("close", () => this.#ended());
    this.#socket.write(Buffer.concat([requestOf(handshake, this.#key), handshake.behind ?? Buffer.alloc(0)]));
  }

  text(text: string): void {
    this.raw(writeFrame(OPCODE.text, Buffer.from(text)));
  }

  binary(bytes: Uint8Array): void {
    this.raw(writeFrame(OPCODE.binary, bytes));
  }

  ping(bytes: Uint8Array): void {
    this.raw(writeFrame(OPCODE.ping, bytes));
  }

  /** Without a code, a close frame that names none. */
  close(code?: number): void {
    this.raw(
      writeFrame(OPCODE.close, code === undefined ? Buffer.alloc(0) : Buffer.of(code >> 8, code & 0xff)),
    );
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  /** Takes nothing in from now on. */
  stopReading(): void {
    this.#socket.pause();
  }

  readAgain(): void {
    this.#socket.resume();
  }

  /** Ends the connection without a word. */
  vanish(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#upgraded) {
      for (const frame of this.#frames.read(chunk)) this.#frame(frame);
      return;
    }
    const answer = this.#answer.read(chunk);
    if (answer === undefined) return;
    const ms = performance.now();
    if (answer.status !== 101) {
      this.#over = true;
      this.#hear({ heard: "answer", ms, answer });
      return;
    }
    this.#upgraded = true;
    const accept = createHash("sha1").update(`${this.#key}${GUID}`).digest("base64");
    this.#hear({
      heard: "upgraded",
      ms,
      answer,
      accepted: answer.headers["sec-websocket-accept"] === accept,
    });
    this.#received(this.#answer.behind);
  }

  #frame({ fin, rsv, opcode, masked, payload }: Frame): void {
    const ms = performance.now();
    if (this.#over) return;
    if (masked || rsv !== 0) {
      this.#hear({ heard: "broken", ms, what: masked ? "a masked frame" : `a frame with RSV ${rsv}` });
      return;
    }
    if (opcode === OPCODE.close) {
      this.#over = true;
      const code = payload.length < 2 ? NO_CODE : payload.readUInt16BE(0);
      this.#hear({ heard: "close", ms, code, reason: payload.toString("utf8", 2) });
      this.#socket.end();
      return;
    }
    if (opcode === OPCODE.ping || opcode === OPCODE.pong) {
      this.#hear({ heard: opcode === OPCODE.ping ? "ping" : "pong", ms, bytes: payload });
      return;
    }
    this.#data(opcode, fin, payload);
  }

  #data(opcode: number, fin: boolean, payload: Buffer): void {
    const ms = performance.now();
    const begun = this.#fragments;
    if (begun === undefined ? opcode !== OPCODE.text && opcode !== OPCODE.binary : opcode !== 0) {
      this.#hear({
        heard: "broken",
        ms,
        what: `opcode ${opcode} ${begun === undefined ? "of nothing" : "in a message"}`,
      });
      return;
    }
    const message = begun ?? { opcode, parts: [] };
    message.parts.push(payload);
    this.#fragments = fin ? undefined : message;
    if (!fin) return;
    const bytes = Buffer.concat(message.parts);
    if (message.opcode === OPCODE.text) this.#hear({ heard: "text", ms, text: bytes.toString("utf8") });
    else this.#hear({ heard: "binary", ms, bytes });
  }

  #ended(): void {
    if (this.#over) return;
    this.#over = true;
    const ms = performance.now();
    const answer = this.#upgraded ? undefined : this.#answer.read(Buffer.alloc(0), true);
    this.#hear(answer === undefined ? { heard: "end", ms } : { heard: "answer", ms, answer });
    this.#socket.destroy();
  }
}

function requestOf(handshake: Handshake, key: string): Buffer {
  const { path, headers = {}, protocols = [] } = handshake;
  const all: Record<string, string | readonly []> = {
    host: authorityOf(handshake),
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": key,
    "sec-websocket-version": "13",
    ...(protocols.length === 0 ? {} : { "sec-websocket-protocol": protocols.join(",") }),
    ...headers,
  };
  return headOf("GET", path, all);
}

/** The head of a request, up to its body. */
export function headOf(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | readonly []>>,
): Buffer {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === "string" ? [`${name}: ${value}`] : [],
  );
  return Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n"), "latin1");
}
