import { closingCodes, unsubscribedCodes } from "@calla/shared/codes";
import type { CodeTable } from "@calla/shared/codes";
import { expect, test } from "vitest";
import { connectionEnd, subscriptionEnd } from "./ending.ts";

const tables = [
  ["Closing", closingCodes, connectionEnd],
  ["Unsubscribed", unsubscribedCodes, subscriptionEnd],
] as const;

test.each(tables)(
  "[PR9] %s: whether the client tries again is what the code's table says; where that is open, what is said with the code",
  (_, table, end) => {
    const said = end as (end: unknown) => unknown;
    for (const [code, { retryable }] of Object.entries<CodeTable[string]>(table)) {
      if (retryable !== "either") expect(said(code)).toEqual({ code, retryable });
      else
        for (const either of [true, false])
          expect(said({ code, retryable: either })).toEqual({ code, retryable: either });
    }
  },
);

test("[PR9] of the app's own code the app says it", () => {
  const end = { code: "app:out", retryable: true } as const;
  expect(connectionEnd(end)).toEqual(end);
});
