// A pubsub that lives on over new engines: what those hear who hold it.
import { automatic, json } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { localPubSub } from "../cluster/pubsub.ts";
import type { PubSub } from "../cluster/pubsub.ts";
import { pubSubContract } from "../testing/pubsub-contract/index.ts";
import { LivingPubSub } from "./living-pubsub.ts";

/** Engines over one broker, each of which may be made to throw. */
function scene() {
  const errors: unknown[] = [];
  const failures: unknown[] = [];
  const broker = localPubSub();
  const living = new LivingPubSub((error) => void errors.push(error));
  const engineOf = (more: Partial<PubSub> = {}): PubSub => ({
    publish: (channel, payload) => broker.publish(channel, payload),
    subscribe: (channel, listener) => broker.subscribe(channel, listener),
    ...more,
  });
  const attach = (engine: PubSub) => living.attach(engine, (error) => void failures.push(error));
  const heard: unknown[] = [];
  const listen = (channel: string) => living.subscribe(channel, (payload) => void heard.push(payload));
  const gaps = { count: 0 };
  const onGap = () => living.onGap(() => void gaps.count++);
  return { living, broker, engineOf, attach, heard, listen, gaps, onGap, errors, failures };
}
const boom = new Error("boom");
const throws = (): never => {
  throw boom;
};

describe("[SU12] holds to the contract of a pubsub, over engines of one broker", () => {
  /** Two nodes; the second one's engine is left and another one begun with. */
  function pair() {
    const broker = localPubSub();
    const node = () => {
      const living = new LivingPubSub(() => undefined);
      const begin = (): PubSub => {
        const engine = { ...broker };
        living.attach(engine, () => expect.fail("it has not failed"));
        return engine;
      };
      let engine = begin();
      const again = (): void => {
        living.detach(engine);
        engine = begin();
      };
      return Object.assign(living, { again, close: () => living.detach(engine) });
    };
    const [one, two] = [node(), node()];
    return { nodes: [one, two], settle: () => Promise.resolve(), gap: async () => two.again() } as const;
  }
  for (const { name, run } of pubSubContract) test(name, () => run({ create: pair }));
});

