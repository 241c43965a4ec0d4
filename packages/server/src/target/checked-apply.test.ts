import { customJson, defineTopic, defineWiring } from "@calla/shared";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { say, subscribe, types, wire } from "../../test/wired.ts";
import { record } from "../testing/log-contract/kit.ts";
import { memoryLog } from "../log/memory/memory-log.ts";

/** A slice whose schemas let anything in. */
const loose = defineTopic("loose:*", {
  model: z.object({ value: z.any() }),
  initial: () => ({ value: null }),
  messages: {
    put: z.object({}),
    refused: z.object({}),
    fine: z.object({ n: z.number() }),
    deep: z.object({ levels: z.number() }),
    idle: z.object({}),
    rated: z.object({ by: z.record(z.string(), z.number()) }),
  },
  rejections: { no: z.object({ why: z.any() }) },
  update: {
    put: () => ({ value: { deep: [hidden] } }),
    refused: (_, __, context) => context.reject("no", { why: hidden }),
    fine: (_, { n }) => ({ value: n }),
    deep: (_, { levels }) => ({ value: nested(levels) }),
    idle: (model) => ({ ...model }),
    rated: (model) => model,
  },
});
const hidden = () => 1;
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
const wiring = defineWiring({ topics: [loose] });
const wired = (options: { strict: boolean; log?: ReturnType<typeof memoryLog> }) => {
  const its = wire({ ...options, wiring: wiring as never });
  its.server.handle(loose as never, { public: true });
  return its;
};
const rejected = (mid: number, more: object) => ({ type: "Rejected", mid, details: {}, ...more });

describe("strict", () => {
  test("[TE21] what cannot be carried is refused where it is made, and reported with slice, message and place", async () => {
    const { server, client, errors, done } = wired({ strict: true });
    const ada = await client();
    ada.say(subscribe("loose:1"), say("loose:1", 1, { type: "put" }));
    ada.say(say("loose:1", 2, { type: "fine", n: 5 }));
    expect(await ada.heard()).toMatchObject([
      { type: "Settled" },
      { type: "Snapshot" },
      { type: "TopicUpdate", records: [[0, 0, 2, "id-2", [{ type: "fine", n: 5 }]]] },
      rejected(1, { from: "calla", code: "update-threw" }),
    ]);
    expect(errors.map(String)).toEqual([
      expect.stringMatching(/"loose:\*".*update of "put".*model that cannot be carried.*value\.deep\[0\]/),
    ]);
    await expect(
      done(server.topic(loose as never, ...(["1"] as never)).dispatch({ type: "put" } as never)),
    ).rejects.toMatchObject({
      code: "rejected",
    });
  });

  test("[TE34] a rejection with details that no format carries is the update's mistake, each time, and the topic goes on", async () => {
    const { server, client, errors, done } = wired({ strict: true });
    const ada = await client();
    ada.say(say("loose:1", 1, { type: "refused" }), say("loose:1", 2, { type: "fine", n: 5 }));
    const no = rejected(1, { from: "calla", code: "update-threw" });
    expect(await ada.heard()).toMatchObject([no, { type: "Acknowledge", mid: 2 }]);
    ada.say(say("loose:1", 1, { type: "refused" })); // its answer was lost
    expect(await ada.heard()).toMatchObject([no]);
    expect(errors).toMatchObject([{ code: "strict", details: { slice: "loose:*", message: "refused" } }]);
    expect(String(errors[0])).toMatch(/"loose:\*".*update of "refused".*details that cannot be carried.*why/);
    await expect(
      done(server.topic(loose as never, ...(["1"] as never)).dispatch({ type: "refused" } as never)),
    ).rejects.toMatchObject({ code: "rejected", details: { code: "update-threw" } });
  });

  test("[TE21] [TE34] a topic that would begin with what cannot be carried is not opened, and it is said why", async () => {
    const broken = defineTopic("broken:*", {
      model: z.object({ value: z.any() }),
      initial: () => ({ value: hidden }),
      messages: { nothing: z.object({}) },
      update: { nothing: (model) => model },
    });
    const its = wire({ wiring: defineWiring({ topics: [broken] }) as never });
    its.server.handle(broken as never, { public: true });
    const ada = await its.client();
    ada.say(subscribe("broken:1"));
    expect(await ada.heard()).toMatchObject([{ type: "Unsubscribed", code: "storage", retryable: true }]);
    expect(String(its.errors[0])).toMatch(/"broken:\*": initial\(\).*cannot be carried.*value/);
  });
});

