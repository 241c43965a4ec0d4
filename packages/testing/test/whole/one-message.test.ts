// A client and a server in memory: both see one message, whoever of them is asked first.
import { automatic, defineTopic, defineWiring, json } from "@calla/shared";
import { createClient } from "@calla/client";
import { createServer } from "@calla/server";
import { expect, test } from "vitest";
import * as z from "zod";
import { virtualClock } from "../../src/doubles/clock.ts";
import { connectionPair } from "../../src/network/pair.ts";

const tally = defineTopic("tally:*", {
  model: z.object({ names: z.array(z.string()) }),
  initial: () => ({ names: [] }),
  messages: {
    set: z.object({ by: z.record(z.string(), z.number()) }),
    bare: z.strictObject({ name: z.string() }),
    named: z.object({ name: z.string(), note: z.string().optional() }),
  },
  update: {
    set: ({ names }, { by }) => ({ names: [...names, ...Object.keys(by)] }),
    bare: ({ names }, message) => ({ names: [...names, Object.keys(message).join()] }),
    named: ({ names }, message) => ({ names: [...names, Object.keys(message).join()] }),
  },
});
const serialiser = automatic(json());
const wiring = defineWiring({ topics: [tally] });

test.each([
  ["a record's", { type: "set", by: { a: 1, b: undefined } }, ["a"]],
  ["one that a strict schema does not know", { type: "bare", name: "x", more: undefined }, ["type,name"]],
  ["an optional one", { type: "named", name: "x", note: undefined }, ["type,name"]],
])(
  "[WR29] a field that is undefined, %s: prediction, authority and the next page agree",
  async (_, message, names) => {
    const clock = virtualClock();
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const server = createServer({ wiring, serialiser, clock, onError });
    server.handle(tally, { public: true });
    const page = () => {
      const pair = connectionPair(server, { serialiser, clock, latency: () => 5 });
      const client = createClient({ wiring, serialiser, transport: pair.transport, clock, onError });
      return client.topic(tally, "1");
    };
    const topic = page();
    const shown: unknown[] = [];
    topic.onChange(({ model }) => shown.push(model?.names));
    await clock.advance(100);
    shown.length = 0;
    const write = topic.dispatch(message as never);
    expect(topic.state.model?.names).toEqual(names);
    await clock.advance(100);
    expect(write.state).toBe("applied");
    expect(topic.state.model?.names).toEqual(names);
    expect(shown.every((one) => JSON.stringify(one) === JSON.stringify(names))).toBe(true);
    // The server's own is parsed alike, and a page that comes later has the same.
    const done = async <T>(work: Promise<T>): Promise<T> => {
      await clock.advance(10);
      return work;
    };
    await done(server.topic(tally, "2").dispatch(message as never));
    for (const id of ["1", "2"])
      expect((await done(server.topic(tally, id).read())).model.names).toEqual(names);
    const later = page();
    later.retain();
    await clock.advance(100);
    expect(later.state.model?.names).toEqual(names);
    expect(errors).toEqual([]);
  },
);

test("[OB15] a rejection brings code, sentence and details to whoever catches it, a client's and the server's own", async () => {
  const full = defineTopic("full", {
    model: z.null(),
    initial: () => null,
    messages: { added: z.object({}) },
    rejections: { full: z.object({ max: z.number() }) },
    update: { added: (_, __, context) => context.reject("full", { max: 3 }) },
  });
  const both = defineWiring({ topics: [full, tally] });
  const clock = virtualClock();
  const server = createServer({ wiring: both, serialiser, clock });
  server.handle(full, { public: true });
  server.handle(tally, { canSubscribe: () => true });
  const { transport } = connectionPair(server, { serialiser, clock, latency: () => 1 });
  const client = createClient({ wiring: both, serialiser, transport, clock });
  await clock.advance(20);
  const caught = async (work: Promise<unknown>): Promise<unknown> => {
    const outcome = work.catch((error: unknown) => error);
    await clock.advance(20);
    return outcome;
  };
  const write = client.topic(full).dispatch({ type: "added" });
  expect(await caught(write.applied)).toMatchObject({
    from: "app",
    code: "full",
    details: { max: 3 },
    message: 'The message was rejected (full): The update of its slice refused it. {"max":3}',
  });
  expect(write.state).toBe("rejected");
  expect(await caught(client.topic(tally, "1").dispatch({ type: "bare", name: "x" }).applied)).toMatchObject({
    from: "calla",
    code: "forbidden",
    message: "The message was rejected (forbidden): This is not allowed.",
  });
  expect(await caught(server.topic(full).dispatch({ type: "added" }))).toMatchObject({
    code: "rejected",
    details: { from: "app", code: "full", details: { max: 3 } },
    message: 'The message was rejected (full): The update of its slice refused it. {"max":3}',
  });
});

test("[WR30] a slice that is not in the wiring is named at once, by client and server", () => {
  const clock = virtualClock();
  const server = createServer({ wiring, serialiser, clock });
  const { transport } = connectionPair(server, { serialiser, clock });
  const client = createClient({ wiring, serialiser, transport, clock, connect: false });
  const strange = defineTopic("strange", { model: z.null(), initial: () => null, messages: {}, update: {} });
  // Another definition under the same pattern is another slice: its updates are not those that would run.
  const twin = defineTopic("tally:*", {
    model: z.object({ names: z.array(z.string()) }),
    initial: () => ({ names: [] }),
    messages: tally.messages as never,
    update: tally.update as never,
  });
  const asked: readonly ((slice: typeof tally) => unknown)[] = [
    (slice) => client.topic(slice, "1"),
    (slice) => server.topic(slice, "1"),
    (slice) => server.handle(slice, {}),
    (slice) => server.subscribe("nobody", slice, "1"),
    (slice) => server.unsubscribe("nobody", slice, "1"),
    (slice) => server.broadcast(slice, { type: "bare", name: "x" } as never),
    (slice) => server.broadcastFrom("nobody", slice, { type: "bare", name: "x" } as never),
    (slice) => server.consume(slice, { name: "reader" }, () => {}),
  ];
  for (const [slice, name] of [
    [strange, '"strange"'],
    [twin, '"tally:*"'],
  ] as const)
    for (const ask of asked) {
      expect(() => ask(slice as never)).toThrow(expect.objectContaining({ code: "wiring" }));
      expect(() => ask(slice as never)).toThrow(new RegExp(`${name.replace("*", "\\*")} is not in`));
    }
  client.topic(tally, "1");
  server.topic(tally, "1");
});
