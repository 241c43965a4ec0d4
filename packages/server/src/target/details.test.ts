import { automatic, json } from "@calla/shared";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOfDetails, MOST_OWN, shortened } from "./details.ts";

const size = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

test("[TE24] the app's details are measured as the bytes of their JSON", () => {
  const carrier = automatic(json());
  for (const details of [{}, { text: "é\u0001🙂" }, { list: [1, null] }])
    expect(bytesOfDetails(details, carrier)).toBe(size(details));
  expect(bytesOfDetails({ on: new Date(5) }, carrier)).toBe(size({ on: { $: "date", v: 5 } }));
  expect(bytesOfDetails({ bytes: new Uint8Array(3_000) }, carrier)).toBeGreaterThan(4_000);
});

test("[TE24] Calla's own details that are short stay as they are", () => {
  const details = { issues: [{ message: "Invalid input", path: ["by"] }] };
  expect(shortened(details)).toBe(details);
  expect(shortened({ maxBatch: 100 })).toEqual({ maxBatch: 100 });
});

test("[TE24] [TE29] of many complaints those that fit are kept, from the first on", () => {
  const issues = Array.from({ length: 8 }, (_, i) => ({
    message: `Invalid input: number ${i}`,
    path: ["list", i],
  }));
  const short = shortened({ issues }) as { issues: unknown[] };
  expect(short.issues.length).toBeGreaterThan(2);
  expect(short.issues).toEqual(issues.slice(0, short.issues.length));
  expect(size(short)).toBeLessThanOrEqual(MOST_OWN);
});

test("[TE24] [TE29] of a complaint that is too long path and message are cut, and begin as they were", () => {
  const key = "k".repeat(300);
  const { issues } = shortened({ issues: [{ message: "m".repeat(301), path: ["r", key, 3, key, key] }] }) as {
    issues: [{ message: string; path: string[] }];
  };
  const [{ message, path }] = issues;
  expect(path).toEqual(["r", `${"k".repeat(37)}…`, 3, `${"k".repeat(37)}…`]);
  expect(message).toMatch(/^m{50,}…$/);
  expect(size({ issues })).toBeLessThanOrEqual(MOST_OWN);
});

test("[TE24] other details are cut text by text", () => {
  expect(shortened({ type: "🙂".repeat(100) })).toEqual({ type: `${"🙂".repeat(9)}…` });
});

test("[TE24] [TE29] whatever a peer or a schema has written, Calla's own details have 256 bytes at most, and are whole text", () => {
  const text = fc.string({ unit: "binary", maxLength: 400 });
  const segment = fc.oneof(text, fc.integer());
  const issue = fc.record({ message: text, path: fc.array(segment, { maxLength: 40 }) });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.record({ issues: fc.array(issue, { minLength: 1, maxLength: 8 }) }),
        fc
          .dictionary(text, fc.oneof(text, fc.integer()), { maxKeys: 6 })
          .map((all) => ({ ...all, type: "t" })),
      ),
      (details) => {
        const short = shortened(details);
        expect(size(short)).toBeLessThanOrEqual(MOST_OWN);
        expect(JSON.stringify(short).isWellFormed()).toBe(true);
        if ("issues" in details) expect((short as { issues: unknown[] }).issues.length).toBeGreaterThan(0);
      },
    ),
  );
});
