// realtime-js as it is on npm, in either version of the wire, driven as an app drives it. The newest that runs on Node 20.
import { WebSocket } from "ws";

export type Vsn = "1.0.0" | "2.0.0";
export const VSNS: readonly Vsn[] = ["1.0.0", "2.0.0"];

/** What a listener of broadcasts hears. */
export interface Heard {
  readonly type: string;
  readonly event: string;
  readonly payload: unknown;
  readonly meta?: { readonly replayed?: boolean; readonly id?: string };
}
// What of realtime-js the tests use.
export interface RealtimeJsChannel {
  readonly topic: string;
  readonly state: string;
  on(type: string, filter: { readonly event?: string }, heard: (payload: unknown) => void): this;
  subscribe(heard?: (status: string, error?: Error) => void, timeout?: number): this;
  unsubscribe(timeout?: number): Promise<string>;
  send(message: object, options?: object): Promise<string>;
  httpSend(event: string, payload: unknown): Promise<unknown>;
  track(payload: object): Promise<string>;
  untrack(): Promise<string>;
  presenceState(): Readonly<Record<string, readonly object[]>>;
}
interface RealtimeJsClient {
  connect(): void;
  disconnect(): Promise<unknown>;
  channel(topic: string, options?: object): RealtimeJsChannel;
  removeChannel(channel: RealtimeJsChannel): Promise<string>;
  removeAllChannels(): Promise<readonly string[]>;
  getChannels(): readonly RealtimeJsChannel[];
  setAuth(token?: string | null): Promise<void>;
  isConnected(): boolean;
}
interface RealtimeJs {
  readonly RealtimeClient: new (url: string, options: object) => RealtimeJsClient;
}

const NAME = "@supabase/realtime-js";

export interface ClientOptions {
  readonly apikey?: string;
  readonly accessToken?: () => Promise<string | null>;
  readonly heartbeatIntervalMs?: number;
  readonly timeout?: number;
}

/** One user's client. It comes back soon. */
export class Client {
  readonly client: RealtimeJsClient;

  private constructor({ RealtimeClient }: RealtimeJs, url: string, vsn: Vsn, options: ClientOptions) {
    const { apikey = "sb_publishable_key", ...rest } = options;
    this.client = new RealtimeClient(url, {
      transport: WebSocket,
      vsn,
      params: { apikey },
      timeout: 10_000,
      reconnectAfterMs: () => 20,
      ...rest,
    });
  }

  static async at(url: string, vsn: Vsn, options: ClientOptions = {}): Promise<Client> {
    return new Client((await import(NAME)) as RealtimeJs, url, vsn, options);
  }

  topic(topic: string, config: object = {}): Topic {
    return new Topic(this.client.channel(topic, { config }));
  }

  /** One that is subscribed. */
  async joined(topic: string, config: object = {}): Promise<Topic> {
    const one = this.topic(topic, config);
    const [status, error] = await one.subscribe();
    if (status !== "SUBSCRIBED") throw new Error(`${status}: ${String(error)}`);
    return one;
  }
}

/** A channel of a client, and what it hears. */
export class Topic {
  readonly channel: RealtimeJsChannel;
  readonly broadcasts: Heard[] = [];
  readonly system: unknown[] = [];
  readonly present: string[] = [];
  readonly statuses: [status: string, error: string | undefined][] = [];

  constructor(channel: RealtimeJsChannel) {
    this.channel = channel;
    channel.on("broadcast", { event: "*" }, (heard) => void this.broadcasts.push(heard as Heard));
    channel.on("system", {}, (heard) => void this.system.push(heard));
  }

  /** The first status, and the error's sentence. */
  subscribe(): Promise<[status: string, error: string | undefined]> {
    return new Promise((resolve) => {
      this.channel.subscribe((status, error) => {
        this.statuses.push([status, error?.message]);
        resolve([status, error?.message]);
      });
    });
  }

  /** Hears who comes and goes, from its `subscribe` on: `join` and `leave` with keys, `sync`. */
  watching(): this {
    for (const event of ["join", "leave", "sync"])
      this.channel.on("presence", { event }, (heard) => {
        const { key } = heard as { readonly key?: string };
        this.present.push(key === undefined ? event : `${event} ${key}`);
      });
    return this;
  }

  /** Who is here: what each key is listed with. */
  get here(): Readonly<Record<string, readonly unknown[]>> {
    return Object.fromEntries(
      Object.entries(this.channel.presenceState()).map(([key, all]) => [
        key,
        all.map((one) => Object.fromEntries(Object.entries(one).filter(([name]) => name !== "presence_ref"))),
      ]),
    );
  }

  send(event: string, payload?: unknown): Promise<string> {
    return this.channel.send({ type: "broadcast", event, payload });
  }

  /** What it has heard: events and payloads. */
  get heard(): [event: string, payload: unknown][] {
    return this.broadcasts.map(({ event, payload }) => [
      event,
      payload instanceof ArrayBuffer ? [...new Uint8Array(payload)] : payload,
    ]);
  }
  get status(): string | undefined {
    return this.statuses.at(-1)?.[0];
  }
}
