// LongPoll as one writes it by hand: a table of sessions, each with what it has not been told and the poll that waits.
// It answers the bytes that Phoenix does to clients of V2 text that join and say something, and nothing else.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { control } from "./control.ts";

interface Session {
  readonly token: string;
  untold: string[];
  poll: ServerResponse | undefined;
  window: NodeJS.Timeout | undefined;
}

const WINDOW = 10_000;
const sessions = new Map<string, Session>();

function answer(response: ServerResponse, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(200, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "access-control-allow-origin": "*",
    "cache-control": "no-store",
  });
  response.end(text);
}

function begin(response: ServerResponse): void {
  // As long as one that is sealed.
  const token = randomBytes(88).toString("base64url");
  sessions.set(token, { token, untold: [], poll: undefined, window: undefined });
  answer(response, { messages: [], status: 410, token });
}

function poll(session: Session, response: ServerResponse): void {
  session.poll = response;
  response.on("close", () => {
    if (session.poll === response) session.poll = undefined;
  });
  if (session.untold.length > 0) tell(session);
  else session.window = setTimeout(() => tell(session), WINDOW);
}

function tell(session: Session): void {
  const { poll: response, token, untold: messages } = session;
  if (response === undefined) return;
  clearTimeout(session.window);
  session.untold = [];
  session.poll = undefined;
  answer(response, { messages, status: messages.length > 0 ? 200 : 204, token });
}

function take(session: Session, body: string): void {
  for (const line of body.split("\n")) {
    const [joinRef, ref, topic] = JSON.parse(line) as string[];
    const reply = [joinRef, ref, topic, "phx_reply", { status: "ok", response: {} }];
    session.untold.push(JSON.stringify(reply));
  }
  if (session.poll !== undefined) setImmediate(tell, session);
}

const httpServer = createServer((request: IncomingMessage, response: ServerResponse) => {
  const token = new URL(request.url ?? "/", "http://localhost").searchParams.get("token") ?? "";
  const session = sessions.get(token);
  if (request.method === "GET") {
    if (session === undefined) begin(response);
    else poll(session, response);
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    if (session === undefined) return answer(response, { status: 410 });
    take(session, Buffer.concat(chunks).toString());
    answer(response, { status: 200 });
  });
});
httpServer.listen(0, "127.0.0.1", () => control((httpServer.address() as AddressInfo).port));
