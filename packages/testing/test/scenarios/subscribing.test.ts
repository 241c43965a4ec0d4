// S15, S17, S22, S23, S43 and S46: who is subscribed to what, over connections that fail, and who must not.
import { OWN_SESSION, PROTOCOL_VERSION } from "@calla/shared";
import type { TransportHandlers } from "@calla/client";
import { expect, test } from "vitest";
import { onlyOver, VIA } from "../tested-via.ts";
import { Stage } from "./stage.ts";
import { Stranger } from "./stranger.ts";
import type { Actor } from "./actor.ts";
import { cursors, FORMATS, wiring } from "./wiring.ts";

const added = (line: string) => ({ type: "added", line }) as const;
/** The frames about a target that were sent to a client after the first `from`. */
const about = ({ heard }: Actor, target: string, from = 0) =>
  heard.slice(from).filter((frame) => "target" in frame && frame.target === target);

for (const point of ["before-settled", "before-catch-up"] as const) {
  test.each(FORMATS)(
    `[S15] [CL7] subscribed, the connection drops ${point === "before-settled" ? "before the first frame" : "between that and the model"}, reconnected: subscribed (%s)`,
    async (format) => {
      const stage = new Stage();
      await stage.serve(added("one"));
      const anna = await stage.actor("anna", { format, subscribes: false });
      anna.pair.cutAt(point);
      anna.subscribe();
      await stage.settle();
      expect(anna.pair.link?.whole).toBe(false);
      expect(anna.model).toBeUndefined();
      await stage.run(1_000);
      expect(anna.state().status).toBe("live");
      await stage.serve(added("two"));
      await stage.settle();
      expect(anna.model?.lines).toEqual(["one", "two"]);
      await stage.rest();
    },
  );
}

for (const lost of ["the unsubscribe arrives", "the unsubscribe is lost"] as const) {
  test.each(FORMATS)(
    `[S15] [CL7] unsubscribed (${lost}), reconnected: not subscribed (%s)`,
    async (format) => {
      const stage = new Stage();
      const anna = await stage.actor("anna", { format, tuning: { linger: 100 } });
      anna.unsubscribe();
      await stage.clock.advance(200);
      // A poll says what is subscribed, each time.
      if (VIA !== "poll") expect(anna.said.at(-1)).toMatchObject({ type: "Unsubscribe", target: "note:1" });
      if (lost === "the unsubscribe arrives") await stage.settle();
      anna.pair.cut();
      await stage.run(1_000);
      expect(anna.client.status.connection).toBe("open");
      const from = anna.heard.length;
      await stage.serve(added("one"));
      await stage.settle();
      expect(about(anna, "note:1", from)).toEqual([]);
      expect(anna.model).toBeUndefined();
      await stage.rest();
    },
  );
}

onlyOver(
  ["socket", "http"],
  "what is pushed is not kept, and who polls is not there when it is (HT6)",
  () => {
    test.each(FORMATS)(
      "[S15] [CL7] [CL37] ephemeral topics too: subscribed and dropped stays subscribed, unsubscribed and dropped does not come back (%s)",
      async (format) => {
        const stage = new Stage();
        const anna = await stage.actor("anna", { format, tuning: { linger: 100 } });
        const ben = await stage.actor("ben", { tuning: { linger: 100 } });
        const pushed: unknown[] = [];
        const topic = anna.client.topic(cursors, "1");
        anna.pair.cutAt("before-settled");
        const stop = topic.onPush(({ message }) => pushed.push(message));
        const stay = ben.client.topic(cursors, "1").retain();
        await stage.settle();
        expect(anna.pair.link?.whole).toBe(false);
        await stage.run(1_000);
        expect(topic.state.status).toBe("live");
        ben.client.topic(cursors, "1").dispatch({ type: "moved", x: 1 });
        await stage.settle();
        expect(pushed).toEqual([{ type: "moved", x: 1 }]);
        stop();
        await stage.clock.advance(200);
        anna.pair.cut();
        await stage.run(1_000);
        const from = anna.heard.length;
        ben.client.topic(cursors, "1").dispatch({ type: "moved", x: 2 });
        await stage.settle();
        expect(about(anna, "cursors:1", from)).toEqual([]);
        expect(pushed).toHaveLength(1);
        stay();
        await stage.rest();
      },
    );
  },
);

