// Calla's parts under one supervisor, beside another node: what fails, and what live connections of both halves see.
import { automatic, json } from "@calla/shared";
import type { CallaError } from "@calla/shared";
import type { ServerFrame } from "@calla/shared";
import { afterEach, describe, expect, test, vi } from "vitest";
import { countingRandom, handClock, hello, list, subscribe, wire, wiring } from "../../test/wired.ts";
import type { ServerEvent } from "../app/events.ts";
import type { Channels } from "../channels/channels-api.ts";
import { createChannels, defineChannel } from "../channels/index.ts";
import { localPubSub } from "../cluster/pubsub.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import { healthHandler } from "../health.ts";
import { presenceOf } from "../house/house-presence.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { Members } from "../presence/state/members.ts";
import { createServer } from "../server.ts";
import { supervise } from "./supervise.ts";
import { createSupervisor } from "./tree/supervisor.ts";

afterEach(() => void vi.restoreAllMocks());

const room = defineChannel("room:*");

/** An engine over a broker that goes deaf and throws when it is broken. */
function engineOver(broker: PubSub) {
  const it = { broken: false, closed: false, said: 0 };
  const engine: PubSub = {
    publish(channel, payload) {
      if (it.broken) throw new Error("broken pipe");
      it.said++;
      broker.publish(channel, payload);
    },
    subscribe: (channel, listener) =>
      broker.subscribe(channel, (payload) => {
        if (!it.broken) listener(payload);
      }),
    close: () => void (it.closed = true),
  };
  return { it, engine };
}

/** A supervised node and one that is not, over one broker and one log. */
async function scene() {
  const hand = handClock();
  const [broker, log, order] = [localPubSub(), memoryLog({ shared: true }), [] as string[]];
  const [errors, events, failed] = [[] as CallaError[], [] as ServerEvent[], [] as unknown[]];
  const engines: ReturnType<typeof engineOver>["it"][] = [];
  const failing: { channels?: (error: unknown) => void; server?: (error: unknown) => void } = {};
  const onError = (error: unknown) => void errors.push(error as CallaError);
  const limits = { maxStaleness: 600_000 };
  const system = supervise({
    clock: hand.clock,
    onError,
    observe: (event) => void events.push(event),
    onFailed: (error) => void failed.push(error),
    pubsub() {
      order.push("pubsub");
      const { it, engine } = engineOver(broker);
      engines.push(it);
      return engine;
    },
    server({ pubsub, failed }) {
      order.push("server");
      failing.server = failed;
      const serialiser = automatic(json());
      return createServer({
        wiring,
        serialiser,
        log,
        pubsub,
        limits,
        clock: hand.clock,
        random: countingRandom(7),
        onError,
      });
    },
    channels({ server, failed }) {
      order.push("channels");
      failing.channels = failed;
      return { channels: createChannels({ beside: server }).register(room) };
    },
  });
  await system.start();
  for (const slice of [list]) system.server.handle(slice, { public: true, canSubscribe: () => true });
  const other = wire({ log, pubsub: broker, limits }, hand);
  other.server.handle(list, { public: true, canSubscribe: () => true });
  const otherChannels = createChannels({ beside: other.server }).register(room);
  await hand.settle();

  /** A Phoenix client on a topic. */
  const phoenix = async (channels: Channels, topic = "room:1") => {
    const heard: unknown[][] = [];
    const closed: number[] = [];
    const wire = channels.connect({
      send: (data) => void heard.push(JSON.parse(data as string) as unknown[]),
      close(code) {
        closed.push(code);
        wire.disconnect();
      },
      request: { url: "/socket?vsn=2.0.0", headers: {}, remoteAddress: "127.0.0.1" },
    });
    await hand.settle();
    wire.incoming(JSON.stringify(["1", "1", topic, "phx_join", {}]));
    await hand.settle();
    heard.length = 0;
    /** Events with what they say, since it was asked last. */
    const events = () => heard.splice(0).map((frame) => [frame[3], frame[4]]);
    return { events, closed };
  };
  /** A client of the supervised server, subscribed. */
  const client = async () => {
    const heard: ServerFrame[] = [];
    const closed: number[] = [];
    const incoming = system.server.connect({
      connection: {
        send: ({ bytes }) =>
          void heard.push(...[JSON.parse(Buffer.from(bytes).toString()) as ServerFrame].flat()),
        close: (code) => void closed.push(code),
        bufferedAmount: () => 0,
      },
      request: { url: "/ws", headers: {}, remoteAddress: undefined },
      format: "json",
    });
    incoming.incoming(JSON.stringify([hello()]));
    await hand.settle();
    incoming.incoming(JSON.stringify([subscribe("list:1")]));
    await hand.settle();
    heard.length = 0;
    const frames = () => heard.splice(0).map(({ type }) => type);
    return { frames, heard, closed };
  };
  /** A message to the shared topic, by the other node. */
  const dispatchElsewhere = (item: string) =>
    other.done(other.server.topic(list, "1").dispatch({ type: "added", item }));
  const living = () => engines.at(-1)!;
  const breakPubSub = () => {
    living().broken = true;
    system.pubsub.publish("anything", null);
  };
  const breakPresence = async () => {
    expect(presenceOf(system.server)!.tracker.nodes).toBeLessThanOrEqual(1);
    await hand.advance(100);
    presenceOf(other.server)!.tracker.track("c:room:1", `elsewhere ${errors.length}`, "bob", {});
    const once = vi.spyOn(Members.prototype, "add").mockImplementationOnce(() => {
      throw new Error("merge broke");
    });
    await hand.advance(100);
    once.mockRestore();
  };
  const taken = () => order.splice(0).join(" ");
  return {
    ...hand,
    system,
    broker,
    other,
    otherChannels,
    phoenix,
    client,
    dispatchElsewhere,
    engines,
    living,
    breakPubSub,
    breakPresence,
    failing,
    errors,
    events,
    failed,
    order,
    taken,
  };
}

