import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { PresenceMessage } from "./presence-message.ts";
import { readPresenceMessage, senderOf, writePresenceMessage } from "./presence-message.ts";

const text = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("__proto__", "x".repeat(4_096)));
const replica = fc.string({ minLength: 1, maxLength: 20 });
const from = fc.record({
  node: fc.record({ name: text, replica, born: fc.nat() }),
  clock: fc.maxSafeNat(),
  silence: fc.nat(600_000),
});
const rows = fc
  .uniqueArray(
    fc.record(
      {
        clock: fc.integer({ min: 2, max: 1_000 }),
        topic: text,
        holder: text,
        key: text,
        meta: fc.jsonValue(),
        replaced: fc.constant(1),
        attempt: fc.maxSafeNat(),
      },
      { requiredKeys: ["clock", "topic", "holder", "key", "meta"] },
    ),
    { maxLength: 6, selector: ({ clock }) => clock },
  )
  .map((all) => all.toSorted((a, b) => a.clock - b.clock));
const message: fc.Arbitrary<PresenceMessage<unknown>> = fc.oneof(
  fc.tuple(from, fc.boolean()).map(([said, hello]) => ({ ...said, type: "beat" as const, hello })),
  from.map((said) => ({ ...said, type: "goodbye" as const })),
  fc
    .tuple(from, text, fc.maxSafeNat())
    .map(([said, of, after]) => ({ ...said, type: "ask" as const, of, after })),
  fc.tuple(from, rows, fc.option(replica, { nil: undefined })).map(([said, all, to]) => ({
    ...said,
    type: "changes" as const,
    to,
    part: {
      replica: said.node.replica,
      clocks: [
        [1, 1],
        [2, 1_000],
      ] as const,
      entries: all.map((entry) => ({ ...entry, replica: said.node.replica })),
    },
  })),
);

test("[PN30] what one node writes another reads as it was, over JSON", () => {
  fc.assert(
    fc.property(message, (written) => {
      const payload: unknown = JSON.parse(JSON.stringify(writePresenceMessage(written)));
      expect(readPresenceMessage(payload)).toEqual(JSON.parse(JSON.stringify(written)));
      expect(senderOf(payload)).toBe(written.node.replica);
    }),
  );
});

test("[PN30] reading is total", () => {
  fc.assert(
    fc.property(fc.anything(), (payload) => {
      expect(readPresenceMessage(payload)).toBeUndefined();
      senderOf(payload);
    }),
  );
});