const hello = (more: object = {}) => ({
  type: "Hello",
  protocol: PROTOCOL_VERSION,
  token: "mallory",
  slices: wiring.versions(),
  targets: [],
  ...more,
});
const subscription = (target: string, ref = 1, more: object = {}) => ({
  target,
  ref,
  settled: 0,
  sent: 0,
  ...more,
});

test.each(FORMATS)(
  "[S17] [HA3] resync and subscribe forged for a forbidden topic: refused, recorded, nothing of it told, no hook run (%s)",
  async (format) => {
    const hooks: string[] = [];
    const stage = new Stage({
      handlers: {
        canSubscribe: ({ user }) => user?.id !== "mallory",
        onSubscribe: ({ user }) => void hooks.push(`onSubscribe ${user?.id}`),
        onUnsubscribe: ({ user }) => void hooks.push(`onUnsubscribe ${user?.id}`),
        onMessage: (_, { author }) => void hooks.push(`onMessage ${author?.user?.id}`),
      },
    });
    const anna = await stage.actor("anna");
    anna.dispatch(added("private"));
    await stage.settle();
    const { sequence } = stage.place();
    const cursor = stage.log.archive.get("note:1")!.paths[0]!.places.at(-1)!;
    const mallory = new Stranger(stage.node, format);
    mallory.say(hello({ targets: [subscription("note:1", 1)] }));
    await stage.clock.settle();
    mallory.say({ type: "Subscribe", ...subscription("note:1", 2) });
    await stage.clock.settle();
    const at = { sequence: 0, mark: 0 };
    mallory.say({
      type: "Resync",
      targets: [subscription("note:1", 3, { cursor: at }), subscription(`@${anna.client.clientId}`, 4)],
    });
    await stage.clock.settle();
    // Not even where it stands, by pinging with an old place.
    mallory.say({ type: "Ping", cursors: [["note:1", sequence - 1, cursor.mark]] });
    mallory.say({
      type: "TopicMessage",
      target: "note:1",
      mid: 1,
      id: "forged",
      settled: 0,
      messages: [added("forged")],
    });
    mallory.say({
      type: "TopicMessage",
      target: `@${anna.client.clientId}`,
      mid: 1,
      id: "forged",
      settled: 0,
      messages: [{ type: "named", name: "mallory" }],
    });
    await stage.settle();
    expect(mallory.all("Unsubscribed").filter(({ target }) => target === "note:1")).toMatchObject([
      { ref: 1, code: "forbidden", retryable: false },
      { ref: 2, code: "forbidden", retryable: false },
      { ref: 3, code: "forbidden", retryable: false },
    ]);
    expect(
      mallory.frames
        .filter(({ type }) => type === "Settled" || type === "Snapshot" || type === "TopicUpdate")
        .filter((frame) => !("target" in frame) || frame.target !== OWN_SESSION),
    ).toEqual([]);
    expect(mallory.all("Rejected").find(({ target }) => target === "note:1")).toMatchObject({
      code: "forbidden",
      mid: 1,
    });
    expect(
      stage.node.refused.filter(
        ({ code, userId, target }) => code === "forbidden" && userId === "mallory" && target === "note:1",
      ).length,
    ).toBeGreaterThanOrEqual(4);
    // Who polls comes and goes all the time, and no hook is told (HT6).
    expect(hooks).toEqual(VIA === "poll" ? ["onMessage anna"] : ["onSubscribe anna", "onMessage anna"]);
    expect(JSON.stringify(mallory.frames)).not.toContain("private");
    expect(anna.client.session.state.model).toEqual({ name: "", admin: false });
    await stage.rest();
    expect(stage.messages()).toEqual([added("private")]);
  },
);