describe("[SU11] Calla's parts", () => {
  test("start in order, each over those before it, and stop in reverse; channels see 1012, sync clients `stopping`", async () => {
    const it = await scene();
    expect(it.taken()).toBe("pubsub server channels");
    expect(it.system.inspect().children.map(({ name, state }) => `${name} ${state}`)).toEqual(
      ["pubsub", "server", "channels", "presence", "groups"].map((name) => `${name} running`),
    );
    const [socket, client] = [await it.phoenix(it.system.channels), await it.client()];
    const stopped = it.system.stop();
    await it.advance(5_000);
    await stopped;
    expect(socket.closed).toEqual([1012]);
    expect(client.heard.at(-1)).toMatchObject({ type: "Closing", code: "stopping" });
    expect([it.living().closed, it.system.state, it.errors]).toEqual([true, "stopped", []]);
  });

  test("[SU5] that come too late are stopped again, and take the place of none", async () => {
    const { clock, settle, advance } = handClock();
    const slow: (() => void)[] = [];
    const [closed, said] = [[] as string[], [] as string[]];
    const makes = async <Made>(what: string, made: (n: string) => Made): Promise<Made> => {
      const n = `${what} ${said.push(what)}`;
      if (!said.slice(0, -1).includes(what)) await new Promise<void>((resolve) => void slow.push(resolve));
      return made(n);
    };
    const system = supervise({
      clock,
      startWithin: 1_000,
      onError: () => undefined,
      server: () =>
        makes("server", () =>
          createServer({
            wiring,
            serialiser: automatic(json()),
            clock,
            log: memoryLog(),
          }),
        ),
      channels: () =>
        makes("channels", (n) => ({
          channels: createChannels({ clock }),
          mount: { n, close: async () => void closed.push(n) },
        })),
    });
    for (let i = 0; i < 2; i++) {
      const started = system.start().catch((error: CallaError) => error.code);
      await settle();
      await advance(10_000);
      expect(await started).toBe("child-failed");
    }
    await system.start();
    const [server, channels] = [system.server, system.channels];
    for (const resolve of slow) resolve();
    await settle();
    await advance(10_000);
    expect([system.server === server, system.channels === channels, system.mount!.n]).toEqual([
      true,
      true,
      "channels 5",
    ]);
    expect([system.server.ready, closed]).toEqual([true, ["channels 3"]]);
    const stopped = system.stop();
    await advance(10_000);
    await stopped;
  });

  test("of channels alone, and of nothing; what is asked for before the first start", async () => {
    const { clock } = handClock();
    const channels = () => ({ channels: createChannels({ clock }) });
    const system = supervise({ clock, channels });
    expect(system.inspect().children.map(({ name }) => name)).toEqual([
      "pubsub",
      "channels",
      "presence",
      "groups",
    ]);
    expect(() => system.channels).toThrow(
      /"calla" has no channels before it has started: await system\.start\(\)/,
    );
    expect(system.mount).toBeUndefined();
    expect([system.ready, system.state]).toEqual([false, "idle"]);
    await system.start();
    expect(system.channels.sockets).toBe(0);
    await system.stop();
    expect(() => supervise({})).toThrow(/needs server, channels, or both/);
  });

  test("a part that does not start ends the start, with its reason", async () => {
    const { clock } = handClock();
    const system = supervise({
      clock,
      pubsub: () => Promise.reject(new Error("no route to broker")),
      channels: () => ({ channels: createChannels({ clock }) }),
    });
    await expect(system.start()).rejects.toThrow(
      /Child "pubsub" of "calla" did not start: Error: no route to broker/,
    );
    expect(system.state).toBe("failed");
  });
});

