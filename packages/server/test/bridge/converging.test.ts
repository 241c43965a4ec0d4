// Whatever is lost: bridged clients of each form, Calla's clients and the server on one topic.
import { describe, expect, test } from "vitest";
import { memoryLog } from "../../src/log/memory/memory-log.ts";
import { bridged } from "../bridged.ts";
import { talk } from "../phoenix-talk.ts";
import { countingRandom, handClock, heldLog, list, say, subscribe } from "../wired.ts";
import { LossyClient } from "./lossy-client.ts";

const FORMS = ["patch", "snapshot", "message", "patch"] as const;
const SEEDS = Number(process.env["CALLA_SEED"] ?? 0);

async function run(seed: number) {
  const random = countingRandom(seed * 7_919 + 1);
  for (let i = 0; i < 5; i++) random.uint32();
  const upTo = (most: number): number => Math.floor((random.uint32() / 2 ** 32) * most);
  const hand = handClock();
  const held = heldLog(memoryLog({ shared: seed % 3 === 0 }), "append");
  const world = bridged({ log: held.log, limits: { collapseBytes: 20_000 } }, {}, hand);
  world.server.handle(list, { public: true });
  const clients = FORMS.map(
    (form, i) =>
      new LossyClient({
        name: `b${i}`,
        form,
        topic: "list:1",
        clock: hand.clock,
        connect: (options) => talk(world.channels, options),
      }),
  );
  const calla = await world.client();
  calla.say(subscribe("list:1"));
  await calla.heard();
  let [mids, items] = [0, 0];
  const message = (): object =>
    upTo(6) === 0 ? { type: "removed", item: `x${upTo(items + 3)}` } : { type: "added", item: `x${items++}` };
  for (let step = 0; step < 120; step++) {
    const client = clients[upTo(clients.length)]!;
    const done = upTo(16);
    if (!client.connected) client.connect();
    else if (done < 6) client.dispatch(message());
    else if (done === 6) {
      client.dispatch(message(), true);
      client.drop(upTo(4));
    } else if (done === 7) client.drop(upTo(6));
    else if (done === 8) client.unwritten = upTo(2) === 0 ? 0 : 50_000;
    else if (done < 11) calla.say(say("list:1", ++mids, message()));
    else if (done === 11)
      void world.server
        .topic(list, "1")
        .dispatch(message() as never)
        .catch(() => undefined);
    else if (done === 12) await hand.advance(upTo(1_500));
    else if (done === 13) client.read(upTo(3));
    else held.step();
    if (upTo(2) === 0) await hand.settle();
    if (upTo(3) === 0) client.read();
  }
  held.release();
  for (let tries = 0; tries < 12; tries++) {
    for (const client of clients) {
      if (!client.connected) client.connect();
      client.unwritten = 0;
      await hand.settle();
      client.read();
    }
    await hand.advance(2_000);
  }
  const { model, sequence } = (await world.done(world.server.topic(list, "1").read()))!;
  return { clients, model, sequence, world };
}

describe("bridged clients over connections that break", () => {
  test.each(Array.from({ length: 20 }, (_, n) => n + 1 + SEEDS))(
    "[BR23] have the server's model by what they were told alone, and one outcome for each dispatch (%i)",
    async (seed) => {
      const { clients, model, sequence, world } = await run(seed);
      const told: string[] = [];
      for (const client of clients) {
        expect(client.quiet).toBe(true);
        expect(client.model).toEqual(model);
        expect(client.cursor!.sequence).toBe(sequence);
        for (const [id, outcomes] of client.outcomes) {
          // Told again after a break or to who asks again, it is the same.
          expect(new Set(outcomes.map((one) => JSON.stringify(one))).size, id).toBe(1);
          if (outcomes[0]!["status"] === "ok") told.push(String(outcomes[0]!["sequence"]));
        }
      }
      // No record is two dispatches'.
      expect(new Set(told).size).toBe(told.length);
      expect(world.errors).toEqual([]);
    },
  );

  test("[BR23] were told in each way that there is", async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed < 8; seed++)
      for (const { events } of (await run(seed)).clients) for (const event of events) seen.add(event);
    for (const event of [
      "join snapshot",
      "join current",
      "join messages",
      "patch",
      "snapshot",
      "message",
      "settled",
    ])
      expect(seen).toContain(event);
  });
});
