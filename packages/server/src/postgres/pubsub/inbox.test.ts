import fc from "fast-check";
import { expect, test } from "vitest";
import { framed, writeFrame, writeMessage } from "./frames.ts";
import { Inbox } from "./inbox.ts";

function box(mostOfOne = 100_000, mostOfAll = 200_000) {
  const heard: string[] = [];
  const told = { gaps: 0, garbled: 0 };
  const inbox = new Inbox({
    heard: ({ channel, text }) => void heard.push(`${channel}:${text.length > 20 ? text.length : text}`),
    gap: () => void told.gaps++,
    garbled: () => void told.garbled++,
    mostOfOne,
    mostOfAll,
  });
  return { inbox, heard, told };
}

/** What a sender notifies. */
const said = (sender: string, texts: readonly string[], first = 1): readonly string[] =>
  framed(texts.map((text) => writeMessage({ channel: "t", text }))).map((frame, i) =>
    writeFrame({ ...frame, sender, number: first + i }),
  );

const LARGE = "x".repeat(30_000);

test("[PG11] what comes twice is heard once", () => {
  const { inbox, heard, told } = box();
  const frames = said("a", ["1", LARGE, "2"]);
  for (const frame of [...frames, ...frames]) inbox.take(frame);
  expect([heard, told.gaps]).toEqual([["t:1", "t:30000", "t:2"], 0]);
});

test("[PG11] whichever frames are lost, the rest is heard whole and in order, and there is a gap", () => {
  const frames = said("a", ["1", LARGE, "2", LARGE, "3"]);
  fc.assert(
    fc.property(fc.subarray([...frames.keys()], { minLength: 1 }), (kept) => {
      const { inbox, heard, told } = box();
      for (const i of kept) inbox.take(frames[i]!);
      const all = ["t:1", "t:30000", "t:2", "t:30000", "t:3"];
      let at = 0;
      for (const one of heard) {
        at = all.indexOf(one, at) + 1;
        expect(at).toBeGreaterThan(0);
      }
      const holes = kept.some((n, i) => i > 0 && n !== kept[i - 1]! + 1);
      expect(told.gaps > 0).toBe(holes);
    }),
  );
});

test("[PG11] the beginning of one message and the end of another are no message, though lengths fit", () => {
  const { inbox, heard, told } = box();
  const frames = said("a", ["x".repeat(10_000), "y".repeat(10_000)]);
  inbox.take(frames[0]!);
  inbox.take(frames.at(-1)!);
  expect([frames.length, heard, told]).toEqual([4, [], { gaps: 1, garbled: 0 }]);
});

test("[PG11] senders do not disturb each other, and who is heard first in the middle of a message misses it alone", () => {
  const { inbox, heard, told } = box();
  const [a, b] = [said("a", [LARGE]), said("b", [LARGE, "1"])];
  for (const [i, frame] of a.entries()) for (const one of [frame, ...(i > 0 ? [b[i]!] : [])]) inbox.take(one);
  for (const frame of b.slice(a.length)) inbox.take(frame);
  expect([heard, told.gaps]).toEqual([["t:30000", "t:1"], 0]);
});

test("[PG14] what is half here is bounded, of one and of all, and what is given up is a gap", () => {
  const { inbox, heard, told } = box(20_000, 30_000);
  for (const frame of said("a", [LARGE, "1"])) inbox.take(frame);
  expect([heard, told.gaps, inbox.held]).toEqual([["t:1"], 1, 0]);
  const begun = said("s", [LARGE])[0]!;
  for (let i = 0; i < 5_000; i++) inbox.take(begun.replace("1 s", `1 s${i}`));
  expect(inbox.held).toBeLessThanOrEqual(30_000);
  expect(told.gaps).toBeGreaterThan(4_900);
  inbox.away();
  expect(inbox.held).toBe(0);
});

test("[PG13] whatever is notified, nothing is thrown", () => {
  const hostile = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.constantFrom("a", "b"), fc.nat(5), fc.constantFrom("=", "<", "-", ">"), fc.string())
      .map(([sender, number, kind, body]) => `1 ${sender} ${number} ${kind}${body}`),
    fc.constantFrom(...said("a", ["1", LARGE])),
  );
  fc.assert(
    fc.property(fc.array(hostile), (payloads) => {
      const { inbox } = box(20_000, 20_000);
      for (const payload of payloads) inbox.take(payload);
      inbox.away();
      expect(inbox.held).toBe(0);
    }),
  );
});
