// What pending dispatches cost the client, without a socket: somebody else's record comes, over which all of them are
// applied anew; and the heap that each takes while it waits.
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { defineTopic } from "@calla/shared";
import * as z from "zod";
import { cpuOf } from "./cpu.ts";
import { bareClient, turn } from "./bare-client.ts";
import type { BareClient } from "./bare-client.ts";

interface Tally {
  readonly count: number;
  readonly last: number;
}
/** As little as an update can do: what is measured is not its own. */
const tally = ({ count }: Tally, { n }: { readonly n: number }): Tally => ({ count: count + 1, last: n });
let ran = 0;
const slice = defineTopic("tally:*", {
  model: z.object({ count: z.number(), last: z.number() }),
  initial: () => ({ count: 0, last: 0 }),
  messages: { counted: z.object({ n: z.number(), text: z.string() }) },
  update: {
    counted: (model, message) => {
      ran++;
      return tally(model, message);
    },
  },
});
const counted = (n: number) =>
  ({ type: "counted", n, text: `text number ${n} of a usual length, such as people write` }) as const;

function dispatchAll({ topic }: BareClient<typeof slice>, count: number): void {
  for (let n = 1; n <= count; n++) topic.dispatch(counted(n));
}

export interface Rebased {
  /** Of what waits, per rebase; the record's own is not among them. */
  readonly updates: number;
  /** CPU microseconds for each of what waits: of the update alone, and of all. */
  readonly alone: number;
  readonly whole: number;
}

/** So many rebases over so much that waits. */
export async function rebases(pending: number, times: number): Promise<Rebased> {
  const bare = await bareClient(slice, "tally");
  dispatchAll(bare, pending);
  await turn();
  let heard = 0;
  const hear = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      bare.hear(++heard, counted(heard));
      await turn();
      // What has come may wait for the loop to turn, and then somebody looks, so that nothing else can be put off.
      for (let wait = 0; wait < 5 && bare.topic.state.model?.count !== pending + heard; wait++)
        await new Promise<void>((done) => void setTimeout(done, 1));
      if (bare.topic.state.model?.count !== pending + heard) throw new Error("something is not shown");
    }
  };
  await hear(times);
  ran = 0;
  const whole = await cpuOf(() => hear(times));
  const updates = ran / times - 1;
  let model: Tally = { count: 0, last: 0 };
  const messages = Array.from({ length: pending }, (_, n) => counted(n));
  const update = (): void => {
    for (let i = 0; i < times; i++) for (const message of messages) model = tally(model, message);
  };
  update();
  const alone = await cpuOf(update);
  if (model.count !== 2 * times * pending) throw new Error("the update was not measured");
  await bare.close();
  return { updates, alone: alone / times / pending, whole: whole / times / pending };
}

/** Bytes of heap for each dispatch that waits: of the message alone, and of all. */
export async function heapOfPending(
  pending: number,
): Promise<{ readonly message: number; readonly whole: number }> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const heap = async (): Promise<number> => {
    // Until there is nothing more to find: what was closed before goes in its own time.
    for (let [before, tries] = [Infinity, 0]; ; tries++) {
      await sleep(20);
      collect();
      const { heapUsed } = process.memoryUsage();
      if (tries > 50 || Math.abs(before - heapUsed) < pending) return heapUsed;
      before = heapUsed;
    }
  };
  // The first compiles what is run, and the garbage of that is not counted.
  for (const warm of [true, false]) {
    const messages: unknown[] = [];
    const beforeMessages = await heap();
    for (let n = 1; n <= pending; n++) messages.push(counted(n));
    const message = ((await heap()) - beforeMessages) / pending;
    const bare = await bareClient(slice, "tally");
    const before = await heap();
    dispatchAll(bare, pending);
    const whole = ((await heap()) - before) / pending;
    if (bare.topic.state.pending.length !== pending || messages.length !== pending)
      throw new Error("not all of it waits");
    await bare.close();
    if (!warm) return { message, whole };
  }
  throw new Error("unreachable");
}