test.each(FORMATS)(
  "[S17] [HA11] server-only messages forged: refused, recorded, no hook run (%s)",
  async (format) => {
    let hooks = 0;
    const count = (): void => void hooks++;
    const stage = new Stage({ handlers: { onMessage: count }, onTopicMessage: count, onMessage: count });
    const mallory = new Stranger(stage.node, format);
    mallory.say(hello());
    await stage.clock.settle();
    mallory.say(
      {
        type: "TopicMessage",
        target: "note:1",
        mid: 1,
        id: "forged1",
        settled: 0,
        messages: [{ type: "reset", count: 9 }],
      },
      {
        type: "TopicMessage",
        target: "note:1",
        mid: 2,
        id: "forged2",
        settled: 0,
        messages: [added("x"), { type: "reset", count: 9 }],
      },
      {
        type: "TopicMessage",
        target: "@",
        mid: 1,
        id: "forged3",
        settled: 0,
        messages: [{ type: "promoted" }],
      },
    );
    await stage.clock.settle();
    expect(
      mallory
        .all("Rejected")
        .map(({ id, code }) => `${id} ${code}`)
        .toSorted(),
    ).toEqual(["forged1 server-only", "forged2 server-only", "forged3 server-only"]);
    expect(stage.node.refused.map(({ code, userId }) => `${code} ${userId}`)).toEqual(
      Array(3).fill("server-only mallory"),
    );
    expect(hooks).toBe(0);
    await stage.rest();
    expect(stage.place().sequence).toBe(0);
  },
);

test.each(FORMATS)(
  "[S17] [CV16] another client's id is claimed, with no secret or with one's own: a fresh identity, recorded; the other goes on (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna");
    const id = anna.client.clientId!;
    const first = new Stranger(stage.node, format);
    first.say(hello());
    await stage.clock.settle();
    const own = first.all("Connected")[0]!;
    for (const secret of ["", "guessed", own.secret]) {
      const mallory = new Stranger(stage.node, format);
      mallory.say(hello({ identity: { clientId: id, secret }, targets: [subscription(OWN_SESSION, 1)] }));
      await stage.clock.settle();
      const [connected] = mallory.all("Connected");
      expect(connected).toMatchObject({ refused: "foreign", userId: "mallory" });
      expect(connected?.clientId).not.toBe(id);
    }
    // Even with her secret, another user does not become her.
    const thief = new Stranger(stage.node, format);
    const hers = anna.pair.toClient.sent.find((frame) => frame.type === "Connected")!;
    thief.say(
      hello({ identity: { clientId: id, secret: (hers.type === "Connected" && hers.secret) || "" } }),
    );
    await stage.clock.settle();
    expect(thief.all("Connected")[0]).toMatchObject({ refused: "foreign" });
    expect(stage.node.refused.filter(({ code }) => code === "foreign")).toHaveLength(4);
    // Her connection was not superseded, and her session is hers.
    const sent = anna.dispatch(added("hers"));
    await stage.settle();
    expect(anna.pair.links).toHaveLength(1);
    expect(sent.told).toMatchObject({ is: "applied", sequence: 1 });
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S22] [CL2] [CL33] a superseded socket opens, speaks, closes or fails late: the new connection is untouched (%s)",
  async (format) => {
    const stage = new Stage();
    const attempts: TransportHandlers[] = [];
    const anna = await stage.actor("anna", {
      format,
      transport: ({ transport }) => ({
        ...transport,
        connect(handlers, chosen) {
          attempts.push(handlers);
          return transport.connect(handlers, chosen);
        },
      }),
    });
    const before = anna.dispatch(added("one"));
    await stage.clock.settle();
    anna.pair.toServer.deliver();
    await stage.clock.settle();
    const late = anna.pair.toClient.packets.map(({ data }) => data!);
    anna.client.disconnect();
    anna.client.connect();
    await stage.settle();
    expect(attempts).toHaveLength(2);
    const [old] = attempts;
    const { links } = anna.pair;
    for (const data of late) old!.receive(data);
    old!.receive(format === "json" ? "no frame" : new Uint8Array([0xc1]));
    old!.open();
    old!.close({ code: 1006, reason: "late" });
    old!.close({ code: 1011, reason: "later" });
    await stage.settle();
    expect(anna.client.status.connection).toBe("open");
    expect(links).toHaveLength(2);
    const after = anna.dispatch(added("two"));
    await stage.settle();
    expect(before.told).toMatchObject({ is: "applied", sequence: 1 });
    expect(after.told).toMatchObject({ is: "applied", sequence: 2 });
    await stage.run(60_000);
    expect(links).toHaveLength(2);
    await stage.rest();
  },
);

