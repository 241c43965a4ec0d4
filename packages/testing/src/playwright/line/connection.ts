// One TCP connection of a page, carried to the server through what the line does to it.
import type { Socket } from "node:net";
import type { Clock } from "@calla/shared";
import { Delayed } from "./delayed.ts";
import { Frames } from "./frames.ts";
import { Requests } from "./requests.ts";
import type { Direction, Weather } from "./weather.ts";
import { WholeAnswers } from "./whole-answers.ts";

const END = "\r\n\r\n";
const REFUSAL = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

export class Connection {
  /** Bytes of HTTP are missing in it, so it can never be whole again. */
  torn = false;
  readonly #page: Socket;
  readonly #server: Socket;
  readonly #weather: Readonly<Weather>;
  readonly #requests = new Requests();
  readonly #answers = new WholeAnswers();
  readonly #frames: Readonly<Record<Direction, Frames>> = { toPage: new Frames(), toServer: new Frames() };
  readonly #delayed: Readonly<Record<Direction, Delayed>>;
  /** `asked`: the page wants a WebSocket, and what comes first from the server is its answer. */
  #webSocket: "no" | "asked" | "yes" = "no";
  /** As much of that as has come. */
  #agreement: Buffer = Buffer.alloc(0);

  constructor(page: Socket, server: Socket, weather: Readonly<Weather>, setTimeout: Clock["setTimeout"]) {
    this.#page = page;
    this.#server = server;
    this.#weather = weather;
    this.#delayed = { toPage: new Delayed(setTimeout), toServer: new Delayed(setTimeout) };
    page.on("data", (data: Buffer) => this.#fromPage(data));
    server.on("data", (data: Buffer) => this.#fromServer(data));
    for (const [from, direction] of [
      [page, "toServer"],
      [server, "toPage"],
    ] as const) {
      from.setNoDelay(true);
      from.on("error", () => undefined);
      // What was said before the end arrives before it.
      from.on("close", () => this.#pass(direction, (to) => to.destroySoon()));
    }
  }

  /** Both ends see it break. */
  destroy(): void {
    this.#page.destroy();
    this.#server.destroy();
  }

  #fromPage(data: Buffer): void {
    if (this.#webSocket === "yes") return this.#carryFrames("toServer", data);
    for (const { bytes, request } of this.#requests.take(data)) {
      const fate = request === undefined ? "carried" : this.#weather.fateOf(request);
      if (fate === "ended") return this.destroy();
      if (fate === "refused") return void this.#page.end(REFUSAL);
      if (request?.webSocket) this.#webSocket = "asked";
      this.#carry("toServer", bytes);
    }
  }

  #fromServer(data: Buffer): void {
    if (this.#webSocket === "yes") return this.#carryFrames("toPage", data);
    if (this.#webSocket === "asked") return this.#agreed(Buffer.concat([this.#agreement, data]));
    this.#carry("toPage", this.#weather.streamsHeld ? this.#answers.take(data) : data);
  }

  /** What the server says to a page that asks for a WebSocket. */
  #agreed(answer: Buffer): void {
    const end = answer.indexOf(END) + END.length;
    this.#agreement = end < END.length ? answer : Buffer.alloc(0);
    if (end < END.length) return;
    this.#webSocket = answer.toString("latin1", 0, 13) === "HTTP/1.1 101 " ? "yes" : "no";
    this.#carry("toPage", answer.subarray(0, end));
    if (end < answer.length) this.#fromServer(answer.subarray(end));
  }

  #carryFrames(direction: Direction, data: Buffer): void {
    this.#write(direction, this.#frames[direction].take(data, this.#weather.losing === direction));
  }

  #carry(direction: Direction, bytes: Buffer): void {
    if (this.#weather.losing !== direction) this.#write(direction, bytes);
    else this.torn = true;
  }

  #write(direction: Direction, bytes: Buffer): void {
    if (bytes.length > 0) this.#pass(direction, (to) => void to.write(bytes));
  }

  #pass(direction: Direction, act: (to: Socket) => void): void {
    const to = direction === "toPage" ? this.#page : this.#server;
    this.#delayed[direction].pass(this.#weather.delay, () => {
      if (!to.destroyed) act(to);
    });
  }
}
