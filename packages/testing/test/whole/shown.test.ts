// What a page's client shows to a browser test, with a real server: its topics beside the server's, asked by a second client.
import { createClient } from "@calla/client";
import { createServer } from "@calla/server";
import { automatic, defineEphemeral, defineSession, defineTopic, defineWiring, json } from "@calla/shared";
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as z from "zod";
import { virtualClock } from "../../src/doubles/clock.ts";
import { seededRandom } from "../../src/doubles/random.ts";
import { connectionPair } from "../../src/network/pair.ts";

const LIST = Symbol.for("calla.tests");
interface ShownClient {
  look(): { readonly connection: string; readonly pending: number; readonly topics: readonly object[] };
  ask(): void;
  rest(): void;
}

/** What an impure update adds: another number in each replica. */
let odd = 0;
const counter = defineTopic("counter:*", {
  model: z.number(),
  initial: () => 0,
  messages: { added: z.object({}), odd: z.object({}) },
  update: { added: (n) => n + 1, odd: (n) => n + ++odd },
});
const cursors = defineEphemeral("cursors:*", { messages: { at: z.object({}) } });
const own = defineSession({
  model: z.number(),
  initial: () => 0,
  messages: { added: z.object({}) },
  update: { added: (n) => n + 1 },
});
const wiring = defineWiring({ session: own, topics: [counter, cursors] });
const serialiser = automatic(json());

function stage() {
  const clock = virtualClock();
  const random = seededRandom(5);
  const server = createServer({ wiring, serialiser, clock, random: random.fork("server"), strict: false });
  server.handle(own, { public: true });
  server.handle(counter, { public: true });
  server.handle(cursors, { public: true });
  const heard: unknown[] = [];
  const page = () => {
    const pair = connectionPair(server, { serialiser, clock, latency: () => 5 });
    return createClient({
      wiring,
      serialiser,
      transport: pair.transport,
      clock,
      random: random.fork("page"),
      strict: false,
      onConnect: (as) => heard.push(as),
    });
  };
  const connections = (): number => server.inspect().connections.all;
  return { clock, server, page, heard, connections };
}

function withList<T>(run: () => T): { readonly result: T; readonly shown: readonly ShownClient[] } {
  const list: ShownClient[] = [];
  Object.assign(globalThis, { [LIST]: list });
  try {
    return { result: run(), shown: list };
  } finally {
    Reflect.deleteProperty(globalThis, LIST);
  }
}

test("[PW10] a client shows its topics, and what the server has once it was asked, by a second client that is shown to nobody", async () => {
  const { clock, page, heard, connections } = stage();
  const { result: client, shown } = withList(page);
  const topic = client.topic(counter, "1");
  topic.onChange(() => undefined);
  client.topic(cursors, "1").onPush(() => undefined);
  await clock.advance(100);
  topic.dispatch({ type: "added" });
  const [one] = shown;
  expect(one!.look()).toEqual({
    connection: "open",
    pending: 1,
    topics: [expect.objectContaining({ key: "counter:1", status: "live", its: undefined, same: false })],
  });
  await clock.advance(100);
  expect(connections()).toBe(1);
  one!.ask();
  await clock.advance(100);
  expect(connections()).toBe(2);
  const { pending, topics } = one!.look();
  const { place } = topics[0] as { readonly place: string };
  expect(place).toMatch(/^1 \(-?\d+\)$/);
  expect([pending, topics]).toEqual([
    0,
    [
      {
        key: "counter:1",
        status: "live",
        place,
        its: { status: "live", place },
        same: true,
        models: undefined,
      },
    ],
  ]);
  one!.rest();
  await clock.advance(100);
  expect([connections(), shown.length, heard.length]).toEqual([1, 1, 1]);
  await client.close();
});

test("[PW10] asked again it tells what the server has by then, and what differs, also of a topic that came or went", async () => {
  const { clock, page } = stage();
  const { result: client, shown } = withList(page);
  const topic = client.topic(counter, "1");
  const leave = topic.onChange(() => undefined);
  await clock.advance(100);
  shown[0]!.ask();
  await clock.advance(100);
  shown[0]!.rest();
  topic.dispatch({ type: "odd" });
  client.topic(counter, "2").onChange(() => undefined);
  await clock.advance(100);
  expect(shown[0]!.look().topics).toEqual([
    expect.objectContaining({
      key: "counter:1",
      its: expect.objectContaining({ place: "0 (0)" }),
      same: false,
    }),
    expect.objectContaining({ key: "counter:2", its: undefined }),
  ]);
  shown[0]!.ask();
  await clock.advance(100);
  const [first, second] = shown[0]!.look().topics as {
    place: string;
    its: { place: string };
    models: [string, string];
  }[];
  expect(first!.its.place).toBe(first!.place);
  expect(first!.models[0]).not.toBe(first!.models[1]);
  expect(second).toMatchObject({ key: "counter:2", same: true, its: { status: "live" } });
  leave();
  shown[0]!.ask();
  await clock.advance(100);
  expect(shown[0]!.look().topics).toEqual([expect.objectContaining({ key: "counter:2", same: true })]);
  await client.close();
});

test("[PW10] where no test has asked, and in a build for production, there is nothing of it", async () => {
  const { page } = stage();
  const client = page();
  expect(Reflect.has(globalThis, LIST)).toBe(false);
  await client.close();
  const packages = fileURLToPath(new URL("../../../", import.meta.url));
  const bundled = async (...conditions: string[]): Promise<string> => {
    const { outputFiles } = await build({
      stdin: { resolveDir: packages, contents: 'export { createClient } from "./client/src/index.ts";' },
      absWorkingDir: packages,
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      conditions: ["calla-source", ...conditions],
      write: false,
    });
    return outputFiles[0]!.text;
  };
  expect(await bundled()).toContain("calla.tests");
  expect(await bundled("production")).not.toContain("calla.tests");
});
