import { memoryLog } from "@calla/server";
import type { Append } from "@calla/server";
import { defineTopic, defineWiring } from "@calla/shared";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { archivedLog } from "../history/archive.ts";
import { virtualClock } from "../doubles/clock.ts";
import { vanishingLog } from "./vanishing.ts";

const pad = defineTopic("pad:*", {
  model: z.object({ n: z.number() }),
  initial: () => ({ n: 0 }),
  messages: { added: z.object({}) },
  update: { added: ({ n }) => ({ n: n + 1 }) },
});
const appendOf = (sequence: number, mark: number): Append => ({
  target: "pad:1",
  expected: { sequence, mark },
  records: [
    {
      sequence: sequence + 1,
      mark: sequence + 1,
      version: 1,
      id: `m${sequence}`,
      at: 0,
      author: null,
      mid: 0,
      messages: [{ type: "added" }],
    },
  ] as never,
  rows: [],
  at: 0,
});

function openedTwice() {
  const clock = virtualClock();
  const log = archivedLog(memoryLog({ shared: true }), defineWiring({ topics: [pad] }), {
    appended: (target, _, sequence) => file.appended(target, sequence),
  });
  const file = vanishingLog(() => log);
  const [one, other] = [file.opened(clock.process()), file.opened(clock.process())];
  const told: string[] = [];
  one.onReplaced!(() => void told.push("one"));
  other.onReplaced!(() => void told.push("other"));
  const head = () => log.archive.get("pad:1")?.paths.at(-1)?.places.length;
  return { clock, log, file, one, other, told, head };
}
const problem = (call: Promise<unknown>) =>
  call.then(
    () => "none",
    (error: { details: { code: string } }) => error.details.code,
  );

describe("[SQ12] a log whose file goes away", () => {
  test("with power-loss the first commit finds it out: it is in the former file, and not told; nothing after it is done", async () => {
    const { file, one, other, told, head } = openedTwice();
    await one.append([appendOf(0, 0)]);
    for (let times = 1; times <= 2; times++) {
      file.goes("commit");
      expect(await problem(one.append([appendOf(times, times)]))).toBe("gone");
      expect(head()).toBe(times + 2);
      expect(await problem(one.append([appendOf(times + 1, times + 1)]))).toBe("gone");
      expect(await problem(one.open("pad:1"))).toBe("gone");
      file.comesBack();
      expect((await one.open("pad:1"))?.sequence).toBe(times + 1);
      // Who never looked has noticed nothing.
      expect(await problem(other.open("pad:1"))).toBe("none");
      expect(told).toEqual(Array.from({ length: times }, () => "one"));
    }
    expect(file.astray).toBe(2);
  });

  test("otherwise within a second: what was told until then is where the file is", async () => {
    const { clock, file, one } = openedTwice();
    file.goes("second");
    expect(await problem(one.append([appendOf(0, 0)]))).toBe("none");
    await clock.advance(1_000);
    expect(await problem(one.append([appendOf(1, 1)]))).toBe("gone");
    expect(await problem(one.consumers())).toBe("gone");
  });

  test("a backup lacks the last appends and all since the file went; each process is refused once and then told", async () => {
    const { log, file, one, other, told, head } = openedTwice();
    for (let sequence = 0; sequence < 4; sequence++) await one.append([appendOf(sequence, sequence)]);
    file.goes("second");
    await one.append([appendOf(4, 4)]);
    await file.isReplaced(2);
    expect(head()).toBe(3);
    for (const process of [one, other]) {
      expect(await problem(process.open("pad:1"))).toBe("replaced");
      expect((await process.open("pad:1"))?.sequence).toBe(2);
      await process.open("pad:1");
    }
    expect(told).toEqual(["one", "other"]);
    file.goes("commit");
    await file.isReplaced(1_000);
    expect(head()).toBe(1);
    expect(log.archive.get("pad:1")!.paths).toHaveLength(3);
    await file.isReplaced(1_000);
    expect(log.archive.get("pad:1")!.paths).toHaveLength(3);
  });
});

test("a log that loses its last appends says so to nobody, and one that is gone loses none", async () => {
  const { file, one, told, head } = openedTwice();
  for (const at of [0, 1, 2]) await one.append([appendOf(at, at)]);
  await file.loses(2);
  expect([head(), told]).toEqual([2, []]);
  expect(await problem(one.append([appendOf(1, 1)]))).toBe("none");
  file.goes("commit");
  await file.loses(1);
  expect(head()).toBe(3);
});
