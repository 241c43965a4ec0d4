// A client of supabase's wire that says what it is told to, frame by frame. Text of either version is heard as an object.
import { WebSocket } from "ws";
import type { onTestFinished } from "vitest";
import { until } from "../phoenix-clients/phoenix-js.ts";
import type { Vsn } from "./realtime-js.ts";

export interface Frame {
  readonly joinRef: unknown;
  readonly ref: unknown;
  readonly topic: unknown;
  readonly event: unknown;
  readonly payload: unknown;
}

/** What a user broadcast (kind 4) says. */
export interface Kind4 {
  readonly topic: string;
  readonly event: string;
  readonly meta: string;
  readonly encoding: number;
  readonly data: string;
}

export interface RawOptions {
  readonly vsn?: Vsn;
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

export class Raw {
  readonly frames: (Frame | Buffer)[] = [];
  code: number | undefined;
  readonly #socket: WebSocket;
  readonly #vsn: Vsn;
  #ref = 100;

  private constructor(socket: WebSocket, vsn: Vsn) {
    this.#socket = socket;
    this.#vsn = vsn;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      this.frames.push(isBinary ? data : frameOf(JSON.parse(data.toString())));
    });
    socket.on("close", (code: number) => void (this.code = code));
  }

  static async open(
    finished: typeof onTestFinished,
    { url }: { readonly url: string },
    { vsn = "2.0.0", query = "&apikey=key", headers = {} }: RawOptions = {},
  ): Promise<Raw> {
    const socket = new WebSocket(`${url}/websocket?vsn=${vsn}${query}`, { headers });
    const raw = new Raw(socket, vsn);
    finished(() => socket.terminate());
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return raw;
  }

  say(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  /** Its line breaks. */
  cut(): void {
    this.#socket.terminate();
  }

  /** A frame of its version. */
  tell(frame: Frame): void {
    const { joinRef, ref, topic, event, payload } = frame;
    this.say(
      JSON.stringify(
        this.#vsn === "2.0.0"
          ? [joinRef, ref, topic, event, payload]
          : { join_ref: joinRef, ref, topic, event, payload },
      ),
    );
  }

  /** Joins, with "1" as the join's ref; gives what was answered. */
  async join(topic: string, config: unknown = {}, more: object = {}): Promise<unknown> {
    this.tell({ joinRef: "1", ref: "1", topic, event: "phx_join", payload: { config, ...more } });
    await until(() => this.#answer("1", topic) !== undefined);
    return this.#answer("1", topic);
  }

  async answerTo(ref: string): Promise<unknown> {
    await until(() => this.#answer(ref) !== undefined);
    return this.#answer(ref);
  }

  /** Says something on a topic, and waits until all of it has been handled. */
  async push(topic: string, event: string, payload: unknown): Promise<unknown> {
    const ref = String(this.#ref++);
    this.tell({ joinRef: "1", ref, topic, event, payload });
    await this.beat();
    return this.#answer(ref);
  }

  /** A broadcast as text. */
  broadcast(topic: string, event: unknown, payload?: unknown): Promise<unknown> {
    return this.push(topic, "broadcast", { type: "broadcast", event, payload });
  }

  /** A broadcast as kind 3. */
  async kind3(topic: string, event: string, encoding: number, data: string, meta = ""): Promise<unknown> {
    const ref = String(this.#ref++);
    this.say(kind3({ topic, event, encoding, data, meta, ref }));
    await this.beat();
    return this.#answer(ref);
  }

  /** All that was said before has been taken. */
  async beat(): Promise<void> {
    const ref = `beat ${this.#ref++}`;
    this.tell({ joinRef: null, ref, topic: "phoenix", event: "heartbeat", payload: {} });
    await this.answerTo(ref);
  }

  /** What it has heard by an event of the wire. */
  heard(event: string): unknown[] {
    return this.frames.flatMap((one) => (!Buffer.isBuffer(one) && one.event === event ? [one.payload] : []));
  }
  get kind4(): Kind4[] {
    return this.frames.flatMap((one) => (Buffer.isBuffer(one) ? [kind4(one)] : []));
  }

  #answer(ref: string, topic?: string): unknown {
    for (const one of this.frames)
      if (!Buffer.isBuffer(one) && one.event === "phx_reply" && one.ref === ref)
        if (topic === undefined || one.topic === topic) return one.payload;
    return undefined;
  }
}

function frameOf(said: unknown): Frame {
  if (!Array.isArray(said)) return { joinRef: undefined, ...(said as Omit<Frame, "joinRef">) };
  const [joinRef, ref, topic, event, payload] = said as unknown[];
  return { joinRef, ref, topic, event, payload };
}

export function kind3(said: {
  readonly topic: string;
  readonly event: string;
  readonly encoding: number;
  readonly data: string | Uint8Array;
  readonly meta?: string;
  readonly joinRef?: string;
  readonly ref?: string;
}): Buffer {
  const { joinRef = "1", ref = "9", topic, event, meta = "", encoding, data } = said;
  const fields = [joinRef, ref, topic, event, meta].map((text) => Buffer.from(text));
  return Buffer.concat([
    Uint8Array.from([3, ...fields.map(({ length }) => length), encoding]),
    ...fields,
    Buffer.from(data as string),
  ]);
}

export function kind4(frame: Uint8Array): Kind4 {
  const bytes = Buffer.from(frame);
  const [kind, topics = 0, events = 0, metas = 0, encoding = -1] = bytes;
  if (kind !== 4) throw new Error(`kind ${kind}`);
  let at = 5;
  const take = (length: number): string => bytes.toString("utf8", at, (at += length));
  return {
    topic: take(topics),
    event: take(events),
    meta: take(metas),
    encoding,
    data: bytes.toString("latin1", at),
  };
}
