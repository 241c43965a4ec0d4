import { expect, test } from "vitest";
import { localPubSub } from "./pubsub.ts";

test("[SV6] [SV15] an undo of a subscription ends that one, however often it is called", () => {
  const { publish, subscribe } = localPubSub();
  const heard: string[] = [];
  const first = subscribe("a", () => heard.push("first"));
  first();
  const listener = (): unknown => heard.push("second");
  const second = subscribe("a", listener);
  first();
  publish("a", 1);
  expect(heard).toEqual(["second"]);
  subscribe("a", listener);
  second();
  publish("a", 2);
  expect(heard).toEqual(["second", "second"]);
});