describe("[SU14] the pubsub fails in the middle of a broadcast", () => {
  test("who is here has heard it, and comes back behind 1012; other nodes hear the next one", async () => {
    const it = await scene();
    const [here, there] = [await it.phoenix(it.system.channels), await it.phoenix(it.otherChannels)];
    it.taken();
    it.living().broken = true;
    it.system.channels.broadcast("room:1", "said", { n: 1 });
    await it.settle();
    // It was in the middle of it: what was to be said was said to whom it could be, and once.
    expect([here.events(), here.closed]).toEqual([[["said", { n: 1 }]], [1012]]);
    expect([there.events(), there.closed]).toEqual([[], []]);
    expect([it.taken(), it.engines.length, it.engines[0]!.closed, it.system.ready]).toEqual([
      "pubsub channels",
      2,
      true,
      true,
    ]);
    expect(it.errors.map(({ message }) => message)).toEqual([
      'Child "pubsub" of "calla" has failed: Error: broken pipe. It is started again, with those behind it.',
    ]);
    expect(it.events.map(({ type }) => type)).toEqual(["error", "restarted"]);
    const back = await it.phoenix(it.system.channels);
    it.system.channels.broadcast("room:1", "said", { n: 2 });
    it.otherChannels.broadcast("room:1", "said", { n: 3 });
    await it.settle();
    expect(back.events()).toEqual([
      ["said", { n: 2 }],
      ["said", { n: 3 }],
    ]);
    expect(there.events()).toEqual([
      ["said", { n: 2 }],
      ["said", { n: 3 }],
    ]);
  });

  test("clients of the sync half see nothing of it, and have within a second what was not rung", async () => {
    const it = await scene();
    const client = await it.client();
    it.living().broken = true;
    await it.dispatchElsewhere("lost ring");
    await it.advance(1_000);
    expect(client.frames()).toEqual([]);
    it.breakPubSub();
    await it.advance(1_000);
    expect([client.frames(), client.closed]).toEqual([["TopicUpdate"], []]);
    // A second time.
    it.living().broken = true;
    await it.dispatchElsewhere("lost again");
    it.breakPubSub();
    await it.advance(1_000);
    expect([client.frames(), client.closed, it.system.ready]).toEqual([["TopicUpdate"], [], true]);
    await it.dispatchElsewhere("rung");
    await it.settle();
    expect(client.frames()).toEqual(["TopicUpdate"]);
  });

  test("where the server says that it has failed, it and all behind it are made anew", async () => {
    const it = await scene();
    const [socket, server] = [await it.phoenix(it.system.channels), it.system.server];
    it.taken();
    it.failing.server!(new Error("log is gone"));
    await it.advance(5_000);
    expect([it.taken(), socket.closed, it.engines.length]).toEqual(["server channels", [1012], 1]);
    expect(it.system.server).not.toBe(server);
    expect([server.ready, it.system.ready]).toEqual([false, true]);
  });
});

