// What comes at the wrong moment, or is meant otherwise than it is read: rights that end while somebody is asked, hooks that
// never answer, flags that nearly say private.
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../test/phoenix-clients/phoenix-js.ts";
import { Raw } from "../../test/supabase/raw.ts";
import { rooms, serve } from "../../test/supabase/realtime-server.ts";
import type { RealtimeServer, ServerOptions, User } from "../../test/supabase/realtime-server.ts";
import { handClock } from "../../test/wired.ts";
import { memoryReplay } from "./replay.ts";
import type { ReplayMessage } from "./replay.ts";

const ROOM = "realtime:room";
const PRIVATE = { private: true };
const ACK = { private: true, broadcast: { ack: true } };
const OK = { status: "ok", response: { postgres_changes: [] } };
const token = (name: string) => ({ access_token: name });
const start = (options?: ServerOptions): Promise<RealtimeServer> => serve(onTestFinished, options);
const open = (server: RealtimeServer): Promise<Raw> => Raw.open(onTestFinished, server);

/** A hook that answers when it is told to. */
function slow<T>() {
  const asked: ((answer: T) => void)[] = [];
  return { asked, hook: () => new Promise<T>((resolve) => void asked.push(resolve)) };
}

const post = (server: RealtimeServer, path: string, name?: string): Promise<number> =>
  fetch(server.httpUrl + path, {
    method: "POST",
    headers: {
      apikey: "key",
      "content-type": "application/json",
      ...(name === undefined ? {} : { authorization: `Bearer ${name}` }),
    },
    body: '{"n":1}',
  }).then(({ status }) => status);

describe("private over HTTP", () => {
  test.for(["1", "", "yes", "tru", "on"])(
    "[SB46] what is said with private=%s is heard by nobody: it may be meant for few",
    async (flag) => {
      const server = await start({ supabase: rooms });
      const [ann, bo] = [await open(server), await open(server)];
      await ann.join(ROOM);
      await bo.join(ROOM, PRIVATE, token("bo"));
      expect(await post(server, `/room/events/said?private=${flag}`, "ann")).toBe(422);
      expect(await post(server, "/room/events/said?private[]=true", "ann")).toBe(422);
      for (const one of [ann, bo]) await one.beat();
      expect([...ann.heard("broadcast"), ...bo.heard("broadcast")]).toEqual([]);
    },
  );

  test("[SB46] true and false count in any case", async () => {
    const server = await start({ supabase: rooms });
    const [ann, bo] = [await open(server), await open(server)];
    await ann.join(ROOM);
    await bo.join(ROOM, PRIVATE, token("bo"));
    expect(await post(server, "/room/events/kept?private=TRUE", "ann")).toBe(202);
    expect(await post(server, "/room/events/open?private=False", "ann")).toBe(202);
    for (const one of [ann, bo]) await one.beat();
    expect(ann.heard("broadcast")).toMatchObject([{ event: "open" }]);
    expect(bo.heard("broadcast")).toMatchObject([{ event: "kept" }]);
  });
});

