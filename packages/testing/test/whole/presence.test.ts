// Who is here, with real clients and a real server: what each shows of the others, through cuts, reloads and refusals.
import { createClient, memoryStorage } from "@calla/client";
import type { Client, Presence, Storage } from "@calla/client";
import { createServer } from "@calla/server";
import { automatic, definePresence, defineTopic, defineWiring, json } from "@calla/shared";
import type { Limits } from "@calla/shared";
import { expect, test } from "vitest";
import * as z from "zod";
import { virtualClock } from "../../src/doubles/clock.ts";
import { seededRandom } from "../../src/doubles/random.ts";
import { connectionPair } from "../../src/network/pair.ts";
import type { Via } from "../../src/network/pair.ts";

const room = defineTopic("room:*", {
  model: z.number(),
  initial: () => 0,
  messages: { added: z.object({}) },
  update: { added: (n) => n + 1 },
  presence: definePresence(z.object({ name: z.string(), at: z.number().optional() })),
});
const wiring = defineWiring({ topics: [room] });
const serialiser = automatic(json());
type Here = Presence<{ name: string; at?: number | undefined }>;

function stage(limits: Partial<Limits> = {}) {
  const clock = virtualClock();
  const random = seededRandom(3);
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const server = createServer({ wiring, serialiser, clock, onError, limits, random: random.fork("server") });
  const may = { allowed: true };
  server.handle(room, { canSubscribe: () => may.allowed, canDispatch: () => true });
  let pages = 0;
  const page = (name: string, via: Via = "socket", storage?: Storage) => {
    const sent: string[] = [];
    const pair = connectionPair(server, {
      serialiser,
      clock,
      latency: () => 5,
      via: () => via,
      onSent: ({ type }) => sent.push(type),
    });
    const client: Client<typeof wiring> = createClient({
      wiring,
      serialiser,
      transport: pair.transport,
      clock,
      random: random.fork(`page ${pages++}`),
      onError,
      ...(storage && { storage }),
    });
    const { presence } = client.topic(room, "1");
    presence.track({ name });
    return { client, pair, sent, here: presence as Here };
  };
  return { clock, server, errors, may, page };
}
const names = ({ list }: Here): string =>
  [...list.values()]
    .flat()
    .map(({ meta }) => meta.name)
    .toSorted()
    .join();
const VIAS = ["socket", "http", "poll"] as const;

test.each(VIAS)("[PC2] [PC6] two see each other, what each tracks, and that it goes (%s)", async (via) => {
  const { clock, page, errors } = stage();
  const anna = page("Anna", via);
  const ben = page("Ben");
  await clock.advance(1_000);
  expect([names(anna.here), names(ben.here)]).toEqual(["Anna,Ben", "Anna,Ben"]);
  expect(anna.here).toMatchObject({ status: "live", count: 2, counted: false });
  const { key, from } = anna.here.self!;
  expect(ben.here.list.get(key)).toEqual([{ key, from, meta: { name: "Anna" }, self: false }]);
  anna.here.track({ name: "Anna", at: 7 });
  await clock.advance(1_000);
  expect(ben.here.list.get(key)?.[0]?.meta.at).toBe(7);
  anna.here.untrack();
  await clock.advance(1_000);
  expect([names(anna.here), names(ben.here)]).toEqual(["Ben", "Ben"]);
  anna.here.track({ name: "Anna" });
  await clock.advance(1_000);
  expect(names(ben.here)).toBe("Anna,Ben");
  await anna.client.close();
  await clock.advance(100);
  expect(names(ben.here)).toBe("Ben");
  expect(errors).toEqual([]);
});

test.each(VIAS)(
  "[PC15] [PC2] who stays is listed for as long, without a word or with one (%s)",
  async (via) => {
    const { clock, page } = stage();
    const anna = page("Anna", via);
    const ben = page("Ben");
    await clock.advance(1_000);
    let changes = 0;
    ben.here.onChange(() => changes++);
    await clock.advance(120_000);
    expect(names(ben.here)).toBe("Anna,Ben");
    expect(names(anna.here)).toBe("Anna,Ben");
    expect(changes).toBe(0);
    if (via !== "poll") expect(anna.sent.filter((type) => type === "Track")).toHaveLength(1);
  },
);

test("[PC15] who polls asks no more often for tracking", async () => {
  const { clock, page } = stage();
  const anna = page("Anna", "poll");
  await clock.advance(2_000);
  anna.sent.length = 0;
  await clock.advance(20_000);
  // One in 200 ms and the way there and back.
  const polls = anna.sent.filter((type) => type === "Hello").length;
  expect(polls).toBeGreaterThan(80);
  expect(polls).toBeLessThan(100);
});

test.each(["socket", "http", "poll"] as const)(
  "[PC11] [SP14] pages of members who are only counted are answered, one behind the other (%s)",
  async (via) => {
    const { clock, page, errors } = stage({ maxPresenceList: 2 });
    const all = ["Anna", "Ben", "Cleo", "Dora"].map((name) => page(name));
    const { here } = page("Ed", via);
    await clock.advance(3_000);
    expect([here.counted, here.count]).toEqual([true, 5]);
    const told: string[] = [];
    const asked = (async () => {
      const first = await here.page();
      told.push(...first.members.map(({ meta }) => meta.name).toSorted(), String(first.next));
      const { members } = await here.page(first.members[1]!.from!);
      told.push(String(members.length));
    })();
    await clock.advance(3_000);
    expect(told).toEqual(["Anna", "Ben", "Cleo", "Dora", "Ed", "undefined", "3"]);
    await asked;
    expect([all.length, errors]).toEqual([4, []]);
  },
);

