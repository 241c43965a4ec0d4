// The line between a client and a server, which can be held up: what the server says is not taken off its hands. What
// connects later is not held.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What comes from the server. */
  readonly #down = new Set<Socket>();

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const server = connect(port, "127.0.0.1");
      this.#down.add(server);
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from);
        from.on("data", (data) => void to.write(data));
        from.on("error", () => to.destroy());
        from.once("close", () => {
          this.#sockets.delete(from);
          this.#down.delete(from);
          to.destroy();
        });
      }
    });
  }

  static async to(port: number): Promise<Line> {
    const line = new Line(port);
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    return line;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/socket`;
  }

  hold(): void {
    for (const socket of this.#down) socket.pause();
  }
  release(): void {
    for (const socket of this.#down) socket.resume();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => void this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