test.each(FORMATS)(
  "[S22] [CV6] the server hears late of a superseded connection's data and end: the new one goes on (%s)",
  async (format) => {
    const stage = new Stage();
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    const first = anna.dispatch(added("one"));
    await stage.clock.settle();
    // The server does not notice that she has gone, nor has her message arrived.
    const [old] = anna.pair.links;
    old!.breakForClient();
    await stage.clock.settle();
    await stage.clock.advance(200);
    const newest = (): (typeof anna.pair.links)[number] => anna.pair.links.at(-1)!;
    newest().toServer.deliver();
    await stage.clock.settle();
    newest().toClient.deliver();
    await stage.clock.settle();
    expect(anna.client.status.connection).toBe("open");
    old!.toServer.deliver();
    await stage.clock.settle();
    old!.breakForServer();
    await stage.settle();
    expect(first.told).toMatchObject({ is: "applied", sequence: 1 });
    // The new one is still subscribed: an update of somebody else's arrives.
    ben.dispatch(added("two"));
    await stage.settle();
    expect(anna.model?.lines).toEqual(["one", "two"]);
    expect(anna.pair.links).toHaveLength(2);
    await stage.rest();
  },
);

for (const direction of ["both", "to-server", "to-client"] as const) {
  test.each(FORMATS)(
    `[S23] [CL6] half-open (${direction}): sends succeed and nothing returns, found within two heartbeats, each message applied once (%s)`,
    async (format) => {
      const heartbeat = 25_000;
      const stage = new Stage();
      const anna = await stage.actor("anna", { format, latency: 5 });
      await stage.clock.advance(1_000);
      anna.pair.halfOpen(direction);
      const sent = [];
      for (let i = 0; i < 5; i++) {
        sent.push(anna.dispatch(added(`line ${i}`)));
        await stage.clock.advance(5_000);
      }
      // A POST without an answer is found out sooner (HT8).
      if (VIA === "socket") {
        expect(anna.pair.links).toHaveLength(1);
        expect(sent.every(({ told }) => told === undefined)).toBe(true);
      }
      await stage.clock.advance(heartbeat);
      expect(anna.pair.links.length).toBeGreaterThan(1);
      expect(sent.map(({ told }) => told)).toMatchObject(
        sent.map((_, i) => ({ is: "applied", sequence: i + 1 })),
      );
      expect(anna.client.status.connection).toBe("open");
      await stage.rest();
    },
  );
}

test("[S23] [CL6] a silent connection that answers is left alone, for as long as it does", async () => {
  const stage = new Stage();
  const anna = await stage.actor("anna", { latency: 5 });
  await stage.clock.advance(600_000);
  expect(anna.pair.links).toHaveLength(1);
  if (VIA !== "poll") expect(anna.said.filter(({ type }) => type === "Ping").length).toBeGreaterThan(20);
  await stage.rest();
});

