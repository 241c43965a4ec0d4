// A WebSocket client that is bytes on a socket: for what a proper client would not send, and for statuses and headers.
import { connect } from "node:net";
import type { Socket } from "node:net";

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  /** On top of those of a good handshake; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** In the same packet, behind the request. */
  readonly behind?: Uint8Array;
}

/** One that has been sent, and all that has come back. */
export class RawWebSocket {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #look: (() => void)[] = [];

  constructor(port: number, { method = "GET", path = "/", headers = {}, behind }: RawRequest = {}) {
    const all: Record<string, string | undefined> = {
      Host: "127.0.0.1",
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version": "13",
      ...headers,
    };
    const lines = Object.entries(all).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}: ${value}\r\n`],
    );
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      for (const look of this.#look) look();
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.#ended = true;
      for (const look of this.#look) look();
    });
    const request = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
    this.socket.write(behind === undefined ? request : Buffer.concat([request, behind]));
  }

  /** The answer's head is there, or the end is. */
  async head(): Promise<{ status: number | undefined; headers: ReadonlyMap<string, string>; body: string }> {
    await this.#until(() => this.#received.includes("\r\n\r\n"));
    const text = this.#received.toString("latin1");
    const at = text.indexOf("\r\n\r\n");
    const [first = "", ...lines] = text.slice(0, at === -1 ? undefined : at).split("\r\n");
    const headers = new Map(
      lines.map((line) => [
        line.slice(0, line.indexOf(":")).toLowerCase(),
        line.slice(line.indexOf(":") + 1).trim(),
      ]),
    );
    const length = Number(headers.get("content-length") ?? 0);
    await this.#until(() => this.#received.length >= at + 4 + length);
    const status = /^HTTP\/1\.1 (\d{3})/.exec(first)?.[1];
    const body = this.#received.subarray(at + 4, at + 4 + length).toString();
    return { status: status === undefined ? undefined : Number(status), headers, body };
  }

  /** The n-th frame that came behind the handshake: opcode and payload; of a close, its code. */
  async frame(n = 0): Promise<readonly [opcode: number, payload: string | number | undefined] | undefined> {
    await this.#until(() => this.#frames().length > n);
    const frame = this.#frames()[n];
    if (frame === undefined) return undefined;
    const [opcode, payload] = frame;
    if (opcode !== 8) return [opcode, payload.toString()];
    return [8, payload.length < 2 ? undefined : payload.readUInt16BE(0)];
  }

  /** Its connection is gone. */
  async ended(): Promise<void> {
    await this.#until(() => false);
  }

  #frames(): (readonly [number, Buffer])[] {
    const start = this.#received.indexOf("\r\n\r\n");
    const frames: (readonly [number, Buffer])[] = [];
    let bytes = start === -1 ? Buffer.alloc(0) : this.#received.subarray(start + 4);
    while (bytes.length >= 2) {
      const short = (bytes[1] ?? 0) & 0x7f;
      const at = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length < at) break;
      const length = at === 2 ? short : at === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
      if (bytes.length < at + length) break;
      frames.push([(bytes[0] ?? 0) & 0x0f, bytes.subarray(at, at + length)]);
      bytes = bytes.subarray(at + length);
    }
    return frames;
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds() && !this.#ended) return;
        this.#look = this.#look.filter((other) => other !== look);
        resolve();
      };
      this.#look.push(look);
      look();
    });
  }
}

/** A client's frame, masked with zeros. `first`: flags and opcode, 0x81 is a whole text. */
export function clientFrame(first: number, payload: string | Uint8Array = ""): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  const { length } = bytes;
  const head =
    length < 126
      ? Buffer.from([first, 0x80 | length])
      : Buffer.from([first, 0x80 | 127, 0, 0, 0, 0, ...u32(length)]);
  return Buffer.concat([head, Buffer.alloc(4), bytes]);
}
const u32 = (value: number): number[] => [
  value >>> 24,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];
