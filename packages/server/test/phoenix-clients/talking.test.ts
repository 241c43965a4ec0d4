// What real clients hear of a server that stays.
import { describe, expect, test } from "vitest";
import { arrive, serve } from "./parties.ts";
import { cells, until } from "./phoenix-js.ts";

describe.for(cells("websocket", "longpoll"))(
  "phoenix.js $version over $over",
  { concurrent: true },
  (cell) => {
    test("[CN16] [JN1] [MS1] connects with its params, joins, pushes, and is answered", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server, {
        params: { user: "Ann", of: { team: "ü & co" }, nothing: null },
      });
      const topic = ann.topic("room:lobby", { from: "Ann" });
      expect(await topic.join()).toEqual(["ok", { topic: "room:lobby", given: { from: "Ann" } }]);
      expect(server.asked).toEqual([
        { params: { user: "Ann", of: { team: "ü & co" }, vsn: "2.0.0" }, authToken: undefined },
      ]);
      const said = { text: 'ä€😀\u2028"', nested: [{ a: null }, [], 1.5], ["__proto__x"]: true };
      expect(await topic.push("echo", said)).toEqual(["ok", said]);
      expect(await topic.push("fail")).toEqual(["error", { reason: "no" }]);
      expect(await topic.push("brew")).toEqual(["teapot", { short: true }]);
      expect(await topic.push("unheard of")).toEqual(["error", { reason: "unmatched event" }]);
      // An answer that nobody gives.
      expect(await topic.push("silence", {}, 30)).toEqual(["timeout", {}]);
      expect(server.errors).toEqual([]);
    });

    test("[JN5] [JN7] is refused, and joins again until it is let in", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server);
      expect(await ann.topic("nowhere").join()).toEqual(["error", { reason: "unmatched topic" }]);
      const topic = ann.topic("room:lobby", { refuse: 2 });
      expect(await topic.join()).toEqual(["error", { reason: "not yet" }]);
      await until(() => topic.channel.state === "joined");
      expect(server.joins.get("room:lobby")).toBe(3);
      expect(await topic.push("echo", { a: 1 })).toEqual(["ok", { a: 1 }]);
    });

    test("[BC1] [BC2] [BC10] [BC15] hears broadcasts in order, its own too, and pushes that are its alone", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const [ann, bo] = await Promise.all([arrive(finished, cell, server), arrive(finished, cell, server)]);
      const here = await ann.joined("room:lobby");
      const there = await bo.joined("room:lobby");
      const other = await bo.joined("room:other");
      const all = Array.from({ length: 30 }, (_, n) => ({ n }));
      for (const said of all) here.channel.push("say", said);
      await until(() => here.of("said").length === 30 && there.of("said").length === 30);
      expect(here.of("said")).toEqual(all);
      expect(there.of("said")).toEqual(all);
      here.channel.push("tell me", { alone: true });
      expect(await here.push("whisper", { psst: true })).toEqual(["ok", {}]);
      server.channels.broadcast("room:lobby", "said", { last: true });
      await until(() => here.of("said").length === 31 && there.of("said").length === 31);
      expect(here.heard.slice(30)).toEqual([
        ["private", { alone: true }],
        ["said", { last: true }],
      ]);
      expect(there.heard.slice(30)).toEqual([
        ["whispered", { psst: true }],
        ["said", { last: true }],
      ]);
      expect(other.heard).toEqual([]);
    });

    test("[LP6] [MS22] pushes many at once, each is taken and answered", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server);
      const topic = await ann.joined("room:lobby");
      const answers = Array.from({ length: 250 }, (_, n) => topic.push("echo", { n }));
      expect(await Promise.all(answers)).toEqual(answers.map((_, n) => ["ok", { n }]));
    });

    test("[LV1] [BC5] leaves, hears nothing more, and joins again", async ({ onTestFinished: finished }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server);
      const topic = await ann.joined("room:lobby");
      expect(await topic.leave()).toEqual(["ok", {}]);
      expect(topic.heard).toEqual([["phx_close"]]);
      await until(() => server.ends.length === 1);
      expect(server.ends).toEqual([{ topic: "room:lobby", reason: { type: "normal", why: "left" } }]);
      server.channels.broadcast("room:lobby", "said", { late: true });
      const again = await ann.joined("room:lobby");
      server.channels.broadcast("room:lobby", "said", { again: true });
      await until(() => again.of("said").length > 0);
      expect(again.heard).toEqual([["said", { again: true }]]);
      expect(topic.heard).toEqual([["phx_close"]]);
    });

    // The client leaves the first by itself before it joins; what comes of the first then is not the second's.
    test("[LV7] [LV30] joins a topic twice: the second is joined, and hears each thing once", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server);
      const first = await ann.joined("room:lobby");
      const second = await ann.joined("room:lobby");
      expect(first.heard).toEqual([["phx_close"]]);
      expect(await second.push("echo", { a: 1 })).toEqual(["ok", { a: 1 }]);
      server.channels.broadcast("room:lobby", "said", { a: 2 });
      expect(await second.push("echo", { a: 3 })).toEqual(["ok", { a: 3 }]);
      expect(second.heard).toEqual([["said", { a: 2 }]]);
      expect(first.heard).toEqual([["phx_close"]]);
      expect(second.channel.state).toBe("joined");
      expect(server.ends).toEqual([{ topic: "room:lobby", reason: { type: "normal", why: "left" } }]);
    });

    test("[JN28] [JN29] gives up a join that takes too long, and joins again: once", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server, { timeout: 600 });
      const topic = ann.topic("room:lobby", { slow: 60_000 });
      expect(await topic.join()).toEqual(["timeout", {}]);
      await until(() => topic.channel.state === "joined");
      // On a busy machine the second may be too slow as well.
      expect(server.joins.get("room:lobby")).toBeGreaterThan(1);
      server.channels.broadcast("room:lobby", "said", {});
      expect(await topic.push("echo", { a: 1 }, 5_000)).toEqual(["ok", { a: 1 }]);
      expect(topic.of("said")).toEqual([{}]);
      // The joins that were given up have ended, because the client left them.
      expect(server.ends.length).toBe(server.joins.get("room:lobby")! - 1);
      for (const { reason } of server.ends) expect(reason).toEqual({ type: "normal", why: "left" });
    });

    test("[MS22] [MS23] gives up a push that takes too long; the next is answered, and other topics do not wait", async ({
      onTestFinished: finished,
    }) => {
      const server = await serve(finished);
      const ann = await arrive(finished, cell, server);
      const [topic, other] = await Promise.all([ann.joined("room:lobby"), ann.joined("room:other")]);
      const slept = topic.push("nap", { ms: 300 }, 40);
      const next = topic.push("echo", { next: true });
      expect(await other.push("echo", { other: true })).toEqual(["ok", { other: true }]);
      expect(await slept).toEqual(["timeout", {}]);
      expect(await next).toEqual(["ok", { next: true }]);
      expect(topic.heard).toEqual([]);
    });
  },
);