describe("a token that ends while somebody is asked", () => {
  const ends = (clock: { now(): number }) => {
    const exp = clock.now() / 1_000 + 60;
    return ({ token: name }: { token: string }): User => ({ name, exp });
  };

  test("[SB33] is no right to say what was asked about", async () => {
    const { clock } = handClock();
    const { asked, hook } = slow<boolean>();
    const server = await start({
      channels: { clock },
      supabase: { ...rooms, authenticate: ends(clock), mayWrite: hook },
    });
    const [ann, bo] = [await open(server), await open(server)];
    for (const one of [ann, bo]) await one.join(ROOM, PRIVATE, token("ann"));
    await ann.broadcast(ROOM, "said");
    await until(() => asked.length === 1);
    clock.step(61_000);
    asked[0]!(true);
    await until(() => ann.heard("phx_close").length === 1);
    expect(ann.heard("system")).toMatchObject([{ status: "error", message: "Token has expired" }]);
    await bo.beat();
    expect(bo.heard("broadcast")).toEqual([]);
  });

  test("[SB33] lets nobody in, and tells nobody what was kept", async () => {
    const { clock } = handClock();
    const { asked, hook } = slow<boolean>();
    const server = await start({
      channels: { clock },
      supabase: { ...rooms, authenticate: ends(clock), mayRead: hook, replay: memoryReplay() },
    });
    server.realtime.broadcast("room", "said", {}, { private: true });
    const ann = await open(server);
    const joining = ann.join(ROOM, { private: true, broadcast: { replay: { since: 0 } } }, token("ann"));
    await until(() => asked.length === 1);
    clock.step(61_000);
    asked[0]!(true);
    expect(await joining).toMatchObject({ status: "error" });
    expect(ann.heard("broadcast")).toEqual([]);
  });

  test("[SB33] is told nothing that a store gives later", async () => {
    const { clock } = handClock();
    const { asked, hook } = slow<readonly ReplayMessage[]>();
    const server = await start({
      channels: { clock },
      supabase: { ...rooms, authenticate: ends(clock), replay: { keep: () => undefined, read: hook } },
    });
    const ann = await open(server);
    await ann.join(ROOM, { private: true, broadcast: { replay: { since: 0 } } }, token("ann"));
    await until(() => asked.length === 1);
    clock.step(61_000);
    asked[0]!([{ id: "1", topic: "room", event: "said", payload: 1, at: 1 }]);
    await until(() => ann.heard("phx_close").length === 1);
    expect(ann.heard("broadcast")).toEqual([]);
  });

  test("[SB33] is not taken in place of the one before", async () => {
    const { clock } = handClock();
    const { asked, hook } = slow<boolean>();
    const server = await start({
      channels: { clock },
      supabase: {
        ...rooms,
        authenticate: ({ token: name }) => (name === "ann" ? { name } : ends(clock)({ token: name })),
        mayRead: ({ user }) => user?.name === "ann" || hook(),
      },
    });
    const ann = await open(server);
    await ann.join(ROOM, PRIVATE, token("ann"));
    await ann.push(ROOM, "access_token", token("other"));
    await until(() => asked.length === 1);
    clock.step(61_000);
    asked[0]!(true);
    await until(() => ann.heard("phx_close").length === 1);
    expect(ann.heard("system")).toMatchObject([{ message: expect.stringContaining("InvalidJWTToken") }]);
  });

  test("[SB33] [SB47] says nothing over HTTP", async () => {
    const { clock } = handClock();
    const { asked, hook } = slow<boolean>();
    const server = await start({
      channels: { clock },
      supabase: { ...rooms, authenticate: ends(clock), mayWrite: hook },
    });
    const bo = await open(server);
    await bo.join(ROOM, PRIVATE, token("bo"));
    const posted = post(server, "/room/events/said?private=true", "ann");
    await until(() => asked.length === 1);
    clock.step(61_000);
    asked[0]!(true);
    expect(await posted).toBe(401);
    await bo.beat();
    expect(bo.heard("broadcast")).toEqual([]);
  });

  test("[SB33] an exp that is no time is one that has passed", async () => {
    const authenticate = ({ token: name }: { token: string }): User => ({ name, exp: Number.NaN });
    const server = await start({ supabase: { ...rooms, authenticate } });
    expect(await (await open(server)).join(ROOM, PRIVATE, token("ann"))).toMatchObject({ status: "error" });
  });
});

