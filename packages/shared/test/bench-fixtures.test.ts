// What the benchmark's encoders write is what they were given: a fast wrong one cannot win there.
import { asFrame, mapPayloads, payloadReader, payloadWriter, sameValue, serverFrames } from "@calla/shared";
import type { ServerFrame } from "@calla/shared";
import { expect, test } from "vitest";
import { said, serialiser, snapshotFrame, updateFrame } from "../../../bench/src/fixtures.ts";

const frames: Record<string, ServerFrame> = {
  "an update of 1 record": updateFrame(1),
  "an update of 64 records": updateFrame(64),
  "a snapshot of 100 KB": snapshotFrame(),
};

for (const format of serialiser.formats) {
  const codec = serialiser.payload(format);
  for (const [name, frame] of Object.entries(frames)) {
    test(`${format.name} gives back ${name}`, () => {
      const data = format.encode(mapPayloads(frame, payloadWriter(codec)));
      const read = asFrame(serverFrames, format.decode(data));
      const back = mapPayloads(read!, payloadReader(codec));
      expect(sameValue(back, frame)).toBe(true);
    });
  }
}

test("the benchmark's message and snapshot have the sizes they are named by", () => {
  const bytes = (value: unknown): number => JSON.stringify(value).length;
  expect(bytes(said(12, 34_567))).toBeGreaterThanOrEqual(90);
  expect(bytes(said(12, 34_567))).toBeLessThanOrEqual(110);
  expect(Math.abs(bytes(snapshotFrame()) - 100_000)).toBeLessThan(10_000);
});