describe.for(cells("websocket"))("phoenix.js $version over $over", { concurrent: true }, (cell) => {
  test("[MS33] [BI2] [BI4] says and hears bytes", async ({ onTestFinished: finished }) => {
    const server = await serve(finished);
    const [ann, bo] = await Promise.all([arrive(finished, cell, server), arrive(finished, cell, server)]);
    const [here, there] = await Promise.all([ann.joined("room:lobby"), bo.joined("room:lobby")]);
    const bytes = Uint8Array.from({ length: 300 }, (_, at) => at % 256);
    const [status, echoed] = await here.push("echo", bytes.buffer);
    expect(status).toBe("ok");
    expect(new Uint8Array(echoed as ArrayBuffer)).toEqual(bytes);
    here.channel.push("say", bytes.buffer);
    await until(() => here.of("bytes").length > 0 && there.of("bytes").length > 0);
    for (const topic of [here, there])
      expect(new Uint8Array(topic.of("bytes")[0] as ArrayBuffer)).toEqual(bytes);
  });

  // Before 1.8.7 the client writes a character's lowest byte for it, so that what arrives is no UTF-8. What it does with
  // the end is its own: it comes back and joins again.
  test("[BI19] says bytes to a topic beyond ASCII, if it can write its name", async ({
    onTestFinished: finished,
  }) => {
    const server = await serve(finished);
    const ann = await arrive(finished, cell, server);
    const topic = await ann.joined("room:räume");
    const said = topic.push("measure", Uint8Array.of(7, 0, 255).buffer, 2_000);
    if (["1.8.15", "newest"].includes(cell.version)) {
      expect(await said).toEqual(["ok", { bytes: [7, 0, 255] }]);
      return;
    }
    await until(() => server.joins.get("room:räume") === 2 && topic.channel.state === "joined");
    expect(ann.ends).toEqual(["open", "close 1007", "open"]);
    expect(await topic.push("echo", { a: 1 })).toEqual(["ok", { a: 1 }]);
  });

  test("[HB1] beats, and is answered", async ({ onTestFinished: finished }) => {
    const server = await serve(finished, { mount: { websocket: { timeout: 500 } } });
    const ann = await arrive(finished, cell, server, { heartbeatIntervalMs: 250 });
    const topic = await ann.joined("room:lobby");
    // Without an answer it would give up after 250 ms, and the server without a frame after 500.
    await until(() => ann.beats === 3);
    expect(ann.ends).toEqual(["open"]);
    expect(topic.channel.state).toBe("joined");
  });
});

describe.for(cells("longpoll"))("phoenix.js $version over $over", { concurrent: true }, (cell) => {
  test("[BI21] [BI22] says bytes; those for it are reported where they are said, and nothing else is lost", async ({
    onTestFinished: finished,
  }) => {
    const server = await serve(finished);
    const ann = await arrive(finished, cell, server);
    const topic = await ann.joined("room:lobby");
    expect(await topic.push("measure", Uint8Array.of(7, 0, 255).buffer)).toEqual([
      "ok",
      { bytes: [7, 0, 255] },
    ]);
    server.channels.broadcast("room:lobby", "bytes", Uint8Array.of(1));
    server.channels.broadcast("room:lobby", "said", { a: 1 });
    expect(await topic.push("echo", { a: 2 })).toEqual(["ok", { a: 2 }]);
    expect(topic.heard).toEqual([["said", { a: 1 }]]);
    expect(server.errors).toEqual([
      expect.stringContaining("carries bytes, which some clients cannot hear (V1 and LongPoll none"),
    ]);
  });
});

describe.for(
  cells("websocket", "longpoll").filter(({ version }) => version.startsWith("1.8") || version === "newest"),
)("phoenix.js $version over $over", { concurrent: true }, (cell) => {
  test("[CN38] tells its token", async ({ onTestFinished: finished }) => {
    const server = await serve(finished, { mount: { authToken: true } });
    const ann = await arrive(finished, cell, server, { authToken: "a.Token-1_2" });
    await ann.joined("room:lobby");
    expect(server.asked).toEqual([{ params: { vsn: "2.0.0" }, authToken: "a.Token-1_2" }]);
  });
});
