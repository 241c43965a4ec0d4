import { CallaError } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { bridged } from "../../test/bridged.ts";
import type { Told } from "../../test/bridged.ts";
import { cursors, inHand, list, other } from "../../test/wired.ts";
import { createChannels } from "../channels/index.ts";
import { syncChannel } from "./index.ts";

const open = (options?: Parameters<typeof bridged>[0], channels?: Parameters<typeof bridged>[1]) => {
  const world = bridged(options, channels);
  for (const slice of [list, other, cursors]) world.server.handle(slice, { public: true });
  return world;
};
const added = (item: string) => ({ type: "added", item });
const identityOf = ([told]: readonly Told[]) => {
  const [, joined] = told!;
  const { client_id, secret } = joined as { readonly client_id: string; readonly secret: string };
  return { client_id, secret };
};

describe("the line of a Phoenix connection", () => {
  test("[BR21] a client is who its socket says, whatever topics it joins", async () => {
    const { phoenix, server } = open();
    const bare = phoenix();
    const params = identityOf(await bare.join());
    expect(identityOf(await bare.join({}, "other:1"))).toEqual(params);
    expect(server.inspect().connections.all).toBe(1);
    const again = phoenix({ params });
    const [[, joined]] = (await again.join()) as [Told];
    expect(joined).toMatchObject({ client_id: params.client_id });
    expect(joined).not.toHaveProperty("secret");
    // The earlier one hears that it is replaced, on each topic, and does not come back.
    for (const topic of ["list:1", "other:1"])
      expect(await bare.heard(topic)).toEqual([
        ["closing", { code: "superseded", retryable: false, within: 0 }],
        ["phx_close", {}],
      ]);
  });

  test("[BR21] of two connections of one client the later one goes on, the other one does not come back", async () => {
    const { phoenix, server } = open();
    const bare = phoenix();
    const params = identityOf(await bare.join());
    await bare.join({}, "other:1");
    const again = phoenix({ params });
    await again.join();
    const heard = await bare.heard();
    expect(heard).toEqual([
      ["closing", { code: "superseded", retryable: false, within: 0 }],
      ["phx_close", {}],
    ]);
    again.dispatch(1, added("milk"));
    expect((await again.heard()).at(-1)).toMatchObject(["snapshot", { sequence: 1 }]);
    expect(server.inspect().connections.all).toBe(1);
    bare.dispatch(2, added("bread"));
    expect(await bare.heard()).toEqual([["error r1", { reason: "unmatched topic" }]]);
  });

  test("[BR21] an identity that is not taken is refused by a fresh one; half of one refuses the join", async () => {
    const { phoenix, refused } = open();
    const bare = phoenix({ params: { client_id: "somebody", secret: "forged" } });
    const [[, joined]] = (await bare.join()) as [Told];
    expect(joined).toMatchObject({ refused: "foreign", secret: expect.any(String) });
    expect(joined["client_id"]).not.toBe("somebody");
    expect(refused.map(({ code }) => code)).toEqual(["foreign"]);
    for (const params of [{ client_id: "a" }, { secret: "a" }, { client_id: { a: "b" }, secret: "c" }]) {
      const half = phoenix({ params });
      expect(await half.join()).toEqual([["error list:1", { code: "protocol", retryable: false }]]);
      expect(await half.join()).toEqual([["error list:1", { code: "protocol", retryable: false }]]);
    }
  });

  test("[BR21] a token is the socket's; without a good one every join is refused", async () => {
    const { phoenix } = open({
      authenticate: ({ token }: { readonly token: unknown }) => (token === "good" ? { id: "ann" } : null),
    } as never);
    const [[, joined]] = (await phoenix({ params: { token: "good" } }).join()) as [Told];
    expect(joined).toMatchObject({ user_id: "ann" });
  });

  test("[BR18] joins while the conversation greets wait, many at once, and one that leaves meanwhile", async () => {
    const asked = inHand<{ id: string }>();
    const { phoenix, server, errors } = open({ authenticate: () => asked.promise } as never);
    const bare = phoenix();
    const topics = Array.from({ length: 40 }, (_, n) => `list:${n}`);
    for (const topic of topics)
      bare.talker.heard.push(...bare.talker.say([topic, topic, topic, "phx_join", {}]));
    expect(await bare.heard("list:3")).toEqual([]);
    bare.say("phx_leave", {}, "list:3");
    asked.keep({ id: "ann" });
    expect(await bare.heard("list:3")).toEqual([["ok r1", {}]]);
    expect(server.inspect().connections.all).toBe(1);
    expect((await bare.join({}, "list:3"))[0]![0]).toBe("ok list:3");
    bare.talker.gone();
    await bare.heard();
    expect([server.inspect().connections.all, errors]).toEqual([0, []]);
  });

  test("[BR18] more topics than one connection may have are refused one by one", async () => {
    const { phoenix } = open({ limits: { maxTopicsPerConnection: 2 } });
    const bare = phoenix();
    await bare.join({}, "list:1");
    await bare.join({}, "list:2");
    expect(await bare.join({}, "list:3")).toMatchObject([["error list:3", { code: "too-many-topics" }]]);
    bare.dispatch(1, added("milk"));
    expect((await bare.heard())[0]![0]).toBe("ok r1");
  });

  test("[BR21] counts as one connection of its address, however often its conversation begins anew", async () => {
    const { phoenix } = open({ limits: { maxConnectionsPerAddress: 2 } });
    const on = { remoteAddress: "10.0.0.1" };
    const [one, two] = [phoenix(on), phoenix(on)];
    for (let times = 0; times < 3; times++) {
      expect((await one.join())[0]![0]).toBe("ok list:1");
      expect((await two.join())[0]![0]).toBe("ok list:1");
      one.say("phx_leave");
      await one.heard();
    }
    expect(phoenix(on).talker.closed).toEqual([{ code: 1013, reason: "too-many-connections" }]);
    one.talker.gone();
    two.talker.gone();
    await one.heard();
    const fresh = [phoenix(on), phoenix(on)];
    for (const bare of fresh) expect((await bare.join())[0]![0]).toBe("ok list:1");
    expect(phoenix(on).talker.closed).toHaveLength(1);
  });

  test("[BR14] a server that drains sends its topics away, to come back", async () => {
    const { phoenix, server, done, errors } = open();
    const bare = phoenix();
    await bare.join();
    await done(server.stop());
    expect(bare.talker.closed).toEqual([{ code: 1012, reason: "draining" }]);
    expect([server.inspect().connections.all, errors]).toEqual([0, []]);
  });

  test("[BR21] V1 and polls have the same words", async () => {
    const { channels, server, settle } = open();
    const { talk } = await import("../../test/phoenix-talk.ts");
    const old = talk(channels, { vsn: "1.0.0", transport: "longpoll" });
    const said = (frame: object) => old.heard.push(...old.say(frame));
    said({ topic: "list:1", event: "phx_join", ref: "1", payload: {} });
    await settle();
    said({
      topic: "list:1",
      event: "dispatch",
      ref: "2",
      payload: { mid: 1, id: "a", settled: 0, messages: [added("milk")] },
    });
    await settle();
    const heard = old.take() as readonly { event: string; ref: string; payload: { status?: string } }[];
    expect(heard.map(({ event, ref, payload }) => [event, ref, payload.status])).toEqual([
      ["phx_reply", "1", "ok"],
      ["phx_reply", "2", "ok"],
      ["snapshot", null, undefined],
    ]);
    expect(server.inspect().connections.all).toBe(1);
  });
});

