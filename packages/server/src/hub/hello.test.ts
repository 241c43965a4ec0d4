import { PROTOCOL_VERSION } from "@calla/shared";
import type { ClosingCode } from "@calla/shared";
import { memoryLog } from "../log/memory/memory-log.ts";
import { faultyLog, scriptedFaults } from "../testing/faulty-log.ts";
import { describe, expect, test } from "vitest";
import {
  hello,
  inHand,
  list,
  say,
  saySession,
  session,
  subscribe,
  types,
  wire,
  wiring,
} from "../../test/wired.ts";
import type { Said } from "../../test/wired.ts";
import type { AnyUser } from "../app/handlers.ts";

const closing = (code: ClosingCode, retryable: boolean, within = 0): Said => ({
  type: "Closing",
  code,
  retryable,
  within,
});
const TERMINAL = 4002;
const RETRYABLE = 4001;

test("[AU13] S17 what a transport turned away is recorded, and what it threw is reported", () => {
  const { server, refused, errors } = wire();
  const request = { url: "/ws", headers: { origin: "https://evil.example" }, remoteAddress: "127.0.0.1" };
  server.refused({ reason: "origin", request });
  server.refused({ reason: "failed", request, error: new Error("thrown") });
  expect(refused.map(({ code }) => code)).toEqual(["origin", "failed"]);
  expect(errors).toEqual([
    expect.objectContaining({ code: "transport", details: { reason: "origin" } }),
    new Error("thrown"),
  ]);
});

