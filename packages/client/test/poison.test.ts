// Messages that end the connections that carry them (OB20), and those that can never be sent (OB21).
import { automatic, defineEphemeral, defineTopic, defineWiring, json } from "@calla/shared";
import type { ClientFrame, ClosingCode } from "@calla/shared";
import { messagePack } from "@calla/shared/messagepack";
import { expect, test } from "vitest";
import * as z from "zod";
import { createClient } from "../src/client.ts";
import type { ClientOptions } from "../src/client.ts";
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import { FakeServer, handshake, list, seededRandom, turn, VirtualClock, wiring } from "./kit.ts";
import { added } from "./live.ts";
import { chance, Line } from "./line.ts";
import type { Ending } from "./line.ts";

const textOf = (frame: ClientFrame): string | undefined =>
  frame.type === "TopicMessage" ? (frame.messages[0] as { text?: string } | undefined)?.text : undefined;
const poisonous =
  (ending: Ending, ...texts: string[]) =>
  (frame: ClientFrame) =>
    texts.includes(textOf(frame) ?? "") ? ending : undefined;

const closing = (code: ClosingCode) => ({ type: "Closing", code, retryable: false, within: 0 }) as const;

function page(
  options: Partial<ClientOptions<typeof wiring>> & { readonly line?: Line; readonly seed?: number } = {},
) {
  const clock = options.line?.clock ?? new VirtualClock();
  const line = options.line ?? new Line({ clock });
  const errors: { code: string; details: unknown }[] = [];
  const client = createClient({
    wiring,
    serialiser: automatic(json()),
    transport: line.transport,
    clock,
    random: seededRandom(options.seed ?? 1),
    user: null,
    onError: (error) => errors.push(error as never),
    ...options,
  });
  return { clock, line, client, errors };
}

test.each(["cut", "silence"] as const)(
  "[OB20] [OB40] S26 a message at which the line ends (%s): others of its target wait, other targets go on, its author and the app are told, and attempts slow down",
  async (ending) => {
    const { client, line, clock, errors } = page();
    line.ends = poisonous(ending, "poison");
    const [a, b] = [client.topic(list, "a"), client.topic(list, "b")];
    a.retain();
    await clock.advance(1_000);
    const bad = a.dispatch(added("poison"));
    const behind = a.dispatch(added("behind"));
    const other = b.dispatch(added("other"));
    await clock.advance(ending === "cut" ? 15_000 : 600_000);
    expect(other.state).toBe("applied");
    expect(line.taken.get("list:b")).toEqual(["other"]);
    expect([bad.state, behind.state]).toEqual(["held", "queued"]);
    expect(errors.filter(({ code }) => code === "held")).toMatchObject([
      { details: { target: "list:a", id: bad.id } },
    ]);
    expect(client.status.held).toMatchObject([{ target: "list:a", id: bad.id, state: "held" }]);
    expect(client.status.held).toBe(client.status.held);
    // It is shown and pending all the same.
    expect(a.state.model?.items).toEqual(["poison", "behind"]);
    expect(line.attempts.length).toBeLessThanOrEqual(7);
    // And from then on there is peace.
    const before = line.attempts.length;
    void b.dispatch(added("more"));
    await clock.advance(300_000);
    expect([line.attempts.length, line.taken.get("list:b")]).toEqual([before, ["other", "more"]]);
    await client.close();
  },
);

test("[OB20] [OB40] a held message that passes later is applied, and what waited for it follows in order", async () => {
  const { client, line, clock, errors } = page();
  line.ends = poisonous("cut", "poison");
  const topic = client.topic(list, "a");
  const bad = topic.dispatch(added("poison"));
  const behind = topic.dispatch(added("behind"));
  expect(bad.retry()).toBe(false);
  await clock.advance(15_000);
  expect(bad.state).toBe("held");
  // Still the same network: it is found out again, and said again.
  expect(bad.retry()).toBe(true);
  expect(client.status.held).toEqual([]);
  await clock.advance(60_000);
  expect([bad.state, errors.filter(({ code }) => code === "held").length]).toEqual(["held", 2]);
  line.ends = () => undefined;
  expect(client.status.held[0]?.retry()).toBe(true);
  await clock.advance(10_000);
  await expect(bad.applied).resolves.toMatchObject({ sequence: 1 });
  expect([behind.state, line.taken.get("list:a")]).toEqual(["applied", ["poison", "behind"]]);
  expect([client.status.held, client.status.pending]).toEqual([[], 0]);
});