/** A check that a test answers, in any order; from some time on by itself, for who polls asks again and again. */
function checks() {
  const asked: ((allowed: boolean) => void)[] = [];
  let always = false;
  return {
    asked,
    allowAll: () => void (always = true),
    canSubscribe: () => always || new Promise<boolean>((answer) => asked.push(answer)),
  };
}

for (const [first, second] of [
  [0, 1],
  [1, 0],
] as const) {
  for (const allowed of [true, false]) {
    onlyOver(["socket", "http"], "of one client one poll is under way", () => {
      test.each(FORMATS)(
        `[S43] [CV9] subscribe, unsubscribe, subscribe around two checks, answered ${first === 0 ? "in order" : "the last first"}; the last ${allowed ? "allows" : "forbids"}: only that counts (%s)`,
        async (format) => {
          const { asked, canSubscribe } = checks();
          const stage = new Stage({ handlers: { canSubscribe } });
          await stage.serve(added("one"));
          const anna = await stage.actor("anna", { format, subscribes: false, tuning: { linger: 0 } });
          anna.subscribe();
          await stage.settle();
          anna.unsubscribe();
          await stage.clock.advance(1);
          await stage.settle();
          anna.subscribe();
          await stage.settle();
          expect(asked).toHaveLength(2);
          expect(
            anna.said
              .filter(({ type }) => type === "Subscribe" || type === "Unsubscribe")
              .map(({ type }) => type),
          ).toEqual(["Subscribe", "Unsubscribe", "Subscribe"]);
          // The first check says the opposite of the last.
          for (const index of [first, second]) {
            asked[index]!(index === 1 ? allowed : !allowed);
            await stage.settle();
          }
          expect(anna.state().status).toBe(allowed ? "live" : "refused");
          expect(anna.model?.lines).toEqual(allowed ? ["one"] : undefined);
          const from = anna.heard.length;
          await stage.serve(added("two"));
          await stage.settle();
          expect(about(anna, "note:1", from).map(({ type }) => type)).toEqual(allowed ? ["TopicUpdate"] : []);
          await stage.rest();
        },
      );
    });
  }
}

test.each(FORMATS)(
  "[S43] [HA8] revoked while the check is under way: cut off whatever it answers; only a newer subscribe asks again (%s)",
  async (format) => {
    const { asked, canSubscribe, allowAll } = checks();
    const stage = new Stage({ handlers: { canSubscribe } });
    const anna = await stage.actor("anna", { format, tuning: { linger: 0 } });
    expect(asked).toHaveLength(1);
    expect(stage.node.server.unsubscribe(anna.client.clientId!, stage.slice, "1")).toBe(true);
    await stage.settle();
    expect(anna.state()).toMatchObject({ status: "refused", code: "unsubscribed" });
    asked[0]!(true);
    await stage.settle();
    expect(anna.state().status).toBe("refused");
    await stage.serve(added("one"));
    await stage.settle();
    expect(about(anna, "note:1").map(({ type }) => type)).toEqual(["Unsubscribed"]);
    // She asks anew, and this time it holds.
    anna.unsubscribe();
    await stage.clock.advance(1);
    anna.subscribe();
    await stage.settle();
    expect(asked).toHaveLength(2);
    allowAll();
    asked[1]!(true);
    await stage.settle();
    expect(anna.state().status).toBe("live");
    expect(anna.model?.lines).toEqual(["one"]);
    await stage.rest();
  },
);

