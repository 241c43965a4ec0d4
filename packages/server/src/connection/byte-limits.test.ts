import { DEFAULT_LIMITS } from "@calla/shared";
import type { Limits, SteadyClock } from "@calla/shared";
import { expect, test } from "vitest";
import { handClock } from "../../test/wired.ts";
import { ByteIntake } from "./byte-limits.ts";
import type { Inlet } from "./byte-limits.ts";

function opened(limits: Partial<Limits> = {}) {
  const hand = handClock();
  const intake = new ByteIntake(hand.clock as SteadyClock, { ...DEFAULT_LIMITS, ...limits });
  const inlet = (address: string | undefined, more: Partial<Inlet> = {}) => {
    const told: string[] = [];
    let pauses = 0;
    const flow = intake.open({
      address,
      timed: true,
      limited: (limit) => void told.push(limit),
      pause: () => void pauses++,
      resume: () => void pauses--,
      cut: (code) => void told.push(code),
      ...more,
    });
    return { flow, told, pauses: () => pauses };
  };
  return { ...hand, intake, inlet };
}

test("[LM40] who is over its byte rate is not read until that is paid, which is reported once; over an hour no more than the rate is read", async () => {
  const { inlet, advance } = opened({ byteRate: 1_000, byteBurst: 5_000 });
  const { flow, told, pauses } = inlet("a");
  flow.received(5_000, 0);
  expect([pauses(), told]).toEqual([0, []]);
  let read = 5_000;
  for (let second = 0; second < 3_600; second++) {
    if (pauses() === 0) {
      flow.received(2_500, 0);
      read += 2_500;
    }
    await advance(1_000);
  }
  expect(read).toBeLessThanOrEqual(5_000 + 3_600 * 1_000 + 2_500);
  expect(read).toBeGreaterThan(3_500_000);
  expect(told).toEqual(["byteRate"]);
  await advance(10_000);
  expect(pauses()).toBe(0);
});

test("[LM40] a pause is one, however much was read already, and whoever has gone leaves no wait", async () => {
  const { inlet, advance } = opened({ byteRate: 1_000, byteBurst: 1_000 });
  const { flow, pauses } = inlet("a");
  for (let i = 0; i < 5; i++) flow.received(1_000, 0);
  expect(pauses()).toBe(1);
  flow.over();
  flow.received(100_000, 0);
  await advance(600_000);
  expect(pauses()).toBe(1);
});

test("[LM40] [LM43] requests of one address over one line share what is used up; other addresses and other lines do not", () => {
  const { inlet } = opened({ byteRate: 1_000, byteBurst: 1_000 });
  const line = {};
  const one = inlet("a", { line });
  one.flow.received(1_000, 0);
  const [again, other, elsewhere, alone] = [
    inlet("a", { line }),
    inlet("b", { line }),
    inlet("a", { line: {} }),
    inlet("a"),
  ];
  for (const { flow } of [again, other, elsewhere, alone]) flow.received(10, 0);
  expect([one, again, other, elsewhere, alone].map((it) => it.pauses())).toEqual([0, 1, 0, 0, 0]);
});

test("[LM40] [LM43] what a request has used up outlives it, and only what is at rest is forgotten", async () => {
  const { inlet, intake, advance } = opened({ byteRate: 1_000, byteBurst: 1_000 });
  const line = {};
  const request = (address: string, bytes: number) => {
    const it = inlet(address, { line });
    it.flow.received(bytes, 0);
    return it;
  };
  for (let times = 0; times < 2; times++) {
    request("a", 1_000).flow.over();
    const still = request("b", 1);
    for (let i = 0; i < 300; i++) request(`other ${i}`, 1).flow.over();
    const again = request("a", 10);
    expect(again.pauses()).toBe(1);
    again.flow.over();
    again.flow.over();
    await advance(1_010);
    for (let i = 0; i < 300; i++) request(`late ${i}`, 0).flow.over();
    // Only who is under way is remembered; what it has used up is the same for its next request.
    expect(intake.meters.size).toBe(1);
    still.flow.received(1_500, 0);
    expect(request("b", 0).pauses()).toBe(1);
    still.flow.over();
    await advance(3_000);
  }
});

test("[LM41] [LM44] a frame has its time to come whole, each anew, and pauses of our own are not counted", async () => {
  const { inlet, advance } = opened({ byteRate: 1_000, byteBurst: 1_000, frameTimeout: 5_000 });
  const { flow, told } = inlet("a");
  flow.received(10, 10);
  await advance(4_999);
  flow.received(10, 0);
  flow.received(10, 10);
  await advance(4_999);
  expect(told).toEqual([]);
  flow.received(4_000, 4_010); // 3 s of which are not read
  await advance(3_000);
  expect(told).toEqual(["byteRate"]);
  await advance(10);
  expect(told).toEqual(["byteRate", "frameTimeout", "too-slow"]);
});

test("[LM41] one address has its share: whoever wants more there goes, and others are not disturbed", () => {
  const { inlet, intake } = opened({ maxUnfinishedBytesPerAddress: 1_000 });
  const [one, two, other, local] = [inlet("a"), inlet("a"), inlet("b"), inlet(undefined)];
  one.flow.received(900, 900);
  other.flow.received(900, 900);
  local.flow.received(5_000, 5_000);
  two.flow.received(101, 101);
  expect([one.told, two.told, other.told, local.told]).toEqual([
    [],
    ["maxUnfinishedBytesPerAddress", "busy"],
    [],
    [],
  ]);
  two.flow.received(50, 151);
  expect(two.told).toHaveLength(2);
  two.flow.over();
  expect(intake.unfinished).toBe(6_800);
  one.flow.received(100, 1_000);
  expect(one.told).toEqual([]);
});

test("[LM41] over all, the longest of the address that holds most goes, and each of them only once", () => {
  const { inlet, intake } = opened({ maxUnfinishedBytes: 1_000 });
  const [small, first, second] = [inlet("a"), inlet("b"), inlet("b")];
  small.flow.received(300, 300);
  first.flow.received(300, 300);
  second.flow.received(300, 300);
  small.flow.received(101, 401);
  expect([small.told, first.told, second.told]).toEqual([[], ["maxUnfinishedBytes", "busy"], []]);
  small.flow.received(10, 411); // who was cut is not gone yet
  expect(second.told).toEqual(["maxUnfinishedBytes", "busy"]);
  for (const one of [first, second]) one.flow.over();
  small.flow.over();
  expect(intake.unfinished).toBe(0);
});
