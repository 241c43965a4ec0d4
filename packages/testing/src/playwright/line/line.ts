// The cable between one person's browser and the server: a TCP proxy that can be cut, that loses what it carries, and that
// does what bad proxies do. A browser's own offline switch leaves open WebSockets alone, and cannot lose one direction.
import { connect, createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import type { Clock } from "@calla/shared";
import { Connection } from "./connection.ts";

import type { Request } from "./requests.ts";
import type { Direction, Weather } from "./weather.ts";

/** How a line knows what is the app's sync, and where it takes its time from. */
export interface LineOptions {
  /**
   * What the paths of the app's sync over HTTP begin with; a WebSocket always counts as sync. Default: `/calla`, where the
   * guides mount `http()`, and `/socket`, where they mount channels.
   */
  readonly syncPaths?: readonly string[];
  /** Waits for `delay`. Default: the machine's. */
  readonly setTimeout?: Clock["setTimeout"];
}

const SYNC_PATHS = ["/calla", "/socket"];

/**
 * One person's line to the server. Every person of a test has one (`person.line`); of a browser that you start yourself
 * make one with `Line.to`, and close it.
 *
 * @example
 * ann.line.cut(); // every connection breaks, and none comes about
 * ann.line.mend();
 * ann.line.lose("toServer"); // looks alive, but what the page says never arrives
 */
export class Line {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #syncPaths: readonly string[];
  #uncut = true;
  #pagesOnly = false;
  #webSocketsRefused = false;
  readonly #weather: Weather = {
    losing: undefined,
    streamsHeld: false,
    delay: 0,
    fateOf: (request) => this.#fateOf(request),
  };
  /** Whether browsers have had reason to complain of connections: what they say of them is no error of the app's. */
  disturbed = false;
  /** How often the page has asked for a connection of its sync: WebSockets, and requests over HTTP. */
  attempts = 0;

  private constructor(port: () => number, options: LineOptions) {
    const { syncPaths = SYNC_PATHS, setTimeout = later } = options;
    this.#syncPaths = syncPaths;
    this.#server = createServer((page) => {
      if (!this.#uncut) return void page.destroy();
      const connection = new Connection(page, connect(port(), "localhost"), this.#weather, setTimeout);
      this.#connections.add(connection);
      page.once("close", () => this.#connections.delete(connection));
    });
  }

  /**
   * A line of its own to the server on this machine's port; `port` is asked for each connection.
   *
   * @example
   * const line = await Line.to(() => server.port);
   */
  static async to(port: () => number, options: LineOptions = {}): Promise<Line> {
    const line = new Line(port, options);
    // Of this machine alone: what is tested is nobody else's business.
    await new Promise<void>((resolve, reject) => {
      line.#server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return line;
  }

  /** Where the server is by this line, without a slash at its end: "http://localhost:40123". */
  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Whether nothing keeps the app's sync from getting through: neither cut, nor losing. */
  get whole(): boolean {
    return this.#uncut && !this.#pagesOnly && this.#weather.losing === undefined;
  }

  /** Every connection breaks, and no new one comes about. */
  cut(): void {
    this.disturbed = true;
    this.#uncut = false;
    for (const connection of this.#connections) connection.destroy();
  }

  /** The same for the app's sync; pages and scripts still come, as an installed app's do from the disk. */
  cutButPages(): void {
    this.cut();
    this.#uncut = true;
    this.#pagesOnly = true;
  }

  /**
   * Ends what `cut`, `cutButPages` and `lose` began. A WebSocket goes on without the messages that were lost; a connection
   * of HTTP that has lost something ends. What kind of line it is (`refuseWebSockets`, `holdBackStreams`, `delay`) stays.
   */
  mend(): void {
    this.#uncut = true;
    this.#pagesOnly = false;
    this.#weather.losing = undefined;
    for (const connection of this.#connections) {
      if (!connection.torn) continue;
      this.disturbed = true;
      connection.destroy();
    }
  }

  /**
   * Connections look alive, but what is said in this direction from now on never arrives, until `mend`: messages of a
   * WebSocket whole, requests and answers from where they are.
   */
  lose(direction: Direction): void {
    this.#weather.losing = direction;
  }

  /** WebSockets are refused, as by a proxy that does not know them. Those that are open stay: `cut` ends them. */
  refuseWebSockets(refused = true): void {
    if (refused) this.disturbed = true;
    this.#webSocketsRefused = refused;
  }

  /** An answer is held back until it is whole, as by a proxy that gathers: an event stream says nothing while it lives. */
  holdBackStreams(held = true): void {
    this.#weather.streamsHeld = held;
  }

  /** Everything takes so many milliseconds in each direction, in order. Default: 0. */
  delay(milliseconds: number): void {
    this.#weather.delay = milliseconds;
  }

  /** It is gone for good. */
  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((closed) => void this.#server.close(() => closed()));
  }

  #fateOf({ path, webSocket }: Request): ReturnType<Weather["fateOf"]> {
    if (!webSocket && !this.#syncPaths.some((begin) => path.startsWith(begin))) return "carried";
    this.attempts++;
    if (this.#pagesOnly) return "ended";
    return webSocket && this.#webSocketsRefused ? "refused" : "carried";
  }
}

const later: Clock["setTimeout"] = (run, milliseconds) => {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
};
