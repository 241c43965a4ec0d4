// What a key names, and ephemeral topics in memory: by the directory alone.
import { sessionKey } from "@calla/shared";
import { describe, expect, test } from "vitest";
import { parts } from "../../test/parts.ts";
import type { PartsOptions } from "../../test/parts.ts";
import { cursors, handPubSub, list, session } from "../../test/wired.ts";
import { SlowConsumers } from "../connection/slow-consumers.ts";
import type { EphemeralTopic } from "./ephemeral-topic.ts";
import { keyOf, TargetDirectory } from "./target-directory.ts";
import { TargetRegistry } from "./target-registry.ts";

const all = { [list.name]: {}, [cursors.name]: {}, [session.name]: {} };

function directory(options: PartsOptions = {}) {
  const it = parts({ handlers: all, ...options });
  const slow = new SlowConsumers(it.context, () => undefined);
  const gave: string[] = [];
  const leave = (topic: EphemeralTopic): void => {
    for (const one of topic.audience.current) topic.audience.remove(one);
  };
  const registry = new TargetRegistry(it.context, slow, new Map(), {
    rang: () => undefined,
    told: () => undefined,
    givesWay: () => undefined,
  });
  const targets = new TargetDirectory(it.context, slow, registry, (topic) => {
    gave.push(topic.topic);
    leave(topic);
  });
  const open = (key: string): EphemeralTopic | undefined => {
    const named = targets.named(key, "c");
    if (typeof named === "string") throw new Error(named);
    return targets.open(key, named) as EphemeralTopic | undefined;
  };
  /** Somebody subscribes. */
  const join = (topic: EphemeralTopic, clientId: string) => {
    const { enter } = it.talk();
    const conversation = enter(clientId);
    topic.join(conversation, {
      ref: 1,
      admitted: true,
      welcomed: false,
      live: false,

      inquiry: undefined,
    });
    return conversation;
  };
  return { ...it, targets, registry, gave, open, join };
}

describe("a key", () => {
  test("[HA1] names a topic of the wiring that has handlers; naming opens nothing", () => {
    const { targets, registry } = directory({ handlers: { [list.name]: {} } });
    expect(targets.named("list:1", "c")).toMatchObject({ slice: list, params: ["1"] });
    expect(["nothing:1", "list:", "list", ""].map((key) => targets.named(key, "c"))).toEqual(
      Array.from({ length: 4 }, () => "topic"),
    );
    expect(["other:1", "cursors:1"].map((key) => targets.named(key, "c"))).toEqual([
      "unhandled",
      "unhandled",
    ]);
    expect([...registry.all()]).toEqual([]);
    expect(targets.get("list:1")).toBeUndefined();
  });

  test("[HA10] of a session names it for its own client, and for nobody else whatever is in memory", () => {
    const { targets } = directory();
    const mine = sessionKey("c");
    expect(targets.named(mine, "c")).toMatchObject({ slice: session });
    targets.target(mine);
    expect(targets.named(mine, "d")).toBe("topic");
    expect(targets.named(mine, "")).toBe("topic");
    expect(targets.named(mine, "c")).toMatchObject({ slice: session });
  });

  test("[HA10] on the wire is '@' for one's own session; with more behind it, it is no other one", () => {
    const client = { clientId: "c" };
    expect(keyOf(client, "@")).toBe(sessionKey("c"));
    expect(keyOf(client, "list:1")).toBe("list:1");
    const { targets } = directory();
    for (const forged of [sessionKey("d"), sessionKey("c"), "@@"])
      expect(targets.named(keyOf(client, forged), "c"), forged).toBe("topic");
  });
});

describe("an ephemeral topic", () => {
  test("is one for all who come, until nobody is left; then another one, and the old one hears nothing any more", async () => {
    const bells = handPubSub();
    const { targets, open, join } = directory({ pubsub: bells.pubsub });
    const topic = open("cursors:1")!;
    expect(open("cursors:1")).toBe(topic);
    expect(targets.ephemeral("cursors:1")).toBe(topic);
    const one = join(topic, "c");
    targets.forget(topic);
    expect([topic.closed, targets.get("cursors:1")]).toEqual([false, topic]);
    topic.leave(one);
    expect(bells.listening("target:cursors:1")).toBe(1);
    targets.forget(topic);
    expect([topic.closed, targets.get("cursors:1")]).toEqual([true, undefined]);
    expect(bells.listening("target:cursors:1")).toBe(0);
    const next = open("cursors:1")!;
    expect(next).not.toBe(topic);
    targets.forget(topic); // once more: the new one is nobody's to forget by it
    expect(targets.get("cursors:1")).toBe(next);
    expect(bells.listening("target:cursors:1")).toBe(1);
  });

  test("[LM24] gives way when there are too many: first one without subscribers, each time", () => {
    const { targets, open, join, gave } = directory({ limits: { maxOpenTargets: 2 } });
    join(open("cursors:1")!, "a");
    open("cursors:2");
    open("cursors:3");
    expect(gave).toEqual(["cursors:2"]);
    open("cursors:4");
    expect(gave).toEqual(["cursors:2", "cursors:3"]);
    expect(targets.ofSlice(cursors as never)).toEqual(["cursors:1", "cursors:4"]);
  });

  test("[LM24] whose subscribers are nobody's that holds more than the newcomer stays: the newcomer is refused", () => {
    const { open, join, gave } = directory({ limits: { maxOpenTargets: 2 } });
    join(open("cursors:1")!, "a");
    join(open("cursors:2")!, "b");
    expect(open("cursors:3")).toBeUndefined();
    expect(open("cursors:3")).toBeUndefined();
    expect(gave).toEqual([]);
  });
});

describe("a target for the server itself", () => {
  test("is opened whether there are handlers or not; what is no target is an error that says so", () => {
    const { targets } = directory({ handlers: {} });
    expect(targets.target("list:1").key).toBe("list:1");
    expect(targets.target("list:1")).toBe(targets.target("list:1"));
    for (const key of ["nothing:1", "cursors:1"])
      expect(() => targets.target(key), key).toThrow(
        expect.objectContaining({ code: key === "cursors:1" ? "storage" : "topic" }),
      );
    expect(targets.ofSlice(list as never)).toEqual(["list:1"]);
  });

  test("that nobody gives way for is an error that may pass", () => {
    const { targets } = directory({ limits: { maxOpenTargets: 1 } });
    targets.target("list:1"); // being opened: nothing can be closed
    expect(() => targets.target("list:2")).toThrow(/too many topics are busy/);
  });
});
