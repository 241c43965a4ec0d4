// Beginnings that many tests share: a live topic, a reconnect, a storage whose commits wait for the test.
import { memoryPageStorage as memoryStorage } from "../src/storage/memory-storage.ts";
import type { PageStorage as Storage, StorageChange } from "../src/storage/storage.ts";
import { giveSnapshot, handshake, items, list, setUp, turn } from "./kit.ts";
import type { Connection, FakeServer, VirtualClock } from "./kit.ts";

export const added = (text: string) => ({ type: "added", text }) as const;
export const removed = (text: string) => ({ type: "removed", text }) as const;

/** A client that is live on list:1, at sequence 0 unless given. */
export async function live(options: Parameters<typeof setUp>[0] = {}, sequence = 0, ...texts: string[]) {
  const setup = setUp(options);
  const topic = setup.client.topic(list, "1");
  const states: unknown[] = [];
  topic.onChange((state) => states.push(state));
  const connection = await handshake(setup);
  await giveSnapshot(connection, "list:1", sequence, items(...texts));
  states.length = 0;
  return { ...setup, topic, connection, states };
}

/** The connection breaks and the next one is through the handshake; nothing is answered yet. */
export async function reconnect(
  { server, clock }: { server: FakeServer; clock: VirtualClock },
  clientId = "c1",
): Promise<Connection> {
  server.connection.drop();
  await clock.advance(1_000);
  return handshake({ server }, clientId);
}

interface Commit {
  readonly changes: readonly StorageChange[];
  land(error?: unknown): Promise<void>;
}

/** A memory storage of which the test says when each commit lands, or that it fails. */
export function slowStorage(
  inner = memoryStorage(),
): Storage & { readonly commits: Commit[]; landAll(): Promise<void> } {
  const commits: Commit[] = [];
  return {
    ...inner,
    commits,
    commit: (changes) =>
      new Promise((resolve, reject) => {
        commits.push({
          changes,
          async land(error) {
            if (error === undefined) resolve(inner.commit(changes));
            else reject(error);
            await turn();
          },
        });
      }),
    async landAll() {
      await turn();
      // One at a time: each may be followed by another.
      for (let commit = commits.shift(); commit; commit = commits.shift()) await commit.land();
    },
  };
}
