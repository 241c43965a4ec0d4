import { describe, expect, test } from "vitest";
import { virtualClock } from "../doubles/clock.ts";
import { Lane } from "./lane.ts";
import type { LaneOptions, Packet } from "./lane.ts";

/** A lane, and what has arrived at its far end. */
function laid(options: Partial<LaneOptions<string>> = {}) {
  const clock = virtualClock();
  const arrived: string[] = [];
  const lane = new Lane<string>({
    clock,
    latency: undefined,
    arrive: ({ frames, end }) => void arrived.push(end === undefined ? frames.join() : "end"),
    stop: () => false,
    ...options,
  });
  const send = (...names: string[]): void => {
    for (const name of names) lane.push({ data: name, frames: [name], end: undefined });
  };
  const end = (): void => lane.push({ data: undefined, frames: [], end: { code: 1000, reason: "" } });
  return { clock, arrived, lane, send, end };
}

describe("without a latency", () => {
  test("packets wait until they are delivered, in order, all or so many", () => {
    const { arrived, lane, send } = laid();
    send("a", "b", "c");
    expect([lane.frames, arrived]).toEqual([["a", "b", "c"], []]);
    lane.deliver(2);
    expect(arrived).toEqual(["a", "b"]);
    lane.deliver();
    expect([lane.frames, arrived]).toEqual([[], ["a", "b", "c"]]);
    expect(lane.sent).toEqual(["a", "b", "c"]);
  });

  test("what is under way is dropped, doubled and reordered by its place", () => {
    const { arrived, lane, send } = laid();
    send("a", "b", "c", "d");
    expect([lane.drop(0), lane.duplicate(0), lane.reorder(2)]).toEqual([true, true, true]);
    lane.deliver();
    expect(arrived).toEqual(["b", "b", "d", "c"]);
    expect([lane.drop(), lane.duplicate(), lane.reorder()]).toEqual([false, false, false]);
  });
});

describe("with a latency", () => {
  test("a packet arrives when its time is over, never before the one sent before it", async () => {
    const times = [50, 10, 30];
    const { clock, arrived, send } = laid({ latency: () => times.shift()! });
    send("a", "b");
    await clock.advance(49);
    expect(arrived).toEqual([]);
    await clock.advance(1);
    expect(arrived).toEqual(["a", "b"]);
    send("c");
    await clock.advance(30);
    expect(arrived).toEqual(["a", "b", "c"]);
  });

  test("a delay holds up what is sent from then on", async () => {
    const { clock, arrived, lane, send } = laid({ latency: () => 10 });
    send("a");
    lane.delay(100);
    send("b");
    await clock.advance(10);
    expect(arrived).toEqual(["a"]);
    await clock.advance(90);
    expect(arrived).toEqual(["a", "b"]);
  });

  test("a doubled packet arrives twice, and nothing behind it is lost for it", async () => {
    const { clock, arrived, lane, send } = laid({ latency: () => 10 });
    send("a", "b");
    lane.duplicate();
    await clock.advance(10);
    expect(arrived).toEqual(["a", "a", "b"]);
  });

  test("nothing arrives after a close, and no timer is left", async () => {
    const { clock, arrived, lane, send } = laid({ latency: () => 10 });
    send("a");
    lane.close();
    send("b");
    await clock.advance(100);
    expect([arrived, lane.frames, lane.sent]).toEqual([[], [], ["a"]]);
  });
});

describe("the next packet", () => {
  test("that is dropped never arrives, one that is doubled does twice, and only that one", () => {
    for (const [how, heard] of [
      ["drop", ["b"]],
      ["duplicate", ["a", "a", "b"]],
    ] as const) {
      const { arrived, lane, send } = laid();
      lane.spoilNext(how);
      send("a", "b");
      lane.deliver();
      expect(arrived, how).toEqual(heard);
    }
  });

  test("that is reordered waits for the one behind it, but the end of a connection overtakes nothing", () => {
    const { arrived, lane, send, end } = laid();
    lane.spoilNext("reorder");
    send("a", "b");
    lane.spoilNext("reorder");
    send("c");
    end();
    lane.deliver();
    expect(arrived).toEqual(["b", "a", "c", "end"]);
  });

  test("that is spared stays whole, whatever was asked for", () => {
    const spares = (_: string, frames: readonly string[]) => frames.includes("spared");
    for (const how of ["drop", "duplicate", "reorder"] as const) {
      const { arrived, lane, send } = laid({ spares });
      lane.spoilNext(how);
      send("spared", "b");
      expect([lane.drop(0), lane.duplicate(0)]).toEqual([false, false]);
      lane.deliver();
      expect(arrived, how).toEqual(["spared", "b"]);
    }
  });
});

test("a silent lane takes what is sent, and nothing arrives", () => {
  const { arrived, lane, send } = laid();
  lane.silent = true;
  send("a");
  lane.silent = false;
  send("b");
  lane.deliver();
  expect([arrived, lane.sent]).toEqual([["b"], ["a", "b"]]);
});

test("a cut stops the packet that it is in front of, and all that would come with it", () => {
  const { arrived, lane, send } = laid({ stop: ({ frames }: Packet<string>) => frames.includes("b") });
  send("a", "b", "c");
  lane.deliver();
  expect(arrived).toEqual(["a"]);
});

test("a far end that does not read has what came meanwhile once it reads again, after as many resumes as pauses", async () => {
  const { clock, arrived, lane, send } = laid({ latency: () => 10 });
  lane.pause();
  lane.pause();
  send("a", "b");
  await clock.advance(10);
  lane.resume();
  expect([lane.paused, arrived]).toEqual([true, []]);
  lane.resume();
  expect([lane.paused, arrived]).toEqual([false, ["a", "b"]]);
});
