// A LongPoll session of the stub: a client that keeps polling is shown to the stage as if it had a socket.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Hearing, Json } from "../recording/recording.ts";
import type { Frame } from "../wire/frame.ts";
import { OPCODE } from "../wire/frame.ts";
import type { Line, Opening, Requested } from "./line.ts";
import type { StubTime } from "./stub-time.ts";

/** What every JSON answer has. */
const HEADERS = {
  "content-type": "application/json; charset=utf-8",
  "access-control-allow-origin": "*",
  "cache-control": "no-store",
};

export interface SessionEvents {
  readonly time: StubTime;
  readonly says: (line: Session, frame: Frame) => boolean;
  /** Whether a status will be heard, in place of the POST's 200. */
  readonly awaitsStatus: (line: Session) => boolean;
}

interface Poll {
  readonly response: ServerResponse;
  readonly cancel: () => void;
}

export class Session implements Line {
  readonly number: number;
  readonly opening: Opening;
  readonly token: string;
  said = 0;
  over = false;
  /** Whether it is played as a session, no more request by request. */
  live = false;
  readonly #events: SessionEvents;
  readonly #unread: Json[] = [];
  #poll: Poll | undefined;
  #post: ServerResponse | undefined;

  constructor(number: number, opening: Opening, token: string, events: SessionEvents) {
    this.number = number;
    this.opening = opening;
    this.token = token;
    this.#events = events;
  }

  /** One of its requests. */
  take({ method, headers, body }: Requested, response: ServerResponse): void {
    if (method === "GET") return this.poll(response);
    const batched = headers["content-type"] === "application/x-ndjson";
    for (const text of batched
      ? body
          .split(/\r?\n/)
          .filter((line) => line !== "")
          .slice(0, 100)
      : [body]) {
      this.#events.says(this, {
        fin: true,
        rsv: 0,
        opcode: OPCODE.text,
        masked: true,
        payload: Buffer.from(text),
      });
    }
    if (this.#events.awaitsStatus(this)) this.#post = response;
    else answer(response, { status: 200 });
  }

  poll(response: ServerResponse): void {
    // The newer poll is told; the older one ends with its window.
    const { token } = this;
    const cancel = this.#events.time.setTimeout(() => {
      answer(response, { status: 204, token, messages: [] });
      if (this.#poll?.response === response) this.#poll = undefined;
    }, windowOf(this.opening.path));
    this.#poll = { response, cancel };
    response.once("close", () => {
      cancel();
      if (this.#poll?.response === response) this.#poll = undefined;
    });
    if (this.#unread.length > 0) this.#flush();
  }

  hear(hearing: Hearing): void {
    if (hearing.hear === "text") {
      this.#unread.push(JSON.stringify(hearing.json));
      // What is said in one go is one answer.
      if (this.#unread.length === 1) setImmediate(() => this.#flush());
    } else if (hearing.hear === "status" && this.#post !== undefined) {
      answer(this.#post, { status: hearing.status });
      this.#post = undefined;
      this.over = true;
    }
  }

  end(): void {
    this.over = true;
    this.#poll?.cancel();
    this.#poll?.response.destroy();
    this.#post?.destroy();
  }

  #flush(): void {
    const poll = this.#poll;
    if (poll === undefined || this.#unread.length === 0) return;
    this.#poll = undefined;
    poll.cancel();
    answer(poll.response, { status: 200, token: this.token, messages: this.#unread.splice(0) });
  }
}

/** How long a poll waits for something to come, by the sockets of the app. */
const windowOf = (path: string): number => (path.startsWith("/quick/") ? 600 : 10_000);

/** JSON, as Phoenix' transport answers. */
export function answer(response: ServerResponse, json: Json): void {
  if (response.writableEnded || response.destroyed) return;
  response.writeHead(200, HEADERS).end(JSON.stringify(json));
}

/** More than any recorded body. */
const MAX_BODY = 16 * 1024 * 1024;

/** The whole body; undefined where it is too large, or did not come. */
export async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_BODY) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  } catch {
    return undefined;
  }
}
