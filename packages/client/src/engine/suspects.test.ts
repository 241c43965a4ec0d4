import { expect, test } from "vitest";
import { VirtualClock } from "../../test/kit.ts";
import { clear, createSuspects, doubt, isDoubted } from "./suspects.ts";
import type { Suspect } from "./suspects.ts";

interface Message extends Suspect {
  stage: string;
  held: boolean;
}
const message = (target = "a", stage = "stored"): Message => ({
  target,
  messages: ["m"],
  stage,
  held: false,
  cuts: 0,
  strikes: 0,
});

function begun() {
  const clock = new VirtualClock();
  const asked: number[] = [];
  const suspects = createSuspects<Message>(clock, {
    ask: () => void asked.push(clock.monotonic()),
    later: () => {},
  });
  /** They leave, or what is told to wait does not. */
  function leave(waiting: readonly Message[], free: readonly Message[] = [], beside = false) {
    const leaving = suspects.next(waiting, free, beside);
    for (const one of leaving) one.stage = "sent";
    return leaving;
  }
  function cut(...all: Message[]): Message | undefined {
    const poison = suspects.ended(all);
    for (const one of all) if (one.stage === "sent") one.stage = "stored";
    suspects.begin();
    return poison;
  }
  /** Doubted: two connections ended with these on their way. */
  function doubted(...all: Message[]): void {
    for (let i = 0; i < 2; i++) {
      for (const one of all) one.stage = "sent";
      cut(...all);
    }
  }
  /** Time passes, and the server answers whatever it is asked, until something of these leaves. Gives the answers. */
  async function untilOut(waiting: readonly Message[]): Promise<number> {
    for (let answers = 0; answers < 1_000; answers++) {
      if (leave(waiting).length > 0) return answers;
      await clock.advance(100);
      suspects.answered();
    }
    throw new Error("nothing leaves");
  }
  return { clock, asked, suspects, leave, cut, doubted, untilOut };
}

test("[OB37] what was on its way when two connections in a row ended is doubted, and what waited is not", () => {
  const { doubted, cut } = begun();
  const [sent, waiting, given] = [message(), message(), { ...message(), messages: [] }];
  sent.stage = "sent";
  cut(sent, waiting);
  expect(isDoubted(sent)).toBe(false);
  doubted(sent, given);
  expect([sent, waiting, given].map(isDoubted)).toEqual([true, false, false]);
  clear(sent);
  expect([isDoubted(sent), sent.cuts]).toEqual([false, 0]);
});

test("[OB37] a doubted one leaves after four answers, asked for one by one; after twice as many each time that it was alone", async () => {
  const { asked, doubted, cut, untilOut } = begun();
  const one = message();
  doubted(one);
  const answers: number[] = [];
  for (let i = 0; i < 3; i++) {
    const before = asked.length;
    // What ended a connection had been on its way for no time at all, so only answers count.
    answers.push(await untilOut([one]));
    expect(asked.length - before).toBe(answers[i]);
    cut(one);
  }
  expect(answers).toEqual([4, 8, 16]);
});

test("[OB37] a connection has to last eight times as long as what ended one had been on its way", async () => {
  const { clock, doubted, cut, untilOut } = begun();
  const one = message();
  doubted(one);
  await untilOut([one]);
  await clock.advance(700);
  cut(one);
  const from = clock.monotonic();
  await untilOut([one]);
  expect(clock.monotonic() - from).toBeGreaterThanOrEqual(5_600);
});

test("[OB39] held is what was alone on its way when three connections ended that had answered, and not what was beside others", async () => {
  const { doubted, cut, untilOut, suspects } = begun();
  const [one, other] = [message("a"), message("b", "sent")];
  doubted(one);
  const held: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    await untilOut([one]);
    expect(suspects.waitsFor("a")).toBe(true);
    held.push(cut(one, other));
  }
  expect(held).toEqual([undefined, undefined, one]);
});

