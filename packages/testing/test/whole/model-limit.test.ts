// What a server takes as a model, every client at default limits decodes and stores. Each of the client's bounds is a
// multiple of the server's limits, so most shapes are looked at with both a 64th of what they are by default: filled until
// the server takes no more, then through both formats. Some go all the way, to a real client and its store.
import "fake-indexeddb/auto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@calla/client";
import type { Storage, Transport } from "@calla/client";
import { file } from "@calla/client/file";
import { indexedDb } from "@calla/client/indexeddb";
import { createServer } from "@calla/server";
import { automatic, DEFAULT_LIMITS, defineTopic, defineWiring, json, sameValue } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { memoryLocks } from "../../../client/src/tabs/memory-locks.ts";
import { FROM_SERVER } from "../../../client/src/transports/transport.ts";
import { Scales } from "../../../server/src/model/model-limits.ts";

const many = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i));
/** By how many of what they are filled. */
const shapes: { readonly [name: string]: (size: number) => unknown } = {
  "a text of letters": (size) => "x".repeat(size),
  "a text of control characters": (size) => "\u0001".repeat(size),
  "a text of halves of pairs": (size) => "\ud800".repeat(size),
  "halves of pairs": (size) => many(size, () => "\ud800"),
  texts: (size) => many(size, (i) => `text ${i}`),
  nulls: (size) => many(size, () => null),
  undefineds: (size) => many(size, () => undefined),
  "negative zeros": (size) => many(size, () => -0),
  "empty arrays": (size) => many(size, () => []),
  "empty maps": (size) => many(size, () => new Map()),
  "empty sets": (size) => many(size, () => new Set()),
  "empty bytes": (size) => many(size, () => new Uint8Array()),
  "one long bytes": (size) => new Uint8Array(size),
  dates: (size) => many(size, (i) => new Date(i)),
  bigints: (size) => many(size, (i) => BigInt(i) << 60n),
  "a set of numbers": (size) => new Set(many(size, (i) => i)),
  "a map of numbers": (size) => new Map(many(size, (i) => [i, i])),
  "a record by id": (size) => Object.fromEntries(many(size, (i) => [`id${i}`, { name: `card ${i}` }])),
  "a record by number": (size) => Object.fromEntries(many(size, (i) => [i, 0])),
  "fields of one letter": (size) => many(size, (i) => ({ [String.fromCharCode(97 + (i % 26))]: "" })),
  "fields that need tags": (size) => many(size, () => ({ $: "" })),
};
const serialiser = automatic(json(), messagePack());
const formats = { json: serialiser, messagepack: automatic(messagePack(), json()) };

const PART = 64;
const limits = {
  maxModelBytes: DEFAULT_LIMITS.maxModelBytes / PART,
  maxModelMemory: DEFAULT_LIMITS.maxModelMemory / PART,
};
const bounds = {
  maxFrameBytes: FROM_SERVER.maxFrameBytes / PART,
  maxDepth: FROM_SERVER.maxDepth,
  maxEntries: FROM_SERVER.maxEntries / PART,
  maxValues: FROM_SERVER.maxValues / PART,
  maxNames: FROM_SERVER.maxNames / PART,
};

/** The largest that a server takes. */
function largest(make: (size: number) => unknown): number {
  const isTaken = (size: number): boolean => {
    const one = new Scales({ target: "big:1", limits, domain: serialiser.domain });
    return one.judge({ all: null }, { all: make(size) }) === undefined;
  };
  let [taken, refused] = [1, limits.maxModelBytes + 1];
  expect(isTaken(taken)).toBe(true);
  while (refused - taken > taken / 100) {
    const size = Math.ceil((taken + refused) / 2);
    if (isTaken(size)) taken = size;
    else refused = size;
  }
  return taken;
}

test.each(Object.entries(shapes))(
  "[LM7] [LM11] %s, as many as a server takes, every client decodes",
  (_, make) => {
    const size = largest(make);
    expect(size).toBeLessThan(limits.maxModelBytes);
    const model = { all: make(size) };
    for (const format of serialiser.formats) {
      const codec = serialiser.payload(format);
      const frame = format.decode(
        format.encode({ type: "Snapshot", model: codec.encodeModel(model) }),
        bounds,
      );
      expect(sameValue(codec.decodeModel((frame as { model: unknown }).model), model)).toBe(true);
    }
  },
);

