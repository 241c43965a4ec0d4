// A real server with every transport, a hostile proxy in front of it, and real clients.
import { createServer as createHttpServer } from "node:http";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@calla/client";
import type { Client, Transport } from "@calla/client";
import { auto } from "@calla/client/auto";
import { http as httpTransport } from "@calla/client/http";
import { webSocket as webSocketTransport } from "@calla/client/websocket";
import { createServer } from "@calla/server";
import type { AnyUser, Refused, Server, ServerOptions } from "@calla/server";
import { http } from "@calla/server/http";
import type { HttpTransport } from "@calla/server/http";
import { webSocket } from "@calla/server/websocket";
import { automatic, defineEphemeral, defineTopic, defineWiring, json } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import { expect } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { Proxy } from "./proxy.ts";

export const note = defineTopic("note:*", {
  model: z.object({ lines: z.array(z.string()) }),
  initial: () => ({ lines: [] }),
  messages: { added: z.object({ line: z.string() }), refused: z.object({}) },
  rejections: { never: z.object({}) },
  update: {
    added: ({ lines }, { line }) => ({ lines: [...lines, line] }),
    refused: (_, _message, context) => context.reject("never", {}),
  },
});
export const pointers = defineEphemeral("pointers:*", {
  messages: { moved: z.object({ x: z.number() }) },
  keep: "latest",
});
export const wiring = defineWiring({ topics: [note, pointers] });
const serialiser = automatic(json(), messagePack());
export const added = (line: string) => ({ type: "added", line }) as const;

export const KINDS = ["webSocket", "http", "poll", "auto"] as const;
export type Kind = (typeof KINDS)[number];
export const CASES = KINDS.flatMap((kind) =>
  (["json", "messagepack"] as const).map((format) => ({ kind, format })),
);

/** Impatient, so that a test need not wait long for what real time brings. */
const QUICK = { reconnectBaseMilliseconds: 20, reconnectMaxMilliseconds: 100 };

export class Stage {
  server!: Server<typeof wiring, AnyUser>;
  http!: HttpTransport;
  readonly refused: Refused[] = [];
  readonly errors: unknown[] = [];
  proxy!: Proxy;
  #node!: HttpServer;
  #port = 0;
  readonly #clients: Client<typeof wiring>[] = [];

  static async open(options: Partial<ServerOptions<typeof wiring, AnyUser>> = {}): Promise<Stage> {
    const stage = new Stage();
    stage.server = createServer({
      wiring,
      serialiser,
      secret: "a secret that is long enough",
      onError: (error) => stage.errors.push(error),
      onRefused: (refusal) => stage.refused.push(refusal),
      ...options,
    });
    stage.server.handle(note, { public: true });
    stage.server.handle(pointers, { public: true });
    stage.http = http(stage.server, { heartbeat: 200 });
    stage.#node = createHttpServer(stage.http.node);
    webSocket(stage.server, { httpServer: stage.#node });
    await new Promise<void>((resolve) => stage.#node.listen(0, "127.0.0.1", resolve));
    stage.proxy = new Proxy(() => (stage.#node.address() as AddressInfo).port);
    stage.#port = await stage.proxy.listen();
    return stage;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/calla`;
  }

  transport(kind: Kind): Transport {
    const socket = webSocketTransport({ url: `ws://127.0.0.1:${this.#port}/ws`, WebSocket, ...QUICK });
    const requests = httpTransport({
      url: this.url,
      ...QUICK,
      pollInterval: 30,
      silence: 400,
      postTimeout: 1_500,
      ...(kind === "poll" ? { maxStreams: 0 } : {}),
    });
    if (kind === "webSocket") return socket;
    return kind === "auto"
      ? auto({ webSocket: socket, http: requests, silence: 400, memory: null })
      : requests;
  }

  client(kind: Kind, format: "json" | "messagepack" = "json", more: object = {}): Client<typeof wiring> {
    const client = createClient({
      wiring,
      serialiser: serialiser.use(format),
      transport: this.transport(kind),
      connectTimeout: 2_000,
      heartbeat: 600,
      heartbeatTimeout: 400,
      answerTimeout: 1_000,
      onError: (error: unknown) => this.errors.push(error),
      ...more,
    });
    this.#clients.push(client);
    return client;
  }

  get lines(): Promise<readonly string[]> {
    return this.server
      .topic(note, "1")
      .read()
      .then(({ model }) => model.lines);
  }

  async close(): Promise<void> {
    this.proxy.mischief = {};
    await Promise.all(this.#clients.map((client) => client.close()));
    this.proxy.close();
    await this.http.close();
    await this.server.stop();
    this.#node.closeAllConnections();
    this.#node.close();
    expect(this.errors).toEqual([]);
  }
}

/** Looks until it holds. */
export const until = (holds: () => unknown): Promise<void> =>
  expect
    .poll(async () => Boolean(await holds()), { timeout: 10_000, interval: 5 })
    .toBe(true) as Promise<void>;
