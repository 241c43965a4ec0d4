// The same as peer.ts over HTTP: what it says first opens an event stream, what it says later are POSTs on a connection
// of their own, one in flight. Everything is read in place, as there.
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { PeerEvents, Talker } from "./peer.ts";

const buffer = Buffer.allocUnsafe(1 << 20);
const LF = 10;
const DATA = "data: ".length;

export class StreamPeer implements Talker {
  readonly number: number;
  name = "";
  secret = "";
  position = 0;
  sent = 0;
  decided = 0;
  joined = false;
  bytes = 0;
  readonly #events: PeerEvents;
  #head = "";
  #port = 0;
  #stream: Socket | undefined;
  #posts: Socket | undefined;
  #waiting: (string | Uint8Array)[] = [];
  #posting = false;

  constructor(number: number, events: PeerEvents) {
    this.number = number;
    this.#events = events;
  }

  async open(port: number, path: string, protocol: string | undefined): Promise<void> {
    this.#port = port;
    const type = `Content-Type: application/${protocol ?? "json"}`;
    this.#head = [`POST ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, type].join("\r\n");
    this.#stream = await this.#connect(new Reader(this, this.#events, undefined));
  }

  send(packets: readonly (string | Uint8Array)[]): void {
    if (!this.joined) {
      this.#stream!.write(request(`${this.#head}\r\nAccept: text/event-stream`, packets[0]!));
      return;
    }
    this.#waiting.push(...packets);
    void this.#post();
  }

  close(): void {
    for (const socket of [this.#stream, this.#posts]) {
      socket?.removeAllListeners("close");
      socket?.destroy();
    }
  }

  async #post(): Promise<void> {
    if (this.#posting) return;
    this.#posting = true;
    this.#posts ??= await this.#connect(new Reader(this, this.#events, () => this.#next()));
    this.#next();
  }
  #next(): void {
    const packet = this.#waiting.shift();
    if (packet === undefined) this.#posting = false;
    else this.#posts!.write(request(this.#head, packet));
  }

  #connect(reader: Reader): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        port: this.#port,
        host: "127.0.0.1",
        noDelay: true,
        onread: {
          buffer,
          callback: (count: number) => {
            this.bytes += count;
            reader.received(count);
            return true;
          },
        },
      });
      socket.on("connect", () => resolve(socket));
      socket.on("error", reject);
      socket.on("close", () => this.#events.closed(this, "the connection closed"));
    });
  }
}

const request = (head: string, body: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`${head}\r\nContent-Length: ${bytes.length}\r\n\r\n`), bytes]);
};

/** Reads answers from one connection: heads, then events in chunks or in a body of known length, or a body that is one frame. */
class Reader {
  readonly #peer: Talker;
  readonly #events: PeerEvents;
  readonly #answered: (() => void) | undefined;
  #rest: Buffer | undefined;
  /** Of the answer being read: undefined before its head, -1 where it comes in chunks. */
  #length: number | undefined;
  #inEvents = false;

  constructor(peer: Talker, events: PeerEvents, answered: (() => void) | undefined) {
    this.#peer = peer;
    this.#events = events;
    this.#answered = answered;
  }

  received(count: number): void {
    let bytes = buffer;
    let end = count;
    if (this.#rest !== undefined) {
      bytes = Buffer.concat([this.#rest, buffer.subarray(0, count)]);
      end = bytes.length;
      this.#rest = undefined;
    }
    let at = 0;
    while (at < end) {
      const after = this.#read(bytes, at, end);
      if (after === undefined) {
        this.#rest = Buffer.from(bytes.subarray(at, end));
        break;
      }
      at = after;
    }
    this.#events.read(this.#peer);
  }

  /** Takes the next whole piece; gives where it ends, or undefined if it is not all there. */
  #read(bytes: Buffer, at: number, end: number): number | undefined {
    if (this.#length === undefined) return this.#readHead(bytes, at, end);
    if (this.#length >= 0) {
      const after = at + this.#length;
      if (after > end) return undefined;
      if (this.#inEvents) this.#eventsIn(bytes, at, after);
      else this.#events.frame(this.#peer, bytes, at, after);
      this.#done();
      return after;
    }
    const line = bytes.indexOf(LF, at);
    if (line === -1 || line >= end) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    const after = line + 1 + size + 2;
    if (after > end) return undefined;
    this.#eventsIn(bytes, line + 1, line + 1 + size);
    if (size === 0) this.#done();
    return after;
  }

  #readHead(bytes: Buffer, at: number, end: number): number | undefined {
    const head = bytes.subarray(at, end).indexOf("\r\n\r\n");
    if (head === -1) return undefined;
    const text = bytes.toString("latin1", at, at + head);
    if (!text.startsWith("HTTP/1.1 200 ")) this.#events.closed(this.#peer, text);
    const length = /content-length: (\d+)/i.exec(text)?.[1];
    this.#length = length === undefined ? -1 : Number(length);
    this.#inEvents = /content-type: text\/event-stream/i.test(text);
    return at + head + 4;
  }

  #eventsIn(bytes: Buffer, at: number, end: number): void {
    while (at < end) {
      const line = bytes.indexOf(LF, at);
      // A comment, or an event of one line; servers here write none over several chunks.
      if (bytes[at] !== 58) this.#events.frame(this.#peer, bytes, at + DATA, line);
      at = line + 2;
    }
  }

  #done(): void {
    this.#length = undefined;
    this.#answered?.();
    if (this.#answered === undefined) this.#events.closed(this.#peer, "the stream ended");
  }
}
