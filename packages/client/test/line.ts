// A server that answers by itself, behind a line that takes time and may end: for what happens over many connections.
import {
  asFrame,
  automatic,
  clientFrames,
  json,
  mapPayloads,
  payloadReader,
  payloadWriter,
} from "@calla/shared";
import type { ClientFrame, ServerFrame } from "@calla/shared";
import type { Link, Transport, TransportHandlers } from "../src/transports/transport.ts";
import { connectedAs, seededRandom, settledFrame, snapshotFrame } from "./kit.ts";
import type { VirtualClock } from "./kit.ts";

const serialiser = automatic(json());
const codec = serialiser.payload(serialiser.formats[0]!);

export interface LineOptions {
  readonly clock: VirtualClock;
  /** Milliseconds each way. */
  readonly latency?: number;
  readonly baseMilliseconds?: number;
}

type Message = Extract<ClientFrame, { type: "TopicMessage" }>;
export type Ending = "cut" | "silence" | ServerFrame;

/** One log for all targets: who sent what, in the order in which it came. */
export class Line {
  readonly clock: VirtualClock;
  /** Attempts so far, and when they began. */
  readonly attempts: number[] = [];
  /** What the server took, by target: texts of `added`, in order. */
  readonly taken = new Map<string, unknown[]>();
  /** Every message frame that left, with the attempt that carried it. */
  readonly carried: {
    readonly attempt: number;
    readonly target: string;
    readonly messages: readonly unknown[];
  }[] = [];
  /** What a frame does to its connection before the server sees it; undefined: it passes. */
  ends: (frame: ClientFrame, attempt: number) => Ending | undefined = () => undefined;
  /** What the server's answer does to it on its way back. */
  loses: (frame: ServerFrame, attempt: number) => boolean = () => false;
  readonly #latency: number;
  readonly #outcomes = new Map<string, ServerFrame>();
  /** Whom the newest connection speaks for, and how many clients there are. */
  #client = "";
  #clients = 0;
  readonly transport: Transport;

  constructor({ clock, latency = 20, baseMilliseconds = 100 }: LineOptions) {
    this.clock = clock;
    this.#latency = latency;
    this.transport = {
      reconnect: { baseMilliseconds, maxMilliseconds: 30_000, multiplier: 2, jitterRatio: 0 },
      connect: (handlers) => this.#connect(handlers),
    };
  }

  /** Ends the newest connection. */
  cut: () => void = () => {};

  #connect(handlers: TransportHandlers): Link {
    const attempt = this.attempts.push(this.clock.monotonic());
    let over = false;
    let silent = false;
    const after = (run: () => void): void =>
      void this.clock.setTimeout(() => {
        if (!over && !silent) run();
      }, this.#latency);
    const end = (): void => {
      if (over) return;
      over = true;
      handlers.close({ code: 1006, reason: "" });
    };
    this.cut = end;
    const say = (...frames: ServerFrame[]): void => {
      for (const frame of frames)
        after(() => {
          if (this.loses(frame, attempt)) return end();
          handlers.receive(JSON.stringify(mapPayloads(frame, payloadWriter(codec))));
        });
    };
    after(() => handlers.open());
    return {
      send: (data) => {
        const packet: unknown = JSON.parse(data as string);
        for (const value of Array.isArray(packet) ? packet : [packet]) {
          const frame = mapPayloads(asFrame(clientFrames, value) as ClientFrame, payloadReader(codec));
          if (frame.type === "TopicMessage")
            this.carried.push({ attempt, target: frame.target, messages: frame.messages });
          after(() => {
            const ending = this.ends(frame, attempt);
            if (ending === undefined) this.#hear(frame, say);
            else if (ending === "cut") end();
            else if (ending === "silence") silent = true;
            else say(ending);
          });
        }
      },
      close: () => {
        over = true;
      },
    };
  }

  #hear(frame: ClientFrame, say: (...frames: ServerFrame[]) => void): void {
    if (frame.type === "Hello") {
      this.#client = frame.identity?.clientId ?? `c${++this.#clients}`;
      say(connectedAs(this.#client));
      for (const { target, ref } of frame.targets) this.#subscribed(target, ref, say);
    } else if (frame.type === "Subscribe") this.#subscribed(frame.target, frame.ref, say);
    else if (frame.type === "Ping") say({ type: "Pong" });
    else if (frame.type === "TopicMessage" && frame.mid > 0) say(this.#decide(frame));
  }

  #subscribed(target: string, ref: number, say: (...frames: ServerFrame[]) => void): void {
    const items = this.taken.get(target) ?? [];
    say(
      settledFrame(target, ref, { sequence: items.length, next: 1 }),
      snapshotFrame(target, items.length, items.length, { items, stamp: 0 }),
    );
  }

  /** Exactly once, in order of mids. */
  #decide({ target, mid, id, messages }: Message): ServerFrame {
    const key = `${this.#client} ${target} ${mid}`;
    const known = this.#outcomes.get(key);
    if (known) return known;
    if (mid > 1 && !this.#outcomes.has(`${this.#client} ${target} ${mid - 1}`))
      return { type: "Paused", target, from: mid - 1, code: "gap", retryAfter: 0 };
    const items = this.taken.get(target) ?? [];
    const outcome: ServerFrame =
      messages.length === 0
        ? { type: "Rejected", target, mid, id, from: "calla", code: "cancelled", details: {} }
        : { type: "Acknowledge", target, mid, id, sequence: items.length + 1 };
    if (messages.length > 0)
      this.taken.set(target, [
        ...items,
        ...(messages as readonly { text: string }[]).map(({ text }) => text),
      ]);
    this.#outcomes.set(key, outcome);
    return outcome;
  }
}

/** Chance for a test: a number from 0 to 1. */
export function chance(seed: number): () => number {
  const random = seededRandom(seed);
  // The first ones of neighbouring seeds are alike.
  for (let i = 0; i < 8; i++) random.uint32();
  return () => (random.uint32() >>> 8) / 2 ** 24;
}
