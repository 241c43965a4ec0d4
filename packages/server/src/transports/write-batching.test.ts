import { expect, test } from "vitest";
import { flushLater } from "./write-batching.ts";

test("[TR14] a connection that can be neither written to nor ended is not the end of those behind it", async () => {
  const flushed: string[] = [];
  const broken = {
    flush() {
      throw new Error("broken");
    },
    terminate() {
      throw new Error("broken, too");
    },
  };
  const good = (name: string) => ({ flush: () => void flushed.push(name), terminate: () => undefined });
  flushLater(broken);
  flushLater(good("first"));
  await new Promise((done) => setImmediate(done));
  flushLater(good("later"));
  await new Promise((done) => setImmediate(done));
  expect(flushed).toEqual(["first", "later"]);
});
