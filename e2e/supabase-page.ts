// A page with one client of realtime-js, driven from outside.
import type { Page } from "@playwright/test";
import { KEY } from "./supabase-server.ts";

export type Vsn = "1.0.0" | "2.0.0";
/** A broadcast that was heard: bytes as a list. */
export type Heard = readonly [event: string, payload: unknown, replayed?: boolean];

// What of realtime-js runs in the page.
interface Broadcast {
  readonly event: string;
  readonly payload: unknown;
  readonly meta?: { readonly replayed?: boolean };
}
interface Channel {
  on(type: string, filter: object, heard: (said: Broadcast) => void): Channel;
  subscribe(heard: (status: string, error?: Error) => void): void;
  send(message: object): Promise<string>;
  httpSend(event: string, payload: unknown): Promise<unknown>;
}
interface Client {
  channel(topic: string, options: object): Channel;
  setAuth(token: string): Promise<void>;
}
interface InPage {
  RealtimeClient: new (url: string, options: object) => Client;
  client: Client;
  channels: Record<string, Channel>;
  heard: Record<string, Heard[]>;
  statuses: Record<string, string[]>;
}

/** Runs in the page. It comes back soon. */
const connect = ({ vsn, apikey }: { vsn: Vsn; apikey: string }): void => {
  const here = globalThis as unknown as InPage;
  here.client = new here.RealtimeClient(`${location.origin.replace("http", "ws")}/realtime/v1`, {
    params: { apikey },
    vsn,
    reconnectAfterMs: () => 50,
  });
  here.channels = {};
  here.heard = {};
  here.statuses = {};
};

export class SupabasePage {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  static async open(page: Page, port: number, vsn: Vsn): Promise<SupabasePage> {
    await page.goto(`http://localhost:${port}/`);
    await page.waitForFunction(() => "RealtimeClient" in globalThis);
    await page.evaluate(connect, { vsn, apikey: KEY });
    return new SupabasePage(page);
  }

  as(token: string): Promise<void> {
    return this.#page.evaluate((token) => (globalThis as unknown as InPage).client.setAuth(token), token);
  }

  /** Gives the first status, with its sentence. */
  subscribe(topic: string, config: object = {}): Promise<string> {
    return this.#page.evaluate(
      ([topic, config]) => {
        const here = globalThis as unknown as InPage;
        const heard: Heard[] = (here.heard[topic] = []);
        const statuses: string[] = (here.statuses[topic] = []);
        const channel = here.client.channel(topic, { config });
        here.channels[topic] = channel;
        channel.on("broadcast", { event: "*" }, ({ event, payload, meta }) => {
          const said = payload instanceof ArrayBuffer ? [...new Uint8Array(payload)] : payload;
          heard.push(meta?.replayed === true ? [event, said, true] : [event, said]);
        });
        return new Promise<string>((resolve) => {
          channel.subscribe((status, error) => {
            statuses.push(status);
            resolve(error === undefined ? status : `${status}: ${error.message}`);
          });
        });
      },
      [topic, config] as const,
    );
  }

  send(topic: string, event: string, payload: object): Promise<string | undefined> {
    return this.#page.evaluate(
      ([topic, event, payload]) =>
        (globalThis as unknown as InPage).channels[topic]?.send({ type: "broadcast", event, payload }),
      [topic, event, payload] as const,
    );
  }

  sendBytes(topic: string, event: string, bytes: readonly number[]): Promise<string | undefined> {
    return this.#page.evaluate(
      ([topic, event, bytes]) => {
        const payload = Uint8Array.from(bytes).buffer;
        return (globalThis as unknown as InPage).channels[topic]?.send({ type: "broadcast", event, payload });
      },
      [topic, event, bytes] as const,
    );
  }

  httpSend(topic: string, event: string, payload: object): Promise<unknown> {
    return this.#page.evaluate(
      ([topic, event, payload]) =>
        (globalThis as unknown as InPage).channels[topic]
          ?.httpSend(event, payload)
          .catch((error: Error) => error.message),
      [topic, event, payload] as const,
    );
  }

  heard(topic: string): Promise<readonly Heard[] | undefined> {
    return this.#page.evaluate((topic) => (globalThis as unknown as InPage).heard[topic], topic);
  }

  statuses(topic: string): Promise<readonly string[] | undefined> {
    return this.#page.evaluate((topic) => (globalThis as unknown as InPage).statuses[topic], topic);
  }
}
