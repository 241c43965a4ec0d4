// An app with one kind of channel on a port of its own, which real clients talk to. It can go away in every way a server
// goes, and be there again on the same port.
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import {
  accept,
  createChannels,
  defineChannel,
  deny,
  joined,
  refused,
  reply,
  stop,
} from "../../src/channels/index.ts";
import type { Channels, ChannelsOptions, Joined, StopReason } from "../../src/channels/index.ts";
import { phoenix } from "../../src/channels/phoenix.ts";
import type { PhoenixMount } from "../../src/channels/phoenix.ts";
import type { PhoenixOptions } from "../../src/channels/transports/mount.ts";

/** What a join may be asked to do, by its payload. */
interface JoinPayload {
  /** So many joins of this topic are refused before one is let in. */
  readonly refuse?: number;
  /** The first join of this topic takes so many milliseconds. */
  readonly slow?: number;
}

export interface RoomServerOptions {
  readonly port?: number;
  readonly channels?: Pick<ChannelsOptions<{}>, "limits">;
  readonly mount?: Omit<PhoenixOptions, "httpServer">;
  /** A request for a WebSocket is never answered. */
  readonly hangUpgrades?: boolean;
  /** So many connections are turned away before one is let in. */
  readonly deny?: number;
}

export class RoomServer {
  readonly channels: Channels;
  /** What `onError` was told. */
  readonly errors: string[] = [];
  /** Params and token of each connection that asked. */
  readonly asked: { readonly params: unknown; readonly authToken: string | undefined }[] = [];
  /** Of each connection that was let in. */
  readonly transports: ("websocket" | "longpoll")[] = [];
  readonly ends: { readonly topic: string; readonly reason: StopReason }[] = [];
  /** Of each topic: joins that were asked for. */
  readonly joins = new Map<string, number>();
  readonly #http: Server;
  readonly #mount: PhoenixMount;
  readonly #sockets = new Set<Socket>();

  private constructor(options: RoomServerOptions) {
    let denied = options.deny ?? 0;
    this.channels = createChannels<{}>({
      ...options.channels,
      connect: ({ params, authToken, transport }) => {
        this.asked.push({ params, authToken });
        if (denied-- > 0) return deny(403);
        this.transports.push(transport);
        return accept({}, `user:${String(params["user"])}`);
      },
      onError: (error) => void this.errors.push(String(error)),
    }).register(this.#room());
    this.#http = createServer((request, response) => {
      if (!this.#mount.handle(request, response)) response.writeHead(404).end();
    });
    this.#http.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    if (options.hangUpgrades === true) this.#http.on("upgrade", () => undefined);
    this.#mount = phoenix(this.channels, {
      ...options.mount,
      httpServer: options.hangUpgrades === true ? undefined : this.#http,
    });
  }

  static async start(options: RoomServerOptions = {}): Promise<RoomServer> {
    const server = new RoomServer(options);
    server.#http.listen(options.port ?? 0, "127.0.0.1");
    await once(server.#http, "listening");
    return server;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }
  get url(): string {
    return `ws://127.0.0.1:${this.port}/socket`;
  }

  /** As a deploy ends it: clients are sent away, then it is gone. */
  async drained(): Promise<void> {
    await this.channels.drain({ over: 0 });
    await this.stop();
  }

  /** Gone at once, and no client hears of it but by its connection. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => void this.#http.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#mount.close();
    await this.channels.stop();
  }

  #room() {
    return defineChannel("room:*")
      .join(({ topic, payload, signal }) => {
        const { refuse = 0, slow } = payload as JoinPayload;
        const nth = (this.joins.get(topic) ?? 0) + 1;
        this.joins.set(topic, nth);
        if (nth <= refuse) return refused("not yet");
        if (nth > 1 || slow === undefined) return joined({}, { topic, given: payload as {} });
        return new Promise<Joined<{}>>((resolve) => {
          const timer = setTimeout(() => resolve(joined({}, { topic, late: true })), slow);
          signal.addEventListener("abort", () => {
            clearTimeout(timer);
            resolve(joined());
          });
        });
      })
      .handleIn("echo", (payload) => reply(payload))
      .handleIn("fail", () => reply("error", { reason: "no" }))
      .handleIn("brew", () => reply("teapot", { short: true }))
      .handleIn("silence", () => undefined)
      .handleIn("nap", async (payload) => {
        await new Promise((resolve) => void setTimeout(resolve, (payload as { ms: number }).ms));
        return reply({ slept: true });
      })
      .handleIn("say", (payload, socket) => socket.broadcast("said", payload as {}))
      .handleIn("whisper", (payload, socket) => {
        socket.broadcastFrom("whispered", payload as {});
        return reply();
      })
      .handleIn("tell me", (payload, socket) => socket.push("private", payload as {}))
      .handleIn("crash", () => {
        throw new Error("as asked");
      })
      .handleIn("kick", () => stop("shutdown"))
      .handleBinary("echo", (bytes) => reply(bytes))
      .handleBinary("measure", (bytes) => reply({ bytes: [...bytes] }))
      .handleBinary("say", (bytes, socket) => socket.broadcast("bytes", bytes))
      .mayStay(() => false)
      .terminate((reason, { topic }) => void this.ends.push({ topic, reason }));
  }
}
