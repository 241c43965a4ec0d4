// A connection of phoenix.js in the test's hand: what the client says can be read, and what it hears is written here.
import { Socket } from "phoenix";
import type { Identity } from "../client/synced-types.ts";

type Frame = readonly [
  join: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payload: object,
];
type Said = { readonly event: string; readonly payload: Record<string, unknown> };

class Wire {
  static readonly open: Wire[] = [];
  readonly url: string;
  readyState = 0;
  readonly frames: Frame[] = [];
  onopen: () => void = () => undefined;
  onclose: (event: object) => void = () => undefined;
  onerror: (event: object) => void = () => undefined;
  onmessage: (event: { readonly data: string }) => void = () => undefined;

  constructor(url: string) {
    this.url = url;
    Wire.open.push(this);
  }
  send(text: string): void {
    const frame = JSON.parse(text) as Frame;
    if (frame[2] !== "phoenix") this.frames.push(frame);
  }
  close(code = 1000): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose({ code, wasClean: code === 1000 });
  }
}

export class Line {
  readonly identity: Identity = {};
  readonly socket = new Socket("ws://test/socket", {
    transport: Wire,
    params: () => this.identity,
    heartbeatIntervalMs: 1e9,
    reconnectAfterMs: () => 100,
    rejoinAfterMs: () => 100,
  });

  constructor() {
    this.socket.connect();
    this.opens();
  }
  get #wire(): Wire {
    return Wire.open.at(-1)!;
  }
  /** Params of the connection that is open now. */
  get params(): Record<string, string> {
    return Object.fromEntries(new URL(this.#wire.url).searchParams);
  }
  opens(): void {
    this.#wire.readyState = 1;
    this.#wire.onopen();
  }
  breaks(): void {
    this.#wire.close(1006);
  }
  /** What was said on this connection since the last look. */
  said(): Said[] {
    return this.#heard().map(([, , , event, payload]) => ({ event, payload: payload as Said["payload"] }));
  }
  #last = new Map<string, Frame>();
  #heard(): Frame[] {
    const frames = this.#wire.frames.splice(0);
    for (const frame of frames) {
      const { mid } = frame[4] as { mid?: number };
      this.#last.set(mid === undefined ? frame[3] : String(mid), frame);
    }
    return frames;
  }
  /** Answers the last frame of this event, or the dispatch of this mid. */
  answers(to: string | number, status: "ok" | "error", response: object): void {
    this.#heard();
    const frame = this.#last.get(String(to));
    if (!frame) throw new Error(`Nothing was said of ${to}.`);
    const [join, ref, topic] = frame;
    this.#says([join, ref, topic, "phx_reply", { status, response }]);
  }
  pushes(event: string, payload: object): void {
    this.#heard();
    const [join, , topic] = this.#last.get("phx_join")!;
    this.#says([join, null, topic, event, payload]);
  }
  #says(frame: Frame): void {
    this.#wire.onmessage({ data: JSON.stringify(frame) });
  }
}
