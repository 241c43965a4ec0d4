// Server-sent events as one writes them by hand: each message is written to each stream, each POST is answered.
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { control } from "./control.ts";

interface Body {
  readonly join?: string;
  readonly topic: string;
  readonly id: number;
  readonly message: unknown;
}

const subscribers = new Map<string, Set<ServerResponse>>();

function join(topic: string, response: ServerResponse): void {
  let all = subscribers.get(topic);
  if (all === undefined) subscribers.set(topic, (all = new Set()));
  all.add(response);
  response.on("close", () => all.delete(response));
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(`data: ${JSON.stringify({ joined: topic })}\n\n`);
}

function say({ topic, id, message }: Body, response: ServerResponse): void {
  const event = `data: ${JSON.stringify({ topic, message })}\n\n`;
  for (const subscriber of subscribers.get(topic) ?? []) subscriber.write(event);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ ack: id }));
}

const httpServer = createServer((request: IncomingMessage, response: ServerResponse) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
    if (body.join !== undefined) join(body.join, response);
    else say(body, response);
  });
});
httpServer.listen(0, "127.0.0.1", () => control((httpServer.address() as AddressInfo).port));
