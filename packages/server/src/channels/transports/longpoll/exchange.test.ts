// Node's requests: what is written, when a peer has gone, and what becomes of a body that nobody reads.
import { createServer, request as ask } from "node:http";
import type { IncomingMessage, RequestListener } from "node:http";
import { connect, createServer as createHttp2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { Agent } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../base/clock.ts";
import { polled } from "../../../../test/polling.ts";
import { mountOf } from "../mount.ts";
import { longPoll } from "./longpoll.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function listening(more: { before?: RequestListener; window?: number } = {}) {
  const { host, sockets, errors } = polled();
  const real = { ...host, clock: systemClock };
  const transport = longPoll(real, mountOf(real, { longpoll: { window: more.window ?? 5_000 } }));
  const seen = { asked: 0, over: 0 };
  const server = createServer((request, response) => {
    seen.asked++;
    response.once("close", () => seen.over++);
    more.before?.(request, response);
    if (!transport.handle(request, response)) response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { port } = server.address() as AddressInfo;
  closing.push(
    () => new Promise<void>((resolve) => void server.close(() => resolve())),
    () => server.closeAllConnections(),
    () => agent.destroy(),
    () => transport.close(),
  );
  const send = (
    method: string,
    query = "",
    body?: string,
    headers: Record<string, string> = {},
    own = agent,
  ) => {
    const path = `/socket/longpoll?vsn=2.0.0${query}`;
    const request = ask({ host: "127.0.0.1", port, path, method, headers, agent: own });
    const answer = new Promise<{ message: IncomingMessage; text: string; socket: unknown }>(
      (resolve, reject) => {
        request.once("error", reject);
        request.once("response", (message: IncomingMessage) => {
          let text = "";
          message.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          message.once("end", () => resolve({ message, text, socket: request.socket }));
          message.once("error", reject);
        });
      },
    );
    answer.catch(() => undefined);
    request.end(body);
    return { request, answer };
  };
  return { send, sockets, errors, seen };
}
const parsed = (text: string) => JSON.parse(text) as { status: number; token: string; messages: string[] };

const until = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 2_000) throw new Error("it never came to it");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
};

