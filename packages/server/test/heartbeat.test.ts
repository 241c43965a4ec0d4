import type { Clock } from "@calla/shared";
import { expect, test, vi } from "vitest";
import { Heartbeat } from "../src/transports/heartbeat.ts";

function counted() {
  const asked: number[] = [];
  const clock: Clock = {
    now: () => 0,
    setTimeout(_, milliseconds) {
      asked.push(milliseconds);
      return () => undefined;
    },
    defer: () => undefined,
  };
  return { clock, asked };
}

test.each([0, -1, Number.NaN, "1000" as unknown as number])(
  "[TR17] an interval of %s is refused",
  (interval) => {
    const { clock } = counted();
    expect(() => new Heartbeat(clock, interval)).toThrow(expect.objectContaining({ code: "transport" }));
  },
);

test("[TR17] Infinity: no beat, and connections are counted all the same", () => {
  const { clock } = counted();
  const heartbeat = new Heartbeat(clock, Infinity);
  const one = { beatSlot: 0, beat: vi.fn() };
  heartbeat.add(one);
  expect([heartbeat.size, [...heartbeat.connections()]]).toEqual([1, [one]]);
  heartbeat.delete(one);
  expect(heartbeat.size).toBe(0);
});
