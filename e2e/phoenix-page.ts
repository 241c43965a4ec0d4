// A page with one phoenix.js client, driven from outside.
import type { Page } from "@playwright/test";
import type { Version } from "./phoenix-server.ts";

export type Over = "websocket" | "longpoll" | "fallback";
type Answer = readonly [status: string, response?: unknown];

// What of phoenix.js runs in the page; it brings no types.
interface Push {
  receive(status: string, callback: (response: unknown) => void): Push;
}
interface Channel {
  readonly state: string;
  joinRef(): string;
  join(): Push;
  push(event: string, payload: object): Push;
  on(event: string, callback: (payload: unknown) => void): void;
  onClose(callback: () => void): void;
  onError(callback: () => void): void;
}
interface Socket {
  connect(): void;
  onOpen(callback: () => void): void;
  onClose(callback: (event: { readonly code: number }) => void): void;
  channel(topic: string): Channel;
}
interface InPage {
  phoenix: { readonly Socket: new (path: string, options: object) => Socket; readonly LongPoll: unknown };
  socket: Socket;
  ends: string[];
  channels: Record<string, Channel>;
  heard: Record<string, unknown[]>;
  answered(push: Push): Promise<Answer>;
  plain(payload: unknown): unknown;
}

/** Runs in the page. It comes back as it does by itself, and joins again at once. */
const connect = (over: Over): void => {
  const here = globalThis as unknown as InPage;
  const { Socket, LongPoll } = here.phoenix;
  here.socket = new Socket("/socket", {
    ...(over === "longpoll" ? { transport: LongPoll } : {}),
    ...(over === "fallback" ? { longPollFallbackMs: 3_000 } : {}),
    rejoinAfterMs: () => 50,
  });
  here.ends = [];
  here.channels = {};
  here.heard = {};
  here.plain = (payload) =>
    payload instanceof ArrayBuffer ? { bytes: [...new Uint8Array(payload)] } : payload;
  here.answered = (push) =>
    new Promise((resolve) => {
      for (const status of ["ok", "error", "timeout"])
        push.receive(status, (response) => resolve([status, here.plain(response)]));
    });
  here.socket.onOpen(() => void here.ends.push("open"));
  here.socket.onClose(({ code }) => void here.ends.push(`close ${code}`));
  here.socket.connect();
};

export class PhoenixPage {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  static async open(page: Page, url: string, version: Version, over: Over): Promise<PhoenixPage> {
    await page.goto(url + version);
    await page.waitForFunction(() => (globalThis as unknown as Partial<InPage>).phoenix !== undefined);
    await page.evaluate(connect, over);
    return new PhoenixPage(page);
  }

  join(topic: string): Promise<Answer> {
    return this.#page.evaluate((of) => {
      const { socket, channels, heard, answered, plain } = globalThis as unknown as InPage;
      const channel = socket.channel(of);
      channels[of] = channel;
      const all: unknown[] = (heard[of] = []);
      channel.on("said", (payload) => void all.push(plain(payload)));
      channel.onError(() => void all.push("phx_error"));
      channel.onClose(() => void all.push("phx_close"));
      return answered(channel.join());
    }, topic);
  }

  push(topic: string, event: string, payload: object = {}): Promise<Answer> {
    return this.#page.evaluate(
      ([of, name, said]) => {
        const { channels, answered } = globalThis as unknown as InPage;
        return answered(channels[of]!.push(name, said));
      },
      [topic, event, payload] as const,
    );
  }

  /** An event that nobody answers. */
  say(topic: string, event: string, payload: object = {}): Promise<void> {
    return this.#page.evaluate(
      ([of, name, said]) => void (globalThis as unknown as InPage).channels[of]!.push(name, said),
      [topic, event, payload] as const,
    );
  }

  /** The same with bytes. */
  pushBytes(topic: string, event: string, bytes: readonly number[]): Promise<Answer> {
    return this.#page.evaluate(
      ([of, name, said]) => {
        const { channels, answered } = globalThis as unknown as InPage;
        return answered(channels[of]!.push(name, Uint8Array.from(said).buffer));
      },
      [topic, event, bytes] as const,
    );
  }
  sayBytes(topic: string, event: string, bytes: readonly number[]): Promise<void> {
    return this.#page.evaluate(
      ([of, name, said]) =>
        void (globalThis as unknown as InPage).channels[of]!.push(name, Uint8Array.from(said).buffer),
      [topic, event, bytes] as const,
    );
  }

  /** What came, and is not taken yet. */
  heard(topic: string): Promise<unknown[]> {
    return this.#page.evaluate((of) => (globalThis as unknown as InPage).heard[of]!, topic);
  }
  take(topic: string): Promise<unknown[]> {
    return this.#page.evaluate((of) => (globalThis as unknown as InPage).heard[of]!.splice(0), topic);
  }
  state(topic: string): Promise<string> {
    return this.#page.evaluate((of) => (globalThis as unknown as InPage).channels[of]!.state, topic);
  }
  /** Names its latest join, or nothing while that is not answered: a client that has not noticed an end is still joined. */
  joinRef(topic: string): Promise<string | undefined> {
    return this.#page.evaluate((of) => {
      const channel = (globalThis as unknown as InPage).channels[of]!;
      return channel.state === "joined" ? channel.joinRef() : undefined;
    }, topic);
  }
  ends(): Promise<string[]> {
    return this.#page.evaluate(() => (globalThis as unknown as InPage).ends);
  }
  remembered(): Promise<string | null> {
    return this.#page.evaluate(() => sessionStorage.getItem("phx:fallback:LongPoll"));
  }
}