describe("requests of Node's", () => {
  it("[LP23] an answer has its length, and its line is kept for the next", async () => {
    const { send } = await listening();
    const first = await send("GET").answer;
    expect(first.message.headers).toMatchObject({
      "content-length": String(Buffer.byteLength(first.text)),
      "content-type": "application/json; charset=utf-8",
      "access-control-allow-origin": "*",
      "cache-control": "no-store",
    });
    const { token } = parsed(first.text);
    const second = await send("POST", `&token=${token}`, "[]").answer;
    const third = await send("POST", "&token=none", "[]").answer;
    const fourth = await send("POST", `&token=${token}`, '[null,"1","t","said",{}]').answer;
    expect([second, third, fourth].map(({ text }) => parsed(text).status)).toEqual([400, 410, 200]);
    expect(new Set([first, second, third, fourth].map(({ socket }) => socket)).size).toBe(1);
  });

  it("[LP12] a long body for nobody is not read: its line is cut behind the answer", async () => {
    const { send } = await listening();
    const { answer } = send("POST", "", "x".repeat(3_000_000));
    const outcome = await answer.then(
      ({ message, text }) => ({ close: message.headers["connection"], text }),
      () => undefined,
    );
    // A client that still writes may be reset before it reads.
    if (outcome !== undefined) expect(outcome).toEqual({ close: "close", text: '{"status":410}' });
    expect(parsed((await send("GET").answer).text).status).toBe(410);
  });

  it("[LP34] [LP35] a poll that the client gives up takes nothing with it: the next one is told", async () => {
    const { send, sockets, seen } = await listening();
    const { token } = parsed((await send("GET").answer).text);
    await until(() => seen.over === 1);
    const { request } = send("GET", `&token=${token}`, undefined, {}, new Agent());
    await until(() => seen.asked === 2);
    request.destroy();
    await until(() => seen.over === 2);
    sockets[0]!.push("kept", {});
    const { text } = await send("GET", `&token=${token}`).answer;
    expect(parsed(text).messages).toEqual([expect.stringContaining("kept")]);
  });

  it("[LP43] a client that goes while connect decides leaves no session", async () => {
    const { host, sockets } = polled();
    let letIn = (): void => undefined;
    const real = {
      ...host,
      clock: systemClock,
      admit: (request: Parameters<typeof host.admit>[0]) =>
        new Promise<Awaited<ReturnType<typeof host.admit>>>((resolve) => {
          letIn = () => resolve({ accepted: true, request, assigns: {}, id: undefined });
        }),
    };
    const transport = longPoll(real, mountOf(real, {}));
    let gone = false;
    const server = createServer((request, response) => {
      response.once("close", () => (gone = true));
      transport.handle(request, response);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    closing.push(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const request = ask({ host: "127.0.0.1", port, path: "/socket/longpoll?vsn=2.0.0" });
    request.on("error", () => undefined).end();
    await new Promise((resolve) => server.once("request", resolve));
    request.destroy();
    await until(() => gone);
    letIn();
    await until(() => sockets.length === 1);
    expect([transport.connections, sockets[0]!.ends.length]).toEqual([0, 1]);
  });

  it("[LP50] a body that a parser in front has read is said all the same, as text or as values", async () => {
    const before: RequestListener = (request) => {
      const json = request.headers["content-type"] === "application/json";
      let text = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      // As body parsers do: the handler behind comes when it is read.
      Object.defineProperty(request, "readableDidRead", { value: true });
      Object.defineProperty(request, "body", { get: () => (json ? (JSON.parse(SAID) as unknown) : SAID) });
    };
    const { send, sockets } = await listening();
    const { token } = parsed((await send("GET").answer).text);
    const parsing = await listening({ before });
    const other = parsed((await parsing.send("GET").answer).text).token;
    for (const type of ["application/json", "text/plain"]) {
      const headers = { "content-type": type };
      expect(parsed((await send("POST", `&token=${token}`, SAID, headers).answer).text).status).toBe(200);
      expect(parsed((await parsing.send("POST", `&token=${other}`, SAID, headers).answer).text).status).toBe(
        200,
      );
    }
    expect(parsing.sockets[0]!.said).toEqual(sockets[0]!.said);
    expect(sockets[0]!.said).toHaveLength(2);
  });

  it("[LP50] one that is read and kept nowhere: 500, and the operator hears the cure", async () => {
    const before: RequestListener = (request) =>
      void Object.defineProperty(request, "readableDidRead", { value: true });
    const { send, errors } = await listening({ before });
    const { token } = parsed((await send("GET").answer).text);
    expect((await send("POST", `&token=${token}`, SAID).answer).message.statusCode).toBe(500);
    expect(String(errors[0])).toContain("Put the mount before it");
  });

  it("[LP1] over HTTP/2 too", async () => {
    const { host } = polled();
    const real = { ...host, clock: systemClock };
    const transport = longPoll(real, mountOf(real, {}));
    const server = createHttp2((request, response) => {
      transport.handle(request as unknown as IncomingMessage, response as never);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    closing.push(
      () => new Promise<void>((resolve) => void server.close(() => resolve())),
      () => client.close(),
      () => transport.close(),
    );
    const fetched = async (path: string, body?: string): Promise<string> => {
      const stream = client.request({ ":path": path, ":method": body === undefined ? "GET" : "POST" });
      stream.end(body);
      let text = "";
      for await (const chunk of stream.setEncoding("utf8")) text += chunk as string;
      return text;
    };
    const { status, token } = parsed(await fetched("/socket/longpoll?vsn=2.0.0"));
    expect(status).toBe(410);
    const path = `/socket/longpoll?vsn=2.0.0&token=${token}`;
    expect(await fetched(path, '[null,"1","phoenix","heartbeat",{}]')).toBe('{"status":200}');
    expect(parsed(await fetched(path)).messages).toHaveLength(1);
  });
});

const SAID = '[null,"1","t","said",{"n":1}]';