test.each(["storage", "rate", "busy"] as const)(
  "[OB20] [OB4] a doubted message that the server pauses (%s) leaves again when the pause is over, and what is behind it follows",
  async (code) => {
    const { client, line, clock } = page();
    const topic = client.topic(list, "a");
    let pauses = 2;
    line.ends = (frame, attempt) => {
      if (textOf(frame) !== "doubted") return undefined;
      if (attempt <= 2) return "cut";
      if (pauses-- > 0) return { type: "Paused", target: "list:a", from: 1, code, retryAfter: 300 };
      return undefined;
    };
    const doubted = topic.dispatch(added("doubted"));
    const behind = topic.dispatch(added("behind"));
    await clock.advance(30_000);
    expect(pauses).toBe(-1);
    expect([doubted.state, behind.state]).toEqual(["applied", "applied"]);
    expect(line.taken.get("list:a")).toEqual(["doubted", "behind"]);
    expect(client.status.held).toEqual([]);
  },
);

test("[OB20] [OB7] [OB40] a held message that is cancelled goes out as void under its mid, and what waited for it follows", async () => {
  const { client, line, clock } = page();
  line.ends = poisonous("cut", "poison");
  const topic = client.topic(list, "a");
  topic.retain();
  const bad = topic.dispatch(added("poison"));
  const behind = topic.dispatch(added("behind"));
  await clock.advance(15_000);
  expect(bad.cancel()).toBe(true);
  expect(topic.state.model?.items).toEqual(["behind"]);
  await clock.advance(10_000);
  await expect(bad.applied).rejects.toMatchObject({ code: "cancelled" });
  expect([bad.state, behind.state, line.taken.get("list:a")]).toEqual(["cancelled", "applied", ["behind"]]);
  expect(bad.cancel()).toBe(false);
});

test("[OB20] [HC3] a held message whose answer alone was lost had been applied: cancelled, its author hears the true outcome", async () => {
  const { client, line, clock } = page();
  const topic = client.topic(list, "a");
  // The message arrives each time; the line ends at its acknowledgement.
  line.loses = ({ type }) => type === "Acknowledge";
  const bad = topic.dispatch(added("x"));
  await clock.advance(15_000);
  expect(bad.state).toBe("held");
  line.loses = () => false;
  expect(bad.cancel()).toBe(true);
  await clock.advance(10_000);
  await expect(bad.applied).resolves.toMatchObject({ sequence: 1, messages: [added("x")] });
  expect([bad.state, line.taken.get("list:a")]).toEqual(["applied", ["x"]]);
});

test("[OB20] S20 a held message is held after a reload too, and can be discarded there", async () => {
  const storage = memoryStorage();
  const first = page({ storage });
  first.line.ends = poisonous("cut", "poison");
  void first.client.topic(list, "a").dispatch(added("poison"));
  void first.client.topic(list, "a").dispatch(added("behind"));
  await first.clock.advance(15_000);
  await first.client.close();
  const { line } = first;
  const attempts = line.attempts.length;
  const told: unknown[] = [];
  const second = page({ storage, line, seed: 7, onOutcome: ({ messages, is }) => told.push([messages, is]) });
  void second.client.topic(list, "b").dispatch(added("other"));
  await second.clock.advance(30_000);
  expect(second.client.status.held).toMatchObject([{ target: "list:a", messages: [added("poison")] }]);
  expect(second.client.pending.map(({ state }) => state)).toEqual(["held", "queued"]);
  expect([line.attempts.length - attempts, line.taken.get("list:b")]).toEqual([1, ["other"]]);
  line.ends = () => undefined;
  second.client.status.held[0]?.retry();
  await second.clock.advance(10_000);
  expect(line.taken.get("list:a")).toEqual(["poison", "behind"]);
  expect(told).toHaveLength(3);
});