test.each(["socket", "http"] as const)(
  "[PC8] [PC2] a connection that breaks and comes back flickers on neither side (%s)",
  async (via) => {
    const { clock, page, errors } = stage();
    const anna = page("Anna", via);
    const ben = page("Ben", via);
    await clock.advance(1_000);
    const heard: string[] = [];
    ben.here.onChange(() => heard.push(names(ben.here)));
    anna.here.onChange(({ status }) => heard.push(`${status} ${names(anna.here)}`));
    anna.pair.cut();
    anna.here.track({ name: "Anna", at: 2 });
    await clock.advance(3_000);
    expect(heard.filter((one) => !one.endsWith("Anna,Ben"))).toEqual([]);
    expect(anna.here.status).toBe("live");
    expect(ben.here.list.get(anna.here.self!.key)?.[0]?.meta.at).toBe(2);
    expect(errors).toEqual([]);
  },
);

test("[PC8] whoever stays away is gone for the others after the grace, and shows itself alone", async () => {
  const { clock, page } = stage();
  const anna = page("Anna");
  const ben = page("Ben");
  await clock.advance(1_000);
  anna.pair.reachable = false;
  anna.pair.cut();
  await clock.advance(9_900);
  expect([names(anna.here), names(ben.here)]).toEqual(["Anna,Ben", "Anna,Ben"]);
  await clock.advance(200);
  expect(names(ben.here)).toBe("Ben");
  await clock.advance(5_000);
  expect(names(anna.here)).toBe("Anna");
  anna.pair.reachable = true;
  await clock.advance(5_000);
  expect([names(anna.here), names(ben.here)]).toEqual(["Anna,Ben", "Anna,Ben"]);
});

test.each([0, -500_000])(
  "[PC13] a page that is loaded again takes its own place, also where the wall clock was set back (by %d ms)",
  async (step) => {
    const { clock, page, errors } = stage();
    const storage = memoryStorage();
    const first = page("Anna", "socket", storage);
    const ben = page("Ben");
    await clock.advance(1_000);
    // The process is gone without a word.
    first.pair.link?.abandon();
    clock.step(step);
    await clock.advance(10);
    const second = page("Anna again", "socket", storage);
    await clock.advance(1_000);
    expect(names(ben.here)).toBe("Anna again,Ben");
    await clock.advance(30_000);
    expect([names(ben.here), names(second.here)]).toEqual(["Anna again,Ben", "Anna again,Ben"]);
    expect(errors).toEqual([]);
  },
);

test.each(VIAS)("[PC4] what the server refuses is told once, and the former meta stays (%s)", async (via) => {
  const { clock, page, errors } = stage({ maxPresenceBytes: 100 });
  const anna = page("Anna", via);
  const ben = page("Ben");
  await clock.advance(1_000);
  anna.here.track({ name: "A".repeat(200) });
  await clock.advance(2_000);
  expect([names(anna.here), names(ben.here)]).toEqual(["Anna,Ben", "Anna,Ben"]);
  expect(errors).toEqual([
    expect.objectContaining({ code: "too-large", message: expect.stringContaining("the former meta stays") }),
  ]);
  anna.pair.cut();
  await clock.advance(5_000);
  expect([names(anna.here), names(ben.here)]).toEqual(["Anna,Ben", "Anna,Ben"]);
  expect(errors).toHaveLength(1);
});

test("[PC4] over the rate the newest meta arrives in the end", async () => {
  const { clock, page, errors } = stage({ topicMessageRate: 2, topicMessageBurst: 2 });
  const anna = page("Anna");
  const ben = page("Ben");
  await clock.advance(2_000);
  for (let at = 1; at <= 20; at++) {
    anna.here.track({ name: "Anna", at });
    await clock.advance(10);
  }
  await clock.advance(3_000);
  expect(ben.here.list.get(anna.here.self!.key)?.[0]?.meta.at).toBe(20);
  expect(errors).toEqual([]);
});

test("[PC9] whoever loses the right to a topic shows nobody, and is shown to nobody", async () => {
  const { clock, page, may, server } = stage();
  const anna = page("Anna");
  const ben = page("Ben");
  await clock.advance(1_000);
  may.allowed = false;
  server.unsubscribe(anna.client.clientId!, room, "1");
  await clock.advance(1_000);
  expect(names(ben.here)).toBe("Ben");
  expect(names(anna.here)).toBe("Anna");
  expect(anna.here.status).toBe("loading");
});

test("[PC10] [PC11] where members are only counted their number is shown, and pages give them all", async () => {
  const { clock, page } = stage({ maxPresenceList: 5 });
  const all = Array.from({ length: 8 }, (_, i) => page(`p${i}`));
  await clock.advance(30_000);
  const { here } = all[0]!;
  expect(here).toMatchObject({ counted: true, count: 8 });
  expect(names(here)).toBe("p0");
  const asking = here.page();
  await clock.advance(1_000);
  const { members, next } = await asking;
  expect(members.map(({ meta }) => meta.name).toSorted()).toEqual(all.map((_, i) => `p${i}`));
  expect(members.filter(({ self }) => self)).toHaveLength(1);
  expect(next).toBeUndefined();
  for (const one of all.slice(3)) await one.client.close();
  await clock.advance(30_000);
  expect(here).toMatchObject({ counted: false, count: 3 });
  expect(names(here)).toBe("p0,p1,p2");
});
