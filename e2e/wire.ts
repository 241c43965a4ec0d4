// The cable between one visitor and the server: a TCP proxy that can be cut and can lose what it carries. A browser's
// own offline switch leaves open WebSockets alone and cannot lose one direction.
import { createServer, connect } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #whole = true;
  #pagesOnly = false;
  #losing: "toPage" | "toServer" | undefined;
  /** Whether browsers had reason to complain of connections. */
  wasCut = false;

  private constructor(portOfServer: () => number) {
    this.#server = createServer((page) => {
      if (!this.#whole) return void page.destroy();
      const server = connect(portOfServer(), "localhost");
      const carry = (from: Socket, to: Socket, direction: "toPage" | "toServer"): void => {
        this.#sockets.add(from);
        from.on("data", (data) => {
          if (this.#pagesOnly && data.subarray(0, 8).toString() === "GET /ws ") from.destroy();
          else if (this.#losing !== direction) to.write(data);
        });
        from.on("error", () => undefined);
        from.on("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      };
      carry(page, server, "toServer");
      carry(server, page, "toPage");
    });
  }

  static async to(portOfServer: () => number): Promise<Wire> {
    const wire = new Wire(portOfServer);
    await new Promise<void>((resolve) => wire.#server.listen(0, resolve));
    return wire;
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Every connection breaks, and no new one comes about. */
  cut(): void {
    this.wasCut = true;
    this.#whole = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** The same for the app's connection; its page and scripts still come, as an installed app's do from the disk. */
  cutButPages(): void {
    this.cut();
    this.#whole = true;
    this.#pagesOnly = true;
  }

  mend(): void {
    this.#whole = true;
    this.#pagesOnly = false;
    this.#losing = undefined;
  }

  /** Connections look alive, but what is sent in this direction never arrives. */
  lose(direction: "toPage" | "toServer"): void {
    this.#losing = direction;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
