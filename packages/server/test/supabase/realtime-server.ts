// A server for supabase's clients on a port of its own. It can go away, and be there again on the same port. A token is the
// name of a user; "bad" is refused.
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { onTestFinished } from "vitest";
import { accept, createChannels, deny } from "../../src/channels/index.ts";
import type { ChannelRefusal, Channels, ChannelsOptions } from "../../src/channels/index.ts";
import { supabase } from "../../src/supabase/supabase.ts";
import type { Supabase, SupabaseOptions } from "../../src/supabase/supabase-api.ts";
import { Client } from "./realtime-js.ts";
import type { ClientOptions, Vsn } from "./realtime-js.ts";

export interface User {
  readonly name: string;
  readonly exp?: number;
}
type Finished = typeof onTestFinished;

export interface ServerOptions {
  readonly port?: number;
  readonly channels?: Partial<ChannelsOptions<{ key: string }>>;
  readonly supabase?: SupabaseOptions<{ key: string }, User>;
}

/** Who may do what in a private room: "name" reads and writes, "reader" reads. */
export const rooms: SupabaseOptions<{ key: string }, User> = {
  authenticate: ({ token }) => (token === "bad" ? undefined : { name: token }),
  mayRead: ({ topic, user }) => user !== undefined && topic !== "secret" && user.name !== "stranger",
  mayWrite: ({ user }) => user !== undefined && user.name !== "reader",
};

export class RealtimeServer {
  readonly channels: Channels<{ key: string }>;
  readonly realtime: Supabase;
  readonly errors: string[] = [];
  readonly refusals: ChannelRefusal[] = [];
  readonly http: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: ServerOptions) {
    this.channels = createChannels<{ key: string }>({
      connect: ({ params }) =>
        params["apikey"] === "wrong"
          ? deny(401, "Invalid API key")
          : accept({ key: String(params["apikey"]) }, "someone"),
      onError: (error) => void this.errors.push(String(error)),
      onRefused: (refusal) => void this.refusals.push(refusal),
      ...options.channels,
    });
    this.http = createServer((request, response) => {
      if (!this.realtime.handle(request, response)) response.writeHead(404).end();
    });
    this.http.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.realtime = supabase(this.channels, { httpServer: this.http, ...options.supabase });
  }

  static async start(options: ServerOptions = {}): Promise<RealtimeServer> {
    const server = new RealtimeServer(options);
    server.http.listen(options.port ?? 0, "127.0.0.1");
    await once(server.http, "listening");
    return server;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }
  get url(): string {
    return `ws://127.0.0.1:${this.port}/realtime/v1`;
  }
  get httpUrl(): string {
    return `http://127.0.0.1:${this.port}/realtime/v1/api/broadcast`;
  }

  async drained(): Promise<void> {
    await this.channels.drain({ over: 0 });
    await this.stop();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => void this.http.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.realtime.close();
    await this.channels.stop();
  }
}

export async function serve(finished: Finished, options: ServerOptions = {}): Promise<RealtimeServer> {
  const server = await RealtimeServer.start(options);
  finished(() => server.stop());
  return server;
}

export async function arrive(
  finished: Finished,
  { url }: { readonly url: string },
  vsn: Vsn,
  options?: ClientOptions,
): Promise<Client> {
  const client = await Client.at(url, vsn, options);
  finished(async () => void (await client.client.disconnect()));
  return client;
}