describe("syncChannel", () => {
  test("[BR22] says what is wrong: no server, no slice of it, a pattern that does not fit, channels of another house", () => {
    const { server, channels } = open();
    const wrong = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        if (error instanceof CallaError) return `${error.code}: ${error.message}`;
      }
      return "nothing";
    };
    expect(wrong(() => syncChannel({ wiring: server.wiring }, list))).toContain(
      "needs what createServer gives",
    );
    expect(wrong(() => syncChannel(server, server.wiring.session as never))).toContain("none of the topics");
    expect(wrong(() => syncChannel(server, undefined as never))).toContain("none of the topics");
    expect(wrong(() => syncChannel(server, list, { pattern: "shopping" }))).toContain('has 0 "*"');
    expect(wrong(() => createChannels().register(syncChannel(server, list)))).toContain("beside: server");
    expect(wrong(() => channels.register(syncChannel(server, list)))).toMatch(/^wiring/);
  });

  test("[BR22] serves topics under another name, one channel each", async () => {
    const { server, channels, phoenix } = open();
    channels.register(syncChannel(server, list, { pattern: "shopping:*" }));
    const bare = phoenix();
    expect((await bare.join({}, "shopping:1"))[0]![0]).toBe("ok shopping:1");
    bare.dispatch(1, added("milk"), {}, "shopping:1");
    expect((await bare.heard("shopping:1"))[0]![0]).toBe("ok r1");
    expect(await bare.join({}, "list:1")).toMatchObject([["error list:1", { code: "protocol" }]]);
    expect(await server.topic(list, "1").read()).toMatchObject({ model: { items: ["milk"] } });
  });
});