describe("in production", () => {
  test("[TE21] [TE34] a rejection whose details cannot be carried reaches its author without them, at once and when repeated", async () => {
    const log = memoryLog();
    const first = wired({ strict: false, log });
    const ada = await first.client();
    ada.say(say("loose:1", 1, { type: "refused" }), say("loose:1", 2, { type: "fine", n: 5 }));
    const no = rejected(1, { from: "app", code: "no" });
    expect(await ada.heard()).toMatchObject([no, { type: "Acknowledge", mid: 2 }]);
    ada.say(say("loose:1", 1, { type: "refused" }));
    expect(await ada.heard()).toMatchObject([no]);
    ada.say(subscribe("loose:1", 1, { sent: 2 }));
    expect((await ada.heard())[0]).toMatchObject({
      type: "Settled",
      outcomes: [
        [1, "id-1", 0, [], "app", "no", {}],
        [2, "id-2", 1, [], null, null, null],
      ],
    });
    expect(first.errors.map(String)).toEqual([expect.stringMatching(/"refused".*details.*why/)]);
  });

  test("[TE21] what cannot be carried is refused as in development, and reported with its place", async () => {
    const { client, errors } = wired({ strict: false });
    const ada = await client();
    ada.say(say("loose:1", 1, { type: "put" }), say("loose:1", 2, { type: "fine", n: 1 }));
    expect(await ada.heard()).toMatchObject([
      rejected(1, { from: "calla", code: "update-threw" }),
      { type: "Acknowledge", mid: 2 },
    ]);
    expect(errors).toMatchObject([{ code: "update-threw", details: { slice: "loose:*", message: "put" } }]);
    expect(String(errors[0])).toMatch(/"put".*model that cannot be carried.*value\.deep\[0\]/);
  });

  /** A topic of which an older node took what no format carries. */
  async function taken(message: object) {
    const log = memoryLog();
    const records = [record(1, { at: 0, messages: [message as never] })];
    await log.append([{ target: "loose:1", expected: { sequence: 0, mark: 0 }, records, rows: [], at: 0 }]);
    return wired({ strict: false, log });
  }

  test("[TE21] [TE32] what an older node took is folded as it is: nobody can join, all are told so, and it is reported once", async () => {
    for (const message of [{ type: "put" }, { type: "deep", levels: 70 }]) {
      const { server, client, errors, refused, done } = await taken(message);
      const topic = server.topic(loose as never, ...(["1"] as never));
      for (let i = 0; i < 3; i++) {
        const ada = await client();
        ada.say(subscribe("loose:1"));
        expect(await ada.heard()).toMatchObject([
          { type: "Unsubscribed", code: "invalid-value", retryable: false },
        ]);
      }
      expect(refused).toMatchObject(Array.from({ length: 3 }, () => ({ code: "invalid-value" })));
      expect(errors).toMatchObject([{ code: "invalid-value", details: { target: "loose:1" } }]);
      expect(String(errors[0])).toMatch(/join "loose:1".*\.value.*server.*read.*repairs/);
      // A page is made without it.
      expect(JSON.parse(await done(server.hydrate([topic as never])))).toMatchObject({ topics: [] });
      errors.length = 0;
      // The server reads it, and repairs it.
      expect(await done(topic.read())).toMatchObject({ sequence: 1 });
      await done(topic.dispatch({ type: "fine", n: 7 } as never));
      const ada = await client();
      ada.say(subscribe("loose:1"));
      expect(await ada.heard()).toMatchObject([
        { type: "Settled", sequence: 2 },
        { type: "Snapshot", model: { value: 7 } },
      ]);
    }
  });

  test("[TE21] [TE32] that nobody can join is reported once, however often its model changes", async () => {
    const { server, client, errors, done } = await taken({ type: "deep", levels: 70 });
    const topic = server.topic(loose as never, ...(["1"] as never));
    const join = async () => {
      const ada = await client();
      ada.say(subscribe("loose:1"));
      return types(await ada.heard());
    };
    const told = () => errors.filter((error) => (error as { code?: string }).code === "invalid-value").length;
    expect(await join()).toEqual(["Unsubscribed"]);
    await done(topic.dispatch({ type: "deep", levels: 69 } as never));
    expect(await join()).toEqual(["Unsubscribed"]);
    expect(told()).toBe(1);
    await done(topic.dispatch({ type: "fine", n: 1 } as never));
    expect(await join()).toEqual(["Settled", "Snapshot"]);
    expect(told()).toBe(1);
  });

  test("[TE21] [TE32] one that is too deep is repaired step by step, and by clients too; it grows no deeper", async () => {
    const { client, errors } = await taken({ type: "deep", levels: 70 });
    const ada = await client();
    const deep = (mid: number, levels: number) =>
      say("loose:1", mid, { type: "deep", levels }, { settled: mid - 1 });
    ada.say(deep(1, 71), deep(2, 68), deep(3, 69), deep(4, 63), deep(5, 64));
    expect((await ada.heard()).map((frame) => [frame.type, "code" in frame ? frame.code : ""])).toEqual([
      ["Rejected", "too-deep"],
      ["Acknowledge", ""],
      ["Rejected", "too-deep"],
      ["Acknowledge", ""],
      ["Rejected", "too-deep"],
    ]);
    expect(errors).toMatchObject([{ code: "too-deep", details: { target: "loose:1" } }]);
    ada.say(subscribe("loose:1"));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
  });

  test("[TE21] [TE32] whoever has a model that cannot be carried, and missed some records, gets these", async () => {
    const { server, client, done } = await taken({ type: "put" });
    const topic = server.topic(loose as never, ...(["1"] as never));
    const { sequence } = (await done(topic.read())) as { sequence: number };
    const cursor = { sequence, mark: record(1).mark };
    for (let i = 0; i < 20; i++) await done(topic.dispatch({ type: "idle" } as never));
    const ada = await client();
    ada.say(subscribe("loose:1", 1, { cursor }));
    expect(types(await ada.heard())).toEqual(["Settled", "TopicUpdate"]);
  });

  test("[TE21] details are carried whatever a custom serialiser makes of messages", async () => {
    const serialiser = customJson({
      encodeMessage: ({ type, n = 0 }: { type: string; n?: number }) => ({ t: type.toUpperCase(), n }),
      decodeMessage: ({ t, n }: { t: string; n: number }) => ({ type: t.toLowerCase(), n }),
      encodeModel: (model: unknown) => model as never,
      decodeModel: (model: unknown) => model,
    } as never);
    const its = wire({ strict: false, serialiser, wiring: wiring as never });
    its.server.handle(loose as never, { public: true });
    const ada = await its.client();
    ada.say(say("loose:1", 1, { t: "REFUSED", n: 0 }));
    expect(await ada.heard()).toMatchObject([{ type: "Rejected", mid: 1, code: "no", details: {} }]);
  });
});