const big = defineTopic("big:*", {
  model: z.object({ all: z.any() }),
  initial: () => ({ all: null as unknown }),
  messages: { filled: z.object({ shape: z.string(), size: z.number() }) },
  update: { filled: (_, { shape, size }) => ({ all: shapes[shape]!(size) }) },
});
const wiring = defineWiring({ topics: [big] });
type Server = ReturnType<typeof serve>;
const serve = (onError: (error: unknown) => void, own = {}) =>
  createServer({ wiring, serialiser, strict: false, limits: own, onError });

/** A network without a network. */
const through = (server: Server): Transport => ({
  reconnect: { baseMilliseconds: 100, maxMilliseconds: 100, multiplier: 1, jitterRatio: 0 },
  connect(handlers, format) {
    const incoming = server.connect({
      connection: {
        send: ({ bytes, text }) =>
          queueMicrotask(() => void handlers.receive(text ? Buffer.from(bytes).toString() : bytes)),
        close: (code, reason) => queueMicrotask(() => void handlers.close({ code, reason })),
        bufferedAmount: () => 0,
      },
      request: { url: "/", headers: {}, remoteAddress: undefined },
      format: format.name,
    });
    queueMicrotask(() => void handlers.open());
    return { send: (data) => incoming.incoming(data), close: () => incoming.disconnect() };
  },
});
const never: Transport = {
  reconnect: { baseMilliseconds: 1e6, maxMilliseconds: 1e6, multiplier: 1, jitterRatio: 0 },
  connect: () => ({ send: () => {}, close: () => {} }),
};
const folder = await mkdtemp(join(tmpdir(), "calla-model-limit-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A client joins, stores and goes; a later one that reaches nobody shows what was stored. */
async function goesThrough(
  shape: string,
  size: number,
  server: Server,
  name: keyof typeof formats,
  storage: () => Storage,
) {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const whole = { all: shapes[shape]!(size) };
  const shared = { wiring, serialiser: formats[name], strict: false, user: null, onError };
  for (const [transport, status] of [
    [through(server), "live"],
    [never, "stale"],
  ] as const) {
    const client = createClient({ ...shared, transport, storage: storage() });
    const shown = client.topic(big, "1");
    await new Promise<void>((resolve) => {
      shown.onChange((now) => now.status === status && resolve());
    });
    expect(sameValue(shown.state.model, whole)).toBe(true);
    await client.close();
  }
  expect(errors).toEqual([]);
}

test.each(["json", "messagepack"] as const)(
  "[LM7] [LM11] at default limits the text whose JSON is longest is decoded, stored and read again: %s",
  async (name) => {
    const errors: unknown[] = [];
    const server = serve((error) => void errors.push(error));
    server.handle(big, { public: true });
    const shape = "a text of halves of pairs";
    const size = DEFAULT_LIMITS.maxModelBytes - 100;
    await expect(
      server.topic(big, "1").dispatch({ type: "filled", shape, size: size + 100 }),
    ).rejects.toMatchObject({ details: { code: "too-large" } });
    await server.topic(big, "1").dispatch({ type: "filled", shape, size });
    await goesThrough(shape, size, server, name, () => file(join(folder, name)));
    expect(errors).toEqual([]);
    await server.stop();
  },
  180_000,
);

test.each(["empty maps", "a set of numbers"])(
  "[LM7] [LM11] %s go into IndexedDB and come out of it",
  async (shape) => {
    const errors: unknown[] = [];
    const server = serve((error) => void errors.push(error), limits);
    server.handle(big, { public: true });
    const size = largest(shapes[shape]!);
    await server.topic(big, "1").dispatch({ type: "filled", shape, size });
    const locks = memoryLocks();
    await goesThrough(shape, size, server, "json", () => indexedDb(shape, { locks: locks.page() }));
    expect(errors).toEqual([]);
    await server.stop();
  },
  180_000,
);
