// A proxy as bad as they come: it delays, dribbles, gathers, cuts, resets, answers 502, or keeps a connection open and
// carries nothing. It stands between a real client and a real server and knows nothing of either.
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export interface Mischief {
  /** Milliseconds that everything takes longer, each way. */
  latency?: number;
  /** Bytes at a time, so that every frame comes in pieces. */
  dribble?: number;
  /** What the server says is held back until it closes the connection, or until so many bytes are there. */
  gather?: number;
  /** After so many bytes from the server the connection is cut. */
  cutAfter?: number;
  /** The same of the client's bytes. */
  cutRequestAfter?: number;
  /** New connections are answered with this, whatever they ask. */
  answer?: string;
  /** Neither end hears anything any more, and nothing is closed. */
  silent?: boolean;
  /** WebSockets are not let through: the upgrade is answered as by a proxy that does not know it. */
  noUpgrade?: boolean;
}

export const BAD_GATEWAY =
  "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 15\r\nConnection: close\r\n\r\n<h1>Sorry.</h1>";

export class Proxy {
  mischief: Mischief = {};
  /** Connections ever taken. */
  taken = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(port: () => number) {
    this.#server = createServer((client) => this.#carry(client, port()));
  }
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts everything there is, hard. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #carry(client: Socket, port: number): void {
    this.taken++;
    this.#keep(client);
    if (this.mischief.answer !== undefined) {
      client.once("data", () => client.end(this.mischief.answer ?? ""));
      return;
    }
    const server = connect(port, "127.0.0.1");
    this.#keep(server);
    const toServer = this.#lane(client, server, "cutRequestAfter");
    const toClient = this.#lane(server, client, "cutAfter");
    let first = true;
    client.on("data", (data) => {
      const upgrade = first && /\r\nupgrade: websocket/i.test(data.toString("latin1"));
      first = false;
      if (upgrade && this.mischief.noUpgrade === true)
        client.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      else toServer.data(data);
    });
    let gathered: Buffer[] = [];
    const release = (): void => {
      if (gathered.length > 0) toClient.data(Buffer.concat(gathered));
      gathered = [];
    };
    server.on("data", (data) => {
      const { gather } = this.mischief;
      gathered.push(data);
      const size = gathered.reduce((sum, { length }) => sum + length, 0);
      // The end of a chunked answer, or one with a length, is the end of a response.
      if (gather === undefined || size >= gather || isWhole(Buffer.concat(gathered))) release();
    });
    client.on("end", () => toServer.end());
    server.on("end", () => {
      release();
      toClient.end();
    });
    client.on("close", () => server.destroy());
    server.on("close", () => setTimeout(() => client.destroy(), this.mischief.latency ?? 0));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
  }

  #lane(from: Socket, to: Socket, cut: "cutAfter" | "cutRequestAfter") {
    let carried = 0;
    /** For good: no line goes on behind bytes that it has lost, however the mischief ends. */
    let isCut = false;
    let last: Promise<void> = Promise.resolve();
    const write = async (data: Buffer): Promise<void> => {
      const { latency, dribble = Infinity, silent } = this.mischief;
      if (latency !== undefined) await new Promise((resolve) => setTimeout(resolve, latency));
      for (let at = 0; at < data.length; at += dribble) {
        if (silent === true || isCut || to.destroyed) return;
        const limit = this.mischief[cut] ?? Infinity;
        const piece = data.subarray(
          at,
          Math.min(at + dribble, data.length, at + Math.max(0, limit - carried)),
        );
        carried += piece.length;
        if (piece.length > 0) to.write(piece);
        if (carried >= limit) {
          isCut = true;
          // The pieces before the cut do arrive.
          setTimeout(() => {
            from.resetAndDestroy();
            to.destroy();
          }, 2);
          return;
        }
        if (dribble < Infinity) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return {
      data: (data: Buffer) => void (last = last.then(() => write(data))),
      end: () => void (last = last.then(() => void (this.mischief.silent === true || to.end()))),
    };
  }
}

/** Whether these bytes end an HTTP response: what a gathering proxy waits for. */
function isWhole(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  if (!text.startsWith("HTTP/1.1 ")) return false;
  if (text.startsWith("HTTP/1.1 101")) return false;
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head));
  if (length) return bytes.length >= head + 4 + Number(length[1]);
  return text.endsWith("0\r\n\r\n") || / 204 /.test(text.slice(0, 20));
}
