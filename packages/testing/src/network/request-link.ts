// One attempt over HTTP, with the real client's link and the real server's ends, and a network in between that carries
// requests: the Hello's is answered by a stream (or ends, for a poll), each POST's by its outcomes. A POST may land on
// another node than the stream. Not here: sockets (link.ts).
import type { ClientFrame, Format, ServerFrame } from "@calla/shared";
import type { Link as ClientLink } from "@calla/client";
import { httpLink } from "@calla/client/testing";
import type { HttpMemory, PostAnswer, StreamHandlers } from "@calla/client/testing";
import type { Incoming, WireFrame } from "@calla/server";
import { Lane } from "./lane.ts";
import type { Packet } from "./lane.ts";
import { fromUtf8, isLastWord, packetOf } from "./link.ts";
import type { LinkOptions, Reachable } from "./link.ts";
import { stopsBeforeClient, stopsBeforeServer } from "./points.ts";
import type { CutPoint } from "./points.ts";
import { Throttle } from "./throttle.ts";

export interface RequestLinkOptions extends Omit<LinkOptions, "format"> {
  readonly format: Format;
  /** There is no place for a stream: it polls. */
  readonly polls: boolean;
  readonly memory: HttpMemory;
  /** Milliseconds between polls: 200. */
  readonly pollInterval: number | undefined;
  /** Where the next POST lands. */
  readonly speaksTo: () => Reachable;
}

/** The Hello's request. */
interface Stream {
  readonly on: StreamHandlers;
  incoming: Incoming | undefined;
  aborted: boolean;
}
/** Any other. */
interface Post {
  answer(answer: PostAnswer): void;
  leave: () => void;
}
type Requesting<Frame> = Packet<Frame> & { readonly stream?: Stream; readonly post?: Post };
type Answering = Requesting<ServerFrame> & { readonly text?: string; readonly answer?: PostAnswer };

/** Shorter than in production, so that a run need not wait. */
const PATIENCE = { flushBatchSize: 3, pollInterval: 200, postTimeout: 1_200, silence: 700 };
const LOST: PostAnswer = { status: 0, events: [] };

/** One attempt over HTTP, with the requests it makes and a lane in each direction. */
export class RequestLink {
  readonly toServer: Lane<ClientFrame>;
  readonly toClient: Lane<ServerFrame>;
  /** Answers to POSTs have a way of their own: either may come first. */
  readonly answers: Lane<ServerFrame>;
  readonly throttle: Throttle;
  readonly #options: RequestLinkOptions;
  #link: ClientLink | undefined;
  #clientEnded = false;
  #dead = false;
  #abandoned = false;
  readonly #streams = new Set<Stream>();
  readonly #posts = new Set<Post>();
  #last: ServerFrame["type"] | undefined;

  constructor(options: RequestLinkOptions) {
    this.#options = options;
    const { clock, latency } = options;
    this.throttle = new Throttle({
      clock,
      drained: () => {
        for (const { incoming } of this.#streams) incoming?.drained();
      },
    });
    const lane = { clock, latency };
    this.toServer = new Lane<ClientFrame>({
      ...lane,
      arrive: (packet) => this.#atServer(packet as Requesting<ClientFrame>),
      // A request for a stream is not repeated by any network; one for outcomes may be.
      spares: (how, frames) => how === "duplicate" && frames.length === 1 && frames[0]?.type === "Hello",
      stop: (packet) => this.#stop(packet, (point) => stopsBeforeServer(point, packet.frames)),
    });
    this.toClient = new Lane<ServerFrame>({
      ...lane,
      arrive: (packet) => this.#atClient(packet as Answering),
      spares: (how, frames) =>
        (how === "drop" && frames.some(isLastWord)) ||
        (how === "reorder" && frames.some(({ type }) => type === "Closing")),
      stop: (packet) => this.#stop(packet, (point) => stopsBeforeClient(point, packet.frames, this.#last)),
    });
    this.answers = new Lane<ServerFrame>({
      ...lane,
      arrive: (packet) => this.#answered(packet as Answering),
      stop: (packet) => this.#stop(packet, (point) => stopsBeforeClient(point, packet.frames, undefined)),
    });
  }

  /** Whom it leads to. */
  get server(): Reachable {
    return this.#options.server;
  }
  /** Both ends are still there. */
  get whole(): boolean {
    return this.#link !== undefined && !this.#clientEnded && !this.#dead;
  }
  /** The client still believes in it. */
  get held(): boolean {
    return !this.#clientEnded;
  }

  /** Connects: the client says Hello, in a request of its own. */
  open(): void {
    if (this.#clientEnded) return;
    const { clock, format, handlers, memory, polls, pollInterval = PATIENCE.pollInterval } = this.#options;
    this.#link = httpLink({
      carrier: {
        stream: (body, on) => this.#ask(body, on),
        post: (body) => this.#post(body),
      },
      slots: { take: () => Promise.resolve(polls ? undefined : () => undefined) },
      clock,
      format,
      memory,
      handlers: {
        ...handlers,
        close: (reason) => {
          this.#clientEnded = true;
          handlers.close(reason);
        },
      },
      ...PATIENCE,
      pollInterval,
    });
  }
  /** The client speaks: its link puts it into the next POST. */
  send(data: string | Uint8Array): void {
    this.#link?.send(data);
  }
  /** The client closes: it aborts its requests, and where it is `gone` for good says so by a last one. */
  close(gone = false): void {
    this.#clientEnded = true;
    this.#link?.close(gone);
  }

