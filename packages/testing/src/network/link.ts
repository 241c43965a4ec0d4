// One connection between a client and a server, with its two lanes, that can end on either side or on both. Not here:
// which server a client reaches and how often it tries (pair.ts).
import type { ClientFrame, Clock, ServerFrame } from "@calla/shared";
import type { TransportHandlers } from "@calla/client";
import type { Connection, ConnectRequest, Incoming } from "@calla/server";
import { Lane } from "./lane.ts";
import type { Packet } from "./lane.ts";
import { Throttle } from "./throttle.ts";
import { stopsBeforeClient, stopsBeforeServer } from "./points.ts";
import type { CutPoint } from "./points.ts";

/** As much of a server as a network sees. */
export interface Reachable {
  /** Wires in a connection, as `server.connect`. */
  connect(wired: {
    readonly connection: Connection;
    readonly request: ConnectRequest;
    readonly format: string;
  }): Incoming;
  /** Where there is HTTP. */
  speak?(spoken: {
    readonly data: string | Uint8Array;
    readonly connection: Connection;
    readonly request: ConnectRequest;
    readonly format: string;
  }): () => void;
}

export interface LinkOptions {
  readonly server: Reachable;
  readonly handlers: TransportHandlers;
  readonly format: string;
  readonly request: ConnectRequest;
  readonly clock: Clock;
  readonly latency: (() => number) | undefined;
  readonly decodeClient: (data: string | Uint8Array) => readonly ClientFrame[];
  readonly decodeServer: (data: string | Uint8Array) => readonly ServerFrame[];
  /** Whether to cut here; the link calls it once per packet that is about to arrive. */
  readonly cutHere: (reached: (point: CutPoint) => boolean) => boolean;
}

/** One connection over a socket, with a lane in each direction. `pair.link` is the one there is now. */
export class Link {
  readonly toServer: Lane<ClientFrame>;
  readonly toClient: Lane<ServerFrame>;
  /** What the server has said and the line has not taken yet. */
  readonly throttle: Throttle;
  readonly #options: LinkOptions;
  #incoming: Incoming | undefined;
  #clientEnded = false;
  #serverEnded = false;
  #last: ServerFrame["type"] | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { clock, latency } = options;
    this.throttle = new Throttle({ clock, drained: () => this.#incoming?.drained() });
    this.toServer = new Lane<ClientFrame>({
      clock,
      latency,
      arrive: (packet) => this.#atServer(packet),
      // Said twice it breaks the protocol, and the client is closed for good (CV2).
      spares: (how, frames) => how === "duplicate" && frames.some(({ type }) => type === "Hello"),
      stop: ({ frames }) => this.#stop((point) => stopsBeforeServer(point, frames)),
    });
    this.toClient = new Lane<ServerFrame>({
      clock,
      latency,
      arrive: (packet) => this.#atClient(packet),
      // Nothing makes up for these but the end of the connection, without which no network loses them.
      spares: (how, frames) =>
        (how === "drop" && frames.some(isLastWord)) ||
        (how === "reorder" && frames.some(({ type }) => type === "Closing")),
      stop: ({ frames }) => this.#stop((point) => stopsBeforeClient(point, frames, this.#last)),
    });
  }

  /** Whom it leads to. */
  get server(): Reachable {
    return this.#options.server;
  }
  /** Both ends are still there. */
  get whole(): boolean {
    return this.#incoming !== undefined && !this.#clientEnded && !this.#serverEnded;
  }
  /** The client still believes in it. */
  get held(): boolean {
    return !this.#clientEnded;
  }

  /** Connects: the client says Hello. */
  open(): void {
    const { server, request, format, handlers, decodeServer } = this.#options;
    if (this.#clientEnded) return;
    this.#incoming = server.connect({
      connection: {
        send: ({ bytes, text }) =>
          this.throttle.push(bytes.length, () =>
            this.toClient.push(packetOf(text ? fromUtf8(bytes) : bytes, decodeServer)),
          ),
        close: (code, reason) =>
          this.throttle.push(0, () =>
            this.toClient.push({ data: undefined, frames: [], end: { code, reason } }),
          ),
        bufferedAmount: () => this.throttle.waiting,
        pause: () => this.toServer.pause(),
        resume: () => this.toServer.resume(),
      },
      request,
      format,
    });
    handlers.open();
  }

  /** The client speaks. Into a dead connection this succeeds too. */
  send(data: string | Uint8Array): void {
    this.toServer.push(packetOf(data, this.#options.decodeClient));
  }
  /** The client closes: the server hears of it behind what was sent. `gone`: it does not come back by itself. */
  close(gone = false): void {
    if (this.#clientEnded) return;
    this.#clientEnded = true;
    this.toClient.close();
    this.toServer.push({ data: undefined, frames: [], end: { code: gone ? 1000 : 4001, reason: "" } });
  }

  /** The connection breaks for the client: what was under way to it is lost. */
  breakForClient(code = 1006): void {
    if (this.#clientEnded) return;
    this.#clientEnded = true;
    this.toClient.close();
    this.#options.handlers.close({ code, reason: "" });
  }
  /** The connection breaks for the server, now or later. */
  breakForServer(code = 1006): void {
    this.toServer.close();
    this.throttle.close();
    if (this.#serverEnded) return;
    this.#serverEnded = true;
    this.#incoming?.disconnect(code, "");
  }
  /** The client's process is gone: it hears nothing more, and nobody closes. */
  abandon(): void {
    this.#clientEnded = true;
    this.toClient.close();
    this.#forgetHello();
  }

  /**
   * A `Hello` that is overtaken by the next page's would take over from it when it arrives, and the client be closed for
   * good (CV6): the network of a simulation is kind enough not to deliver it.
   */
  #forgetHello(): void {
    if (this.toServer.frames.some(({ type }) => type === "Hello")) this.breakForServer();
  }

  #stop(reached: (point: CutPoint) => boolean): boolean {
    if (!this.#options.cutHere(reached)) return false;
    this.breakForServer();
    this.breakForClient();
    return true;
  }

  #atServer({ data, end }: Packet<ClientFrame>): void {
    if (end !== undefined) return this.breakForServer(end.code);
    if (!this.#serverEnded) this.#incoming?.incoming(data!);
  }
  #atClient({ data, frames, end }: Packet<ServerFrame>): void {
    if (this.#clientEnded) return;
    if (end === undefined) {
      this.#last = frames.at(-1)?.type;
      this.#options.handlers.receive(data!);
      return;
    }
    this.#clientEnded = true;
    this.toClient.close();
    this.#options.handlers.close(end);
    this.breakForServer(end.code);
  }
}

/** What a server says once and does not repeat, whatever it is asked. */
export const isLastWord = (frame: ServerFrame): boolean =>
  frame.type === "Unsubscribed" ||
  frame.type === "Closing" ||
  frame.type === "Version" ||
  (frame.type === "Rejected" && frame.code === "mid-conflict");

export function packetOf<Frame>(
  data: string | Uint8Array,
  decode: (data: string | Uint8Array) => readonly Frame[],
): Packet<Frame> {
  let frames: readonly Frame[] | undefined;
  return {
    data,
    end: undefined,
    get frames() {
      return (frames ??= decode(data));
    },
  };
}

export const fromUtf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
