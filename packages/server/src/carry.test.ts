import { customJson, defineTopic, defineWiring } from "@calla/shared";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { say, subscribe, types, wire } from "../test/wired.ts";
import { memoryLog } from "./log-memory.ts";

/** A slice whose schemas let anything in. */
const loose = defineTopic("loose:*", {
  model: z.object({ value: z.any() }),
  initial: () => ({ value: null }),
  messages: { put: z.object({}), refused: z.object({}), fine: z.object({ n: z.number() }) },
  rejections: { no: z.object({ why: z.any() }) },
  update: {
    put: () => ({ value: { deep: [hidden] } }),
    refused: (_, __, context) => context.reject("no", { why: hidden }),
    fine: (_, { n }) => ({ value: n }),
  },
});
const hidden = () => 1;
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
    ada.say(subscribe("loose:1"), say("loose:1", 1, { type: "put" }), say("loose:1", 2, { type: "refused" }));
    ada.say(say("loose:1", 3, { type: "fine", n: 5 }));
    expect(await ada.heard()).toMatchObject([
      { type: "Settled" },
      { type: "Snapshot" },
      { type: "TopicUpdate", records: [[0, 0, 3, "id-3", { type: "fine", n: 5 }]] },
      rejected(1, { from: "calla", code: "update-threw" }),
      rejected(2, { from: "calla", code: "update-threw" }),
    ]);
    expect(errors.map(String)).toEqual([
      expect.stringMatching(/"loose:\*".*update of "put".*model that cannot be carried.*value\.deep\[0\]/),
      expect.stringMatching(/"loose:\*".*update of "refused".*details that cannot be carried.*why/),
    ]);
    await expect(
      done(server.topic(loose as never, ...(["1"] as never)).dispatch({ type: "put" } as never)),
    ).rejects.toMatchObject({
      code: "rejected",
    });
  });

  test("[TE21] a topic that would begin with what cannot be carried is not opened, and it is said why", async () => {
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
  test("[TE21] a rejection whose details cannot be carried reaches its author without them, at once and when repeated", async () => {
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
        [1, "id-1", "reject", 0, "app", "no", {}],
        [2, "id-2", "acknowledge", 1, null, null, null],
      ],
    });
    expect(first.errors.map(String)).toEqual([expect.stringMatching(/"refused".*details.*why/)]);
  });

  test("[TE21] a model that cannot be carried costs its author nothing; who needs the model is turned away until it can", async () => {
    const { client, errors } = wired({ strict: false });
    const ada = await client();
    ada.say(say("loose:1", 1, { type: "put" }));
    expect(types(await ada.heard())).toEqual(["Acknowledge"]);
    ada.say(subscribe("loose:1"));
    expect(await ada.heard()).toMatchObject([{ type: "Unsubscribed", code: "failed", retryable: true }]);
    expect(errors).toHaveLength(1);
    ada.say(say("loose:1", 2, { type: "fine", n: 1 }));
    expect(types(await ada.heard())).toEqual(["Acknowledge"]);
    ada.say(subscribe("loose:1", 2));
    expect(types(await ada.heard())).toEqual(["Settled", "Snapshot"]);
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