test.each(
  FORMATS.flatMap((format) => (["unsubscribe", "reauthorise"] as const).map((how) => ({ format, how }))),
)(
  "[S43] [HA8] [AU15] revoked ($how) while it is found out whether a client may dispatch: the old answer does not count, it is asked about anew ($format)",
  async ({ format, how }) => {
    const { asked, canSubscribe } = checks();
    const stage = new Stage({ handlers: { canSubscribe } });
    const anna = await stage.actor("anna", { format, subscribes: false });
    const sent = [anna.dispatch(added("one")), anna.dispatch(added("two"))];
    await stage.settle();
    expect(asked).toHaveLength(1);
    if (how === "unsubscribe") stage.node.server.unsubscribe(anna.client.clientId!, stage.slice, "1");
    else void stage.node.server.reauthorise({ userId: "anna" });
    asked[0]!(true);
    await stage.settle();
    expect(asked).toHaveLength(2);
    expect(sent.map(({ told }) => told)).toEqual([undefined, undefined]);
    asked[1]!(false);
    await stage.settle();
    expect(sent.map(({ told }) => told)).toEqual(sent.map(() => ({ is: "rejected", code: "forbidden" })));
    await stage.rest();
    expect(stage.place().sequence).toBe(0);
  },
);

test.each(FORMATS)(
  "[S43] [HA8] subscribed, revoked, and messages under way meanwhile: the stream is cut, what is sent later is asked about anew (%s)",
  async (format) => {
    let allowed = true;
    const stage = new Stage({
      handlers: { canSubscribe: ({ user }) => Promise.resolve(allowed || user?.id === "ben") },
    });
    const anna = await stage.actor("anna", { format });
    const ben = await stage.actor("ben");
    const before = anna.dispatch(added("before"));
    await stage.settle();
    const late = anna.dispatch(added("late"));
    await stage.clock.settle();
    allowed = false;
    stage.node.server.unsubscribe(anna.client.clientId!, stage.slice, "1");
    await stage.settle();
    expect(before.told).toMatchObject({ is: "applied", sequence: 1 });
    expect(late.told).toEqual({ is: "rejected", code: "forbidden" });
    // Who polls hears it as the answer to the next one.
    const code = VIA === "poll" ? "forbidden" : "unsubscribed";
    expect(anna.state()).toMatchObject({ status: "refused", code, model: undefined });
    const from = anna.heard.length;
    ben.dispatch(added("ben's"));
    await stage.settle();
    expect(about(anna, "note:1", from)).toEqual([]);
    await stage.rest();
    expect(stage.messages()).toEqual([added("before"), added("ben's")]);
  },
);

for (const nodes of [1, 2]) {
  test.each(FORMATS)(
    `[S46] [TE17] the topic is removed on ${nodes === 1 ? "its node" : "another node"}, a message is sent again late: refused, not back from the dead (%s)`,
    async (format) => {
      const stage = new Stage({ nodes });
      const anna = await stage.actor("anna", { format });
      const ben = await stage.actor("ben", { node: nodes - 1 });
      const known = anna.dispatch(added("known"));
      await stage.clock.settle();
      anna.pair.cutAt("before-outcome");
      await anna.pair.flush();
      expect(stage.place().sequence).toBe(1);
      const late = anna.dispatch(added("late"));
      let removed = false;
      void stage.nodes[nodes - 1]!.note()
        .remove()
        .then(() => (removed = true));
      await stage.run(50);
      expect(removed).toBe(true);
      expect(ben.state()).toMatchObject({ status: "refused", code: "removed" });
      await stage.run(10_000);
      // What was taken keeps its outcome; what comes late is refused for good.
      expect(known.told).toMatchObject({ is: "applied", sequence: 1 });
      expect(late.told).toEqual({ is: "rejected", code: "removed" });
      expect(anna.state()).toMatchObject({ status: "refused", code: "removed", model: undefined });
      expect(await stage.log.open("note:1")).toMatchObject({ removed: true });
      expect(stage.messages()).toEqual([added("known")]);
      // Only the server brings it back: empty, at the next sequence.
      const { sequence } = stage.place();
      await stage.serve(added("new life"));
      expect(stage.place().sequence).toBeGreaterThan(sequence);
      for (const actor of [anna, ben]) {
        actor.unsubscribe();
        await stage.run(6_000);
        actor.subscribe();
      }
      await stage.settle();
      for (const { model } of [anna, ben]) expect(model?.lines).toEqual(["new life"]);
      await stage.rest();
    },
  );
}