describe("rights", () => {
  test("[SB27] what was said of the user before ends nobody who may stay", async () => {
    const { asked, hook } = slow<boolean>();
    let changes = false;
    const server = await start({
      supabase: { ...rooms, mayRead: ({ user }) => !(changes && user?.name === "ann") || hook() },
    });
    const ann = await open(server);
    await ann.join(ROOM, ACK, token("ann"));
    changes = true;
    server.channels.reauthorise();
    await until(() => asked.length === 1);
    await ann.push(ROOM, "access_token", token("bo"));
    expect(await ann.broadcast(ROOM, "said")).toMatchObject({ status: "ok" });
    asked[0]!(false);
    expect(await ann.broadcast(ROOM, "said")).toMatchObject({ status: "ok" });
    expect(ann.heard("phx_close")).toEqual([]);
    // The answer to the last question counts.
    const bo = await open(server);
    changes = false;
    await bo.join(ROOM, ACK, token("ann"));
    changes = true;
    server.channels.reauthorise();
    await until(() => asked.length === 2);
    server.channels.reauthorise();
    await until(() => asked.length === 3);
    asked[2]!(false);
    await until(() => bo.heard("phx_close").length === 1);
    asked[1]!(true);
    expect(server.errors).toEqual([]);
  });
});

describe("hooks that never answer", () => {
  const never = () => new Promise<never>(() => undefined);
  const limits = { hookTimeout: 500 };

  test.for(["mayWrite", "authenticate", "mayRead"] as const)(
    "[SB58] %s ends the channel as a crash, and the operator is told; other channels go on",
    async (name) => {
      const { clock, advance, settle } = handClock();
      const signals: AbortSignal[] = [];
      let hangs = false;
      const hang = ({ signal }: { signal: AbortSignal }): Promise<never> => (signals.push(signal), never());
      const server = await start({
        channels: { clock },
        supabase: {
          authenticate: (asked) => (hangs && name === "authenticate" ? hang(asked) : { name: asked.token }),
          mayRead: (asked) => (hangs && name === "mayRead" ? hang(asked) : true),
          mayWrite: (asked) => (hangs && name === "mayWrite" ? hang(asked) : true),
          limits,
        },
      });
      const ann = await open(server);
      await ann.join("realtime:other", { broadcast: { ack: true } });
      await ann.join(ROOM, ACK, token("ann"));
      hangs = true;
      if (name === "mayWrite") await ann.broadcast(ROOM, "said");
      if (name === "authenticate") await ann.push(ROOM, "access_token", token("bo"));
      if (name === "mayRead") server.channels.reauthorise();
      await until(() => signals.length === 1);
      await settle();
      await advance(501);
      await until(() => ann.heard("phx_error").length === 1);
      expect(signals[0]!.aborted).toBe(true);
      expect(server.errors).toEqual([expect.stringContaining("limits.hookTimeout")]);
      expect(await ann.broadcast("realtime:other", "said")).toMatchObject({ status: "ok" });
      hangs = false;
      expect(await (await open(server)).join(ROOM, ACK, token("ann"))).toEqual(OK);
    },
  );

  test("[SB58] a store that never answers, too", async () => {
    const { clock, advance, settle } = handClock();
    let reads = 0;
    const replay = { keep: () => undefined, read: () => (reads++, never()) };
    const server = await start({ channels: { clock }, supabase: { ...rooms, replay, limits } });
    const ann = await open(server);
    await ann.join(ROOM, { private: true, broadcast: { replay: { since: 0 } } }, token("ann"));
    await until(() => reads === 1);
    await settle();
    await advance(501);
    await until(() => ann.heard("phx_error").length === 1);
    expect(server.errors).toEqual([expect.stringContaining("limits.hookTimeout")]);
  });
});

describe("what a store gives", () => {
  test("[SB44] that cannot be said is reported, and is not left out in silence", async () => {
    const payload = 1n as unknown as number;
    const read = () => [{ id: "1", topic: "room", event: "said", payload, at: 1 }];
    const server = await start({ supabase: { ...rooms, replay: { keep: () => undefined, read } } });
    const ann = await open(server);
    await ann.join(ROOM, { private: true, broadcast: { replay: { since: 0 } } }, token("ann"));
    await until(() => ann.heard("phx_error").length === 1);
    expect(server.errors).toEqual([expect.stringContaining("JSON cannot write this")]);
  });
});
