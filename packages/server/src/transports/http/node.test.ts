// Requests and responses of the test's own, so that every moment of them can be had. Over real sockets: http.test.ts.
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough } from "node:stream";
import type { Cancel, Clock } from "@calla/shared";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import type { BodyLimits } from "./body.ts";
import { lineOf, nodeAsked, nodeBody, nodeSink } from "./node.ts";
import { Receiving } from "./receiving.ts";
import type { HttpOutcome } from "./request.ts";
import { StreamConnection } from "./stream.ts";
import type { Sink } from "./stream.ts";

/** Time in the hand: what is set, and how long for. */
function handClock() {
  let timers: { readonly run: () => void; readonly milliseconds: number }[] = [];
  const clock: Clock = {
    now: () => 0,
    setTimeout(run, milliseconds): Cancel {
      const timer = { run, milliseconds };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    },
    defer: (run) => queueMicrotask(run),
  };
  return {
    clock,
    waits: () => timers.map(({ milliseconds }) => milliseconds),
    fire() {
      const due = timers;
      timers = [];
      for (const { run } of due) run();
    },
  };
}

class FakeResponse extends EventEmitter {
  readonly said: unknown[] = [];
  destroyed = false;
  closed = false;
  headersSent = false;
  writableLength = 0;
  stream: { readonly destroyed: boolean } | undefined;
  readonly handle = { bytesWritten: 0, writeQueueSize: 0 };
  socket: { readonly _handle: object; setNoDelay(on: boolean): void } | null = {
    _handle: this.handle,
    setNoDelay: (on) => void this.said.push(["no delay", on]),
  };
  writeHead(status: number, headers: object): this {
    this.headersSent = true;
    this.said.push(["head", status, headers]);
    return this;
  }
  flushHeaders(): void {
    this.said.push(["flushed"]);
  }
  write(bytes: Uint8Array): boolean {
    this.said.push(["write", Buffer.from(bytes).toString()]);
    return true;
  }
  end(data?: string | Uint8Array): this {
    this.said.push(["end", data === undefined ? undefined : Buffer.from(data).toString()]);
    return this;
  }
  destroy(): void {
    this.destroyed = true;
    this.said.push(["destroyed"]);
  }
}
const fakeRequest = (more: object = {}) => {
  const request = Object.assign(new EventEmitter(), {
    complete: true,
    httpVersionMajor: 1,
    destroyed: false,
    destroy: () => void (request.destroyed = true),
    ...more,
  });
  return request;
};
const asked = { url: "/calla", headers: {}, remoteAddress: "192.0.2.1" };

/** A stream's outcome, and all that becomes of it. */
function streaming(live: boolean) {
  const told: (readonly [what: string, ...more: unknown[]])[] = [];
  const receiving = new Receiving(
    () => ({
      received: (bytes, held) => void told.push(["received", bytes, held]),
      over: () => void told.push(["over"]),
    }),
    asked,
    undefined,
  );
  told.length = 0;
  let sink: Sink | undefined;
  let connection: StreamConnection | undefined;
  const outcome: HttpOutcome = {
    headers: { "x-own": "1" },
    live,
    receiving,
    open(given) {
      sink = given;
      connection = new StreamConnection(given, () => void told.push(["gone"]));
      connection.start({
        disconnect: (code, reason) => void told.push(["disconnect", code, reason]),
        drained: () => void told.push(["drained"]),
      });
      return connection;
    },
  };
  return {
    outcome,
    receiving,
    told,
    sink: () => sink!,
    opened: () => connection !== undefined,
    connection: () => connection!,
  };
}
/** Writes the outcome. */
function sent(
  outcome: HttpOutcome,
  { response = new FakeResponse(), request = fakeRequest(), timeout = 1_000 } = {},
) {
  const hand = handClock();
  nodeSink(outcome, request as unknown as IncomingMessage, response as unknown as ServerResponse, {
    clock: hand.clock,
    timeout,
  });
  return { ...hand, response, request };
}