test("[OB20] S20 what is discarded and given up in one page's life is not held, and not sent again, in the next", async () => {
  const storage = memoryStorage();
  const first = page({ storage });
  first.line.ends = poisonous("cut", "poison", "other poison");
  const bad = first.client.topic(list, "a").dispatch(added("poison"));
  const again = first.client.topic(list, "b").dispatch(added("other poison"));
  await first.clock.advance(120_000);
  expect([bad.state, again.state]).toEqual(["held", "held"]);
  bad.cancel();
  again.retry();
  await turn();
  await first.client.close();
  const { line } = first;
  line.ends = () => undefined;
  const second = page({ storage, line, seed: 7 });
  await second.clock.advance(10_000);
  expect([line.taken.get("list:a"), line.taken.get("list:b")]).toEqual([undefined, ["other poison"]]);
  expect([second.client.status.held, second.client.status.pending]).toEqual([[], 0]);
});

test("[OB13] [OB20] [OB41] S20 given up by the server's word, and the page ends before its void is answered: the next page's app hears why", async () => {
  const storage = memoryStorage();
  const first = page({ storage });
  const { line, clock } = first;
  line.ends = (frame) =>
    textOf(frame) === "poison"
      ? closing("too-large")
      : frame.type === "TopicMessage" && frame.messages.length === 0
        ? "silence"
        : undefined;
  void first.client.topic(list, "a").dispatch(added("poison"));
  await clock.advance(60_000);
  expect(line.carried.at(-1)).toMatchObject({ messages: [] });
  await first.client.close();
  line.ends = () => undefined;
  const told: unknown[] = [];
  page({ storage, line, seed: 7, onOutcome: (one) => told.push([one.is, "error" in one && one.error.code]) });
  await clock.advance(10_000);
  expect(told).toEqual([["rejected", "too-large"]]);
});

test("[OB20] [HC3] [OB41] S20 a held message that had been applied is cancelled, and the page ends before that is answered: the next page's app hears that it is applied", async () => {
  const storage = memoryStorage();
  const first = page({ storage });
  const { line, clock } = first;
  line.loses = ({ type }) => type === "Acknowledge";
  const bad = first.client.topic(list, "a").dispatch(added("poison"));
  await clock.advance(120_000);
  expect([bad.state, line.taken.get("list:a")]).toEqual(["held", ["poison"]]);
  expect(bad.cancel()).toBe(true);
  await clock.advance(30_000);
  await first.client.close();
  line.loses = () => false;
  const told: unknown[] = [];
  const second = page({ storage, line, seed: 7, onOutcome: ({ is }) => told.push(is) });
  await clock.advance(10_000);
  expect(told).toEqual(["applied"]);
  expect(second.client.pending).toEqual([]);
});