describe("the first word", () => {
  test("[CV2] Hello is answered by Connected, with an identity of its own", async () => {
    const { socket } = wire();
    const ada = socket();
    ada.say(hello());
    expect(await ada.heard()).toEqual([
      {
        type: "Connected",
        clientId: expect.stringMatching(/^[0-9a-f]{32}$/),
        secret: expect.any(String),
        userId: null,
        now: 1_000,
        maxInFlight: 256,
      },
    ]);
  });

  test("[CV2] anything else before Connected, or a second Hello, closes for good and is recorded", async () => {
    const early = [
      subscribe("list:1"),
      say("list:1", 1, { type: "added", item: "x" }),
      { type: "Ping", cursors: [] },
    ];
    for (const frame of early) {
      const { socket, refused } = wire();
      const ada = socket();
      ada.say(frame as never);
      expect(await ada.heard()).toEqual([closing("protocol", false)]);
      expect(ada.closed).toEqual([{ code: TERMINAL, reason: "protocol" }]);
      expect(refused).toMatchObject([{ code: "protocol" }]);
    }
    const { client } = wire();
    const ada = await client();
    ada.say(hello());
    expect(await ada.heard()).toEqual([closing("protocol", false)]);
  });

  test("[CV2] frames behind Hello in one packet come before Connected, and nothing of them is done", async () => {
    let connected = 0;
    const { server, socket } = wire({ onConnect: () => void connected++ });
    server.handle(list, { public: true });
    const ada = socket();
    ada.say(hello(), say("list:1", 1, { type: "added", item: "x" }));
    expect(await ada.heard()).toEqual([closing("protocol", false)]);
    // By now the server has its secret, and a Hello is answered at once.
    const bob = socket();
    bob.say(hello(), say("list:1", 1, { type: "added", item: "x" }));
    expect(await bob.heard()).toEqual([closing("protocol", false)]);
    expect(connected).toBe(0);
    expect((await server.topic(list, "1").read()).sequence).toBe(0);
  });

  test("[CV2] an empty packet says nothing and costs nothing", async () => {
    const { socket } = wire();
    const ada = socket();
    ada.sayRaw("[]");
    ada.say(hello());
    expect(types(await ada.heard())).toEqual(["Connected"]);
    ada.sayRaw("[]");
    expect(await ada.heard()).toEqual([]);
  });

  test("[CV2] the targets of a Hello are subscribed to, the newest request for each", async () => {
    const { server, socket } = wire({ limits: { maxTopicsPerConnection: 2 } });
    server.handle(list, { public: true });
    const ada = socket();
    const targets = [
      { target: "list:1", ref: 4, settled: 0, sent: 0 },
      { target: "list:1", ref: 3, settled: 0, sent: 0 },
      { target: "list:2", ref: 5, settled: 0, sent: 0 },
      { target: "list:3", ref: 6, settled: 0, sent: 0 },
    ];
    ada.say(hello({ targets }));
    expect(await ada.heard()).toMatchObject([
      { type: "Connected" },
      { type: "Unsubscribed", target: "list:3", ref: 6, code: "too-many-topics" },
      { type: "Settled", target: "list:1", ref: 4 },
      { type: "Snapshot", target: "list:1" },
      { type: "Settled", target: "list:2", ref: 5 },
      { type: "Snapshot", target: "list:2" },
    ]);
  });

  test("[CV5] without a valid Hello in time the connection is closed, retryable", async () => {
    const { socket, advance } = wire();
    const ada = socket();
    await advance(9_999);
    expect(await ada.heard()).toEqual([]);
    await advance(1);
    expect(await ada.heard()).toEqual([closing("hello-timeout", true)]);
    expect(ada.closed).toEqual([{ code: RETRYABLE, reason: "hello-timeout" }]);
  });

  test("[CV5] an authenticate that hangs does not hold the connection, and its late answer means nothing", async () => {
    const user = inHand<AnyUser>();
    const seen: string[] = [];
    const { socket, advance } = wire({
      authenticate: () => user.promise,
      onConnect: () => void seen.push("connected"),
      onDisconnect: () => void seen.push("disconnected"),
    });
    const ada = socket();
    ada.say(hello());
    await advance(10_000);
    expect(await ada.heard()).toEqual([closing("hello-timeout", true)]);
    user.keep({ id: "ada" });
    expect(await ada.heard()).toEqual([]);
    expect(seen).toEqual([]);
  });

  test("[CV5] a greeted connection is not timed out", async () => {
    const { client, advance } = wire();
    const ada = await client();
    await advance(60_000);
    expect(await ada.heard()).toEqual([]);
  });

  test("[CV13] S38 an older protocol or slice version must reload, a newer one tries elsewhere; nothing else is done", async () => {
    let asked = 0;
    const { socket } = wire({ authenticate: () => (asked++, { id: "ada" }) });
    const ours = wiring.versions();
    for (const [more, terminal] of [
      [{ protocol: PROTOCOL_VERSION - 1 }, true],
      [{ protocol: PROTOCOL_VERSION + 1 }, false],
      [{ slices: { ...ours, "list:*": 0 } }, true],
      [{ slices: { ...ours, "list:*": 2 } }, false],
      [{ slices: { ...ours, "list:*": 2, "other:*": 0 } }, true],
    ] as const) {
      const ada = socket();
      ada.say(hello(more));
      expect(await ada.heard()).toEqual([
        { type: "Version", protocol: PROTOCOL_VERSION, slices: ours, terminal },
        closing("version", !terminal),
      ]);
      expect(ada.closed).toEqual([{ code: terminal ? TERMINAL : RETRYABLE, reason: "version" }]);
    }
    expect(asked).toBe(0);
    const ada = socket();
    ada.say(hello({ slices: { constructor: 9, elsewhere: 7 } })); // slices that only one side knows
    expect(types(await ada.heard())).toEqual(["Connected"]);
  });
});

