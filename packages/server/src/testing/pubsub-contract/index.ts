// What every pubsub must do, as checks that any test runner can run.
import { inspect, isDeepStrictEqual } from "node:util";
import type { PubSub } from "../../cluster/pubsub.ts";

/** Two nodes over one medium, made anew for each check. */
export interface PubSubPair {
  /** For an engine that lives in one process the same object twice. */
  readonly nodes: readonly [PubSub, PubSub];
  /** Resolves once what was published has been heard. */
  settle(): Promise<void>;
  /** Breaks the second node's line and mends it. Absent: the checks of gaps are passed over. */
  gap?(): Promise<void>;
}

/** How the contract gets engines to check. */
export interface PubSubMaker {
  /** Two nodes that have been told `carryWith` and hear each other. */
  create(): PubSubPair | Promise<PubSubPair>;
}

/** One rule of the contract; `name` begins with its id. */
export interface PubSubCheck {
  readonly name: string;
  /** Rejects with what is wrong. */
  run(made: PubSubMaker): Promise<void>;
}

const check = (name: string, run: (pair: PubSubPair) => Promise<void>): PubSubCheck => ({
  name,
  run: async ({ create }) => {
    const pair = await create();
    try {
      await run(pair);
    } finally {
      for (const node of new Set(pair.nodes)) await node.close?.();
    }
  },
});

function equal(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected))
    throw new Error(`${what}: expected ${inspect(expected)}, got ${inspect(actual)}`);
}

/** Listens and writes down. */
function hearing(node: PubSub, channel: string): { readonly heard: unknown[]; readonly silence: () => void } {
  const heard: unknown[] = [];
  return { heard, silence: node.subscribe(channel, (payload) => void heard.push(payload)) };
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/**
 * The contract of a `PubSub`, for authors of engines.
 *
 * @example
 * for (const { name, run } of pubSubContract) test(name, () => run({ create: () => twoNodesOverRedis() }));
 */
export const pubSubContract: readonly PubSubCheck[] = [
  check(
    "[PS1] a payload reaches the channel's listeners on all nodes, the publisher's own too",
    async (pair) => {
      const [one, two] = pair.nodes;
      const [own, far, other] = [hearing(one, "a"), hearing(two, "a"), hearing(two, "b")];
      await pair.settle();
      one.publish("a", { n: 1 });
      await pair.settle();
      equal([own.heard, far.heard, other.heard], [[{ n: 1 }], [{ n: 1 }], []], "what was heard");
    },
  ),
  check("[PS2] what one node publishes on a channel is heard in order", async (pair) => {
    const [one, two] = pair.nodes;
    const all = [hearing(one, "a"), hearing(two, "a")];
    await pair.settle();
    for (const n of numbers(100)) one.publish("a", n);
    await pair.settle();
    for (const { heard } of all) equal(heard, numbers(100), "what was heard");
  }),
  check("[PS2] what a listener publishes is heard behind what it has heard, by all", async (pair) => {
    const [one, two] = pair.nodes;
    one.subscribe("a", (n) => {
      if ((n as number) < 3) one.publish("a", (n as number) + 1);
    });
    const all = [hearing(one, "a"), hearing(two, "a")];
    await pair.settle();
    one.publish("a", 0);
    for (let i = 0; i < 4; i++) await pair.settle();
    for (const { heard } of all) equal(heard, [0, 1, 2, 3], "what was heard");
  }),
  check("[PS3] who has left hears nothing more, not even what is being heard", async (pair) => {
    const [one] = pair.nodes;
    const heard: string[] = [];
    const leave = one.subscribe("a", () => {
      heard.push("first");
      leave();
      second();
    });
    const second = one.subscribe("a", () => void heard.push("second"));
    const third = hearing(one, "a");
    await pair.settle();
    one.publish("a", 1);
    await pair.settle();
    one.publish("a", 2);
    await pair.settle();
    equal([heard, third.heard], [["first"], [1, 2]], "what was heard");
  }),
  check(
    "[PS3] an undo ends its own subscription, once, however often one function subscribes",
    async (pair) => {
      const [one] = pair.nodes;
      let heard = 0;
      const listener = (): void => void heard++;
      const [first] = [one.subscribe("a", listener), one.subscribe("a", listener)];
      first();
      first();
      await pair.settle();
      one.publish("a", 1);
      await pair.settle();
      equal(heard, 1, "how often it was heard");
    },
  ),
  check("[PS3] who subscribes while something is heard hears what comes then", async (pair) => {
    const [one] = pair.nodes;
    const late: unknown[] = [];
    let begun = false;
    one.subscribe("a", () => {
      if (!begun) one.subscribe("a", (payload) => void late.push(payload));
      begun = true;
    });
    await pair.settle();
    one.publish("a", 1);
    await pair.settle();
    one.publish("a", 2);
    await pair.settle();
    equal(late, [2], "what was heard");
  }),
  check("[PS4] a listener that throws keeps nobody from hearing, then and later", async (pair) => {
    const [one, two] = pair.nodes;
    for (const node of pair.nodes)
      node.subscribe("a", () => {
        throw new Error("of the listener");
      });
    const all = [hearing(one, "a"), hearing(two, "a")];
    await pair.settle();
    for (const n of [1, 2]) {
      try {
        one.publish("a", n);
      } catch {
        // An engine that hears within the call may say so.
      }
      await pair.settle();
    }
    for (const { heard } of all) equal(heard, [1, 2], "what was heard");
  }),
  check("[PS5] values of the domain come as they are", async (pair) => {
    const [one, two] = pair.nodes;
    const { heard } = hearing(two, "a");
    await pair.settle();
    const values = [
      null,
      "text",
      -0.5,
      12n,
      new Date(7),
      Uint8Array.of(0, 255),
      new Map<unknown, unknown>([[1, new Set(["x"])]]),
      { nested: [{ list: [] }], "": "", n: 1e300 },
    ];
    for (const value of values) one.publish("a", value);
    await pair.settle();
    equal(heard, values, "what was heard");
  }),
  check("[PS6] channels are apart, whatever text names them", async (pair) => {
    const [one, two] = pair.nodes;
    const names = ["a", "A", "a:", "a:b", "a*", "a b", "é", "__proto__", '"a"', "x".repeat(300)];
    const all = names.map((name) => ({ name, ...hearing(two, name) }));
    await pair.settle();
    for (const name of names) one.publish(name, name);
    await pair.settle();
    for (const { name, heard } of all) equal(heard, [name], "what was heard");
  }),
  check("[PS7] behind a gap, its listeners are called, and what is published then is heard", async (pair) => {
    const [one, two] = pair.nodes;
    if (pair.gap === undefined || two.onGap === undefined) return;
    let gaps = 0;
    let ended = 0;
    const { heard } = hearing(two, "a");
    two.onGap(() => void gaps++);
    two.onGap(() => void ended++)();
    await pair.settle();
    equal(gaps, 0, "gaps before one");
    await pair.gap();
    await pair.settle();
    equal([gaps > 0, ended], [true, 0], "whether its listeners were called");
    one.publish("a", "behind");
    await pair.settle();
    equal(heard, ["behind"], "what was heard");
  }),
  check("[PS8] closed, an engine calls nobody; it may be closed twice", async (pair) => {
    const [one, two] = pair.nodes;
    if (two.close === undefined) return;
    const { heard, silence } = hearing(two, "a");
    await pair.settle();
    await two.close();
    await two.close();
    if (one !== two) one.publish("a", 1);
    two.publish("a", 2);
    await pair.settle();
    silence();
    equal(heard, [], "what was heard");
  }),
];
