// One dispatch to its acknowledgement, and one subscription, against a server of which every frame is written here. It is
// bundled with the client's files instrumented (moves.test.ts).
import { createClient } from "@calla/client";
import type { Transport, TransportHandlers } from "@calla/client";
import { authorTag, automatic, defineTopic, defineWiring, json } from "@calla/shared";
import * as z from "zod";
import { MoveCounter } from "./counter.ts";

const counter = defineTopic("counter:*", {
  model: z.object({ count: z.number() }),
  initial: () => ({ count: 0 }),
  messages: { added: z.object({ by: z.number() }) },
  update: { added: ({ count }, { by }) => ({ count: count + by }) },
});
const wiring = defineWiring({ topics: [counter] });
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Moves between files of the client from `dispatch` until its caller and the listeners have heard, and what was shown. */
export async function trip(): Promise<{
  readonly trail: readonly string[];
  readonly shown: readonly unknown[];
}> {
  let handlers!: TransportHandlers;
  const sent: { readonly [field: string]: unknown }[] = [];
  const transport: Transport = {
    reconnect: { baseMilliseconds: 1_000, maxMilliseconds: 30_000, multiplier: 2, jitterRatio: 0.25 },
    connect: (given) => {
      handlers = given;
      return {
        send: (data) => sent.push(...[JSON.parse(data as string) as (typeof sent)[number]].flat()),
        close: () => {},
      };
    },
  };
  const moves = new MoveCounter();
  (globalThis as { callaMoves?: MoveCounter }).callaMoves = moves;
  const client = createClient({
    wiring,
    serialiser: automatic(json()),
    transport,
    strict: false,
    // Passed in, as in every test: what they do is no file of the client's.
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      setTimeout: (run, milliseconds) => {
        const timer = setTimeout(run, milliseconds);
        return () => clearTimeout(timer);
      },
      defer: (run) => queueMicrotask(run),
    },
    random: { uint32: () => Math.floor(Math.random() * 2 ** 32) },
  });
  const topic = client.topic(counter, "1");
  const shown: unknown[] = [];
  topic.onChange(({ status, model, pending }) => shown.push([status, model?.count, pending.length]));
  await settle();
  handlers.open();
  const say = (...frames: object[]): void => void handlers.receive(JSON.stringify(frames));
  const clientId = "client";
  const [{ ref }] = (sent[0] as { readonly targets: readonly [{ readonly ref: number }] }).targets;
  say(
    { type: "Connected", clientId, secret: "secret", userId: null, now: Date.now(), maxInFlight: 256 },
    {
      type: "Settled",
      target: "counter:1",
      ref,
      sequence: 0,
      next: 1,
      outcomes: [],
      resync: "snapshot",
      reason: "first",
    },
    { type: "Snapshot", target: "counter:1", sequence: 0, mark: 1, version: 1, model: { count: 0 } },
  );
  await settle();

  const before = moves.trail.length;
  const write = topic.dispatch({ type: "added", by: 2 });
  await settle();
  const { mid, id, messages } = sent.at(-1) as { mid: number; id: string; messages: unknown };
  say({
    type: "TopicUpdate",
    target: "counter:1",
    after: 0,
    from: 1,
    at: Date.now(),
    authors: [[authorTag(clientId, "counter:1"), null, 0]],
    records: [[0, 0, mid, id, messages]],
    mark: 2,
  });
  await write.applied;
  await settle();
  const trail = moves.trail.slice(before);
  await client.close();
  return { trail, shown };
}