describe("[SU15] presence fails in the middle of a merge", () => {
  test("it begins anew, connections stay, and who listens hears of it once", async () => {
    const it = await scene();
    const [socket, client] = [await it.phoenix(it.system.channels), await it.client()];
    const [own, far] = [presenceOf(it.system.server)!, presenceOf(it.other.server)!];
    const track = () => void own.tracker.track("c:room:1", "socket", "ada", {});
    own.onRestart(track);
    expect(far.tracker.nodes).toBe(0);
    track();
    await it.advance(100);
    const told: string[][] = [];
    far.tracker.onDiff(({ joins, leaves }) => {
      told.push([...joins.map(({ key }) => `+${key}`), ...leaves.map(({ key }) => `-${key}`)]);
    });
    const { replica } = own.tracker;
    it.taken();
    await it.breakPresence();
    expect(it.errors.map(({ message }) => message)).toEqual([
      'Child "presence" of "calla" has failed: Error: merge broke. It is started again, with those behind it.',
    ]);
    await it.advance(20_000);
    expect([it.taken(), it.engines.length]).toEqual(["", 1]);
    expect(own.tracker.replica).not.toBe(replica);
    expect(told.filter((diff) => diff.some((one) => one.endsWith("ada")))).toEqual([["+ada", "-ada"]]);
    for (const { tracker } of [own, far])
      expect([...tracker.list("c:room:1").keys()].toSorted()).toEqual(["ada", "bob"]);
    expect([socket.closed, socket.events(), client.closed, client.frames()]).toEqual([[], [], [], []]);
  });
});

describe("[SU16] a third failure within the window", () => {
  test("[SU10] ends everything in reverse: channels see 1012, sync clients `stopping`; health says so", async () => {
    const it = await scene();
    const healthOf = (path: string) => {
      const said: { status?: number; text?: string } = {};
      const response = {
        writeHead: (status: number) => void (said.status = status),
        end: (text: string) => void (said.text = text),
      };
      healthHandler(it.system, { supervisor: it.system })(
        { url: path, method: "GET" } as never,
        response as never,
      );
      return [said.status, said.text];
    };
    expect(healthOf("/readyz")).toEqual([
      200,
      "ok\ncalla: running, 0 of 2 restarts in 5000 ms\n  pubsub: running\n  server: running\n  channels: running\n  presence: running\n  groups: running\n",
    ]);
    it.breakPubSub();
    await it.settle();
    await it.breakPresence();
    expect(healthOf("/readyz")[1]).toMatch(
      /^ok\ncalla: running, 2 of 2 restarts in 5000 ms\n {2}pubsub: running, restarted 1\n {2}server: running\n {2}channels: running, restarted 1\n {2}presence: running, restarted 2\n/,
    );
    const [socket, client] = [await it.phoenix(it.system.channels), await it.client()];
    it.errors.length = 0;
    it.breakPubSub();
    await it.settle();
    await it.advance(6_000);
    expect([socket.closed, client.heard.at(-1)]).toEqual([
      [1012],
      expect.objectContaining({ type: "Closing", code: "stopping" }),
    ]);
    expect([it.system.state, it.system.ready, it.engines.length, it.living().closed]).toEqual([
      "failed",
      false,
      2,
      true,
    ]);
    expect(it.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^Child "pubsub" of "calla" has failed: Error: broken pipe\. That is one more than the 2 restarts/,
      ),
    ]);
    expect(it.failed).toEqual(it.errors);
    expect(healthOf("/healthz")).toEqual([
      503,
      expect.stringMatching(/^failed\ncalla: failed, \d of 2 .*\n {2}pubsub: failed/),
    ]);
    expect(healthOf("/readyz")).toEqual([503, expect.stringMatching(/^not ready\ncalla: failed/)]);
  });
});

describe("[SU17] groups", () => {
  test("keep what they hold, and who kept them speaks to the channels of now", async () => {
    const it = await scene();
    const { groups } = it.system;
    groups.create("team");
    groups.add("team", "room:1");
    groups.add("team", list, "1");
    const there = await it.phoenix(it.otherChannels);
    it.breakPubSub();
    await it.settle();
    const back = await it.phoenix(it.system.channels);
    expect(groups.topics("team")).toEqual({ channels: ["room:1"], sync: ["list:1"] });
    expect(groups.broadcast("team", "announce", { n: 1 })).toBe(1);
    await it.settle();
    for (const socket of [back, there]) expect(socket.events()).toEqual([["announce", { n: 1 }]]);
    const client = await it.client();
    groups.push("team", list, { type: "cleared" });
    await it.settle();
    expect(client.frames()).toEqual(["Push"]);
    expect(it.system.groups).toBe(groups);
  });
});