test.each([false, true])(
  "[OB33] [OB8] S35 a mid is used twice while another target's message is held (it had been applied: %s): the client gets a new identity, nothing is stuck and nothing applied twice",
  async (applied) => {
    const { client, line, clock } = page();
    await clock.advance(1_000);
    if (applied) line.loses = ({ type }) => type === "Acknowledge";
    else line.ends = poisonous("cut", "poison");
    const bad = client.topic(list, "a").dispatch(added("poison"));
    await clock.advance(120_000);
    expect([bad.state, client.clientId]).toEqual(["held", "c1"]);
    line.loses = () => false;
    let conflicts = 0;
    line.ends = (frame) => {
      if (textOf(frame) === "poison") return "cut";
      if (frame.type !== "TopicMessage" || textOf(frame) !== "m" || client.clientId !== "c1")
        return undefined;
      conflicts++;
      const { target, mid, id } = frame;
      return { type: "Rejected", target, mid, id, from: "calla", code: "mid-conflict", details: {} };
    };
    const other = client.topic(list, "b").dispatch(added("m"));
    await clock.advance(60_000);
    expect([other.state, client.clientId, line.taken.get("list:b")]).toEqual(["applied", "c2", ["m"]]);
    expect(conflicts).toBeLessThan(6);
    if (applied) {
      await expect(bad.applied).resolves.toMatchObject({ sequence: 1 });
      expect(client.status.held).toEqual([]);
    } else {
      expect([bad.state, client.status.held.length]).toEqual(["held", 1]);
      line.ends = () => undefined;
      expect(bad.retry()).toBe(true);
      await clock.advance(30_000);
      expect(bad.state).toBe("applied");
    }
    expect(line.taken.get("list:a")).toEqual(["poison"]);
  },
);

test("[OB33] S20 S35 the page ends when a held message's mid has been made void, before its client has a new identity: the next page is told that it is cancelled, and so is what had left behind it", async () => {
  const storage = memoryStorage();
  const first = page({ storage });
  const { line, clock } = first;
  await clock.advance(1_000);
  line.ends = poisonous("cut", "poison");
  const bad = first.client.topic(list, "a").dispatch(added("poison"));
  void first.client.topic(list, "a").dispatch(added("behind"));
  await clock.advance(120_000);
  expect(bad.state).toBe("held");
  // Another life of this client has used a mid of another target, and nobody hears that the held one's is void by now.
  line.ends = (frame) => {
    if (textOf(frame) !== "m") return undefined;
    const { target, mid, id } = frame as Extract<ClientFrame, { type: "TopicMessage" }>;
    return { type: "Rejected", target, mid, id, from: "calla", code: "mid-conflict", details: {} };
  };
  line.loses = ({ type }) => type === "Rejected" && line.carried.at(-1)?.messages.length === 0;
  void first.client.topic(list, "b").dispatch(added("m"));
  await clock.advance(30_000);
  expect(line.carried.at(-1)).toMatchObject({ target: "list:a", messages: [] });
  await first.client.close();
  line.loses = () => false;
  line.ends = () => undefined;
  const told: unknown[] = [];
  const second = page({ storage, line, seed: 7, onOutcome: ({ is, messages }) => told.push([is, messages]) });
  await second.clock.advance(10_000);
  expect(second.client.status.held[0]?.retry()).toBe(true);
  await second.clock.advance(60_000);
  // Behind what this page dispatches they would stand out of order, so they are told as what their mids are.
  expect(line.taken.get("list:a")).toBeUndefined();
  expect(told.slice(-2)).toEqual([
    ["rejected", [added("poison")]],
    ["rejected", [added("behind")]],
  ]);
  expect([second.client.pending, second.errors]).toEqual([[], []]);
});

test("[OB20] [OB37] [OB44] two of them, in two targets among 60 others on their way: both are found, all others arrive in order", async () => {
  const { client, line, clock, errors } = page();
  line.ends = poisonous("cut", "poison 1", "poison 2");
  const texts = Array.from({ length: 60 }, (_, i) => `${i}`);
  const writes = texts.map((text, i) => client.topic(list, `${i % 12}`).dispatch(added(text)));
  const bad = [
    client.topic(list, "3").dispatch(added("poison 1")),
    client.topic(list, "x").dispatch(added("poison 2")),
  ];
  const last = client.topic(list, "3").dispatch(added("behind"));
  await clock.advance(600_000);
  expect(bad.map(({ state }) => state)).toEqual(["held", "held"]);
  expect(new Set(writes.map(({ state }) => state))).toEqual(new Set(["applied"]));
  expect(last.state).toBe("queued");
  expect(errors.filter(({ code }) => code === "held").length).toBe(2);
  for (let i = 0; i < 12; i++)
    expect(line.taken.get(`list:${i}`)).toEqual(texts.filter((_, at) => at % 12 === i));
  expect(line.attempts.length).toBeLessThan(25);
});

