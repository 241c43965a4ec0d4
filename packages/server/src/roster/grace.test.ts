import { closingCodes } from "@calla/shared/codes";
import type { ClosingCode } from "@calla/shared";
import { expect, test } from "vitest";
import { GRACE, graceOf, pollGrace } from "./grace.ts";

const loss = { code: "", farewell: false, within: 0 } as const;

test("[SP6] ten seconds, or where a wider spread was told that and two seconds; none for who goes on purpose", () => {
  expect(graceOf(loss)).toBe(GRACE);
  expect(graceOf({ ...loss, within: 3_000 })).toBe(10_000);
  expect(graceOf({ ...loss, within: 30_000 })).toBe(32_000);
  expect(graceOf({ ...loss, farewell: true, within: 30_000 })).toBe(0);
});

test("[SP5] [SP6] whom the server ends for his rights, or for good, is gone at once; who comes back by himself is waited for", () => {
  const codes = Object.keys(closingCodes) as ClosingCode[];
  const waited = codes.filter((code) => graceOf({ ...loss, code }) > 0);
  // Of another connection of the same client, which is let in.
  const but = waited.filter((code) => closingCodes[code].retryable !== true);
  expect(but).toEqual(["superseded"]);
  for (const code of ["disconnected", "unauthenticated", "token-expired", "user-changed"] as const)
    expect(waited).not.toContain(code);
  expect(graceOf({ ...loss, code: "app:replaced" })).toBe(0);
  expect(graceOf({ ...loss, code: "draining", within: 20_000 })).toBe(22_000);
});

test("[SP15] a poll is believed for how long it says, up to two minutes", () => {
  expect([pollGrace(undefined), pollGrace(0), pollGrace(9_000), pollGrace(1e12)]).toEqual([
    10_000, 0, 9_000, 120_000,
  ]);
});
