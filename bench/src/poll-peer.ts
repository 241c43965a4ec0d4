// The same as peer.ts over LongPoll, as phoenix.js does it: a poll waits on one connection, what is said is posted on
// another, one POST under way with all that waits.
import type { Socket } from "node:net";
import { destroy, Talker } from "./talker.ts";

interface Answer {
  readonly status: number;
  readonly token?: string;
  readonly messages?: readonly string[];
}

export class PollPeer extends Talker {
  #port = 0;
  #path = "";
  #polls: Socket | undefined;
  #posts: Socket | undefined;
  #opened: (() => void) | undefined;
  #waiting: string[] = [];
  #posting = false;

  async open(port: number, path: string): Promise<void> {
    this.#port = port;
    this.#path = path;
    const opened = new Promise<void>((resolve) => void (this.#opened = resolve));
    this.#polls = await this.#answers((answer) => this.#polled(answer));
    this.#posts = await this.#answers((answer) => this.#posted(answer));
    this.#poll();
    await opened;
  }

  send(packets: readonly (string | Uint8Array)[]): void {
    this.#waiting.push(...packets.map(String));
    if (!this.#posting) this.#post();
  }

  close(): void {
    destroy(this.#polls);
    destroy(this.#posts);
  }

  /** Its session is its secret. */
  #head(method: "GET" | "POST"): string {
    const token = this.secret === "" ? "" : `&token=${encodeURIComponent(this.secret)}`;
    return `${method} ${this.#path}${token} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\n`;
  }
  #poll(): void {
    this.#polls!.write(`${this.#head("GET")}Accept: application/json\r\n\r\n`);
  }
  #post(): void {
    this.#posting = true;
    const body = Buffer.from(this.#waiting.splice(0).join("\n"));
    const head = `${this.#head("POST")}Content-Type: application/x-ndjson\r\nContent-Length: ${body.length}\r\n\r\n`;
    this.#posts!.write(Buffer.concat([Buffer.from(head), body]));
  }

  #polled({ status, token, messages = [] }: Answer): void {
    this.secret = token ?? this.secret;
    if (this.#opened !== undefined && status === 410) {
      this.#opened();
      this.#opened = undefined;
    } else if (status !== 200 && status !== 204) this.events.closed(this, `a poll was answered ${status}`);
    // At once: what is said next finds somebody who waits.
    this.#poll();
    for (const message of messages) {
      const bytes = Buffer.from(message);
      this.events.frame(this, bytes, 0, bytes.length);
    }
  }
  #posted({ status }: Answer): void {
    if (status !== 200) this.events.closed(this, `a POST was answered ${status}`);
    this.#posting = false;
    if (this.#waiting.length > 0) this.#post();
  }

  /** A connection whose answers are bodies of known length. */
  #answers(answered: (answer: Answer) => void): Promise<Socket> {
    return this.connect(this.#port, (bytes, at, end) => {
      const head = bytes.subarray(at, end).indexOf("\r\n\r\n");
      if (head === -1) return undefined;
      const text = bytes.toString("latin1", at, at + head);
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (!text.startsWith("HTTP/1.1 200 ") || length === undefined) {
        this.events.closed(this, text);
        return end;
      }
      const body = at + head + 4;
      const after = body + Number(length);
      if (after > end) return undefined;
      answered(JSON.parse(bytes.toString("utf8", body, after)) as Answer);
      return after;
    });
  }
}
