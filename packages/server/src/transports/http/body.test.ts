import { PassThrough } from "node:stream";
import type { IncomingMessage } from "node:http";
import type { SteadyClock } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { handClock } from "../../../test/wired.ts";
import { readBody, readNodeBody } from "./body.ts";
import type { Body } from "./body.ts";
import { Receiving } from "./receiving.ts";

const LIMITS = { maxBytes: 10, within: 1_000 };

/** A request under way, by either of the two ways in which bodies come. */
interface Sent {
  readonly body: Promise<Body>;
  readonly receiving: Receiving;
  readonly held: () => number;
  send(text: string): void;
  end(): void;
  abort(): void;
}

function counted() {
  let held = 0;
  const receiving = new Receiving(
    () => ({ received: (_bytes, all) => void (held = all), over: () => undefined }),
    { url: "/", headers: {}, remoteAddress: undefined },
    undefined,
  );
  const head = held;
  return { receiving, held: () => held - head };
}

const ways = {
  "of a request of Node's": (clock: SteadyClock): Sent => {
    const stream = new PassThrough();
    const { receiving, held } = counted();
    const body = readNodeBody(stream as unknown as IncomingMessage, { clock, ...LIMITS, receiving });
    return {
      body,
      receiving,
      held,
      send: (text) => void stream.write(text),
      end: () => void stream.end(),
      abort: () => void stream.destroy(),
    };
  },
  "of a web request": (clock: SteadyClock): Sent => {
    let to!: ReadableStreamDefaultController<Uint8Array>;
    const stream = new ReadableStream<Uint8Array>({ start: (controller) => void (to = controller) });
    const { receiving, held } = counted();
    return {
      body: readBody(stream, { clock, ...LIMITS, receiving }),
      receiving,
      held,
      send: (text) => to.enqueue(Buffer.from(text)),
      end: () => to.close(),
      abort: () => to.error(new Error("gone")),
    };
  },
};
/** Streams hand on what they have in later turns. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe.each(Object.entries(ways))("the body %s", (_, begin) => {
  test("is what came, in one piece, and its bytes are counted", async () => {
    const sent = begin(handClock().clock);
    sent.send("[1,");
    await turn();
    sent.send("2]");
    sent.end();
    const body = await sent.body;
    expect(body.ok && Buffer.from(body.bytes).toString()).toBe("[1,2]");
    expect(sent.held()).toBe(5);
  });

  test("over the limit is refused when it is, not when it has ended", async () => {
    const sent = begin(handClock().clock);
    sent.send("12345");
    sent.send("123456");
    expect(await sent.body).toEqual({ ok: false, reason: "too-large" });
    const whole = begin(handClock().clock);
    whole.send("1234567890");
    whole.end();
    expect(await whole.body).toMatchObject({ ok: true });
  });

  test("that does not end in time is refused; a pause takes none of the time", async () => {
    const { clock, advance } = handClock();
    const sent = begin(clock);
    sent.send("1");
    await turn();
    await advance(900);
    sent.receiving.pause();
    await advance(60_000);
    sent.receiving.resume();
    await advance(900);
    await turn();
    sent.send("2");
    sent.end();
    expect(await sent.body).toMatchObject({ ok: true });
    const slow = begin(clock);
    slow.send("1");
    await turn();
    await advance(1_000);
    expect(await slow.body).toEqual({ ok: false, reason: "too-slow" });
  });

  test("that breaks off is aborted", async () => {
    const sent = begin(handClock().clock);
    sent.send("1");
    await turn();
    sent.abort();
    expect(await sent.body).toEqual({ ok: false, reason: "aborted" });
  });

  test("is discarded when there is no room, also where that was said before it was read", async () => {
    const sent = begin(handClock().clock);
    sent.send("1");
    await turn();
    sent.receiving.cut();
    expect(await sent.body).toEqual({ ok: false, reason: "busy" });
  });

  test("leaves no timer behind, however it ended", async () => {
    const set = new Set<() => void>();
    const { clock } = handClock();
    const watched: SteadyClock = {
      ...clock,
      setTimeout: (run) => {
        set.add(run);
        return () => void set.delete(run);
      },
    };
    const [whole, cut] = [begin(watched), begin(watched)];
    expect(set.size).toBe(2);
    whole.end();
    cut.receiving.cut();
    await Promise.all([whole.body, cut.body]);
    expect(set.size).toBe(0);
  });
});

test("a web request without a body has an empty one", async () => {
  const { receiving } = counted();
  expect(await readBody(undefined, { clock: handClock().clock, ...LIMITS, receiving })).toEqual({
    ok: true,
    bytes: new Uint8Array(),
  });
});

test("a request that is gone before its body is read is aborted", async () => {
  const stream = new PassThrough();
  stream.destroy();
  const { receiving } = counted();
  const body = readNodeBody(stream as unknown as IncomingMessage, {
    clock: handClock().clock,
    ...LIMITS,
    receiving,
  });
  expect(await body).toEqual({ ok: false, reason: "aborted" });
});
