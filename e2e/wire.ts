// The cable between one visitor and the server: a TCP proxy that can be cut and can lose what it carries. A browser's
// own offline switch leaves open WebSockets alone and cannot lose one direction.
import { createServer, connect } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { Gathering } from "./gathering.ts";

const REFUSAL = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
/** What asks for a connection of an app's: Calla's clients, and those of Phoenix. */
const APP = /^GET \/ws |^POST \/calla|^[A-Z]+ \/socket\//;
const SOCKET = /^GET \/(ws |socket\/websocket)/;

export class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #whole = true;
  #pagesOnly = false;
  #losing: "toPage" | "toServer" | undefined;
  #socketsBlocked = false;
  #gathers = false;
  /** Whether browsers had reason to complain of connections. */
  wasCut = false;
  /** How often the page has asked for a connection of the app's. */
  attempts = 0;

  private constructor(portOfServer: () => number) {
    this.#server = createServer((page) => {
      if (!this.#whole) return void page.destroy();
      const server = connect(portOfServer(), "localhost");
      const answers = new Gathering();
      const carry = (from: Socket, to: Socket, direction: "toPage" | "toServer"): void => {
        this.#sockets.add(from);
        from.on("data", (data) => {
          const asked = direction === "toServer" ? data.subarray(0, 22).toString() : "";
          const ofApp = APP.test(asked);
          if (ofApp) this.attempts++;
          if (this.#pagesOnly && ofApp) from.destroy();
          else if (this.#socketsBlocked && SOCKET.test(asked)) from.end(REFUSAL);
          else if (this.#losing !== direction)
            to.write(this.#gathers && direction === "toPage" ? answers.whole(data) : data);
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

  /** WebSockets are refused, as by a proxy that does not know them. */
  blockSockets(): void {
    this.wasCut = true;
    this.#socketsBlocked = true;
  }

  /** And answers are held back until they are whole: an event stream says nothing for as long as it lives. */
  gather(): void {
    this.#gathers = true;
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
