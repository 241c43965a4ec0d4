// The pubsub contract over each way to a Postgres.
import { describe, expect, test, vi } from "vitest";
import { automatic, json } from "@calla/shared";
import { testedEngines } from "../../../test/postgres/engines.ts";
import { pubSubContract } from "../../testing/pubsub-contract/index.ts";
import type { PostgresDriver } from "../driver/driver.ts";
import { postgresPubSub } from "./postgres-pubsub.ts";
import type { PostgresPubSub } from "./postgres-pubsub.ts";

let pairs = 0;
const onError = (): void => undefined;

/** Two nodes, on a channel of their own. */
async function pair(drivers: readonly PostgresDriver[], cut: boolean) {
  const channel = `contract é ${pairs++}`;
  const open = new Set<PostgresPubSub>();
  let marks = 0;
  const nodes = drivers.map((driver) => {
    const pubsub = postgresPubSub(driver, { channel, onError });
    pubsub.carryWith(automatic(json()));
    open.add(pubsub);
    return { ...pubsub, close: () => (open.delete(pubsub), pubsub.close()) };
  });
  await Promise.all(nodes.map((node) => node.ready()));
  /** What was published before is heard before what is published now. */
  const settle = async (): Promise<void> => {
    const mark = marks++;
    let heard = 0;
    const undo = Array.from(open, (node) =>
      node.subscribe("settled", (told) => void (told === mark && heard++)),
    );
    const all = open.size * open.size;
    for (const node of open) node.publish("settled", mark);
    await vi.waitFor(() => expect(heard).toBe(all), { timeout: 20_000, interval: 2 });
    for (const silence of undo) silence();
  };
  /** Of both nodes' lines; until both hear again. */
  const gap = async (): Promise<void> => {
    const behind = new Set<PostgresPubSub>();
    const undo = nodes.map((node) => node.onGap(() => void behind.add(node)));
    await drivers[0]!.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen %' and query like $1",
      [`%${channel}%`],
    );
    await vi.waitFor(() => expect(behind.size).toBe(2), { timeout: 10_000 });
    for (const silence of undo) silence();
  };
  const [one, two] = nodes;
  return { nodes: [one!, two!] as const, settle, ...(cut && { gap }) };
}

for (const { name, skipped, make } of testedEngines())
  describe.skipIf(skipped)(`postgresPubSub by ${name}`, () => {
    let made: readonly PostgresDriver[] | undefined;
    const drivers = (): readonly PostgresDriver[] => (made ??= [make(), make()]);
    for (const check of pubSubContract)
      test(check.name, () => check.run({ create: () => pair(drivers(), name !== "pglite") }));

    test("[PG12] a message of a frame's size, and a longer one, come whole and in order between small ones", async () => {
      const { nodes, settle } = await pair(drivers(), false);
      const heard: unknown[] = [];
      nodes[1].subscribe("t", (told) => heard.push(told));
      const large = ["x".repeat(1_048_576), "€𝄞\u0000\uD800".repeat(50_000), "é".repeat(7_800)];
      const said = ["a", large[0], "b", large[1], large[2], "c"];
      for (const text of said) nodes[0].publish("t", text);
      await settle();
      expect(heard.length).toBe(said.length);
      expect(said.every((text, i) => heard[i] === text)).toBe(true);
      for (const node of nodes) await node.close();
    });
  });
