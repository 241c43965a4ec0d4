import { expect, test } from "vitest";
import { Meters } from "./meters.ts";

test("[LM40] over the bound those that come share one meter, and whoever was there before keeps his own", () => {
  let now = 0;
  const meters = new Meters(() => now, 3);
  const line = {};
  const known = ["a", "b", "c"].map((address) => meters.hold(line, address));
  for (const meter of known) {
    meter.paid = 100;
    meters.release(meter);
  }
  const [d, e] = [meters.hold(line, "d"), meters.hold(line, "e")];
  expect(d).toBe(e);
  expect(meters.size).toBe(3);
  expect(known).toContain(meters.hold(line, "a"));
  meters.release(known[0]!);
  now = 100;
  const fresh = meters.hold(line, "f");
  expect(fresh).not.toBe(d);
  meters.release(fresh);
  for (const meter of [d, e]) meters.release(meter);
  expect(meters.size).toBe(0);
});

test("[LM40] nobody's address is counted by its line alone", () => {
  const meters = new Meters(() => 0);
  const [line, other] = [{}, {}];
  expect(meters.hold(line, undefined)).toBe(meters.hold(line, undefined));
  expect(meters.hold(line, undefined)).not.toBe(meters.hold(other, undefined));
});