test("[OB20] [OB44] several small messages that a line does not take in one piece all arrive, and nothing is held", async () => {
  const { client, line, clock, errors } = page();
  // More than 20 frames on one connection within 50 ms end it.
  let count = 0;
  let since = 0;
  line.ends = (frame, attempt) => {
    if (since !== attempt * 1e9 + Math.floor(clock.monotonic() / 50)) count = 0;
    since = attempt * 1e9 + Math.floor(clock.monotonic() / 50);
    return frame.type === "TopicMessage" && ++count > 20 ? "cut" : undefined;
  };
  const texts = Array.from({ length: 200 }, (_, i) => `${i}`);
  for (const text of texts) void client.topic(list, "a").dispatch(added(text));
  await clock.advance(900_000);
  expect(line.taken.get("list:a")).toEqual(texts);
  expect([errors.filter(({ code }) => code === "held"), client.status.held]).toEqual([[], []]);
});

test("[OB20] [OB39] where nothing gets through at all, nothing is suspected: the network is down, not a message", async () => {
  const { client, line, clock, errors } = page();
  line.ends = ({ type }) => (type === "Hello" ? undefined : "cut");
  const write = client.topic(list, "a").dispatch(added("x"));
  await clock.advance(900_000);
  expect([write.state, client.status.held, errors.filter(({ code }) => code === "held")]).toEqual([
    "queued",
    [],
    [],
  ]);
  line.ends = () => undefined;
  await clock.advance(60_000);
  expect(write.state).toBe("applied");
});

test.each(Array.from({ length: 40 }, (_, i) => i + 1))(
  "[OB20] [OB39] S21 50 cuts at random, at frames or at times, hold nothing and give nothing up (seed %i)",
  async (seed) => {
    const random = chance(seed);
    const clock = new VirtualClock();
    const line = new Line({ clock, latency: 5 + 100 * random() });
    const { client, errors } = page({ line });
    // By frame, by answer, by time, or all; from rarely to every other one.
    const often = [0.02, 0.1, 0.3, 0.5][seed % 4]!;
    const kind = Math.floor(seed / 4) % 4;
    let cuts = 0;
    const cut = (): boolean => cuts < 50 && random() < often && ++cuts > 0;
    if (kind !== 1) line.ends = ({ type }) => (type !== "Hello" && cut() ? "cut" : undefined);
    if (kind !== 0) line.loses = () => cut();
    const sometimes = (): void => {
      if (cuts >= 50) return;
      if (kind > 1 && random() < often) {
        cuts++;
        line.cut();
      }
      clock.setTimeout(sometimes, 1_000 * random());
    };
    sometimes();
    const texts: string[] = [];
    const writes = [];
    for (let i = 0; i < 100; i++) {
      texts.push(`${i}`);
      writes.push(client.topic(list, "a").dispatch(added(`${i}`)));
      if (i % 3 === 0) void client.topic(list, "b").dispatch(added(`${i}`));
      await clock.advance(2_000 * random());
    }
    cuts = 50;
    await clock.advance(300_000);
    expect(errors.filter(({ code }) => code === "held")).toEqual([]);
    expect([line.taken.get("list:a"), new Set(writes.map(({ state }) => state))]).toEqual([
      texts,
      new Set(["applied"]),
    ]);
    expect(client.status.pending).toBe(0);
  },
);

