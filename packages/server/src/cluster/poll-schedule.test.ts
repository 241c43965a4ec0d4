import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { handClock, handPubSub, list, subscribe, wire } from "../../test/wired.ts";
import { memoryLog } from "../log/memory/memory-log.ts";
import { GapRound, PollSchedule, tickOf } from "./poll-schedule.ts";

describe("[SV6] looking at what has subscribers", () => {
  test("each target has its turn once in maxStaleness, from whenever it was opened, and each tick an even share", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.record({ opened: fc.nat(60), closed: fc.nat(120) }), { maxLength: 80 }),
        (seed, spans) => {
          const pollSchedule = new PollSchedule<{ readonly opened: number; readonly closed: number }>(seed);
          const targets = spans.map(({ opened, closed }) => ({ opened, closed: opened + closed }));
          const period = 17 * tickOf(17);
          const looks = new Map<object, number[]>();
          for (let tick = 1; tick <= 200; tick++) {
            const open = targets.filter(({ opened, closed }) => opened < tick && tick <= closed);
            const due = pollSchedule.due(open);
            for (const one of due) looks.set(one, [...(looks.get(one) ?? [one.opened]), tick]);
            if (open.length === targets.length)
              expect(due.length).toBeLessThanOrEqual(targets.length / 16 + 1);
          }
          for (const one of targets) {
            const all = [...(looks.get(one) ?? [one.opened]), one.closed];
            for (const [i, at] of all.entries()) {
              const before = all[i - 1] ?? at;
              expect(at - before).toBeLessThanOrEqual(period);
            }
          }
        },
      ),
    );
  });

  test("two nodes do not ask for the same at the same time", () => {
    const targets = Array.from({ length: 16 }, (_, i) => ({ i }));
    const [a, b] = [new PollSchedule<object>(3), new PollSchedule<object>(4)];
    const [first, second] = [a.due(targets), b.due(targets)];
    expect([first.length, second.length]).toEqual([1, 1]);
    expect(first).not.toEqual(second);
  });

  test("of a log without `moved` a node reads each subscribed topic once in a period, and never all of them at once", async () => {
    const reads: number[] = [];
    const hand = handClock();
    const log = memoryLog({ shared: true });
    const counted: typeof log = Object.assign(Object.create(log) as typeof log, {
      moved: undefined,
      read: (...given: Parameters<typeof log.read>) => {
        reads.push(hand.clock.now());
        return log.read(...given);
      },
    });
    const limits = { maxStaleness: 1_700 };
    const { server, client, advance } = wire(
      { log: counted, pubsub: handPubSub().pubsub, secret: "a secret of all the nodes", limits },
      hand,
    );
    server.handle(list, { public: true });
    const anna = await client();
    anna.say(...Array.from({ length: 32 }, (_, i) => subscribe(`list:${i}`, i + 1)));
    await anna.heard();
    reads.length = 0;
    await advance(1_600);
    expect(reads).toHaveLength(32);
    expect(new Set(reads).size).toBe(16);
    await advance(1_600);
    expect(reads).toHaveLength(64);
  });
});

describe("[SV18] behind a gap of the pubsub", () => {
  /** A node of a shared log that looks again by itself once in ten minutes, and what it read when. */
  async function node(shared = true) {
    const reads: number[] = [];
    const gaps = new Set<() => void>();
    const hand = handClock();
    const log = memoryLog({ shared });
    const counted: typeof log = Object.assign(Object.create(log) as typeof log, {
      moved: undefined,
      read: (...given: Parameters<typeof log.read>) => {
        reads.push(hand.clock.monotonic());
        return log.read(...given);
      },
    });
    const pubsub = {
      ...handPubSub().pubsub,
      onGap(listener: () => void) {
        gaps.add(listener);
        return () => void gaps.delete(listener);
      },
    };
    const secret = "a secret of all the nodes";
    const limits = { maxStaleness: 600_000 };
    const it = wire({ log: counted, pubsub, secret, limits }, hand);
    it.server.handle(list, { public: true });
    const anna = await it.client();
    anna.say(...Array.from({ length: 32 }, (_, i) => subscribe(`list:${i}`, i + 1)));
    await anna.heard();
    reads.length = 0;
    const gap = () => gaps.forEach((listener) => listener());
    return { ...it, reads, gap, gaps };
  }

  test("each subscribed topic is read once within a second, and never all of them at once; so it is a second time", async () => {
    const { reads, gap, advance } = await node();
    for (let time = 1; time <= 2; time++) {
      gap();
      await advance(1_000);
      expect(reads).toHaveLength(32);
      expect(new Set(reads).size).toBe(16);
      await advance(5_000);
      expect(reads.splice(0)).toHaveLength(32);
    }
  });

  test("a gap while they are read begins that second anew, by one timer", async () => {
    const { reads, gap, advance } = await node();
    gap();
    await advance(500);
    for (let i = 0; i < 10; i++) gap();
    await advance(1_000);
    expect(reads.length).toBeLessThanOrEqual(16 + 32);
    await advance(10_000);
    expect(reads.length).toBeLessThanOrEqual(16 + 32);
    expect(reads.length).toBeGreaterThanOrEqual(32);
  });

  test("where the log is this node's alone nothing is read, and a server that has stopped hears of none", async () => {
    const alone = await node(false);
    alone.gap();
    await alone.advance(2_000);
    expect(alone.reads).toEqual([]);
    const { server, reads, gap, gaps, done, advance } = await node();
    gap();
    await done(server.stop());
    reads.length = 0;
    await advance(2_000);
    expect([reads, gaps.size]).toEqual([[], 0]);
  });

  test("a round that was ended ticks no more, and may begin again", async () => {
    const { clock, advance } = handClock();
    let ticks = 0;
    const round = new GapRound(clock, 1_600, () => void ticks++);
    round.begin();
    await advance(800);
    round.stop();
    await advance(5_000);
    expect(ticks).toBe(8);
    round.begin();
    await advance(5_000);
    expect(ticks).toBe(24);
  });
});