describe("who it is", () => {
  test("[CV15] null refuses for good; a throw, a rejection and what is no user refuse for now", async () => {
    const answers: [() => unknown, ClosingCode, boolean][] = [
      [() => null, "unauthenticated", false],
      [async () => undefined, "unauthenticated", false],
      [
        () => {
          throw new Error("thrown");
        },
        "authentication-failed",
        true,
      ],
      [() => Promise.reject(new Error("rejected")), "authentication-failed", true],
      [() => ({}), "authentication-failed", true],
      [() => ({ id: 7 }), "authentication-failed", true],
      [() => true, "authentication-failed", true],
    ];
    for (const [answer, code, retryable] of answers) {
      const { socket, errors, refused } = wire({ authenticate: answer as never });
      const ada = socket();
      ada.say(hello());
      expect(await ada.heard()).toEqual([closing(code, retryable)]);
      expect(refused).toMatchObject([{ code, clientId: undefined }]);
      expect(errors).toHaveLength(retryable ? 1 : 0);
    }
  });

  test("[CV15] until it has answered nobody is registered; a connection that left meanwhile never is", async () => {
    const user = inHand<AnyUser>();
    const seen: string[] = [];
    const { server, socket, settle } = wire({
      authenticate: () => user.promise,
      onConnect: () => void seen.push("in"),
      onDisconnect: () => void seen.push("out"),
    });
    server.handle(list, { public: true });
    const ada = socket();
    ada.say(hello({ targets: [{ target: "list:1", ref: 1, settled: 0, sent: 0 }] }));
    await settle();
    ada.drop();
    user.keep({ id: "ada" });
    expect(await ada.heard()).toEqual([]);
    expect(seen).toEqual([]);
  });

  test("[CV15] the token and the request reach authenticate", async () => {
    const asked: unknown[] = [];
    const { client } = wire({ authenticate: (given) => (asked.push(given), { id: "ada" }) });
    const { connected } = await client(undefined, { bearer: "t" });
    expect(connected).toMatchObject({ userId: "ada" });
    expect(asked).toEqual([
      { request: { url: "/ws", headers: {}, remoteAddress: undefined }, token: { bearer: "t" } },
    ]);
  });

  test("[CV16] an identity comes back with its secret, which is renewed when a 32nd of its life is over", async () => {
    const { client, advance } = wire({ limits: { identityLifetime: 32_000 } });
    const first = await client();
    await advance(1_000);
    const soon = await client(first.identity);
    expect(soon.connected).toMatchObject({ clientId: first.identity.clientId });
    expect(soon.connected).not.toHaveProperty("refused");
    expect(soon.connected).not.toHaveProperty("secret");
    await advance(1);
    const later = await client(first.identity);
    expect(later.connected).toMatchObject({ clientId: first.identity.clientId });
    expect(later.connected.secret).not.toBe(first.identity.secret);
    expect((await client(later.identity)).connected.clientId).toBe(first.identity.clientId);
  });

  test("[CV16] a secret that lives longer than any that is given now is renewed", async () => {
    const log = memoryLog();
    const first = await wire({ log, limits: { identityLifetime: 90_000 } }).client();
    const { connected } = await wire({ log, limits: { identityLifetime: 32_000 } }).client(first.identity);
    expect(connected).toMatchObject({ clientId: first.identity.clientId, secret: expect.any(String) });
  });

  test("[CV16] S17 S41 a forged or foreign identity gets a fresh one, and nobody is another client", async () => {
    const { client } = wire({ authenticate: ({ token }) => ({ id: token as string }) });
    const ada = await client(undefined, "ada");
    const { clientId, secret } = ada.identity;
    for (const [claimed, token] of [
      [{ clientId, secret: "" }, "ada"],
      [{ clientId, secret: secret.replace(/^./, "z") }, "ada"],
      [{ clientId: clientId.replace(/.$/, "x"), secret }, "ada"],
      [{ clientId, secret }, "eve"],
      [{ clientId: "", secret }, "ada"],
    ] as const) {
      const eve = await client(claimed, token);
      expect(eve.connected).toMatchObject({ refused: "foreign", userId: token });
      expect(eve.identity.clientId).not.toBe(claimed.clientId);
    }
    expect(ada.closed).toEqual([]);
  });

  test("[CV16] an expired identity gets a fresh one, and Connected says so", async () => {
    const { client, advance } = wire({ limits: { identityLifetime: 1_000 } });
    const ada = await client();
    await advance(1_000);
    const again = await client(ada.identity);
    expect(again.connected).toMatchObject({ refused: "expired" });
    expect(again.identity.clientId).not.toBe(ada.identity.clientId);
  });

  test("[CV16] an identity of nobody is not one of a user, nor the other way round", async () => {
    let user: AnyUser | undefined;
    const log = memoryLog();
    const nobodys = wire({ log });
    const named = wire({ log, authenticate: () => user! });
    user = { id: "null" };
    const nobody = await nobodys.client();
    expect((await named.client(nobody.identity)).connected).toMatchObject({ refused: "foreign" });
    const ada = await named.client();
    expect((await nobodys.client(ada.identity)).connected).toMatchObject({ refused: "foreign" });
  });
});

