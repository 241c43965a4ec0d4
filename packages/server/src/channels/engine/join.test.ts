// What the app's answer to a join comes to. Who is told, and when, is in phoenix-socket.test.ts.
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { defineChannel, joined, refused } from "../index.ts";
import { definitionOf } from "../definition/definition.ts";
import { askJoin, PendingJoin } from "./join.ts";

const message = { joinRef: "1", ref: "1", topic: "room:7", event: "phx_join", payload: { n: 1 } };
const socket = { id: "socket", assigns: {}, transport: "websocket" } as const;
const pend = (channel: object): PendingJoin =>
  new PendingJoin("room:7", message, { definition: definitionOf(channel)!, params: ["7"] }, undefined);
const room = defineChannel("room:*");

describe("askJoin", () => {
  it("[JN1] accepts where no handler is", () => {
    expect(askJoin(pend(room), socket)).toEqual({ type: "joined", assigns: {}, response: {} });
  });
  it("[JN5] [JN12] gives what the handler answers to what it is given", async () => {
    const echo = room.join(({ payload, params, topic }) => joined({ payload, params, topic }));
    expect(askJoin(pend(echo), socket)).toMatchObject({
      assigns: { payload: { n: 1 }, params: ["7"], topic: "room:7" },
    });
    const later = room.join(async () => refused("no"));
    expect(await askJoin(pend(later), socket)).toEqual({ type: "refused", response: { reason: "no" } });
  });
  it("[JN6] a throw, a rejection and nonsense are crashes", async () => {
    const boom = new Error("boom");
    const thrown = room.join(() => {
      throw boom;
    });
    expect(askJoin(pend(thrown), socket)).toEqual({ type: "crashed", error: boom });
    const rejected = room.join(() => Promise.reject(boom));
    expect(await askJoin(pend(rejected), socket)).toEqual({ type: "crashed", error: boom });
    const nonsense = room.join((() => ({ ok: true })) as never);
    expect(askJoin(pend(nonsense), socket)).toMatchObject({
      type: "crashed",
      error: expect.any(TypeError) as unknown,
    });
  });
  it("[JN13] a schema decides first, at once or later", async () => {
    const text = z.object({ n: z.string() });
    const wrong = { type: "invalid", issues: [{ message: expect.any(String) as string, path: ["n"] }] };
    expect(askJoin(pend(room.join(text, () => joined())), socket)).toEqual(wrong);
    const number = z.object({ n: z.number() });
    const slow = room.join(
      number.refine(async () => true),
      ({ payload }) => joined({ n: payload.n }),
    );
    expect(await askJoin(pend(slow), socket)).toMatchObject({ type: "joined", assigns: { n: 1 } });
  });
  it("[JN13] [HA25] so does one whose promises are of another realm", async () => {
    const validate = runInNewContext('async () => ({ issues: [{ message: "no" }] })') as () => never;
    const schema = { "~standard": { version: 1, vendor: "elsewhere", validate } } as const;
    const wrong = { type: "invalid", issues: [{ message: "no", path: [] }] };
    expect(await askJoin(pend(room.join(schema, () => joined())), socket)).toEqual(wrong);
  });
  it("[JN28] [JN29] its signal aborts when nobody waits any more", () => {
    let signal: AbortSignal | undefined;
    const hanging = room.join((joining) => {
      signal = joining.signal;
      return new Promise<never>(() => undefined);
    });
    const pending = pend(hanging);
    void askJoin(pending, socket);
    expect(signal?.aborted).toBe(false);
    pending.abandon({ type: "shutdown", why: "timeout" });
    expect(signal?.aborted).toBe(true);
    expect(pending.signal.aborted).toBe(true);
  });
});
