// Calla's client without a socket: frames go in by a call, what it sends is dropped. One topic, live, that somebody
// listens to.
import { createClient } from "@calla/client";
import type { Topic, Transport } from "@calla/client";
import { automatic, defineWiring, json } from "@calla/shared";
import type { TopicSlice } from "@calla/shared";

const format = json();
const serialiser = automatic(format);

export interface BareClient<S extends TopicSlice> {
  close(): Promise<void>;
  readonly topic: Topic<S>;
  /** How often the listener was told. */
  told(): number;
  /** The `n`th record of the topic arrives, from 1 on: somebody else's. */
  hear(n: number, message: object): void;
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Joins the slice's topic "1", whose name before the colon is given. */
export async function bareClient<S extends TopicSlice>(slice: S, name: string): Promise<BareClient<S>> {
  const target = `${name}:1`;
  let say: (frame: object) => void = () => undefined;
  let ref = 0;
  const transport: Transport = {
    reconnect: { baseMilliseconds: 1_000, maxMilliseconds: 1_000, multiplier: 1, jitterRatio: 0 },
    connect(handlers) {
      say = (frame) => void handlers.receive(JSON.stringify(frame));
      setImmediate(() => void handlers.open());
      return {
        send(data) {
          const { targets = [] } = JSON.parse(String(data)) as { targets?: { ref: number }[] };
          ref = targets[0]?.ref ?? ref;
        },
        close: () => undefined,
      };
    },
  };
  const client = createClient({
    wiring: defineWiring({ topics: [slice as TopicSlice] }),
    serialiser,
    transport,
    strict: false,
  });
  const topic = client.topic(slice as TopicSlice, "1") as unknown as Topic<S>;
  let told = 0;
  topic.onChange(() => told++);
  await turn();
  await turn();
  const model = serialiser.payload(format).encodeModel(slice.initial());
  say({ type: "Connected", clientId: "c", secret: "s", userId: null, now: 0, maxInFlight: 64 });
  const settled = { ref, sequence: 0, next: 1, outcomes: [], resync: "snapshot", reason: "new" };
  say({ type: "Settled", target, ...settled });
  say({ type: "Snapshot", target, sequence: 0, mark: 0, version: 1, model });
  await turn();
  return {
    close: () => client.close(),
    topic,
    told: () => told,
    hear: (n, message) =>
      say({
        type: "TopicUpdate",
        target,
        after: n - 1,
        from: n - 1,
        at: 1,
        authors: [[1, null, 1]],
        records: [[0, 0, n, `m${n}`, [message]]],
        mark: n,
      }),
  };
}