describe("one client, one connection", () => {
  test("[CV6] S22 a newer Hello closes the older connection, whose last words and whose close change nothing", async () => {
    const seen: string[] = [];
    const { server, client } = wire({ onDisconnect: ({ clientId }) => void seen.push(clientId) });
    server.handle(list, { public: true });
    const older = await client();
    older.say(subscribe("list:1"));
    await older.heard();
    const newer = await client(older.identity);
    expect(await older.heard()).toEqual([closing("superseded", false)]);
    expect(older.closed).toEqual([{ code: TERMINAL, reason: "superseded" }]);
    newer.say(subscribe("list:1"));
    await newer.heard();
    older.say(say("list:1", 1, { type: "added", item: "late" }));
    older.drop();
    older.drop();
    expect(await newer.heard()).toEqual([]);
    newer.say(say("list:1", 1, { type: "added", item: "x" }));
    expect(types(await newer.heard())).toEqual(["TopicUpdate"]);
    expect(await older.heard()).toEqual([]);
    expect(server.unsubscribe(newer.identity.clientId, list, "1")).toBe(true);
    expect(seen).toEqual([newer.identity.clientId]);
  });

  test("[CV6] S22 of two Hellos the later one counts, whichever is identified first", async () => {
    for (const first of [0, 1]) {
      const users = [inHand<AnyUser | null>(), inHand<AnyUser | null>()];
      let asked = 0;
      const { socket, client } = wire({
        authenticate: ({ token }) => (token === "now" ? { id: "ada" } : users[asked++]!.promise),
      });
      const ada = await client(undefined, "now");
      const [earlier, later] = [socket(), socket()];
      earlier.say(hello({ identity: ada.identity }));
      later.say(hello({ identity: ada.identity }));
      await ada.heard();
      users[first]!.keep({ id: "ada" });
      await ada.heard();
      users[1 - first]!.keep({ id: "ada" });
      expect(types(await later.heard())).toEqual(["Connected"]);
      expect(later.closed).toEqual([]);
      expect((await earlier.heard()).at(-1)).toEqual(closing("superseded", false));
    }
  });
});

describe("flushing for a page that is gone", () => {
  const add = (item: string) => ({ type: "added", item });
  const flush = (identity: { clientId: string; secret: string }) => hello({ identity, flushOnly: true });

  test("[CV17] S18 it dispatches under the page's identity and hears outcomes, also of what the page had sent", async () => {
    const heard: unknown[] = [];
    const { server, client, socket } = wire({
      authenticate: () => ({ id: "ada" }),
      onConnect: () => void heard.push("connect"),
      onDisconnect: () => void heard.push("disconnect"),
      onMessage: (_, { clientId, user }) => void heard.push([clientId, user]),
    });
    server.handle(list, { public: true });
    server.handle(session, { public: true });
    const page = await client();
    page.say(say("list:1", 1, add("x")));
    await page.heard();
    page.drop();
    const flusher = socket();
    const { clientId } = page.identity;
    flusher.say(flush(page.identity));
    expect(await flusher.heard()).toMatchObject([{ type: "Connected", clientId }]);
    flusher.say(
      say("list:1", 1, add("x")),
      say("list:1", 2, add("y")),
      say("list:1", 3, { type: "cleared" }),
    );
    flusher.say(saySession(1, { type: "named", name: "Ada" }));
    expect((await flusher.heard()).map((one) => [one.type, "mid" in one && one.mid])).toEqual([
      ["Acknowledge", 1],
      ["Acknowledge", 2],
      ["Rejected", 3],
      ["Acknowledge", 1],
    ]);
    expect((await server.topic(list, "1").read()).model).toEqual({ items: ["x", "y"] });
    flusher.drop();
    expect(heard).toEqual(["connect", "disconnect", [clientId, { id: "ada" }]]);
  });

  test("[CV17] it subscribes to nothing and nothing reaches it", async () => {
    const { server, client, socket, refused } = wire();
    server.handle(list, { public: true });
    const page = await client();
    page.drop();
    const { clientId } = page.identity;
    const asked = { target: "list:1", ref: 1, settled: 0, sent: 0 };
    const flusher = socket();
    flusher.say(hello({ identity: page.identity, flushOnly: true, targets: [asked] }));
    const no = { type: "Unsubscribed", ref: 1, code: "flush-only", retryable: false };
    expect((await flusher.heard()).slice(1)).toEqual([{ ...no, target: "list:1" }]);
    flusher.say(subscribe("list:2"), { type: "Resync", targets: [{ ...asked, target: "@" }] });
    expect(await flusher.heard()).toEqual(["list:2", "@"].map((target) => ({ ...no, target })));
    expect(refused.map(({ code }) => code)).toEqual(["flush-only", "flush-only", "flush-only"]);
    expect(server.subscribe(clientId, list, "1")).toBe(false);
    await server.dispatchToAll({ type: "signedIn", name: "Ada" });
    flusher.say({ type: "Ping", cursors: [["list:1", 9, 9]] });
    expect(await flusher.heard()).toEqual([{ type: "Pong" }]);
  });

  test("[CV17] [CV20] it waits while the page is there, and ends when the page comes back; of two the later counts", async () => {
    const { client, socket } = wire();
    const page = await client();
    const early = socket();
    early.say(flush(page.identity));
    expect(await early.heard()).toEqual([closing("in-use", true)]);
    expect(early.closed).toEqual([{ code: RETRYABLE, reason: "in-use" }]);
    expect(page.closed).toEqual([]);
    page.drop();
    const [first, second] = [socket(), socket()];
    for (const one of [first, second]) one.say(flush(page.identity));
    expect(types(await second.heard())).toEqual(["Connected"]);
    expect(await first.heard()).toEqual([expect.anything(), closing("superseded", false)]);
    const back = await client(page.identity);
    expect(await second.heard()).toEqual([closing("superseded", false)]);
    expect(second.closed).toEqual([{ code: TERMINAL, reason: "superseded" }]);
    expect(back.identity.clientId).toBe(page.identity.clientId);
    expect(back.closed).toEqual([]);
  });

  test("[CV17] [CV20] the page comes first, whichever said Hello or is identified first", async () => {
    for (const first of [0, 1]) {
      for (const flusherFirst of [true, false]) {
        const users = [inHand<AnyUser | null>(), inHand<AnyUser | null>()];
        let asked = 0;
        const { socket, client } = wire({
          authenticate: ({ token }) => (token === "now" ? { id: "ada" } : users[asked++]!.promise),
        });
        const { identity, drop } = await client(undefined, "now");
        drop();
        const [page, flusher] = [socket(), socket()];
        if (flusherFirst) flusher.say(flush(identity));
        page.say(hello({ identity }));
        if (!flusherFirst) flusher.say(flush(identity));
        await page.heard();
        users[first]!.keep({ id: "ada" });
        await Promise.resolve();
        users[1 - first]!.keep({ id: "ada" });
        expect(types(await page.heard())).toEqual(["Connected"]);
        expect(page.closed).toEqual([]);
        expect(flusher.closed).toHaveLength(1);
      }
    }
  });
});