describe("[SU18] channels fail", () => {
  test("their connections come back behind 1012, and nobody else notices", async () => {
    const it = await scene();
    const [socket, there, client] = [
      await it.phoenix(it.system.channels),
      await it.phoenix(it.otherChannels),
      await it.client(),
    ];
    const before = it.system.channels;
    it.taken();
    it.failing.channels!(new Error("handler table is corrupt"));
    await it.settle();
    expect([it.taken(), it.engines.length, socket.closed]).toEqual(["channels", 1, [1012]]);
    expect([it.system.channels === before, before.ready, it.system.channels.ready]).toEqual([
      false,
      false,
      true,
    ]);
    expect([client.closed, client.frames(), there.closed]).toEqual([[], [], []]);
    const back = await it.phoenix(it.system.channels);
    it.otherChannels.broadcast("room:1", "said", {});
    await it.settle();
    expect(back.events()).toEqual([["said", {}]]);
  });

  test("that stand alone are made anew with the pubsub, and presence with them", async () => {
    const hand = handClock();
    const broker = localPubSub();
    const engines: ReturnType<typeof engineOver>["it"][] = [];
    const system = supervise({
      clock: hand.clock,
      onError: () => undefined,
      pubsub() {
        const { it, engine } = engineOver(broker);
        engines.push(it);
        return engine;
      },
      channels: ({ pubsub }) => ({ channels: createChannels({ pubsub, clock: hand.clock }).register(room) }),
    });
    await system.start();
    const [channels, presence] = [system.channels, presenceOf(system.channels)!];
    presence.tracker.track("c:room:1", "socket", "ada", {});
    engines[0]!.broken = true;
    system.channels.broadcast("room:1", "said", {});
    await hand.settle();
    expect([system.state, engines.length, system.channels === channels]).toEqual(["running", 2, false]);
    const next = presenceOf(system.channels)!;
    expect(next).not.toBe(presence);
    expect(presence.tracker.track("c:room:1", "socket 2", "ada", {})).toBe(false);
    expect(next.tracker.track("c:room:1", "socket 3", "ada", {})).toBe(true);
    await system.stop();
  });

  test("a mount is closed with them, and the next one is served", async () => {
    const { clock, settle } = handClock();
    const said: string[] = [];
    let fail: ((error: unknown) => void) | undefined;
    const system = supervise({
      clock,
      onError: () => undefined,
      channels({ failed }) {
        fail = failed;
        const n = said.push("made");
        const close = () => Promise.resolve(said.push(`closed ${n}`));
        return { channels: createChannels({ clock }), mount: { n, close } };
      },
    });
    await system.start();
    expect(system.mount!.n).toBe(1);
    fail!(new Error("no"));
    await settle();
    expect([said, system.mount!.n]).toEqual([["made", "closed 1", "made"], 3]);
    await system.stop();
    expect(said.at(-1)).toBe("closed 3");
  });
});

describe("[SU8] a system inside a larger one", () => {
  test("is started and stopped with it, and what it is is what the system is", async () => {
    const { clock, settle } = handClock();
    let fail: ((error: unknown) => void) | undefined;
    const system = supervise({
      name: "realtime",
      clock,
      intensity: 0,
      onError: () => undefined,
      channels({ failed }) {
        fail = failed;
        return { channels: createChannels({ clock }) };
      },
    });
    const child = system.asChild();
    const app = createSupervisor({ name: "app", clock, children: [child], onError: () => undefined });
    await app.start();
    expect(app.get(child)).toBe(system);
    const { channels } = system;
    fail!(new Error("no"));
    await settle();
    expect([app.state, app.inspect().restarts, system.state, system.channels === channels]).toEqual([
      "running",
      1,
      "running",
      false,
    ]);
    await app.stop();
    expect(system.state).toBe("stopped");
  });
});
