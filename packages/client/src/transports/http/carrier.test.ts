// Requests over a `fetch` of which the test writes every answer, byte by byte.
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { turn } from "../../../test/kit.ts";
import { httpCarrier } from "./carrier.ts";
import type { Fetch } from "./carrier.ts";

const STREAM = { "content-type": "text/event-stream; charset=utf-8" };

function setUp(answer: (signal: AbortSignal) => Response | Promise<Response>) {
  const asked: { url: string; init: RequestInit }[] = [];
  const fetch: Fetch = async (url, init) => {
    asked.push({ url: String(url), init });
    return answer(init.signal!);
  };
  const events: unknown[] = [];
  const carrier = httpCarrier("https://app.example/calla", { name: "json" }, fetch, "include");
  const open = () =>
    carrier.stream("hello", {
      data: (text) => events.push(text),
      alive: () => events.push("alive"),
      end: (status, reason) => events.push([status, reason]),
    });
  return { asked, events, carrier, open };
}

/** A response that comes as the test says. */
function flowing(status = 200, headers: Record<string, string> = STREAM) {
  let control!: ReadableStreamDefaultController<Uint8Array>;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (control = given),
    cancel: () => void (cancelled = true),
  });
  return {
    response: new Response(body, { status, headers }),
    get cancelled() {
      return cancelled;
    },
    async bytes(...chunks: (string | Uint8Array)[]): Promise<void> {
      for (const chunk of chunks)
        control.enqueue(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
      await turn();
    },
    async end(error?: Error): Promise<void> {
      if (error) control.error(error);
      else control.close();
      await turn();
    },
  };
}

test("[HT3] a stream is a POST of the Hello; its events come whole, however its bytes are cut, and its comments as signs of life", async () => {
  const flow = flowing();
  const { asked, events, open } = setUp(() => flow.response);
  open();
  await turn();
  expect(asked).toMatchObject([
    {
      url: "https://app.example/calla",
      init: {
        method: "POST",
        body: "hello",
        cache: "no-store",
        credentials: "include",
        headers: { "content-type": "application/calla.json", accept: "text/event-stream" },
      },
    },
  ]);
  await flow.bytes("data: one\n\nda", "ta: tw", "o\n", "\n: still there\n\n");
  expect(events.splice(0)).toEqual(["one", "two", "alive"]);
  const euro = new TextEncoder().encode("data: 20 €\n\n");
  await flow.bytes(...[...euro].map((byte) => Uint8Array.of(byte)));
  await flow.bytes("data: {\ndata: }\r\n\r\ndata: last, and cut");
  expect(events.splice(0)).toEqual(["20 €", "{\n}"]);
  await flow.end();
  expect(events).toEqual([[0, "ended"]]);
});

test("[HT1] [HT9] what is no stream of a Calla server ends it, with the status", async () => {
  for (const [answer, ended] of [
    [() => new Response("no", { status: 503, headers: STREAM }), [503, "HTTP 503"]],
    [() => new Response(null, { status: 204 }), [204, "HTTP 204"]],
    [
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      [200, "no text/event-stream"],
    ],
    [() => new Response("data: a\n\n"), [200, "no text/event-stream"]],
  ] as const) {
    const { events, open } = setUp(answer);
    open();
    await turn();
    expect(events).toEqual([ended]);
  }
});

test("[CL57] why there was no answer is said with all its causes", async () => {
  const refused = (address: string) => new Error(`connect ECONNREFUSED ${address}`);
  for (const [error, text] of [
    [new TypeError("Failed to fetch"), "Failed to fetch"],
    [
      new TypeError("fetch failed", { cause: refused("::1") }),
      "TypeError: fetch failed: connect ECONNREFUSED ::1",
    ],
    [
      new TypeError("fetch failed", { cause: new AggregateError([refused("::1"), refused("127.0.0.1")]) }),
      "TypeError: fetch failed: connect ECONNREFUSED ::1, connect ECONNREFUSED 127.0.0.1",
    ],
    // Jest runs tests in a realm of their own, and Node's fetch in another.
    [
      runInNewContext('new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED ::1") })'),
      "TypeError: fetch failed: connect ECONNREFUSED ::1",
    ],
    ["odd", "odd"],
    [undefined, "undefined"],
  ] as const) {
    const { events, open } = setUp(() => Promise.reject(error as Error));
    open();
    await turn();
    expect(events).toEqual([[0, text]]);
  }
  const flow = flowing();
  const { events, open } = setUp(() => flow.response);
  open();
  await turn();
  await flow.bytes("data: one\n\ndata: tw");
  await flow.end(new TypeError("terminated", { cause: new Error("other side closed") }));
  expect(events).toEqual(["one", [0, "TypeError: terminated: other side closed"]]);
});

test("[CL33] S22 a stream that was left is aborted and says nothing more, also of what had come already", async () => {
  let aborted = 0;
  const flow = flowing();
  const { events, open } = setUp((signal) => {
    signal.addEventListener("abort", () => aborted++);
    return flow.response;
  });
  const close = open();
  await turn();
  await flow.bytes("data: one\n\n");
  close();
  close();
  await flow.bytes("data: two\n\n: x\n\n");
  await flow.end();
  expect([events, aborted]).toEqual([["one"], 1]);
  // In the middle of what one chunk brings.
  const other = flowing();
  const heard: string[] = [];
  const stop = httpCarrier("https://a/", { name: "json" }, async () => other.response, "omit").stream("", {
    data(text) {
      heard.push(text);
      stop();
    },
    alive: () => heard.push("alive"),
    end: () => heard.push("end"),
  });
  await turn();
  await other.bytes("data: one\n\ndata: two\n\n: x\n\n");
  await other.end();
  expect(heard).toEqual(["one"]);
});

test("[HT2] a POST is answered by whole events; what is no answer of a Calla server is none", async () => {
  const ask = (answer: () => Response | Promise<Response>) => setUp(answer).carrier.post("m").answer;
  const response =
    (body: string, status = 200, type = "text/event-stream") =>
    () =>
      new Response(body, { status, headers: { "content-type": type } });
  expect(await ask(response("data: a\n\ndata: b\ndata: c\n\n: x\n\ndata: cut"))).toEqual({
    status: 200,
    events: ["a", "b\nc"],
  });
  expect(await ask(response("<html>", 200, "text/html"))).toEqual({ status: 0, events: [] });
  expect(await ask(response("", 503))).toEqual({ status: 503, events: [] });
  expect(await ask(() => Promise.reject(new TypeError("fetch failed")))).toEqual({ status: 0, events: [] });
  const cut = flowing();
  const answer = ask(() => cut.response);
  await turn();
  await cut.bytes("data: a\n\n");
  await cut.end(new Error("reset"));
  expect(await answer).toEqual({ status: 0, events: [] });
});

test("[HT8] [HT19] a refusal for its content says whose it is: a code of ours, with the size that is taken, or nobody's", async () => {
  const ask = (body: string, status: number) =>
    setUp(() => new Response(body, { status })).carrier.post("m").answer;
  expect(await ask(`{"code":"too-large","maxBytes":100}`, 413)).toEqual({
    status: 413,
    events: [],
    code: "too-large",
    maxBytes: 100,
  });
  expect(await ask(`{"code":"undecodable","maxBytes":-1}`, 400)).toEqual({
    status: 400,
    events: [],
    code: "undecodable",
  });
  for (const [body, status] of [
    ["<html>", 413],
    ["{}", 422],
    [`{"code":5}`, 400],
    ["null", 400],
  ] as const)
    expect(await ask(body, status)).toEqual({ status, events: [] });
});