describe("the key that signs", () => {
  test("[SV7] where the log keeps none, or one that is too short, every Hello is refused retryably", async () => {
    const none = { ...memoryLog(), secret: async () => undefined };
    const short = { ...memoryLog(), secret: async () => new Uint8Array(15) };
    for (const options of [{ log: short }, { log: none }]) {
      const { socket, errors, settle } = wire(options);
      await settle();
      expect(errors).toHaveLength(1);
      expect((errors[0] as Error).message).toMatch(
        /createServer\(\{ secret \}\): .* Give all nodes the same/,
      );
      const ada = socket();
      ada.say(hello());
      expect(await ada.heard()).toEqual([closing("storage", true)]);
    }
    const { client } = wire({ secret: "sixteen bytes and more", log: none });
    expect((await client()).connected).toMatchObject({ type: "Connected" });
  });

  test("[SV7] a log that could not give its secret is asked again by the next Hello", async () => {
    const log = faultyLog(memoryLog(), { plan: scriptedFaults({ secret: ["fail", "fail"] }) });
    const { socket, client, errors } = wire({ log });
    const early = socket();
    early.say(hello());
    expect(await early.heard()).toEqual([closing("storage", true)]);
    const later = socket();
    later.say(hello());
    await later.heard();
    expect((await client()).connected).toMatchObject({ type: "Connected" });
    expect(errors.length).toBeGreaterThan(0);
  });
});

test("[OB21] Connected says what the server takes of a frame, where that is not the default", async () => {
  for (const [limits, told] of [
    [{}, undefined],
    [{ maxFrameBytes: 2_000_000 }, [2_000_000, 100_000, 300_000, 10_000]],
    [{ maxNames: Infinity, maxEntries: 7 }, [1_048_576, 7, 300_000, Number.MAX_SAFE_INTEGER]],
  ] as const) {
    const { socket, settle } = wire({ limits });
    const one = socket();
    one.say(hello());
    await settle();
    const [connected] = await one.heard();
    expect(connected).toMatchObject({ type: "Connected" });
    expect((connected as { limits?: unknown }).limits).toEqual(told);
  }
});
