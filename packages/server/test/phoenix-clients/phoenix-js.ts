// phoenix.js as it is on npm, in the versions that are out there, driven as an app drives it.
import { vi } from "vitest";
import { WebSocket } from "ws";

export type Version = "1.6.16" | "1.7.21" | "1.8.1" | "1.8.15" | "newest";
/** `fallback`: WebSocket with `longPollFallbackMs`. */
export type Over = "websocket" | "longpoll" | "fallback";

/** Those without a fetch in their LongPoll need a browser (e2e/phoenix.spec.ts), and 1.6 has no fallback. */
const CLIENTS: readonly { readonly version: Version; readonly over: readonly Over[] }[] = [
  { version: "1.6.16", over: ["websocket"] },
  { version: "1.7.21", over: ["websocket"] },
  { version: "1.8.1", over: ["websocket", "longpoll", "fallback"] },
  { version: "1.8.15", over: ["websocket", "longpoll", "fallback"] },
  { version: "newest", over: ["websocket", "longpoll", "fallback"] },
];
export const cells = (...over: readonly Over[]): { readonly version: Version; readonly over: Over }[] =>
  CLIENTS.flatMap((client) =>
    client.over.filter((one) => over.includes(one)).map((one) => ({ version: client.version, over: one })),
  );

// What of phoenix.js the tests use; it brings no types.
export interface PhoenixPush {
  receive(status: string, callback: (response: unknown) => void): PhoenixPush;
}
export interface PhoenixChannel {
  readonly state: "closed" | "errored" | "joined" | "joining" | "leaving";
  join(timeout?: number): PhoenixPush;
  leave(): PhoenixPush;
  push(event: string, payload: object, timeout?: number): PhoenixPush;
  on(event: string, callback: (payload: unknown) => void): number;
  onClose(callback: () => void): void;
  onError(callback: (reason: unknown) => void): void;
}
interface PhoenixSocket {
  /** Its transport: a WebSocket, a LongPoll. */
  readonly conn: { send(data: string): void } | null;
  readonly transport: unknown;
  connect(): void;
  disconnect(callback?: () => void): void;
  isConnected(): boolean;
  channel(topic: string, params?: object): PhoenixChannel;
  onOpen(callback: () => void): void;
  onClose(callback: (event: { readonly code: number | undefined }) => void): void;
  onMessage(callback: (message: { readonly topic: string }) => void): void;
}
interface PhoenixModule {
  readonly Socket: new (url: string, options: object) => PhoenixSocket;
  readonly LongPoll: unknown;
}

const loaded = async (version: Version): Promise<PhoenixModule> =>
  (await import(version === "newest" ? "phoenix" : `phoenix-${version}`)) as PhoenixModule;

/** As a browser's sessionStorage. */
export class Memory {
  readonly items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
}

export interface ClientOptions {
  readonly params?: object;
  readonly timeout?: number;
  readonly heartbeatIntervalMs?: number;
  readonly authToken?: string;
  readonly longPollFallbackMs?: number;
  readonly sessionStorage?: Memory;
}

/** One user's client. It comes back as it does by itself, after 10 ms and later and later; it joins again at once. */
export class Client {
  /** "open", and "close" with its code. */
  readonly ends: string[] = [];
  /** Heartbeats that were answered. */
  beats = 0;
  readonly socket: PhoenixSocket;

  private constructor({ Socket, LongPoll }: PhoenixModule, over: Over, url: string, options: ClientOptions) {
    this.socket = new Socket(url, {
      transport: over === "longpoll" ? LongPoll : WebSocket,
      ...(over === "fallback" ? { longPollFallbackMs: 5_000 } : {}),
      sessionStorage: new Memory(),
      timeout: 10_000,
      heartbeatIntervalMs: 30_000,
      rejoinAfterMs: () => 20,
      ...options,
    });
    this.socket.onOpen(() => void this.ends.push("open"));
    this.socket.onClose(({ code }) => {
      // Before 1.8.2 a LongPoll that has ended, and is then closed in order to connect again, says so once more. That
      // makes the client try once more: where a connection takes longer than the next delay, it is given up again. And
      // it takes a poll that it has aborted itself for one that was not answered in time (1005).
      if (code !== undefined && code !== 1005) this.ends.push(`close ${code}`);
    });
    this.socket.onMessage(({ topic }) => {
      if (topic === "phoenix") this.beats++;
    });
    this.socket.connect();
  }

  static async at(
    { version, over }: { readonly version: Version; readonly over: Over },
    url: string,
    options: ClientOptions = {},
  ): Promise<Client> {
    return new Client(await loaded(version), over, url, options);
  }

  /** A topic of it, before its join. */
  topic(topic: string, params: object = {}): Topic {
    return new Topic(this.socket.channel(topic, params));
  }

  /** One that is joined. */
  async joined(topic: string, params: object = {}): Promise<Topic> {
    const one = this.topic(topic, params);
    await one.join();
    return one;
  }
}

type Answer = readonly [status: string, response?: unknown];
const STATUSES = ["ok", "error", "timeout", "teapot"];

const answered = (push: PhoenixPush): Promise<Answer> =>
  new Promise((resolve) => {
    for (const status of STATUSES) push.receive(status, (response) => resolve([status, response]));
  });

/** A channel of a client, and what it hears. */
export class Topic {
  /** Events and payloads, "phx_close" and "phx_error" among them. */
  readonly heard: [event: string, payload?: unknown][] = [];
  readonly channel: PhoenixChannel;

  constructor(channel: PhoenixChannel) {
    this.channel = channel;
    for (const event of ["said", "whispered", "private", "bytes"])
      channel.on(event, (payload) => void this.heard.push([event, payload]));
    channel.onClose(() => void this.heard.push(["phx_close"]));
    channel.onError(() => void this.heard.push(["phx_error"]));
  }

  join(timeout?: number): Promise<Answer> {
    return answered(this.channel.join(timeout));
  }
  push(event: string, payload: object = {}, timeout?: number): Promise<Answer> {
    return answered(this.channel.push(event, payload, timeout));
  }
  leave(): Promise<Answer> {
    return answered(this.channel.leave());
  }
  /** What it has heard of an event. */
  of(event: string): unknown[] {
    return this.heard.filter(([of]) => of === event).map(([, payload]) => payload);
  }
}

/** Waits for what will be; it ends as soon as it is. */
export const until = (holds: () => boolean | void): Promise<void> =>
  vi.waitFor(
    () => {
      if (holds() === false) throw new Error(`It never came to be: ${String(holds)}`);
    },
    { timeout: 15_000, interval: 5 },
  );
/** For what must not happen: longer than a client takes to come back or to join again. */
export const aWhile = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 200));
