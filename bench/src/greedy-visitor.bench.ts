// A visitor who takes all that the default limits give, of the kind that it is told, until it is killed.
import { setTimeout as sleep } from "node:timers/promises";
import { hello, message, rawClient, subscription } from "./raw-client.ts";
import type { RawClient } from "./raw-client.ts";

const [port, kind] = [Number(process.argv[2]), process.argv[3]];
const PACKET = 1_990;
let topics = 0;
const fresh = (): string => `room:g${process.pid}-${++topics}`;
const several = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

const isOpen = (client: RawClient | undefined): client is RawClient => client?.closed === false;

/** Until so many are answered, something is refused for now, or it is over. */
async function answered(client: RawClient, count: number): Promise<void> {
  const before = { ...client.count };
  const more = (type: keyof typeof before): number => (client.count[type] ?? 0) - (before[type] ?? 0);
  while (!client.closed && more("Acknowledge") + more("TopicUpdate") < count && more("Paused") === 0)
    await client.heard();
  if (more("Paused") > 0) await sleep(client.retryAfter);
}

/** Packets of two thousand messages, each to a topic that never was. */
async function newTopics(more: object = {}): Promise<void> {
  for (;;) {
    const client = await rawClient(port, more);
    while (isOpen(client)) {
      client.say(...several(PACKET, () => message(fresh(), 1)));
      await answered(client, PACKET);
    }
    await sleep(50);
  }
}

const kinds: Record<string, () => Promise<void>> = {
  "new-topics": () => newTopics({ token: "greedy" }),
  // Each connection's burst, and away: as soon as it is taken, or refused.
  async reconnects() {
    for (;;) {
      const client = await rawClient(port);
      client?.say(...several(PACKET, () => message(fresh(), 1)));
      while (isOpen(client) && (client.count.Acknowledge ?? 0) < PACKET && client.count.Paused === undefined)
        await client.heard();
      client?.end();
    }
  },
  async packets() {
    const topic = fresh();
    for (let mid = 0; ;) {
      const client = await rawClient(port, { token: "greedy", targets: [subscription(topic)] });
      while (isOpen(client)) {
        client.say(...several(PACKET, (i) => message(topic, mid + i + 1)));
        mid += PACKET;
        await answered(client, 1);
      }
      await sleep(50);
    }
  },
  async http() {
    const client = await rawClient(port);
    client?.end();
    for (;;) {
      const body = JSON.stringify([
        hello({ identity: client?.identity }),
        ...several(PACKET, () => message(fresh(), 1)),
      ]);
      const headers = { "content-type": "text/plain", accept: "text/plain" };
      await fetch(`http://127.0.0.1:${port}/calla`, { method: "POST", body, headers })
        .then((answer) => answer.text())
        .catch(() => sleep(50));
    }
  },
  async joins() {
    for (;;) {
      const targets = several(990, (i) => subscription(fresh(), i + 1));
      const client = await rawClient(port, { token: "greedy", targets });
      if (client !== undefined) await Promise.race([client.heard(), sleep(300)]);
      client?.end();
    }
  },
  // A user has a hundred connections, and one rate.
  async user() {
    await Promise.all(several(50, () => newTopics({ token: "greedy" })));
  },
  // As many visitors as an address may have, each with a rate of its own and as much as this process can say.
  async address() {
    await Promise.all(
      several(900, async (i) => {
        await sleep(i * 2);
        for (;;) {
          const client = await rawClient(port);
          while (isOpen(client)) {
            client.say(...several(20, () => message(fresh(), 1)));
            await answered(client, 20);
          }
          await sleep(100);
        }
      }),
    );
  },
};
process.send?.("begun");
await kinds[kind ?? ""]?.();
