// A Phoenix client by hand: tests say frames, and read the literal frames that came back.
import { hostOf } from "../src/channels/engine/hosts.ts";
import type { Admitted, ChannelsHost } from "../src/channels/engine/host.ts";
import type { Channels, Json } from "../src/channels/index.ts";
import type { WireFrame } from "../src/base/connection.ts";

export type Heard = Json | Uint8Array;

export interface TalkOptions {
  readonly vsn?: "1.0.0" | "2.0.0";
  readonly transport?: "websocket" | "longpoll";
  readonly params?: { readonly [name: string]: Json };
  readonly remoteAddress?: string;
  /** False: the peer does not answer a close, so the connection stays. Default: true. */
  readonly answersClose?: boolean;
}

export class Talker {
  /** What came, and was not taken yet. */
  readonly heard: Heard[] = [];
  readonly closed: { readonly code: number; readonly reason: string }[] = [];
  /** What the connection says waits to be written. */
  unwritten = 0;
  #wired: ReturnType<ChannelsHost["connect"]> | undefined;

  constructor(channels: ChannelsHost, admitted: Admitted, vsn: "1.0.0" | "2.0.0", answersClose = true) {
    const serialiser = channels.serialiserFor(vsn)!;
    this.#wired = channels.connect({
      admitted,
      serialiser,
      connection: {
        send: (frame) => void this.heard.push(heardOf(frame)),
        close: (code, reason) => {
          this.closed.push({ code, reason });
          if (answersClose && code !== 1011) this.#wired?.disconnect(code, reason);
        },
        bufferedAmount: () => this.unwritten,
      },
    });
    const [end] = this.closed;
    if (end !== undefined) this.#wired.disconnect(end.code, end.reason);
  }

  /** Says a frame, and gives all that has come since. */
  say(frame: unknown): readonly Heard[] {
    void this.#wired?.incoming(
      frame instanceof Uint8Array || typeof frame === "string" ? frame : JSON.stringify(frame),
    );
    return this.take();
  }

  /** What has come since. */
  take(): readonly Heard[] {
    return this.heard.splice(0);
  }

  /** Joins a topic, and gives what came. */
  join(topic: string, joinRef: Json = "1", payload: unknown = {}): readonly Heard[] {
    return this.say([joinRef, joinRef, topic, "phx_join", payload]);
  }

  gone(why?: string): void {
    this.#wired?.disconnect(1006, why);
  }
}

const heardOf = ({ bytes, text }: WireFrame): Heard =>
  text ? (JSON.parse(Buffer.from(bytes).toString()) as Json) : new Uint8Array(bytes);

/** A client of a system: it must be let in at once. */
export function talk(system: Channels, options: TalkOptions = {}): Talker {
  const { vsn = "2.0.0", transport = "websocket", params = {}, remoteAddress } = options;
  const request = {
    url: "/socket/websocket",
    headers: {},
    remoteAddress,
    params,
    transport,
    vsn,
    authToken: undefined,
  };
  const channels = hostOf(system);
  const admission = channels.admit(request, new AbortController());
  if (admission instanceof Promise || !admission.accepted) throw new Error("not let in at once");
  return new Talker(channels, admission, vsn, options.answersClose);
}

export const reply = (joinRef: Json, ref: Json, topic: Json, status: string, response: Json = {}): Json => [
  joinRef,
  ref,
  topic,
  "phx_reply",
  { status, response },
];
export const closed = (joinRef: Json, topic: string): Json => [joinRef, joinRef, topic, "phx_close", {}];
export const crashed = (joinRef: Json, topic: string): Json => [
  joinRef,
  joinRef,
  topic,
  "phx_error",
  { reason: "channel_crash" },
];

/** Lets all that is settled be told. */
export const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
