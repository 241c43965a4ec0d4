// docs/channels-jobs.md: its programs, as they are printed, on a clock that is moved.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createChannels, defineChannel } from "../../src/channels/index.ts";
import type { Channel, Channels } from "../../src/channels/index.ts";
import { localPubSub } from "../../src/cluster/pubsub.ts";
import { closed, reply as replied, talk } from "../phoenix-talk.ts";
import type { Talker } from "../phoenix-talk.ts";
import { programsIn, textOf } from "./page.ts";

const folder = new URL("./.jobs/", import.meta.url);
const load = <T>(name: string): Promise<T> => import(new URL(name, folder).href) as Promise<T>;
/** Events and payloads of what came. */
const heard = (client: Talker) => client.take().map((frame) => (frame as unknown[]).slice(3));

beforeAll(async () => {
  const programs = programsIn(await textOf("docs/channels-jobs.md"));
  expect([...programs.keys()]).toEqual([
    "repeat.ts",
    "countdown.ts",
    "per-topic.ts",
    "prices.ts",
    "worker.ts",
    "devices.ts",
    "shutdown.ts",
  ]);
  await mkdir(folder, { recursive: true });
  for (const [name, code] of programs) await writeFile(new URL(name, folder), code);
  await writeFile(
    new URL("quotes.ts", folder),
    "export const asked: string[] = [];\nexport const quote = async (symbol: string) => (asked.push(symbol), asked.length);",
  );
  await writeFile(
    new URL("pubsub.ts", folder),
    'import { localPubSub } from "@calla/server";\nexport const pubsub = localPubSub();',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(
  () => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] }),
);
afterEach(() => void vi.useRealTimers());