test("[OB20] [OB45] S27 a server that dies at one of the next messages, over and over: in 14 rounds of about 80 deaths hardly a message is held, and all arrive", async () => {
  let deaths = 0;
  let held = 0;
  for (let seed = 20; seed < 34; seed++) {
    const random = chance(seed);
    const clock = new VirtualClock();
    const line = new Line({ clock, latency: 1 + 10 * random(), baseMilliseconds: 2 });
    // Before it has taken the message in every other round, and before it says so in the others.
    let left = 0;
    let dying = 0;
    line.ends = ({ type }, attempt) => {
      if (type !== "TopicMessage" || dying === Infinity) return undefined;
      if (dying !== attempt) left = Math.floor(7 * random());
      dying = attempt;
      if (left-- !== 0) return undefined;
      deaths++;
      return seed % 2 ? "cut" : undefined;
    };
    line.loses = ({ type }) => seed % 2 === 0 && type === "Acknowledge" && dying < Infinity && left < 0;
    const { client, errors } = page({ line, seed });
    const texts: { readonly [id: string]: string[] } = { a: [], b: [], c: [] };
    for (let i = 0; i < 300; i++) {
      const id = "abc"[Math.floor(3 * random())]!;
      if (client.status.pending < 24) {
        texts[id]!.push(`${i}`);
        void client.topic(list, id).dispatch(added(`${i}`));
      }
      await clock.advance(100 * random());
    }
    dying = Infinity;
    held += errors.filter(({ code }) => code === "held").length;
    for (const one of client.status.held) one.retry();
    await clock.advance(120_000);
    for (const [id, all] of Object.entries(texts)) expect(line.taken.get(`list:${id}`)).toEqual(all);
    await client.close();
  }
  expect(deaths).toBeGreaterThan(900);
  expect(held).toBeLessThanOrEqual(1);
});

test("[OB20] [CL15] closed before the server has answered what was cancelled: its caller hears so", async () => {
  const { client, line, clock } = page();
  line.ends = poisonous("cut", "poison");
  const write = client.topic(list, "a").dispatch(added("poison"));
  await clock.advance(15_000);
  client.disconnect();
  expect([write.state, write.cancel()]).toEqual(["held", true]);
  await client.close();
  const told = write.applied.catch(({ code }: { code: string }) => code);
  expect(await Promise.race([told, turn().then(() => "open")])).toBe("closed");
});

test("[OB20] [OB38] S26 over a line whose connections all end too soon to be sure of, what is doubted leaves all the same, and is not held", async () => {
  const { client, line, clock, errors } = page();
  // Silent three times, so that long answers are asked for; then each connection ends by itself, whatever it carries.
  let silent = 0;
  line.ends = ({ type }) => (type === "TopicMessage" && silent < 3 && ++silent > 0 ? "silence" : undefined);
  const write = client.topic(list, "1").dispatch(added("a"));
  for (let i = 0; i < 300; i++) {
    await clock.advance(1_000);
    if (silent === 3) break;
  }
  expect(silent).toBe(3);
  for (let i = 0; i < 60; i++) {
    await clock.advance(8_000);
    line.cut();
  }
  expect([write.state, line.taken.get("list:1")]).toEqual(["applied", ["a"]]);
  expect(errors.filter(({ code }) => code === "held")).toEqual([]);
});

test("[CL2] [CL32] after a long outage, a line whose connections each last 20 s is come back to as at first", async () => {
  const { client, line, clock } = page();
  line.ends = () => "cut";
  await clock.advance(600_000);
  line.ends = () => undefined;
  let up = 0;
  let opened = 0;
  for (let i = 0; i < 1_800; i++) {
    await clock.advance(1_000);
    opened = client.status.connection === "open" ? opened + 1 : 0;
    if (opened > 0) up++;
    if (opened === 20) line.cut();
  }
  expect(up).toBeGreaterThan(1_600);
});

// ----------------------------------------------------------------------------------------------- the server's own word

