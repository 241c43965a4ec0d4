// What befalls equal nodes over one Postgres: one fault after the other, all kinds by turns.
import type { SeededRandom } from "../../src/index.ts";
import { BAD_GATEWAY } from "../transports/proxy.ts";
import type { Mischief, Proxy } from "../transports/proxy.ts";
import type { TestedEngine } from "./engine.ts";
import type { Nodes } from "./nodes.ts";

export const FAULTS = [
  "node killed",
  "node stood still",
  "engine restarted", // as `pg_ctl restart -m fast` does
  "engine ended at once", // -m immediate: it recovers when it starts
  "engine killed",
  "some connections of the engine ended",
  "all connections of the engine ended",
  "clients cut off",
  "proxy misbehaved",
] as const;
export type Fault = (typeof FAULTS)[number];

const MISCHIEF: readonly Mischief[] = [
  { latency: 30 },
  { dribble: 200 },
  { gather: 4_096 },
  { cutAfter: 2_000 },
  { cutRequestAfter: 1_500 },
  { silent: true },
  { answer: BAD_GATEWAY },
  { noUpgrade: true },
];
/** Milliseconds: longer than all deadlines of server.ts, and than anybody waits for an answer. */
const STILL = [2_200, 3_000] as const;
const AWAY = [0, 700] as const;
const MISBEHAVES = [200, 700] as const;

export interface Befallen {
  readonly nodes: Nodes;
  readonly engine: TestedEngine;
  readonly proxy: Proxy;
  readonly random: SeededRandom;
}

/** Resolves once it is over, but for a node that stands still: other things befall others meanwhile; `later` hears of it. */
export async function befall(
  fault: Fault,
  { nodes, engine, proxy, random }: Befallen,
  later: (end: Promise<void>) => void,
): Promise<void> {
  const away = random.int(...AWAY);
  switch (fault) {
    case "node killed":
      return nodes.kill();
    case "node stood still":
      return later(nodes.stop(random.int(...STILL)));
    case "engine restarted":
      return engine.restart("SIGINT", away);
    case "engine ended at once":
      return engine.restart("SIGQUIT", away);
    case "engine killed":
      return engine.restart("SIGKILL", away);
    case "some connections of the engine ended":
      return engine.endConnections("some");
    case "all connections of the engine ended":
      return engine.endConnections("all");
    case "clients cut off":
      return proxy.reset();
    case "proxy misbehaved": {
      proxy.mischief = random.pick(MISCHIEF);
      await new Promise((resolve) => setTimeout(resolve, random.int(...MISBEHAVES)));
      const { silent } = proxy.mischief;
      proxy.mischief = {};
      // What was swallowed is missing on lines that would go on.
      if (silent === true) proxy.reset();
    }
  }
}
