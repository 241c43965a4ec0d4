// The line of a guest of the campaign: a transport of phoenix.js to the channels of the node where it is, in the run's time.
// Packets take a while and stay in order, and a cut loses those that are under way in one direction or both.
import type { Channels } from "@calla/server/channels";
import type { SteadyClock } from "@calla/shared";
import type { LostWay } from "../src/index.ts";

type Direction = "to-server" | "to-client";
/** A frame of version 2. */
type Frame = readonly [
  join: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payload: object,
];

export interface GuestLineOptions {
  readonly clock: SteadyClock;
  latency(): number;
  /** Where a connection leads now; undefined: nowhere. */
  channels(): Pick<Channels<object>, "connect"> | undefined;
  /** Runs what phoenix.js does when something reaches it. */
  inTime<T>(step: () => T): T;
  /** What is about to reach it. */
  heard(event: string, payload: object): void;
}

export class GuestLine {
  readonly options: GuestLineOptions;
  #wire: Wire | undefined;

  constructor(options: GuestLineOptions) {
    this.options = options;
  }

  /** For `new Socket(url, { transport })`. */
  get transport(): new (url: string) => Wire {
    const opened = (wire: Wire): void => void (this.#wire = wire);
    const { options } = this;
    return class extends Wire {
      constructor(url: string) {
        super(options, url);
        opened(this);
      }
    };
  }
  cut(loses: LostWay): void {
    this.#wire?.breaks(loses);
  }
}

class Wire {
  readyState = 0;
  onopen: (event: object) => void = () => undefined;
  onclose: (event: object) => void = () => undefined;
  onerror: (event: object) => void = () => undefined;
  onmessage: (event: { readonly data: string }) => void = () => undefined;
  readonly #options: GuestLineOptions;
  /** What is under way. */
  readonly #lanes: Record<Direction, string[]> = { "to-server": [], "to-client": [] };
  /** When the last packet of each arrives: none overtakes another. */
  readonly #last: Record<Direction, number> = { "to-server": 0, "to-client": 0 };
  #server: { incoming(data: string): void; disconnect(): void } | undefined;

  constructor(options: GuestLineOptions, url: string) {
    this.#options = options;
    options.clock.setTimeout(() => this.#open(new URL(url)), options.latency());
  }

  #open({ pathname, search }: URL): void {
    if (this.readyState !== 0) return;
    const channels = this.#options.channels();
    if (channels === undefined) return this.#ends(1006);
    this.readyState = 1;
    this.#server = channels.connect({
      request: { url: pathname + search, headers: {}, remoteAddress: undefined },
      send: (data) => this.#put("to-client", data as string),
      // Behind what was said before.
      close: (code) => this.#later("to-client", () => this.#ends(code)),
    });
    this.#options.inTime(() => this.onopen({}));
  }

  send(text: string): void {
    this.#put("to-server", text);
  }
  #put(direction: Direction, text: string): void {
    if (this.readyState === 3) return;
    this.#lanes[direction].push(text);
    this.#later(direction, () => this.#arrives(direction));
  }
  #later(direction: Direction, run: () => void): void {
    const { clock, latency } = this.#options;
    const now = clock.monotonic();
    const at = (this.#last[direction] = Math.max(this.#last[direction], now + latency()));
    clock.setTimeout(run, at - now);
  }
  #arrives(direction: Direction): void {
    const text = this.#lanes[direction].shift();
    if (text === undefined || this.readyState === 3) return;
    if (direction === "to-server") return this.#server?.incoming(text);
    const [, , , event, payload] = JSON.parse(text) as Frame;
    this.#options.heard(event, payload);
    this.#options.inTime(() => this.onmessage({ data: text }));
  }

  #allArrive(direction: Direction): void {
    while (this.#lanes[direction].length > 0) this.#arrives(direction);
  }

  /** By the client. */
  close(): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    const { clock, latency } = this.#options;
    clock.setTimeout(() => {
      this.#allArrive("to-server");
      this.#ends(1000);
    }, latency());
  }
  breaks(loses: LostWay): void {
    if (this.readyState === 3) return;
    for (const direction of ["to-server", "to-client"] as const)
      if (loses !== "both" && loses !== direction) this.#allArrive(direction);
    this.#ends(1006);
  }
  #ends(code: number): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    // Whoever closed it, the server hears that it is gone.
    this.#server?.disconnect();
    this.#options.inTime(() => this.onclose({ code, reason: "", wasClean: code === 1000 }));
  }
}