test("[OB39] a connection that ends before the message was sent begins the count anew", async () => {
  const { doubted, cut, untilOut } = begun();
  const one = message();
  doubted(one);
  for (let i = 0; i < 2; i++) {
    await untilOut([one]);
    cut(one);
  }
  expect(one.strikes).toBe(2);
  cut(one);
  expect([one.strikes, isDoubted(one)]).toEqual([0, true]);
});

test("[OB39] [OB44] it leaves only when nothing else is on its way, nothing leaves beside it, and what is free waits no longer than that", async () => {
  const { clock, leave, doubted, suspects } = begun();
  const [one, free] = [message("a"), message("b")];
  doubted(one);
  // Not yet its turn: everything else goes on.
  expect(leave([one], [free], true)).toEqual([free]);
  for (let i = 0; i < 4; i++) {
    suspects.next([one], [], true);
    await clock.advance(10);
    suspects.answered();
  }
  expect(leave([one], [free], true)).toEqual([]);
  expect(leave([one], [free], false)).toEqual([one]);
  expect(suspects.alone).toBe(true);
  await clock.advance(2_000);
  expect(suspects.alone).toBe(false);
  expect(leave([], [free], true)).toEqual([free]);
  // It was decided meanwhile: there is nothing to wait for.
  one.stage = "decided";
  expect([suspects.waitsFor("a"), leave([], [free], true)]).toEqual([false, [free]]);
});

test("[OB45] where one that had ended a connection arrives after all, connections end by chance: one more each time is asked for, up to six", async () => {
  const { doubted, cut, untilOut, leave } = begun();
  for (let innocent = 0; innocent < 5; innocent++) {
    const one = message();
    doubted(one);
    await untilOut([one]);
    cut(one);
    await untilOut([one]);
    one.stage = "decided";
    leave([]);
  }
  const one = message();
  doubted(one);
  let ends = 0;
  for (let held: unknown; !held; ends++) {
    await untilOut([one]);
    held = cut(one);
  }
  expect(ends).toBe(6);
});

test("[OB38] where connections end by themselves half as much is asked of each next one, and what becomes of the message there counts for nothing", async () => {
  const { doubted, cut, untilOut } = begun();
  const one = message();
  doubted(one);
  const answers: number[] = [];
  for (let i = 0; i < 3; i++) {
    cut(one);
    cut(one);
    answers.push(await untilOut([one]));
    expect(cut(one)).toBeUndefined();
    expect(one.strikes).toBe(0);
  }
  expect(answers).toEqual([1, 0, 0]);
});

test("[OB44] several leave at first, and a quarter as many after each end, down to one; of a target nothing overtakes", async () => {
  const { doubted, cut, leave, suspects, untilOut } = begun();
  const all = Array.from({ length: 32 }, (_, i) => message(`${i % 8}`));
  doubted(...all);
  const widths: number[] = [];
  for (let i = 0; i < 4; i++) {
    await untilOut(all);
    const out = all.filter(({ stage }) => stage === "sent");
    widths.push(out.length);
    expect(suspects.next(all, [], false)).toEqual(out);
    cut(...all);
  }
  expect(widths).toEqual([32, 8, 2, 1]);
  expect(leave(all)).toEqual([]);
});

test("[OB36] the server's word about something is about the one that was alone, and otherwise about nobody: all are doubted", async () => {
  const { doubted, untilOut, suspects } = begun();
  const others = [message("a", "sent"), message("b", "sent")];
  expect(suspects.refused(others)).toBeUndefined();
  expect(others.map(isDoubted)).toEqual([true, true]);
  const one = message();
  doubted(one);
  await untilOut([one]);
  expect(suspects.refused([one])).toBe(one);
});

test("[OB40] one that the app sends once more has been alone once already", async () => {
  const { cut, suspects, untilOut } = begun();
  const one = message();
  doubt(suspects, one, 1);
  expect([suspects.busy, await untilOut([one])]).toEqual([true, 8]);
  cut(one);
  await untilOut([one]);
  expect(cut(one)).toBe(one);
});
