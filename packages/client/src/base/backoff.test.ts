import { expect, test } from "vitest";
import { seededRandom } from "../../test/kit.ts";
import { backoff } from "./backoff.ts";

const options = { baseMilliseconds: 1_000, maxMilliseconds: 30_000, multiplier: 2, jitterRatio: 0.25 };
const least = { uint32: () => 0 };
const most = { uint32: () => 0xff_ff_ff_ff };

test("[CL2] after a first delay from nothing to base they double from base to max, and begin anew after a reset", () => {
  const delays = backoff({ ...options, jitterRatio: 0 }, least);
  const eight = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
  expect(Array.from({ length: 8 }, () => delays.next())).toEqual(eight);
  delays.reset();
  expect([delays.fresh, delays.next(), delays.fresh, delays.next()]).toEqual([true, 0, false, 1_000]);
});

test("[CL2] each delay but the first is spread by the jitter ratio", () => {
  const [short, long] = [backoff(options, least), backoff(options, most)];
  expect([short.next(), short.next()]).toEqual([0, 750]);
  expect([long.next(), long.next()]).toEqual([1_000, 1_250]);
});

test("[CL22] every delay is spread as widely as the server has said, the first over no less than base", () => {
  const [short, long] = [backoff(options, least), backoff(options, most)];
  expect([short.next(8_000), short.next(8_000)]).toEqual([0, 750]);
  expect([long.next(8_000), long.next(8_000)]).toEqual([8_000, 9_250]);
  expect(backoff(options, most).next(10)).toBe(1_000);
});

test("[CL22] of those who lose a connection in one moment no tenth of base gets more than a share", () => {
  const random = seededRandom();
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 10_000; i++) {
    const bin = Math.min(9, Math.floor(backoff(options, random).next() / 100));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  expect(Math.max(...counts)).toBeLessThan(1_200);
});