describe("a request of Node's", () => {
  const of = (request: object) => nodeAsked(request as IncomingMessage);
  const socket = { remoteAddress: "192.0.2.1" };

  test("[HT1] is read as it came, before a mount took its path away", () => {
    const headers = { accept: "a" };
    expect(of({ method: "POST", url: "/x", headers, socket })).toEqual({
      method: "POST",
      url: "/x",
      headers,
      remoteAddress: "192.0.2.1",
    });
    expect(of({ method: "POST", url: "/x", originalUrl: "/mount/x", headers, socket }).url).toBe("/mount/x");
    expect(of({ headers, socket: {} })).toEqual({
      method: "GET",
      url: "/",
      headers,
      remoteAddress: undefined,
    });
  });

  test("[HT1] over HTTP/2 has its host from :authority, unless it names one", () => {
    const headers = { ":authority": "app.example" };
    expect(of({ headers, socket }).headers).toEqual({ host: "app.example", ":authority": "app.example" });
    expect(of({ headers: { ...headers, host: "own.example" }, socket }).headers["host"]).toBe("own.example");
  });

  test("shares its line with what came over the same socket, or the same HTTP/2 session", () => {
    const session = {};
    expect(lineOf({ socket } as never)).toBe(socket);
    expect(lineOf({ socket, stream: {} } as never)).toBe(socket);
    expect(lineOf({ socket, stream: { session } } as never)).toBe(session);
  });
});

describe("[HT14] a body", () => {
  const limits = (): BodyLimits => ({
    clock: handClock().clock,
    maxBytes: 5,
    within: 1_000,
    receiving: new Receiving(undefined, asked, undefined),
  });
  const parsed = (body: unknown, binary = false) =>
    nodeBody({ readableDidRead: true, body } as never, limits(), binary);

  test("that nobody has read is read", async () => {
    const request = new PassThrough();
    request.end("hello");
    expect(await nodeBody(request as never, limits(), false)).toEqual({
      ok: true,
      bytes: Buffer.from("hello"),
    });
  });

  test("that a parser has read is its bytes, or its text where text was meant", async () => {
    const bytes = Buffer.from("hello");
    expect(await parsed(bytes)).toEqual({ ok: true, bytes });
    expect(await parsed(bytes, true)).toEqual({ ok: true, bytes });
    const foreign: unknown = runInNewContext("new Uint8Array([104, 105])");
    expect(await parsed(foreign, true)).toEqual({ ok: true, bytes: foreign });
    expect(await parsed("hello")).toEqual({ ok: true, bytes });
    expect(await parsed("")).toEqual({ ok: true, bytes: Buffer.alloc(0) });
    for (const lost of [undefined, null, {}, [1], 5])
      expect(await parsed(lost)).toEqual({ ok: false, reason: "body-read" });
    expect(await parsed("hello", true)).toEqual({ ok: false, reason: "body-read" });
  });

  test("that a parser has read may be as large as any, in bytes", async () => {
    expect(await parsed(Buffer.alloc(6))).toEqual({ ok: false, reason: "too-large" });
    expect(await parsed("ééé")).toEqual({ ok: false, reason: "too-large" });
    expect(await parsed("éé!")).toMatchObject({ ok: true });
  });
});

describe("a whole answer", () => {
  const answer = { answer: { status: 403, headers: { vary: "Origin" }, text: "no" } };

  test("[HT1] is written at once", () => {
    const { response, request } = sent(answer);
    expect(response.said).toEqual([
      ["head", 403, { vary: "Origin" }],
      ["end", "no"],
    ]);
    response.emit("finish");
    expect(request.destroyed).toBe(false);
  });

  test("[HT12] does not wait for the rest of the body: that is cut once it is written", () => {
    const { response, request } = sent(answer, { request: fakeRequest({ complete: false }) });
    expect(response.said[0]).toEqual(["head", 403, { vary: "Origin", connection: "close" }]);
    expect(request.destroyed).toBe(false);
    response.emit("finish");
    expect(request.destroyed).toBe(true);
    // HTTP/2 has no such header.
    const second = sent(answer, { request: fakeRequest({ complete: false, httpVersionMajor: 2 }) });
    expect(second.response.said[0]).toEqual(["head", 403, { vary: "Origin" }]);
  });
});

test("[HT12] what nobody hears any more, or somebody else has answered, is left alone and not opened", () => {
  const gone = [{ destroyed: true }, { headersSent: true }, { stream: { destroyed: true } }];
  for (const state of gone) {
    for (const live of [true, false]) {
      const { outcome, told, opened } = streaming(live);
      const { response } = sent(outcome, { response: Object.assign(new FakeResponse(), state) });
      expect([response.said, opened(), told]).toEqual([[], false, [["over"]]]);
    }
    const answer = { answer: { status: 200, headers: {}, text: "" } };
    expect(sent(answer, { response: Object.assign(new FakeResponse(), state) }).response.said).toEqual([]);
  }
});

