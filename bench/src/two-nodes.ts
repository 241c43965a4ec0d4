// Two servers over one database, a client at each: one speaks, the other hears.
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "./crowd.ts";
import type { Dialect, Heard } from "./dialects.ts";
import { Peer } from "./peer.ts";
import { ServerProcess } from "./server-process.ts";
import type { Talker } from "./talker.ts";

const TOPIC = "room:0";
/** Until nodes have found each other; Socket.IO's say nothing of it. */
const ACQUAINTANCE = 1_000;

export interface TwoNodes {
  /** Says the next message at one; resolves once it was heard at the other, checked for loss, order and doubles. */
  deliver(): Promise<void>;
  close(): Promise<void>;
}

export async function twoNodes(dialect: Dialect, wrong: (why: string) => never): Promise<TwoNodes> {
  const servers = Array.from(
    { length: 2 },
    () => new ServerProcess(dialect.server, { serverCore: undefined, profile: undefined }, wrong),
  );
  const ports = await Promise.all(servers.map((server) => server.port()));
  await sleep(ACQUAINTANCE);

  let last = 0;
  let delivered = (): void => undefined;
  const peers = new Map<number, Talker>();
  const stream = { topic: TOPIC, peers, sequence: 0, mark: 0 };
  const heardBy = (peer: Talker): Heard => ({
    joined: () => void (peer.joined = true),
    decided: (n) => void (peer.decided = n),
    wrong,
  });
  const events = {
    read: () => undefined,
    closed: ({ number }: Talker, why: string) => wrong(`client ${number}: ${why}`),
    frame(peer: Talker, bytes: Buffer, start: number, end: number): void {
      const packet = bytes.subarray(start, end);
      const follows = peer === listener;
      if (!dialect.shared(bytes, start)) return dialect.personal(peer, TOPIC, follows, packet, heardBy(peer));
      // Its own message, where who speaks follows too.
      if (!follows) return void peer.decided++;
      for (const { n } of dialect.read(packet, stream, { wrong }).messages) {
        if (n !== ++last) wrong(`message ${n} in place of ${last}`);
        delivered();
      }
    },
  };
  const [speaker, listener] = [new Peer(0, events), new Peer(1, events)];
  for (const [i, peer] of [speaker, listener].entries()) {
    peers.set(peer.number, peer);
    await peer.open(ports[i]!, dialect.path, dialect.protocol);
    const opening = dialect.opening(peer, TOPIC, peer === listener);
    if (opening.length > 0) peer.send(opening);
    await until("a client to join", () => peer.joined, wrong);
  }

  return {
    async deliver() {
      const heard = new Promise<void>((resolve) => {
        delivered = resolve;
      });
      speaker.send(dialect.dispatch(speaker, TOPIC, ++speaker.sent, 1));
      await heard;
    },
    async close() {
      for (const peer of [speaker, listener]) peer.close();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
