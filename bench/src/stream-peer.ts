// The same as peer.ts over HTTP: what it says first opens an event stream, what it says later are POSTs on a connection
// of their own, one in flight.
import type { Socket } from "node:net";
import { destroy, Talker } from "./talker.ts";
import type { PeerEvents } from "./talker.ts";

const LF = 10;
const DATA = "data: ".length;

export class StreamPeer extends Talker {
  #head = "";
  #port = 0;
  #stream: Socket | undefined;
  #posts: Socket | undefined;
  #waiting: (string | Uint8Array)[] = [];
  #posting = false;

  async open(port: number, path: string, protocol: string | undefined): Promise<void> {
    this.#port = port;
    const type = `Content-Type: application/${protocol ?? "json"}`;
    this.#head = [`POST ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, type].join("\r\n");
    this.#stream = await this.#answers(undefined);
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
    destroy(this.#stream);
    destroy(this.#posts);
  }

  async #post(): Promise<void> {
    if (this.#posting) return;
    this.#posting = true;
    this.#posts ??= await this.#answers(() => this.#next());
    this.#next();
  }
  #next(): void {
    const packet = this.#waiting.shift();
    if (packet === undefined) this.#posting = false;
    else this.#posts!.write(request(this.#head, packet));
  }

  #answers(answered: (() => void) | undefined): Promise<Socket> {
    const reader = new Reader(this, this.events, answered);
    return this.connect(this.#port, (bytes, at, end) => reader.read(bytes, at, end));
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
  /** Of the answer being read: undefined before its head, -1 where it comes in chunks. */
  #length: number | undefined;
  #inEvents = false;

  constructor(peer: Talker, events: PeerEvents, answered: (() => void) | undefined) {
    this.#peer = peer;
    this.#events = events;
    this.#answered = answered;
  }

  /** Takes the next whole piece; gives where it ends, or undefined if it is not all there. */
  read(bytes: Buffer, at: number, end: number): number | undefined {
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