test.each(["too-large", "too-deep", "hostile-key", "undecodable"] as const)(
  "[OB20] [OB13] [OB36] S29 a stored message that the server will not have (%s) is found and given up by its word, and all others are sent",
  async (code) => {
    const storage = memoryStorage();
    const first = page({ storage, connect: false });
    for (const text of ["a", "b", "poison", "c"]) void first.client.topic(list, "1").dispatch(added(text));
    for (let i = 0; i < 10; i++) void first.client.topic(list, `${i + 2}`).dispatch(added(`${i}`));
    await turn();
    await first.client.close();
    const { line } = first;
    const told: unknown[] = [];
    const page2 = page({
      storage,
      line,
      seed: 7,
      onOutcome: (one) => one.is === "rejected" && told.push([one.messages, one.error.code]),
    });
    line.ends = poisonous(closing(code), "poison");
    await page2.clock.advance(120_000);
    expect(line.taken.get("list:1")).toEqual(["a", "b", "c"]);
    for (let i = 0; i < 10; i++) expect(line.taken.get(`list:${i + 2}`)).toEqual([`${i}`]);
    expect(told).toEqual([[[added("poison")], code]]);
    expect(page2.client.status).toMatchObject({ connection: "open", pending: 0, held: [] });
    expect(line.attempts.length).toBeLessThan(8);
  },
);

test("[OB20] [OB13] [OB36] a message that was only on its way when the server would not have something else is not given up", async () => {
  const { client, line, clock } = page();
  await clock.advance(1_000);
  let refused = 0;
  line.ends = ({ type }, attempt) => {
    // What came behind it is not heard.
    if (attempt === refused) return { type: "Pong" };
    if (type !== "Subscribe" || refused > 0) return undefined;
    refused = attempt;
    return closing("undecodable");
  };
  client.topic(list, "other").retain();
  const write = client.topic(list, "a").dispatch(added("x"));
  await clock.advance(60_000);
  expect([refused, write.state, line.taken.get("list:a")]).toEqual([1, "applied", ["x"]]);
});

test("[CL12] a terminal word that cannot be about a message ends the client as before", async () => {
  const { client, line, clock } = page();
  line.ends = ({ type }) => (type === "TopicMessage" ? closing("user-changed") : undefined);
  void client.topic(list, "1").dispatch(added("a"));
  await clock.advance(60_000);
  expect([client.status.connection, client.status.reason, line.attempts.length]).toEqual([
    "closed",
    "user-changed",
    1,
  ]);
  const quiet = page();
  quiet.line.ends = ({ type }) => (type === "Subscribe" ? closing("too-large") : undefined);
  await quiet.clock.advance(1_000);
  quiet.client.topic(list, "1").retain();
  await quiet.clock.advance(60_000);
  expect([quiet.client.status.connection, quiet.line.attempts.length]).toEqual(["closed", 1]);
});

// -------------------------------------------------------------------------------------- what can never be sent (OB21)

const any = defineTopic("any:*", {
  model: z.object({ n: z.number() }),
  initial: () => ({ n: 0 }),
  messages: { put: z.object({ value: z.any() }) },
  update: { put: ({ n }) => ({ n: n + 1 }) },
});
const marks = defineEphemeral("marks:*", { messages: { moved: z.object({ value: z.any() }) } });
const put = (value: unknown) => ({ type: "put", value }) as const;
const numbers = (count: number): number[] => Array.from({ length: count }, () => 0);
const names = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, 0]));

