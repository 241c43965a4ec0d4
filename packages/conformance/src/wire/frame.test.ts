import { expect, it } from "vitest";
import { FrameReader, OPCODE, writeFrame } from "./frame.ts";

it("reads what it writes, of any length and in pieces of any size", () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
    for (const masked of [true, false]) {
      const payload = Buffer.alloc(length, "ab");
      const bytes = writeFrame(OPCODE.binary, payload, { masked });
      const reader = new FrameReader();
      const cut = Math.min(bytes.length - 1, 3);
      expect(reader.read(bytes.subarray(0, cut))).toEqual([]);
      const [frame, ...more] = reader.read(bytes.subarray(cut));
      expect(frame).toMatchObject({ fin: true, rsv: 0, opcode: OPCODE.binary, masked });
      // Compared at once: byte by byte it takes seconds.
      expect(frame?.payload.equals(payload)).toBe(true);
      expect(more).toEqual([]);
      expect(reader.unread).toHaveLength(0);
    }
  }
});

it("writes broken frames too", () => {
  const [frame] = new FrameReader().read(
    writeFrame(3, Buffer.from("x"), { fin: false, rsv: 4, masked: false }),
  );
  expect(frame).toEqual({ fin: false, rsv: 4, opcode: 3, masked: false, payload: Buffer.from("x") });
});