describe("[SU12] over another engine", () => {
  test("what was listened to is listened to, and there was a gap; not at the first engine", () => {
    const { living, engineOf, attach, heard, listen, gaps, onGap } = scene();
    listen("a");
    onGap();
    const [one, two] = [engineOf(), engineOf()];
    attach(one);
    const leave = listen("b");
    living.publish("a", 1);
    living.publish("b", 2);
    expect([heard, gaps.count]).toEqual([[1, 2], 0]);
    living.detach(one);
    leave();
    attach(two);
    expect(gaps.count).toBe(1);
    living.publish("a", 3);
    living.publish("b", 4);
    expect(heard).toEqual([1, 2, 3]);
    living.detach(two);
    attach(engineOf());
    living.publish("a", 5);
    expect([heard, gaps.count]).toEqual([[1, 2, 3, 5], 2]);
  });

  test("what is published between two waits, in order, and comes before the gap is told", () => {
    const { living, engineOf, attach, heard, listen } = scene();
    const order: unknown[] = heard;
    listen("a");
    living.onGap(() => void order.push("gap"));
    living.publish("a", 0);
    const one = engineOf();
    attach(one);
    living.detach(one);
    for (const n of [1, 2, 3]) living.publish("a", n);
    expect(order).toEqual([0]);
    attach(engineOf());
    expect(order).toEqual([0, 1, 2, 3, "gap"]);
    attach(engineOf());
    expect(order.filter((one) => one !== "gap")).toEqual([0, 1, 2, 3]);
  });

  test("what a listener publishes as it hears what waited comes behind all of that", () => {
    const { living, engineOf, attach, heard, listen } = scene();
    listen("a");
    living.subscribe("a", (payload) => {
      if (Number(payload) < 10) living.publish("a", Number(payload) * 10);
    });
    for (const n of [1, 2, 3]) living.publish("a", n);
    attach(engineOf());
    expect(heard).toEqual([1, 2, 3, 10, 20, 30]);
  });

  test("what an engine that fails meanwhile has not taken waits for the next one, as what comes then", () => {
    const { living, broker, engineOf, attach, heard, listen, failures, errors } = scene();
    listen("a");
    for (const n of [1, 2, 3]) living.publish("a", n);
    const one = engineOf({
      publish: (channel, payload) => (payload === 1 ? broker.publish(channel, payload) : throws()),
    });
    attach(one);
    living.publish("a", 4);
    expect([heard, failures]).toEqual([[1], [boom]]);
    living.detach(one);
    attach(engineOf());
    // It took the second, and it may not have carried it.
    expect([heard, errors]).toEqual([[1, 3, 4], []]);
  });

  test("what is listened to in the middle of the beginning is listened to once", () => {
    const { living, broker, engineOf, attach, heard, listen } = scene();
    listen("a");
    let once = true;
    attach(
      engineOf({
        subscribe(channel, listener) {
          if (once) {
            once = false;
            listen("b");
          }
          return broker.subscribe(channel, listener);
        },
      }),
    );
    living.publish("b", 1);
    expect(heard).toEqual([1]);
  });

  test("an engine over one that was not left leaves that, and is listened on", () => {
    const { living, engineOf, attach, heard, listen } = scene();
    listen("a");
    for (let n = 1; n <= 2; n++) attach(engineOf());
    living.publish("a", 1);
    expect(heard).toEqual([1]);
  });

  test("a thousand wait; that more are lost is said once each time", () => {
    const { living, engineOf, attach, heard, listen, errors } = scene();
    listen("a");
    for (let round = 1; round <= 2; round++) {
      for (let n = 0; n < 1_002; n++) living.publish("a", n);
      expect(errors).toHaveLength(round);
      const engine = engineOf();
      attach(engine);
      expect(heard).toHaveLength(1_000 * round);
      living.detach(engine);
    }
    expect(String(errors[0])).toMatch(/more than 1000 messages wait for it; the rest is lost/);
  });

  test("an engine that was left is not heard any more, and says no gap and no failure", () => {
    const left: { hears?: (payload: unknown) => void; gap?: () => void } = {};
    const { living, engineOf, attach, heard, listen, gaps, onGap } = scene();
    listen("a");
    onGap();
    const one = engineOf({
      subscribe: (_, hears) => {
        left.hears = hears;
        return () => undefined;
      },
      onGap: (gap) => {
        left.gap = gap;
        return () => undefined;
      },
    });
    attach(one);
    left.hears!("now");
    left.gap!();
    living.detach(one);
    const two = engineOf();
    attach(two);
    left.hears!("late");
    left.gap!();
    expect([heard, gaps.count]).toEqual([["now"], 2]);
    // One that is not its own any more.
    living.detach(one);
    living.publish("a", "two");
    expect(heard).toEqual(["now", "two"]);
  });

  test("it carries values as it was told to, and so does the next engine, before anything is said", () => {
    const order: unknown[] = [];
    const { living, engineOf, attach } = scene();
    const serialiser = automatic(json());
    living.publish("a", 1);
    const engine = () =>
      engineOf({ carryWith: (one) => order.push(one), publish: (channel) => void order.push(channel) });
    living.carryWith(serialiser);
    const one = engine();
    attach(one);
    living.detach(one);
    attach(engine());
    expect(order).toEqual([serialiser, "a", serialiser]);
    const other = automatic(json());
    living.carryWith(other);
    expect(order.at(-1)).toBe(other);
  });

  test("an engine that throws as it is begun with is not begun with", () => {
    const { living, engineOf, attach, heard, listen } = scene();
    listen("a");
    expect(() => attach(engineOf({ subscribe: throws }))).toThrow(boom);
    living.publish("a", 1);
    expect(heard).toEqual([]);
    attach(engineOf());
    expect(heard).toEqual([1]);
  });

  test("what an engine throws as it is left, and what listeners throw, is reported and no failure", () => {
    const { living, engineOf, attach, heard, listen, errors, failures } = scene();
    living.subscribe("a", throws);
    listen("a");
    living.onGap(throws);
    const one = engineOf({ onGap: () => throws });
    attach(one);
    living.publish("a", 1);
    living.detach(one);
    attach(engineOf());
    expect([heard, failures]).toEqual([[1], []]);
    expect(errors).toEqual([boom, boom, boom]);
  });
});

describe("[SU13] an engine has failed", () => {
  test("where it says so", () => {
    const failing: ((error: unknown) => void)[] = [];
    const { engineOf, attach, failures } = scene();
    const undone: string[] = [];
    attach(
      engineOf({
        onFailure(listener) {
          failing.push(listener);
          return () => void undone.push("undone");
        },
      }),
    );
    failing[0]!(boom);
    expect(failures).toEqual([boom]);
  });

  test("where it throws as something is listened to, which the next engine is told of", () => {
    const { living, engineOf, attach, heard, listen, failures } = scene();
    const one = engineOf({ subscribe: throws });
    attach(one);
    const leave = listen("a");
    expect(failures).toEqual([boom]);
    living.detach(one);
    attach(engineOf());
    living.publish("a", 1);
    expect(heard).toEqual([1]);
    leave();
    living.publish("a", 2);
    expect(heard).toEqual([1]);
  });

  test.each([
    ["throws", throws],
    ["rejects", () => Promise.reject(boom) as never],
  ])("where it %s for what is published, and for a word of the pubsub's own", async (_, publish) => {
    const { living, engineOf, attach, failures } = scene();
    attach(engineOf({ publish }));
    living.publish("a", 1);
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toEqual([boom]);
  });

  test.each([false, true])(
    "not where it cannot carry a payload: that is reported (rejects: %s)",
    async (rejects) => {
      const { living, broker, engineOf, attach, heard, listen, errors, failures } = scene();
      const publish = (channel: string, payload: unknown) => {
        if (typeof payload !== "function") return broker.publish(channel, payload);
        if (rejects) return Promise.reject(boom) as never;
        throw boom;
      };
      listen("a");
      attach(engineOf({ publish }));
      for (let i = 0; i < 3; i++) living.publish("a", () => undefined);
      living.publish("a", 1);
      await new Promise((resolve) => setImmediate(resolve));
      expect([heard, failures, errors]).toEqual([[1], [], [boom, boom, boom]]);
    },
  );
});
