// docs/pubsub.md: its programs are cut out of the page and run, over a broker in this process.
import { EventEmitter } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PubSub } from "../src/index.ts";
import { localPubSub } from "../src/index.ts";
import { pubSubContract } from "../src/testing/index.ts";

const folder = new URL("./.pubsub-guide/", import.meta.url);

interface Page {
  brokerPubSub(speaks: object, hears: object, onError?: (error: unknown) => void): PubSub;
  workerOver(
    pubsub: PubSub,
    name: string,
  ): {
    readonly seen: string[];
    stop(): void;
    rendered(id: string): void;
    cancelled(id: string): void;
    here(id: string): void;
    count(): number;
  };
}
let page: Page;

beforeAll(async () => {
  const text = await readFile(new URL("../../../docs/pubsub.md", import.meta.url), "utf8");
  await mkdir(folder, { recursive: true });
  const imported: object[] = [];
  for (const name of ["broker-pubsub.ts", "jobs.ts"]) {
    const program = new RegExp(`\`\`\`ts\\n// ${name}\\n([\\s\\S]*?)\`\`\``).exec(text)![1]!;
    await writeFile(new URL(name, folder), program);
    imported.push((await import(new URL(name, folder).href)) as object);
  }
  page = Object.assign({}, ...imported) as Page;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A broker, and clients of it that speak as ioredis does. */
function brokerInMemory() {
  const clients = new Set<Client>();
  class Client extends EventEmitter {
    readonly channels = new Set<string>();
    away = false;
    async publish(channel: string, text: string): Promise<void> {
      if (this.away) throw new Error("away");
      await Promise.resolve();
      for (const client of clients)
        if (client.channels.has(channel) && !client.away) client.emit("message", channel, text);
    }
    async subscribe(channel: string): Promise<void> {
      this.channels.add(channel);
    }
    async unsubscribe(channel: string): Promise<void> {
      this.channels.delete(channel);
    }
    async quit(): Promise<void> {
      clients.delete(this);
      this.emit("end");
    }
  }
  return () => {
    const client = new Client();
    clients.add(client);
    queueMicrotask(() => client.emit("ready"));
    return client;
  };
}

/** Two nodes; the second one's line may break. */
async function pair(onError: (error: unknown) => void = () => undefined) {
  const connect = brokerInMemory();
  const hears = connect();
  const [one, two] = [
    page.brokerPubSub(connect(), connect(), onError),
    page.brokerPubSub(connect(), hears, onError),
  ];
  await settle();
  const gap = async (): Promise<void> => {
    hears.away = true;
    one.publish("a", "lost");
    await settle();
    hears.away = false;
    hears.emit("ready");
  };
  return { nodes: [one, two] as const, settle, gap, hears };
}

describe("the page's engine holds to the contract", () => {
  for (const { name, run } of pubSubContract) test(name, () => run({ create: () => pair() }));
});

test("[PS8] a broker that is away throws nothing at who publishes; a client that has ended is a failure, a close is none", async () => {
  const [errors, failures] = [[] as unknown[], [] as unknown[]];
  const connect = brokerInMemory();
  const [speaks, hears] = [connect(), connect()];
  const pubsub = page.brokerPubSub(speaks, hears, (error) => void errors.push(error));
  pubsub.onFailure!((error) => void failures.push(error));
  speaks.away = true;
  pubsub.publish("a", 1);
  await settle();
  expect([errors.length, failures.length]).toEqual([1, 0]);
  hears.emit("end");
  expect(failures.map(String)).toEqual(["Error: the broker's client has ended"]);
  await pubsub.close!();
  await pubsub.close!();
  expect(failures).toHaveLength(1);
});

test("[PS9] [PS10] [PS11] [PS12] the page's workers hear what they are to hear, over its engine and inside one process", async () => {
  const { nodes } = await pair();
  const inside = localPubSub();
  for (const [one, two] of [nodes, [inside, inside] as const]) {
    const [ada, bob] = [page.workerOver(one, "ada"), page.workerOver(two, "bob")];
    await settle();
    ada.rendered("7");
    bob.cancelled("8");
    ada.here("9");
    await settle();
    expect([ada.seen.toSorted(), bob.seen.toSorted()]).toEqual([
      ["cancelled 8", "here 9"],
      ["cancelled 8", "rendered 7"],
    ]);
    expect([ada.count(), bob.count()]).toEqual([1, 1]);
    for (const worker of [ada, bob]) worker.stop();
    expect(ada.count()).toBe(0);
  }
});