describe("[CF6] docs/channels-jobs.md", () => {
  test("work is repeated one at a time, goes on after an error, and ends with its signal", async () => {
    const { repeat } = await load<{
      repeat(every: number, signal: AbortSignal, work: () => void | Promise<void>): void;
    }>("repeat.ts");
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const stop = new AbortController();
    let [began, under, most] = [0, 0, 0];
    repeat(1_000, stop.signal, async () => {
      began++;
      most = Math.max(most, ++under);
      await new Promise<void>((resolve) => void setTimeout(resolve, 1_500));
      under--;
      if (began === 1) throw new Error("as asked");
    });
    await vi.advanceTimersByTimeAsync(10_000);
    expect([began, most]).toEqual([4, 1]);
    expect(logged).toHaveBeenCalledTimes(1);
    stop.abort();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([began, vi.getTimerCount()]).toEqual([4, 0]);
  });

  test("a client's timer pushes, stops the channel, and is gone with its line", async () => {
    const { countdown } = await load<{ countdown: Channel }>("countdown.ts");
    const channels = createChannels().register(countdown);
    const [ada, bo] = [talk(channels), talk(channels)];
    ada.join("countdown:2");
    bo.join("countdown:9");
    ada.take();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ada.take()).toEqual([["1", null, "countdown:2", "left", { seconds: 1 }]]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ada.take()).toEqual([
      ["1", null, "countdown:2", "left", { seconds: 0 }],
      closed("1", "countdown:2"),
    ]);
    expect(heard(bo)).toHaveLength(6);
    bo.gone();
    await vi.advanceTimersByTimeAsync(5_000);
    expect([heard(bo), vi.getTimerCount()]).toEqual([[], 0]);
  });

  test("a topic has one timer for all of its clients, as long as there is one", async () => {
    const { channels } = await load<{ channels: Channels }>("prices.ts");
    const { asked } = await load<{ asked: string[] }>("quotes.ts");
    const come = (topic: string) => {
      const client = talk(channels);
      client.join(topic);
      return client;
    };
    const clients = [come("prices:a"), come("prices:a"), come("prices:a")];
    const other = come("prices:b");
    for (const client of [...clients, other]) client.take();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toEqual(["a", "b"]);
    expect(clients.map(heard)).toEqual(clients.map(() => [["price", { symbol: "a", price: 1 }]]));
    clients[0]!.gone();
    clients[1]!.say(["1", "2", "prices:a", "phx_leave", {}]);
    // One that joins twice is there once.
    clients[2]!.join("prices:a", "2");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(asked.filter((symbol) => symbol === "a")).toHaveLength(3);
    clients[2]!.gone();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked.filter((symbol) => symbol === "a")).toHaveLength(3);
    other.gone();
    expect(vi.getTimerCount()).toBe(0);
    const again = come("prices:a");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard(again)).toHaveLength(1);
    again.gone();
  });

  test("a process without clients speaks to those of all nodes", async () => {
    const { pubsub } = await load<{ pubsub: ReturnType<typeof localPubSub> }>("pubsub.ts");
    const { work } = await load<{
      work(job: { user: string; run(): Promise<{ url: string }> }): Promise<void>;
    }>("worker.ts");
    const user = defineChannel("user:*");
    const clients = [1, 2].map(() => talk(createChannels({ pubsub }).register(user)));
    for (const client of clients) client.join("user:7");
    for (const client of clients) client.take();
    await work({ user: "7", run: async () => ({ url: "/7.pdf" }) });
    await work({ user: "7", run: () => Promise.reject(new Error("no")) });
    await work({ user: "8", run: async () => ({ url: "/8.pdf" }) });
    expect(clients.map(heard)).toEqual(
      clients.map(() => [
        ["report ready", { url: "/7.pdf" }],
        ["report failed", {}],
      ]),
    );
  });

  test("sendInfo reaches a channel's own state, also after the client came back before its old line was dead", async () => {
    const { channels, turnUp } = await load<{
      channels: Channels;
      turnUp(id: string, louder: number): boolean;
    }>("devices.ts");
    expect(turnUp("tv", 1)).toBe(false);
    const old = talk(channels);
    expect(old.join("device:tv")).toEqual([replied("1", "1", "device:tv", "ok")]);
    expect(turnUp("tv", 2)).toBe(true);
    expect(heard(old)).toEqual([["volume", { volume: 7 }]]);
    const back = talk(channels);
    back.join("device:tv");
    old.gone();
    expect(turnUp("tv", 1)).toBe(true);
    expect(heard(back)).toEqual([["volume", { volume: 6 }]]);
    back.gone();
    expect(turnUp("tv", 1)).toBe(false);
  });

  test("a stop sends clients away, waits for what is under way, and that still reaches other nodes", async () => {
    const { shutDown } = await load<{ shutDown(what: object, jobs: object): Promise<void> }>("shutdown.ts");
    const pubsub = localPubSub();
    const room = defineChannel("room:*");
    const [ending, other] = [
      createChannels({ pubsub }).register(room),
      createChannels({ pubsub }).register(room),
    ];
    const [leaves, stays] = [talk(ending), talk(other)];
    for (const client of [leaves, stays]) client.join("room:a");
    stays.take();
    const order: string[] = [];
    const jobs = { stop: new AbortController(), running: new Set<Promise<unknown>>() };
    jobs.stop.signal.addEventListener("abort", () => order.push("no new work"));
    jobs.running.add(
      new Promise<void>((resolve) => void setTimeout(resolve, 3_000)).then(() => {
        order.push("done");
        ending.broadcast("room:a", "report", {});
      }),
    );
    const ended = shutDown(
      {
        channels: ending,
        mount: { close: async () => void order.push("mount") },
        httpServer: { close: () => void order.push("http") },
      },
      jobs,
    );
    expect(ending.ready).toBe(false);
    await vi.advanceTimersByTimeAsync(13_000);
    await ended;
    expect(leaves.closed).toEqual([{ code: 1012, reason: "draining" }]);
    expect(heard(stays)).toEqual([["report", {}]]);
    expect(order).toEqual(["no new work", "done", "mount", "http"]);
  });
});