  /** The network fails the client: everything under way to it is lost, and so is whatever it asks from now on. */
  breakForClient(): void {
    if (this.#link === undefined && !this.#clientEnded) {
      this.#clientEnded = true;
      this.#options.handlers.close({ code: 1006, reason: "" });
    }
    this.#dead = true;
    this.toClient.close();
    this.answers.close();
    for (const { on, aborted } of this.#streams) if (!aborted) on.end(0, "cut");
    for (const post of this.#posts) post.answer(LOST);
  }
  /** The network fails the server: what was on its way to it is lost, and it hears that the streams have ended. */
  breakForServer(): void {
    this.toServer.close();
    this.throttle.close();
    for (const { incoming } of this.#streams) incoming?.disconnect(1006, "");
    for (const { leave } of this.#posts) leave();
  }
  /** The client's process is gone. Its POSTs still arrive; its Hello would take over from the next page's (CV6). */
  abandon(): void {
    this.#clientEnded = true;
    this.#dead = true;
    this.toClient.close();
    this.answers.close();
    this.#abandoned = true;
    this.#link?.close();
    if (this.toServer.packets.some((packet) => (packet as Requesting<ClientFrame>).stream !== undefined))
      this.breakForServer();
  }

  // --------------------------------------------------------------------------------------------------------- requests

  #ask(body: string | Uint8Array, on: StreamHandlers): () => void {
    const stream: Stream = { on, incoming: undefined, aborted: false };
    this.#streams.add(stream);
    if (this.#dead) void Promise.resolve().then(() => stream.aborted || on.end(0, "cut"));
    else this.#push(this.toServer, { ...this.#packet(body), stream });
    return () => {
      if (stream.aborted) return;
      stream.aborted = true;
      if (!this.#abandoned)
        this.#push(this.toServer, { data: undefined, frames: [], end: { code: 1006, reason: "" }, stream });
    };
  }

  #post(body: string | Uint8Array): { readonly answer: Promise<PostAnswer>; abort(): void } {
    let post!: Post;
    const answer = new Promise<PostAnswer>((resolve) => {
      post = { answer: resolve, leave: () => undefined };
    });
    this.#posts.add(post);
    void answer.then(() => this.#posts.delete(post));
    if (this.#dead) post.answer(LOST);
    else this.#push(this.toServer, { ...this.#packet(body), post });
    return { answer, abort: () => post.answer(LOST) };
  }

  #packet(data: string | Uint8Array): Packet<ClientFrame> {
    // Decoded at once: what a packet says is recorded when it is sent.
    return { data, frames: this.#options.decodeClient(data), end: undefined };
  }
  #push<Frame>(lane: Lane<Frame>, packet: Requesting<Frame>): void {
    lane.push(packet);
  }

  #atServer({ data, end, stream, post }: Requesting<ClientFrame>): void {
    const { server, speaksTo, request, format } = this.#options;
    if (post !== undefined) {
      const frames: WireFrame[] = [];
      const leave = speaksTo().speak?.({
        data: data!,
        request,
        format: format.name,
        connection: {
          send: (frame) => void frames.push(frame),
          close: () => this.#answer(post, frames),
          bufferedAmount: () => 0,
        },
      });
      if (leave !== undefined) post.leave = leave;
      return;
    }
    if (end !== undefined) return stream!.incoming?.disconnect(end.code, "");
    const incoming = server.connect({
      request,
      format: format.name,
      connection: {
        send: (frame) =>
          this.throttle.push(frame.bytes.length, () =>
            this.#push(this.toClient, {
              ...packetOf(rawOf(frame), this.#options.decodeServer),
              stream: stream!,
              text: textOf(frame),
            } as Answering),
          ),
        close: (code, reason) => this.#ended(stream!, code, reason),
        finish: () => this.#ended(stream!, 1000, ""),
        bufferedAmount: () => this.throttle.waiting,
      },
    });
    stream!.incoming = incoming;
    incoming.incoming(data!);
  }

  #ended(stream: Stream, code: number, reason: string): void {
    stream.incoming?.disconnect(code, reason);
    this.throttle.push(0, () =>
      this.#push(this.toClient, { data: undefined, frames: [], end: { code, reason }, stream }),
    );
  }

  #answer(post: Post, frames: readonly WireFrame[]): void {
    const { decodeServer } = this.#options;
    const answer = { status: 200, events: frames.map(textOf) };
    this.#push(this.answers, {
      data: undefined,
      frames: frames.flatMap((frame) => decodeServer(rawOf(frame))),
      end: undefined,
      post,
      answer,
    } as Answering);
  }

  #atClient({ frames, end, stream, text }: Answering): void {
    if (stream!.aborted) return;
    if (end === undefined) {
      this.#last = frames.at(-1)?.type;
      stream!.on.data(text!);
      return;
    }
    this.#streams.delete(stream!);
    stream!.on.end(200, "ended");
  }
  #answered({ post, answer }: Answering): void {
    post!.answer(answer!);
  }

  /** A cut in front of a POST or of its answer costs that request; any other one is the network's. */
  #stop(packet: Requesting<ClientFrame | ServerFrame>, reached: (point: CutPoint) => boolean): boolean {
    if (!this.#options.cutHere(reached)) return false;
    if (packet.post !== undefined) packet.post.answer(LOST);
    else {
      this.breakForServer();
      this.breakForClient();
    }
    return true;
  }
}

const rawOf = ({ bytes, text }: WireFrame): string | Uint8Array => (text ? fromUtf8(bytes) : bytes);
const textOf = ({ bytes, text }: WireFrame): string =>
  text ? fromUtf8(bytes) : Buffer.from(bytes).toString("base64");
