import { expect, test } from "vitest";
import { asFrame } from "../wire/protocol.ts";
import { serverFrames } from "../wire/server-frames.ts";
import { closeCodes } from "./close-codes.ts";
import * as tables from "./codes.ts";
import type { CodeTable } from "./code-table.ts";

test.each(Object.entries<CodeTable>(tables))(
  "[PR6] %s: each code is one word of its own, with a sentence and a cure",
  (_, table) => {
    expect(Object.keys(table).length).toBeGreaterThan(2);
    for (const [code, { retryable, means, cure }] of Object.entries(table)) {
      // An app's own word has a colon, and none of Calla's has.
      expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect([true, false, "either"]).toContain(retryable);
      expect(means).toMatch(/^[A-Za-z].*\.$/);
      expect(cure).toMatch(/^[A-Za-z].*\.$/);
    }
  },
);

test("[PR6] what never comes back by itself says what to do", () => {
  // "Nothing" alone is for what mends itself, or has been done by the app.
  const idle = (table: CodeTable): string[] =>
    Object.keys(table).filter((code) => table[code]!.retryable === false && table[code]!.cure === "Nothing.");
  for (const table of Object.values<CodeTable>(tables)) expect(idle(table)).toEqual([]);
});

test("[PR7] a frame whose code is in no table is a frame all the same", () => {
  const frames = [
    { type: "Closing", code: "quite-new", retryable: true, within: 0 },
    { type: "Paused", target: "list:1", from: 1, code: "quite-new", retryAfter: 1 },
    { type: "Unsubscribed", target: "list:1", ref: 1, code: "quite-new", retryable: false },
    { type: "Rejected", target: "list:1", mid: 1, id: "m", from: "calla", code: "quite-new", details: {} },
  ];
  for (const frame of frames) expect(asFrame(serverFrames, frame)).toBe(frame);
});

test("[PR6] each close code of a WebSocket has a sentence and a cure", () => {
  for (const [code, { means, cure }] of Object.entries(closeCodes)) {
    expect(code).toMatch(/^(1|4)\d{3}$/);
    for (const sentence of [means, cure]) expect(sentence).toMatch(/^[A-Za-z].*\.$/);
  }
});
