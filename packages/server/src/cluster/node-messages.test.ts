import { describe, expect, test } from "vitest";
import { hearTarget, ring, tellDigest, tellPush } from "./node-messages.ts";
import { containedPubSub, localPubSub } from "./pubsub.ts";

function twoNodes(shared = true) {
  const engine = localPubSub();
  const errors: unknown[] = [];
  const pubsub = containedPubSub(engine, (error) => errors.push(error));
  const [near, far] = ["near", "far"].map((node) => ({ node, log: { shared }, pubsub }));
  const heard: unknown[] = [];
  const silence = hearTarget(far!, "list:1", {
    rang: () => void heard.push("rang"),
    digest: (digest) => void heard.push(digest),
    push: (push) => void heard.push(push),
  });
  return { engine, errors, near: near!, far: far!, heard, silence };
}
const digest = { sequence: 1, mark: 2, digest: 3 };

describe("[SV17] what nodes tell each other of a target", () => {
  test("goes over one channel, each kind to who wants it, and not to its own node", () => {
    const { errors, near, far, heard, silence } = twoNodes();
    const rings: string[] = [];
    hearTarget(far, "list:1", { rang: () => void rings.push("rang") });
    for (const node of [near, far]) {
      ring(node, "list:1");
      tellDigest(node, "list:1", digest);
      tellPush(node, "list:1", { pushed: [1, null, []] });
      tellPush(node, "list:1", { pushed: [1, null, []], except: "ada" });
      ring(node, "list:2");
    }
    const pushes = [{ pushed: [1, null, []] }, { pushed: [1, null, []], except: "ada" }];
    expect(heard).toEqual(["rang", digest, ...pushes]);
    expect([rings, errors]).toEqual([["rang"], []]);
    silence();
    ring(near, "list:1");
    expect(heard).toHaveLength(4);
  });

  test("is of pushes alone where nodes share no log", () => {
    const { near, heard } = twoNodes(false);
    ring(near, "list:1");
    tellDigest(near, "list:1", digest);
    tellPush(near, "list:1", { pushed: [] });
    expect(heard).toEqual([{ pushed: [] }]);
  });

  test.each([
    undefined,
    "garbage",
    {},
    { node: "x" },
    { node: "x", kind: "other" },
    { node: "x", kind: "digest", ...digest, mark: "1" },
    { node: "x", kind: "push", pushed: 7 },
    { node: "x", kind: "push", pushed: [], except: 7 },
  ])("is none of these: %j is reported", (payload) => {
    const { engine, errors, heard } = twoNodes();
    engine.publish("target:list:1", payload);
    expect([errors.length, heard]).toEqual([1, []]);
  });
});
