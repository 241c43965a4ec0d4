// The peer of a check that is code: connections that hear in order and on demand, and a way to say that the server is wrong.
import { randomBytes } from "node:crypto";
import type { Mode, Peer, PeerAnswer, PeerConnection, PeerRequest } from "../checks/check.ts";
import type { Hearing, Json, Step } from "../recording/recording.ts";
import { asHearing, isAsRecorded } from "../replay/compare.ts";
import { mismatches, realTime, type ReplayOptions, type ReplayTime } from "../replay/replay.ts";
import { LongPollSession } from "../wire/longpoll-session.ts";
import { RawSocket, type Heard } from "../wire/raw-socket.ts";
import { ask } from "../wire/request.ts";
import type { Failure } from "./outcome.ts";

/** The server is wrong, and how. */
export class Wrong extends Error {
  override readonly name = "Wrong";
  readonly failure: Omit<Failure, "conversation" | "about">;

  constructor(failure: Omit<Failure, "conversation" | "about">) {
    super(failure.says ?? "It answers otherwise.");
    this.failure = failure;
  }
}

const SETTLE = 60;

/** What a check talks through; `end` cuts what it has opened. */
export class CheckPeer implements Peer {
  readonly mode: Mode;
  readonly #id: string;
  readonly #options: ReplayOptions;
  readonly #time: ReplayTime;
  readonly #connections: Connection[] = [];
  readonly #asking = new Set<() => void>();

  constructor(id: string, mode: Mode, options: ReplayOptions) {
    this.#id = id;
    this.mode = mode;
    this.#options = options;
    this.#time = options.time ?? realTime;
  }

  now(): number {
    return this.#time.now();
  }

  async pause(milliseconds: number): Promise<void> {
    await this.#time.pass(milliseconds);
  }

  topic(beginning = "room:"): string {
    return `${beginning}${this.#id}-${randomBytes(4).toString("hex")}`;
  }

