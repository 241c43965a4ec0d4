// A LongPoll session as a client keeps one: a poll is always under way, what is said goes out by POST, one at a time and in
// order. It shows what a socket would, and every status that a client must act on. After a POST that failed it is over, as a
// session of phoenix.js.
import type { Reach } from "./reach.ts";
import { ask, type HttpRequest } from "./request.ts";
import type { Heard } from "./raw-socket.ts";

export interface LongPollOpening extends Reach {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server takes no more lines of one body, and drops what is behind them. */
const MAX_BATCH = 100;

interface Body {
  readonly status: number;
  readonly token?: string;
  readonly messages?: readonly string[];
}

export class LongPollSession {
  readonly #opening: LongPollOpening;
  readonly #hear: (heard: Heard) => void;
  readonly #waiting: string[] = [];
  readonly #underWay = new Set<() => void>();
  #token: string | undefined;
  #posting = false;
  #over = false;

  constructor(opening: LongPollOpening, hear: (heard: Heard) => void) {
    this.#opening = opening;
    this.#hear = hear;
    this.#poll();
  }

  /** Says one frame. What is said in one turn, or while the session opens or a POST is under way, goes as one batch. */
  text(text: string): void {
    this.#waiting.push(text);
    setImmediate(() => this.#post());
  }

  vanish(): void {
    this.#over = true;
    for (const giveUp of this.#underWay) giveUp();
  }

  #poll(): void {
    this.#ask({ method: "GET" }, (heard, body) => {
      if (heard.heard !== "answer") return this.#hear(heard);
      if (this.#token === undefined && body?.status === 410 && body.token !== undefined) {
        this.#token = body.token;
        this.#hear({ heard: "upgraded", ms: heard.ms, answer: heard.answer, accepted: true });
        this.#post();
      } else if (body?.status === 200) {
        for (const text of body.messages ?? []) this.#hear({ heard: "text", ms: heard.ms, text });
      } else if (body?.status !== 204) {
        return this.#hear({ heard: "status", ms: heard.ms, status: body?.status ?? heard.answer.status });
      }
      this.#poll();
    });
  }

  #post(): void {
    if (this.#over || this.#token === undefined || this.#posting || this.#waiting.length === 0) return;
    const body = this.#waiting.splice(0, MAX_BATCH).join("\n");
    this.#posting = true;
    this.#ask(
      { method: "POST", body, headers: { "content-type": "application/x-ndjson" } },
      (heard, body) => {
        this.#posting = false;
        if (heard.heard !== "answer") this.#hear(heard);
        else if (body?.status === 200) this.#post();
        else {
          this.#hear({ heard: "status", ms: heard.ms, status: body?.status ?? heard.answer.status });
          this.vanish();
        }
      },
    );
  }

  #ask(
    request: Pick<HttpRequest, "method" | "body" | "headers">,
    then: (heard: Heard, body: Body | undefined) => void,
  ): void {
    const { path, headers, ...at } = this.#opening;
    const token = this.#token === undefined ? "" : `${path.includes("?") ? "&" : "?"}token=${this.#token}`;
    const giveUp = ask(
      { ...request, ...at, path: path + token, headers: { ...headers, ...request.headers } },
      (heard) => {
        this.#underWay.delete(giveUp);
        if (!this.#over) then(heard, heard.heard === "answer" ? bodyOf(heard.answer.body) : undefined);
      },
    );
    this.#underWay.add(giveUp);
  }
}

function bodyOf(bytes: Buffer): Body | undefined {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
