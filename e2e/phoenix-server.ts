// An app of channels, and a page for each version of phoenix.js, as npm has it. It can go away and be there again on the
// same port.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createChannels, defineChannel, phoenix, reply, stop } from "@calla/server/channels";
import type { Channels, PhoenixMount } from "@calla/server/channels";

export const VERSIONS = ["1.6.16", "1.7.21", "1.8.1", "1.8.15", "newest"] as const;
export type Version = (typeof VERSIONS)[number];

const require = createRequire(import.meta.url);

const room = defineChannel("room:*")
  .handleIn("echo", (payload) => reply(payload))
  .handleIn("say", (payload, socket) => socket.broadcast("said", payload as {}))
  .handleIn("crash", () => {
    throw new Error("as asked");
  })
  .handleIn("kick", () => stop("shutdown"))
  .handleBinary("echo", (bytes) => reply(bytes))
  .handleBinary("measure", (bytes) => reply({ bytes: [...bytes] }))
  .handleBinary("say", (bytes, socket) => socket.broadcast("said", bytes));

const page = (version: string): string =>
  `<!doctype html><title>phoenix.js ${version}</title><link rel="icon" href="data:,"><script type="module">
import * as phoenix from "/${version}.mjs";
globalThis.phoenix = phoenix;
</script>`;

export class PhoenixServer {
  readonly channels: Channels;
  readonly errors: string[] = [];
  /** Of each connection that was let in. */
  readonly transports: string[] = [];
  readonly #http: Server;
  readonly #mount: PhoenixMount;
  readonly #sockets = new Set<Socket>();

  private constructor(websocket: boolean) {
    this.channels = createChannels({
      onError: (error) => void this.errors.push(String(error)),
      observe: (event) => {
        if (event.type === "channel-refused") this.errors.push(JSON.stringify(event));
      },
      connect: ({ transport }) => {
        this.transports.push(transport);
        return { type: "accepted", assigns: {}, id: undefined };
      },
    }).register(room);
    this.#http = createServer((request, response) => {
      if (this.#mount.handle(request, response)) return;
      const [, version = "", script] = /^[/]([\w.]+?)([.]mjs)?$/.exec(request.url ?? "") ?? [];
      if (!VERSIONS.includes(version as Version)) return void response.writeHead(404).end();
      response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
      response.end(script === undefined ? page(version) : scriptOf(version));
    });
    this.#http.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#mount = phoenix(this.channels, {
      httpServer: this.#http,
      ...(websocket ? {} : { websocket: false }),
    });
  }

  static async start({ port = 0, websocket = true } = {}): Promise<PhoenixServer> {
    const server = new PhoenixServer(websocket);
    server.#http.listen(port);
    await once(server.#http, "listening");
    return server;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  /** As a deploy ends it. */
  async drained(): Promise<void> {
    await this.channels.drain({ over: 0 });
    await this.stop();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => void this.#http.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#mount.close();
    await this.channels.stop();
  }
}

/** The module that npm has for bundlers, which browsers run as it is. */
function scriptOf(version: string): string {
  const main = require.resolve(version === "newest" ? "phoenix" : `phoenix-${version}`);
  return readFileSync(main.replace("phoenix.cjs.js", "phoenix.mjs"), "utf8");
}