  async websocket(path: string, headers?: Readonly<Record<string, string>>): Promise<PeerConnection> {
    return this.#opened(
      (hear) =>
        new RawSocket({ ...this.#options, path: this.#path(path), ...(headers && { headers }) }, hear),
    );
  }

  async longpoll(path: string, headers?: Readonly<Record<string, string>>): Promise<PeerConnection> {
    return this.#opened(
      (hear) =>
        new LongPollSession({ ...this.#options, path: this.#path(path), ...(headers && { headers }) }, hear),
    );
  }

  async ask(request: PeerRequest): Promise<PeerAnswer | undefined> {
    const heard = await new Promise<Heard | undefined>((resolve) => {
      const late = setTimeout(() => resolve(undefined), this.#patience);
      const giveUp = ask({ ...this.#options, ...request, path: this.#path(request.path) }, (heard) => {
        clearTimeout(late);
        this.#asking.delete(giveUp);
        resolve(heard);
      });
      this.#asking.add(giveUp);
    });
    if (heard?.heard !== "answer") return undefined;
    const { status, headers, body } = heard.answer;
    const text = body.toString("utf8");
    return { status, headers, body: text, ...jsonOf(text) };
  }

  async play(steps: readonly Step[]): Promise<void> {
    const [first] = await mismatches({ scenario: this.#id, about: "", steps }, this.#options);
    if (first !== undefined) throw new Wrong(first);
  }

  fail(says: string, expected?: Json, heard?: Json): never {
    throw new Wrong({
      says,
      ...(expected === undefined ? {} : { expected }),
      ...(heard === undefined ? {} : { heard }),
    });
  }

  end(): void {
    for (const connection of this.#connections) connection.vanish();
    for (const giveUp of this.#asking) giveUp();
  }

  get #patience(): number {
    return this.#options.patience ?? 5000;
  }

  #path(path: string): string {
    return (this.#options.prefix ?? "") + path;
  }

  async #opened(open: (hear: (heard: Heard) => void) => RawSocket | LongPollSession): Promise<Connection> {
    const connection = new Connection(open, this.#time, this.#patience);
    this.#connections.push(connection);
    await connection.opened();
    return connection;
  }
}

/** One connection of a check. */
class Connection implements PeerConnection {
  readonly #peer: RawSocket | LongPollSession;
  readonly #time: ReplayTime;
  readonly #patience: number;
  readonly #waiting: Heard[] = [];
  #wake: () => void = () => undefined;
  #said: number;
  #count = 0;

  constructor(
    open: (hear: (heard: Heard) => void) => RawSocket | LongPollSession,
    time: ReplayTime,
    patience: number,
  ) {
    this.#time = time;
    this.#patience = patience;
    this.#said = time.now();
    this.#peer = open((heard) => {
      this.#waiting.push({ ...heard, ms: this.#time.now() });
      this.#wake();
    });
  }

  async opened(): Promise<void> {
    const heard = await this.#next();
    if (heard?.heard === "upgraded" && heard.accepted) return;
    throw new Wrong({
      at: 1,
      says: "The connection is not let in.",
      expected: { hear: "upgraded", headers: {} },
      ...(heard && { heard: asHearing(heard) }),
    });
  }

  text(frame: Json): void {
    this.#said = this.#time.now();
    this.#peer.text(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  binary(bytes: Uint8Array): void {
    this.#socket("binary").binary(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#socket("raw").raw(bytes);
  }

  close(code?: number): void {
    this.#socket("close").close(code);
  }

  vanish(): void {
    this.#peer.vanish();
  }

  stopReading(): void {
    this.#socket("stopReading").stopReading();
  }

  readAgain(): void {
    this.#socket("readAgain").readAgain();
  }

  async hears(...expected: readonly Hearing[]): Promise<void> {
    for (const hearing of expected) {
      const heard = await this.#next();
      if (heard === undefined || !isAsRecorded(hearing, heard, this.#said, new Map())) {
        throw new Wrong(this.#wrong(heard, hearing));
      }
    }
  }

  async hearsFrames(...expected: readonly Json[]): Promise<void> {
    await this.hears(...expected.map((json): Hearing => ({ hear: "text", json })));
  }

  async hearsInAnyOrder(...expected: readonly Json[]): Promise<void> {
    const left = [...expected];
    while (left.length > 0) {
      const heard = await this.#next();
      const is = left.findIndex(
        (json) => heard !== undefined && isAsRecorded({ hear: "text", json }, heard, this.#said, new Map()),
      );
      if (is < 0) {
        throw new Wrong({
          ...this.#wrong(heard, { hear: "text", json: left[0] ?? null }),
          says: `Of ${expected.length} frames in any order, ${left.length} had not been heard.`,
        });
      }
      left.splice(is, 1);
    }
  }

  async next(): Promise<Hearing> {
    const heard = await this.#next();
    if (heard === undefined)
      throw new Wrong({ at: this.#count + 1, says: "Nothing more came in good time." });
    return asHearing(heard);
  }

  async nextText(): Promise<string> {
    const heard = await this.#next();
    if (heard?.heard === "text") return heard.text;
    throw new Wrong({ ...this.#wrong(heard), says: "It should be a frame of text." });
  }

  async hearsNothing(within = SETTLE): Promise<void> {
    await this.#time.pass(within);
    const heard = this.#waiting.shift();
    if (heard !== undefined) {
      this.#count += 1;
      throw new Wrong({ ...this.#wrong(heard), says: `It should have been silent for ${within} ms.` });
    }
  }

  #wrong(heard: Heard | undefined, expected?: Hearing): Omit<Failure, "conversation" | "about"> {
    return {
      at: this.#count + (heard === undefined ? 1 : 0),
      ...(expected && { expected }),
      ...(heard && { heard: asHearing(heard), late: Math.round(heard.ms - this.#said) }),
    };
  }

  async #next(): Promise<Heard | undefined> {
    if (this.#waiting.length === 0) {
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, this.#patience);
        this.#wake = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
    const heard = this.#waiting.shift();
    if (heard !== undefined) this.#count += 1;
    return heard;
  }

  #socket(what: string): RawSocket {
    if (!(this.#peer instanceof RawSocket)) throw new Error(`Only a WebSocket can ${what}.`);
    this.#said = this.#time.now();
    return this.#peer;
  }
}

function jsonOf(text: string): { json?: Json } {
  try {
    return { json: JSON.parse(text) as Json };
  } catch {
    return {};
  }
}