for (const [format, serialiser] of [
  ["json", automatic(json())],
  ["messagepack", automatic(messagePack())],
] as const)
  test(`[OB21] S29 what no server takes is refused at dispatch, before anything has happened (${format})`, async () => {
    const server = new FakeServer();
    const client = createClient({
      wiring: defineWiring({ topics: [any, marks] }),
      serialiser,
      transport: server.transport,
      clock: new VirtualClock(),
    });
    const topic = client.topic(any, "1");
    for (const [value, limit] of [
      [numbers(100_001), "maxEntries"],
      [[numbers(99_000), numbers(99_000), numbers(99_000), numbers(99_000)], "maxValues"],
      [names(10_001), "maxNames"],
      ["x".repeat(1_100_000), "maxFrameBytes"],
      ["\u00e9".repeat(530_000), "maxFrameBytes"],
      [Array.from({ length: 25_000 }, () => new Uint8Array(1)), "maxValues"],
    ] as const) {
      expect(() => topic.dispatch(put(value))).toThrow(
        expect.objectContaining({ code: "too-large", details: { [limit]: expect.any(Number) } }),
      );
      expect(() => topic.dispatch([put(0), put(value)])).toThrow(
        expect.objectContaining({ code: "too-large" }),
      );
    }
    const cursor = client.topic(marks, "1");
    expect(() => cursor.dispatch({ type: "moved", value: numbers(100_001) })).toThrow(
      expect.objectContaining({ code: "too-large" }),
    );
    expect([topic.state.pending, client.pending, client.status.pending]).toEqual([[], [], 0]);
    for (const value of [numbers(99_000), names(9_900), "x".repeat(1_000_000)]) topic.dispatch(put(value));
    expect(client.pending).toHaveLength(3);
    await client.close();
  });

test("[OB21] what this server takes it has said, and goes by from then on; the next one that says nothing has the defaults", async () => {
  const server = new FakeServer();
  const clock = new VirtualClock();
  const client = createClient({
    wiring: defineWiring({ topics: [any, marks] }),
    serialiser: automatic(json()),
    transport: server.transport,
    clock,
  });
  const topic = client.topic(any, "1");
  const connection = await handshake({ server }, "c1", { limits: [5_000_000, 200_000, 400_000, 50] });
  void topic.dispatch(put(numbers(150_000)));
  void topic.dispatch(put("x".repeat(2_000_000)));
  expect(() => topic.dispatch(put(names(60)))).toThrow(expect.objectContaining({ code: "too-large" }));
  expect(() => topic.dispatch(put("x".repeat(5_000_000)))).toThrow(
    expect.objectContaining({ code: "too-large" }),
  );
  connection.drop();
  await clock.advance(1_000);
  await handshake({ server });
  expect(() => topic.dispatch(put(numbers(150_000)))).toThrow(expect.objectContaining({ code: "too-large" }));
  void topic.dispatch(put(names(60)));
  expect(client.pending).toHaveLength(3);
  await client.close();
});

test.each([false, true])(
  "[OB33] [OB8] S35 a mid is used twice while another target's message is held and one behind it had left: both move in order (let go meanwhile: %s)",
  async (meanwhile) => {
    const { client, line, clock } = page();
    await clock.advance(1_000);
    line.ends = poisonous("cut", "poison");
    const bad = client.topic(list, "a").dispatch(added("poison"));
    const behind = client.topic(list, "a").dispatch(added("behind"));
    await clock.advance(120_000);
    expect([bad.state, behind.state, client.clientId]).toEqual(["held", "queued", "c1"]);
    let voids = 0;
    line.ends = (frame) => {
      if (textOf(frame) === "poison") return meanwhile ? undefined : "cut";
      if (frame.type !== "TopicMessage" || client.clientId !== "c1") return undefined;
      // Let go between the void and the fresh identity.
      if (frame.messages.length === 0 && ++voids === 2 && meanwhile) bad.retry();
      if (textOf(frame) !== "m") return undefined;
      const { target, mid, id } = frame;
      return { type: "Rejected", target, mid, id, from: "calla", code: "mid-conflict", details: {} };
    };
    const other = client.topic(list, "b").dispatch(added("m"));
    await clock.advance(120_000);
    expect([other.state, client.clientId]).toEqual(["applied", "c2"]);
    if (!meanwhile) {
      expect([bad.state, behind.state]).toEqual(["held", "queued"]);
      line.ends = () => undefined;
      expect(bad.retry()).toBe(true);
      await clock.advance(30_000);
    }
    expect([bad.state, behind.state]).toEqual(["applied", "applied"]);
    expect(line.taken.get("list:a")).toEqual(["poison", "behind"]);
    expect(client.pending).toEqual([]);
  },
);
