// A server for supabase's clients, and a page with realtime-js as npm has it, bundled as an app's build does. A token is
// the name of a user. It can go away and be there again on the same port.
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { accept, createChannels, deny } from "@calla/server/channels";
import type { Channels } from "@calla/server/channels";
import { memoryReplay, supabase } from "@calla/server/supabase";
import type { Supabase } from "@calla/server/supabase";
import { build } from "esbuild";

export const KEY = "sb_publishable_e2e";

const PAGE = `<!doctype html><title>realtime-js</title><link rel="icon" href="data:,"><script type="module">
import { RealtimeClient } from "/realtime.mjs";
globalThis.RealtimeClient = RealtimeClient;
</script>`;

let bundled: Promise<string> | undefined;
const script = (): Promise<string> =>
  (bundled ??= build({
    stdin: { contents: 'export * from "@supabase/realtime-js";', resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
  }).then(({ outputFiles: [file] }) => file?.text ?? ""));

export class SupabaseServer {
  readonly channels: Channels<object>;
  readonly realtime: Supabase;
  readonly errors: string[] = [];
  readonly #http: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.channels = createChannels<object>({
      onError: (error) => void this.errors.push(String(error)),
      onRefused: (refusal) => void this.errors.push(JSON.stringify(refusal)),
      connect: ({ params }) => (params["apikey"] === KEY ? accept({}) : deny(401)),
    });
    this.#http = createServer((request, response) => {
      if (this.realtime.handle(request, response)) return;
      void this.#serve(request.url === "/realtime.mjs").then(
        ([type, text]) => response.setHeader("content-type", type).end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
    this.#http.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.realtime = supabase(this.channels, {
      httpServer: this.#http,
      authenticate: ({ token }) => (token === "bad" ? undefined : { name: token }),
      mayRead: ({ user }) => user !== undefined,
      mayWrite: ({ user }) => user?.name !== "reader",
      replay: memoryReplay(),
    });
  }

  static async start(port = 0): Promise<SupabaseServer> {
    const server = new SupabaseServer();
    server.#http.listen(port);
    await once(server.#http, "listening");
    return server;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  async drained(): Promise<void> {
    await this.channels.drain({ over: 0 });
    await this.stop();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => void this.#http.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.realtime.close();
    await this.channels.stop();
  }

  async #serve(isScript: boolean): Promise<readonly [type: string, text: string]> {
    return isScript ? ["text/javascript", await script()] : ["text/html", PAGE];
  }
}
