// The people of a long run: real clients over WebSocket and HTTP, who connect, subscribe, dispatch, leave, and are cut off.
import { createClient } from "@calla/client";
import type { Client } from "@calla/client";
import { http } from "@calla/client/http";
import { webSocket } from "@calla/client/websocket";
import { WebSocket } from "ws";
import { seededRandom } from "../../src/index.ts";
import type { SeededRandom } from "../../src/index.ts";
import { cursors, room, serialiser, wiring } from "./wiring.ts";

/** Most rooms that one subscribes to. */
const MOST = 3;
const QUICK = { reconnectBaseMilliseconds: 20, reconnectMaxMilliseconds: 200 };

interface Visitor {
  readonly client: Client<typeof wiring>;
  readonly subscriptions: Map<number, () => void>;
  /** Cuts its connection without a word. */
  cut(): void;
}

export class People {
  /** Writes that were rejected otherwise than they should be, and what clients reported. */
  readonly wrong: string[] = [];
  said = 0;
  cuts = 0;
  came = 0;
  readonly #random: SeededRandom;
  readonly #port: number;
  readonly #rooms: number;
  readonly #all: Visitor[] = [];

  constructor(seed: number, port: number, { people, rooms }: { people: number; rooms: number }) {
    this.#random = seededRandom(seed);
    this.#port = port;
    this.#rooms = rooms;
    for (let i = 0; i < people; i++) this.#all.push(this.#arrive());
  }

  get open(): number {
    return this.#all.filter(({ client }) => client.status.connection === "open").length;
  }

  /** One of them does something. */
  act(): void {
    const random = this.#random;
    const index = random.int(0, this.#all.length - 1);
    const visitor = this.#all[index]!;
    const what = random.int(0, 99);
    if (what < 40) return this.#say(visitor);
    if (what < 60) return this.#subscribe(visitor);
    if (what < 80) return this.#leave(visitor);
    if (what < 92) {
      this.cuts++;
      return visitor.cut();
    }
    void visitor.client.close();
    this.#all[index] = this.#arrive();
  }

  async leave(): Promise<void> {
    await Promise.all(this.#all.map(({ client }) => client.close()));
  }

  #say({ client, subscriptions }: Visitor): void {
    const number = this.#random.pick([...subscriptions.keys(), this.#random.int(0, this.#rooms - 1)]);
    const kind = this.#random.int(0, 9);
    if (kind === 0) return client.topic(cursors, `${number}`).dispatch({ type: "moved", x: 1, y: 2 });
    const write =
      kind === 1
        ? client.session.dispatch({ type: "saw" })
        : client
            .topic(room, `${number}`)
            .dispatch(kind === 2 ? { type: "unwelcome" } : { type: "said", text: "x".repeat(100) });
    this.said++;
    write.applied.catch((error: { code?: string }) => {
      const expected = kind === 2 ? ["never", "closed"] : ["closed"];
      if (!expected.includes(error.code ?? "")) this.wrong.push(String(error));
    });
  }

  #subscribe({ client, subscriptions }: Visitor): void {
    const number = this.#random.int(0, this.#rooms - 1);
    if (subscriptions.has(number) || subscriptions.size >= MOST) return;
    const stops = [
      client.topic(room, `${number}`).onChange(() => undefined),
      client.topic(cursors, `${number}`).onPush(() => undefined),
    ];
    subscriptions.set(number, () => stops.forEach((stop) => stop()));
  }

  #leave({ subscriptions }: Visitor): void {
    const [first] = subscriptions;
    if (first === undefined) return;
    first[1]();
    subscriptions.delete(first[0]);
  }

  #arrive(): Visitor {
    const number = this.came++;
    const sockets = new Set<WebSocket>();
    class Socket extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.add(this);
        this.on("close", () => sockets.delete(this));
        this.on("error", () => undefined);
      }
    }
    let breaking = new AbortController();
    const fetchBreakably = (url: string | URL, init: RequestInit): Promise<Response> => {
      const signals = [breaking.signal, ...(init.signal ? [init.signal] : [])];
      return fetch(url, { ...init, signal: AbortSignal.any(signals) });
    };
    const transport =
      number % 2 === 0
        ? webSocket({ url: `ws://127.0.0.1:${this.#port}/ws`, WebSocket: Socket as never, ...QUICK })
        : http({ url: `http://127.0.0.1:${this.#port}/calla`, fetch: fetchBreakably, ...QUICK });
    const client = createClient({
      wiring,
      serialiser: serialiser.use(number % 4 < 2 ? "json" : "messagepack"),
      transport,
      token: () => `user-${number}`,
      strict: false,
      linger: 0,
      // Whoever is cut off before anything was heard may have a wrong url, for all he knows (CL24).
      onError: (error) => {
        if ((error as { code?: string }).code !== "transport") this.wrong.push(String(error));
      },
    });
    const visitor: Visitor = {
      client,
      subscriptions: new Map(),
      cut() {
        for (const socket of sockets) socket.terminate();
        breaking.abort();
        breaking = new AbortController();
      },
    };
    this.#subscribe(visitor);
    return visitor;
  }
}