describe("[TE24] an update's rejection with large details", () => {
  const wide = defineTopic("wide:*", {
    model: z.object({ size: z.number() }),
    initial: () => ({ size: 0 }),
    messages: { refused: z.object({ size: z.number() }) },
    rejections: { no: z.object({ text: z.string() }) },
    update: { refused: (_, { size }, context) => context.reject("no", { text: "x".repeat(size) }) },
  });
  const open = (options: { strict: boolean; limits?: object }) => {
    const its = wire({ ...options, wiring: defineWiring({ topics: [wide] }) as never });
    its.server.handle(wide as never, { public: true });
    return its;
  };
  // With {"text":""} around it.
  const most = 4_096 - 11;
  const refused = (mid: number, size: number) => say("wide:1", mid, { type: "refused", size });

  test.each([true, false])("is an error of the update, at once (strict: %s)", async (strict) => {
    const { client, errors } = open({ strict });
    const ada = await client();
    ada.say(refused(1, most), refused(2, most + 1));
    expect(await ada.heard()).toEqual([
      expect.objectContaining({ mid: 1, from: "app", code: "no", details: { text: "x".repeat(most) } }),
      rejected(2, { from: "calla", code: "update-threw", target: "wide:1", id: "id-2" }),
    ]);
    expect(errors).toEqual([
      expect.objectContaining({
        code: "update-threw",
        details: { slice: "wide:*", message: "refused", code: "no", bytes: 4_097, maxDetailsBytes: 4_096 },
      }),
    ]);
    expect(String(errors[0])).toMatch(/"wide:\*".*"refused".*"no" and 4097 bytes.*maxDetailsBytes.*an id/);
    // A repeat hears the same, and the next is taken.
    ada.say(refused(1, most), refused(2, most + 1), refused(3, 1));
    expect(await ada.heard()).toMatchObject([
      { mid: 1, details: { text: "x".repeat(most) } },
      { mid: 2, code: "update-threw", details: {} },
      { mid: 3, code: "no" },
    ]);
    expect(errors).toHaveLength(1);
  });
});

test("[TE24] an invalid message with long keys is refused with details of 256 bytes, and remembered so", async () => {
  const log = memoryLog();
  const { client } = wired({ strict: false, log });
  const ada = await client();
  const by = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [String(i).repeat(300), "x"]));
  ada.say(say("loose:1", 1, { type: "rated", by }), say("loose:1", 2, { type: "x".repeat(1_000) }));
  const heard = await ada.heard();
  expect(heard).toMatchObject([
    { mid: 1, code: "invalid", details: { issues: [{ path: ["by", expect.stringMatching(/^0{30,}…$/)] }] } },
    { mid: 2, code: "unknown-message", details: { type: "x".repeat(100) } },
  ]);
  const remembered = (await log.client("loose:1", ada.identity.clientId))!.outcomes;
  for (const [i, one] of heard.entries()) {
    const { details } = one as { details: unknown };
    expect(Buffer.byteLength(JSON.stringify(details))).toBeLessThanOrEqual(256);
    expect(remembered[i]).toMatchObject({ details });
  }
});