describe("a stream", () => {
  test("[HT3] has its head at once, and what is written goes on", () => {
    const { outcome, sink } = streaming(true);
    const { response } = sent(outcome);
    expect(response.said).toEqual([["head", 200, { "x-own": "1" }], ["flushed"], ["no delay", true]]);
    sink().write(Buffer.from("a"));
    response.writableLength = 7;
    expect([response.said.at(-1), sink().buffered()]).toEqual([["write", "a"], 7]);
    // A proxy's response may have no socket of its own.
    const bare = streaming(true);
    expect(() =>
      sent(bare.outcome, { response: Object.assign(new FakeResponse(), { socket: null }) }),
    ).not.toThrow();
  });

  test("[HT12] calls drained each time, and reports its end once", () => {
    const { outcome, told } = streaming(true);
    const { response } = sent(outcome);
    response.emit("drain");
    response.emit("drain");
    expect(told).toEqual([["drained"], ["drained"]]);
    told.length = 0;
    expect(() => response.emit("error", new Error("reset"))).not.toThrow();
    response.emit("close");
    expect(told).toEqual([["over"], ["gone"], ["disconnect", 1006, ""]]);
    response.emit("close");
    response.emit("drain");
    expect(told.filter(([what]) => what !== "over")).toEqual([["gone"], ["disconnect", 1006, ""]]);
  });

  test("[HT12] that was ended goes once its peer has taken it in, or takes in nothing more", () => {
    const { outcome, sink } = streaming(true);
    const { response, fire, waits } = sent(outcome);
    expect(waits()).toEqual([]);
    sink().end();
    expect([response.said.at(-1), waits()]).toEqual([["end", undefined], [1_000]]);
    for (const written of [1, 2]) {
      response.handle.bytesWritten = written;
      fire();
      expect([response.destroyed, waits()]).toEqual([false, [1_000]]);
    }
    // Written to the system and not taken is not taken.
    response.handle.bytesWritten = 9;
    response.handle.writeQueueSize = 7;
    fire();
    expect([response.destroyed, waits()]).toEqual([true, []]);
  });

  test("[HT12] that is through is waited for no longer", () => {
    const { outcome, sink } = streaming(true);
    const { response, waits } = sent(outcome);
    sink().end();
    response.emit("close");
    expect(waits()).toEqual([]);
    for (const given of [
      { timeout: Infinity },
      { response: Object.assign(new FakeResponse(), { closed: true }) },
    ]) {
      const other = streaming(true);
      const { waits: otherWaits } = sent(other.outcome, given);
      other.sink().end();
      expect(otherWaits()).toEqual([]);
    }
  });
});

describe("the answers of a packet", () => {
  test("[HT2] leave in one write when all are there, with their length; until then they are held", () => {
    const { outcome, sink, told } = streaming(false);
    const { response, waits } = sent(outcome);
    sink().write(Buffer.from("one "));
    sink().write(Buffer.from("two"));
    expect([response.said, sink().buffered()]).toEqual([[], 7]);
    sink().end();
    expect(response.said).toEqual([
      ["head", 200, { "x-own": "1", "content-length": "7" }],
      ["end", "one two"],
    ]);
    expect(told).toEqual([["received", 0, 16_384 + 7]]);
    expect([sink().buffered(), waits()]).toEqual([0, [1_000]]);
    const single = streaming(false);
    const { response: other } = sent(single.outcome);
    single.sink().write(Buffer.from("one"));
    single.sink().end();
    expect(other.said.at(-1)).toEqual(["end", "one"]);
    const none = streaming(false);
    const { response: empty } = sent(none.outcome);
    none.sink().end();
    expect(empty.said).toEqual([
      ["head", 200, { "x-own": "1", "content-length": "0" }],
      ["end", ""],
    ]);
  });

  test("[HT12] are not written where somebody has begun another answer meanwhile, or nobody is there", () => {
    for (const state of [{ headersSent: true }, { destroyed: true }, { stream: { destroyed: true } }]) {
      const { outcome, sink, told } = streaming(false);
      const { response, waits } = sent(outcome);
      sink().write(Buffer.from("one"));
      Object.assign(response, state);
      sink().end();
      expect([response.said, told, waits()]).toEqual([[], [], []]);
    }
  });

  test("[HT12] are cut where there is no room for them; a stream's are the server's own affair", () => {
    const packet = streaming(false);
    const { response } = sent(packet.outcome);
    packet.receiving.cut();
    expect(response.destroyed).toBe(true);
    const stream = streaming(true);
    const { response: live } = sent(stream.outcome);
    stream.receiving.cut();
    expect(live.destroyed).toBe(false);
    response.emit("close");
    expect(packet.told).toEqual([["over"], ["gone"], ["disconnect", 1006, ""]]);
  });
});
